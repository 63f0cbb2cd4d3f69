"""What layers that change colors share: the range of values, and masks that pass."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp

from lamella.errors import ShapeError
from lamella.layers.configured import Shape
from lamella.layers.preprocessing.image import ImageLayer, RandomImageLayer

BYTES = (0, 255)


class ColorLayer(ImageLayer):
    """A layer that changes the values of images; their labels, boxes and masks pass.

    Args:    value_range: the least and the greatest value that images may have.
    """

    config_names = ("data_format", "value_range")
    _sorts: ClassVar[bool] = True  # whether the range is kept in order, as a list
    _needs_rgb: ClassVar[bool] = False

    def __init__(self, value_range: Any = BYTES, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
            raise self._refusal_("value_range", value_range, "two numbers, such as (0, 255)")
        self.value_range = sorted(value_range) if self._sorts else value_range

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        return segmentation_masks

    def _check_shape(self, shape: Shape) -> None:
        super()._check_shape(shape)
        if self._needs_rgb and shape[self.channel_axis] not in (3, None):
            raise ShapeError(
                f"{self._where_()} takes colors: red, green and blue.",
                expected=f"3 channels ({self.data_format})",
                received=shape,
            )

    def _clipped(self, images: Any) -> Any:
        return jnp.clip(images, *self.value_range)


class RandomColor(ColorLayer, RandomImageLayer):
    """A random change of values; `factor`, where there is one, is the range it is drawn from."""

    config_names = ("data_format", "factor", "value_range", "seed")
    _bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def __init__(
        self,
        factor: Any,
        value_range: Any = BYTES,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(value_range=value_range, data_format=data_format, seed=seed, **kwargs)
        self.factor = self._range("factor", factor, *self._bounds)


def rescaled(images: Any, source: Any, target: Any) -> Any:
    """Values of one range as they are in another: [0, 1] as [0, 255], say."""
    if tuple(source) == tuple(target):
        return images
    return (images - source[0]) / (source[1] - source[0]) * (target[1] - target[0]) + target[0]
