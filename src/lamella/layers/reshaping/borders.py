"""ZeroPadding and Cropping: a border of zeros around the spatial axes, and off again."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import ops
from lamella.errors import ShapeError
from lamella.layers.configured import Rearranging, Shape
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords
from lamella.layers.windows import Spatial

__all__ = ["Cropping1D", "Cropping2D", "Cropping3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"]


class Border(Spatial, Rearranging):
    """A border before and after each of the `rank` spatial axes."""

    def _keep_border(self, argument: str, value: Any, data_format: str | None) -> None:
        """Keeps ((before, after), ...), from that, from one number an axis, or from one for all.

        With one spatial axis it is (before, after).
        """
        if self.rank == 1:
            border = self._sizes_(argument, value, 2, least=0)
        else:
            entries = (value,) * self.rank if isinstance(value, int) else value
            if not isinstance(entries, (tuple, list)) or len(entries) != self.rank:
                raise self._refusal_(argument, value, f"an integer, or {self.rank} integers or pairs (before, after)")
            border = tuple(self._sizes_(argument, entry, 2, least=0) for entry in entries)
        setattr(self, argument, border)
        self._borders: Any = (border,) if self.rank == 1 else border
        self._keep_data_format_(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _by_axis(self) -> Any:
        return zip(self._spatial_axes_, self._borders, strict=True)


class ZeroPadding(Border):
    """A border of zeros; see ZeroPadding2D."""

    config_names = ("padding", "data_format")

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self._keep_border("padding", padding, data_format)

    def call(self, inputs: Any) -> Any:
        margins = [(0, 0)] * inputs.ndim
        for axis, border in self._by_axis():
            margins[axis] = border
        return ops.pad(inputs, margins)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = list(input_shape)
        for axis, border in self._by_axis():
            sizes[axis] = None if sizes[axis] is None else sizes[axis] + sum(border)
        return tuple(sizes)


class Cropping(Border):
    """A border off; see Cropping2D."""

    config_names = ("cropping", "data_format")

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self._keep_border("cropping", cropping, data_format)

    def call(self, inputs: Any) -> Any:
        kept = [slice(None)] * inputs.ndim
        for axis, (before, after) in self._by_axis():
            kept[axis] = slice(before, inputs.shape[axis] - after)
        self.compute_output_shape(inputs.shape)
        return inputs[tuple(kept)]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = list(input_shape)
        for axis, border in self._by_axis():
            sizes[axis] = None if sizes[axis] is None else sizes[axis] - sum(border)
            if sizes[axis] is not None and sizes[axis] <= 0:
                raise ShapeError(
                    f"{self._where_()} would leave nothing of axis {axis}.",
                    expected=f"a size of more than {sum(border)}",
                    received=tuple(input_shape),
                )
        return tuple(sizes)


class ZeroPadding1D(ZeroPadding):
    """Puts zeros before and after a sequence.

    Args:    padding: how many on each side, or (before, after).
    Shape:   in (batch, steps, channels) → out (batch, padded_steps, channels)
    Example: >>> ZeroPadding1D((1, 0))(np.ones((1, 2, 1))).ravel().tolist()
             [0.0, 1.0, 1.0]
    """

    rank = 1


class ZeroPadding2D(ZeroPadding):
    """Puts a border of zeros around images.

    Args:    padding: pixels on each side; (vertical, horizontal); or
                 ((top, bottom), (left, right)).
    Shape:   in (batch, height, width, channels) → out (batch, padded_height, padded_width, channels)
    Example: >>> ZeroPadding2D(((0, 1), (0, 1)))(Input((8, 8, 3))).shape
             (None, 9, 9, 3)
    """

    rank = 2


class ZeroPadding3D(ZeroPadding):
    """Puts a border of zeros around volumes.

    Args:    padding: one integer, three, or three pairs (before, after).
    Example: >>> ZeroPadding3D(1)(Input((2, 2, 2, 3))).shape
             (None, 4, 4, 4, 3)
    """

    rank = 3


class Cropping1D(Cropping):
    """Takes steps off both ends of a sequence.

    Args:    cropping: how many on each side, or (before, after).
    Shape:   in (batch, steps, features) → out (batch, cropped_steps, features)
    Raises:  ShapeError: nothing would be left.
    Example: >>> Cropping1D(1)(np.arange(4.0).reshape(1, 4, 1)).ravel().tolist()
             [1.0, 2.0]
    """

    rank = 1
    config_names = ("cropping",)

    def __init__(self, cropping: Any = (1, 1), **kwargs: Unpack[LayerKeywords]):
        super().__init__(cropping, "channels_last", **kwargs)


class Cropping2D(Cropping):
    """Takes a border off images.

    Args:    cropping: pixels on each side; (vertical, horizontal); or
                 ((top, bottom), (left, right)).
    Raises:  ShapeError: nothing would be left.
    Example: >>> Cropping2D(((2, 2), (4, 4)))(Input((28, 28, 3))).shape
             (None, 24, 20, 3)
    """

    rank = 2

    def __init__(
        self,
        cropping: Any = ((0, 0), (0, 0)),
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(Cropping):
    """Takes a border off volumes.

    Args:    cropping: one integer, three, or three pairs (before, after).
    Raises:  ShapeError: nothing would be left.
    Example: >>> Cropping3D(1)(Input((4, 4, 4, 3))).shape
             (None, 2, 2, 2, 3)
    """

    rank = 3
