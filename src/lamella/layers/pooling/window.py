"""MaxPooling and AveragePooling: one number for every place of a window."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import ops
from lamella.layers.configured import Shape, Weightless
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import NamelessKeywords
from lamella.layers.windows import Spatial, places

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
]


class Pooling(Spatial, Weightless):
    """A window without weights that slides over `rank` axes."""

    config_names = ("pool_size", "strides", "padding", "data_format")

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Unpack[NamelessKeywords],
    ):
        super().__init__(name=name, **kwargs)
        self.pool_size = self._sizes_("pool_size", pool_size, self.rank)
        self.strides = self.pool_size if strides is None else self._sizes_("strides", strides, self.rank)
        self.padding = self._padding_(padding)
        self._keep_data_format_(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        windows = zip(self._spatial_(input_shape), self.pool_size, self.strides, strict=True)
        spatial = [places(*window, self.padding) for window in windows]
        return self._shaped_(input_shape, spatial, input_shape[self._channel_axis_])


class MaxPooling(Pooling):
    """The largest number in every window."""

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Unpack[NamelessKeywords],
    ):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def call(self, inputs: Any) -> Any:
        return ops.max_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class AveragePooling(Pooling):
    """The mean of every window, counting only what lies inside of the input."""

    def call(self, inputs: Any) -> Any:
        return ops.average_pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class MaxPooling1D(MaxPooling):
    """The largest number in every window of steps.

    Args:    strides: distance between windows; pool_size if None.
    Shape:   in (batch, steps, channels) → out (batch, new_steps, channels)
    Example: >>> MaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0], [5.0]]])).ravel().tolist()
             [3.0, 5.0]
    """

    rank = 1


class MaxPooling2D(MaxPooling):
    """The largest number in every window of pixels.

    Args:    pool_size, strides: one integer, or (height, width); strides = pool_size if None.
    Shape:   in (batch, height, width, channels) → out (batch, new_height, new_width, channels)
    Example: >>> MaxPooling2D()(Input((8, 8, 3))).shape
             (None, 4, 4, 3)
    """

    rank = 2


class MaxPooling3D(MaxPooling):
    """The largest number in every window of voxels.

    Example: >>> MaxPooling3D()(Input((8, 8, 8, 3))).shape
             (None, 4, 4, 4, 3)
    """

    rank = 3


class AveragePooling1D(AveragePooling):
    """The mean of every window of steps.

    Args:    strides: distance between windows; pool_size if None.
    Shape:   in (batch, steps, channels) → out (batch, new_steps, channels)
    Example: >>> AveragePooling1D(2)(np.array([[[1.0], [3.0], [2.0], [5.0]]])).ravel().tolist()
             [2.0, 3.5]
    """

    rank = 1


class AveragePooling2D(AveragePooling):
    """The mean of every window of pixels.

    Args:    pool_size, strides: one integer, or (height, width); strides = pool_size if None.
    Shape:   in (batch, height, width, channels) → out (batch, new_height, new_width, channels)
    Example: >>> AveragePooling2D(2)(Input((8, 8, 3))).shape
             (None, 4, 4, 3)
    """

    rank = 2


class AveragePooling3D(AveragePooling):
    """The mean of every window of voxels.

    Example: >>> AveragePooling3D(2)(Input((8, 8, 8, 3))).shape
             (None, 4, 4, 4, 3)
    """

    rank = 3


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
