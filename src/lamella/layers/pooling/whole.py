"""GlobalMaxPooling and GlobalAveragePooling: one number for every channel."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import ops
from lamella.layers.configured import Shape, Weightless
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords
from lamella.layers.windows import Spatial

__all__ = [
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
]


class GlobalPooling(Spatial, Weightless):
    """Reduces all of the `rank` spatial axes at once."""

    config_names = ("data_format", "keepdims")

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self._keep_data_format_(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        spatial = (1,) * len(self._spatial_(input_shape)) if self.keepdims else ()
        return self._shaped_(input_shape, spatial, input_shape[self._channel_axis_])


class GlobalMaxPooling(GlobalPooling):
    """The largest number of every channel."""

    def call(self, inputs: Any) -> Any:
        return ops.max(inputs, axis=self._spatial_axes_, keepdims=self.keepdims)


class GlobalAveragePooling(GlobalPooling):
    """The mean of every channel."""

    def call(self, inputs: Any) -> Any:
        return ops.mean(inputs, axis=self._spatial_axes_, keepdims=self.keepdims)


class GlobalMaxPooling1D(GlobalMaxPooling):
    """The largest number of every channel over all steps.

    Args:    keepdims: the axis stays, with size 1.
    Shape:   in (batch, steps, channels) → out (batch, channels)
    Example: >>> GlobalMaxPooling1D()(np.array([[[1.0], [3.0]]])).tolist()
             [[3.0]]
    """

    rank = 1


class GlobalMaxPooling2D(GlobalMaxPooling):
    """The largest number of every channel over an image.

    Args:    keepdims: the axes stay, with size 1.
    Shape:   in (batch, height, width, channels) → out (batch, channels)
    Example: >>> GlobalMaxPooling2D()(Input((8, 8, 3))).shape
             (None, 3)
    """

    rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling):
    """The largest number of every channel over a volume.

    Example: >>> GlobalMaxPooling3D(keepdims=True)(Input((8, 8, 8, 3))).shape
             (None, 1, 1, 1, 3)
    """

    rank = 3


class GlobalAveragePooling1D(GlobalAveragePooling):
    """The mean of every channel over all steps, or over those that a mask keeps.

    Args:    keepdims: the axis stays, with size 1.
    Shape:   in (batch, steps, channels) → out (batch, channels); mask (batch, steps)
    Example: >>> x = np.array([[[1.0], [3.0], [9.0]]])
             >>> GlobalAveragePooling1D()(x, mask=np.array([[True, True, False]])).tolist()
             [[2.0]]
    """

    rank = 1

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Unpack[LayerKeywords]):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        keep = ops.expand_dims(ops.cast(mask, "bool"), self._channel_axis_)
        total, count = (
            ops.sum(x, axis=self._spatial_axes_, keepdims=self.keepdims)
            for x in (ops.where(keep, inputs, 0), ops.cast(keep, inputs.dtype))
        )
        return total / count

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None


class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean of every channel over an image.

    Args:    keepdims: the axes stay, with size 1.
    Shape:   in (batch, height, width, channels) → out (batch, channels)
    Example: >>> GlobalAveragePooling2D()(Input((8, 8, 3))).shape
             (None, 3)
    """

    rank = 2


class GlobalAveragePooling3D(GlobalAveragePooling):
    """The mean of every channel over a volume.

    Example: >>> GlobalAveragePooling3D(keepdims=True)(Input((8, 8, 8, 3))).shape
             (None, 1, 1, 1, 3)
    """

    rank = 3


GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
)
