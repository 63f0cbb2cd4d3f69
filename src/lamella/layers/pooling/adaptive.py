"""AdaptiveMaxPooling and AdaptiveAveragePooling: as many windows as the output has places."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import ops
from lamella.layers.configured import Shape, Weightless
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords
from lamella.layers.windows import Spatial

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
]


class AdaptivePooling(Spatial, Weightless):
    """Splits the `rank` spatial axes into a given number of windows, which may overlap by one."""

    config_names = ("output_size", "data_format")

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.output_size = self._sizes_("output_size", output_size, self.rank)
        self._keep_data_format_(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._shaped_(input_shape, self.output_size, input_shape[self._channel_axis_])


class AdaptiveMaxPooling(AdaptivePooling):
    """The largest number in every window."""

    def call(self, inputs: Any) -> Any:
        return ops.adaptive_max_pool(inputs, self.output_size, self.data_format)


class AdaptiveAveragePooling(AdaptivePooling):
    """The mean of every window."""

    def call(self, inputs: Any) -> Any:
        return ops.adaptive_average_pool(inputs, self.output_size, self.data_format)


class AdaptiveMaxPooling1D(AdaptiveMaxPooling):
    """The largest number in each of `output_size` parts of a sequence.

    Shape:   in (batch, steps, channels) → out (batch, output_size, channels)
    Example: >>> AdaptiveMaxPooling1D(2)(np.arange(4.0).reshape(1, 4, 1)).ravel().tolist()
             [1.0, 3.0]
    """

    rank = 1


class AdaptiveMaxPooling2D(AdaptiveMaxPooling):
    """The largest number in each part of an image that is cut into `output_size` parts.

    Args:    output_size: one integer, or (height, width).
    Example: >>> AdaptiveMaxPooling2D(2)(Input((7, 9, 3))).shape
             (None, 2, 2, 3)
    """

    rank = 2


class AdaptiveMaxPooling3D(AdaptiveMaxPooling):
    """The largest number in each part of a volume that is cut into `output_size` parts.

    Example: >>> AdaptiveMaxPooling3D(2)(Input((4, 4, 4, 3))).shape
             (None, 2, 2, 2, 3)
    """

    rank = 3


class AdaptiveAveragePooling1D(AdaptiveAveragePooling):
    """The mean of each of `output_size` parts of a sequence.

    Shape:   in (batch, steps, channels) → out (batch, output_size, channels)
    Example: >>> AdaptiveAveragePooling1D(2)(np.arange(4.0).reshape(1, 4, 1)).ravel().tolist()
             [0.5, 2.5]
    """

    rank = 1


class AdaptiveAveragePooling2D(AdaptiveAveragePooling):
    """The mean of each part of an image that is cut into `output_size` parts.

    Args:    output_size: one integer, or (height, width).
    Example: >>> AdaptiveAveragePooling2D((1, 2))(Input((7, 9, 3))).shape
             (None, 1, 2, 3)
    """

    rank = 2


class AdaptiveAveragePooling3D(AdaptiveAveragePooling):
    """The mean of each part of a volume that is cut into `output_size` parts.

    Example: >>> AdaptiveAveragePooling3D(2)(Input((4, 4, 4, 3))).shape
             (None, 2, 2, 2, 3)
    """

    rank = 3
