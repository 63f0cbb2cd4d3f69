"""Networks published in several widths, for several sizes of images: MobileNet and its successors."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from lamella.applications.request import Request, image_parts
from lamella.errors import ArgumentError, ShapeError

_SIZE = 224


@dataclass(frozen=True)
class Scales:
    """What there are weights for.

    widths: multipliers of the number of filters.
    sizes:  of square images, in pixels.
    """

    widths: tuple[float, ...]
    sizes: tuple[int, ...]

    def size(self, shape: Any) -> int:
        """The side of an image of this shape if it was trained on, else 224."""
        side = self._side(shape)
        return _SIZE if side is None else side

    def published(self, request: Request, width: float, shape: Any) -> int:
        """The size whose weights go with an image of this shape.

        Raises: ArgumentError: there are no weights of this width.
        """
        if request.pretrained and width not in self.widths:
            raise ArgumentError(
                "No weights are published for this alpha.", expected=self.widths, received=f"alpha={width}"
            )
        if request.pretrained and self._side(shape) is None:
            warnings.warn(
                f"Weights are published for square images of {self.sizes}; those for 224 are loaded.", stacklevel=3
            )
        return self.size(shape)

    def _side(self, shape: Any) -> int | None:
        sizes = set() if shape is None else set(image_parts(shape)[0])
        return next(iter(sizes)) if len(sizes) == 1 and sizes <= set(self.sizes) else None


def checked_width(alpha: Any) -> float:
    """The width multiplier, if it is one."""
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or alpha <= 0:
        raise ArgumentError("alpha, the width multiplier, is a positive number.", received=repr(alpha))
    return alpha


def agreed(request: Request) -> Any:
    """The input shape, or that of the input tensor, which must be as wide if both are given."""
    given, tensor = request.input_shape, request.input_tensor
    if tensor is None:
        return given
    shape = tuple(tensor.shape[1:])
    if given is not None and len(given) == 3 and image_parts(given)[0][1] != image_parts(shape)[0][1]:
        raise ShapeError("input_shape and input_tensor do not agree.", expected=shape, received=given)
    return shape if given is None else given
