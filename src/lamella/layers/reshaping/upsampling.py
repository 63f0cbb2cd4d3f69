"""UpSampling: every place of the spatial axes becomes several."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import ops
from lamella.layers.configured import Rearranging, Shape
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords
from lamella.layers.windows import Spatial

__all__ = ["UpSampling1D", "UpSampling2D", "UpSampling3D"]

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")


class UpSampling(Spatial, Rearranging):
    """Repeats every place along `rank` spatial axes; see UpSampling2D."""

    config_names = ("size", "data_format")

    def __init__(self, size: Any = 2, data_format: str | None = None, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.size: Any = self._sizes_("size", size, self.rank)
        self._keep_data_format_(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _factors(self) -> tuple[int, ...]:
        return self.size

    def call(self, inputs: Any) -> Any:
        x = inputs
        for axis, factor in zip(self._spatial_axes_, self._factors, strict=True):
            x = ops.repeat(x, factor, axis=axis)
        return x

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        pairs = zip(self._spatial_(input_shape), self._factors, strict=True)
        spatial = [None if size is None else size * factor for size, factor in pairs]
        return self._shaped_(input_shape, spatial, input_shape[self._channel_axis_])


class UpSampling1D(UpSampling):
    """Repeats every step of a sequence `size` times.

    Shape:   in (batch, steps, features) → out (batch, steps · size, features)
    Example: >>> UpSampling1D(2)(np.array([[[1.0], [2.0]]])).ravel().tolist()
             [1.0, 1.0, 2.0, 2.0]
    """

    rank = 1
    config_names = ("size",)

    def __init__(self, size: int = 2, **kwargs: Unpack[LayerKeywords]):
        super().__init__(size, "channels_last", **kwargs)
        self.size = self._positive_("size", size)

    @property
    def _factors(self) -> tuple[int, ...]:
        return (self.size,)


class UpSampling2D(UpSampling):
    """Makes images larger by whole factors.

    Args:    size: one factor, or (vertical, horizontal).
             interpolation: "nearest" repeats pixels; "bilinear", "bicubic",
                 "lanczos3", "lanczos5" blend them.
    Shape:   in (batch, height, width, channels)
             → out (batch, height · size[0], width · size[1], channels)
    Example: >>> UpSampling2D((1, 2))(Input((8, 8, 3))).shape
             (None, 8, 16, 3)
    """

    rank = 2
    config_names = ("size", "data_format", "interpolation")

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(size, data_format, **kwargs)
        self.interpolation = interpolation.lower()
        if self.interpolation not in _INTERPOLATIONS:
            raise self._refusal_("interpolation", interpolation, " or ".join(_INTERPOLATIONS))

    def call(self, inputs: Any) -> Any:
        if self.interpolation == "nearest":
            return super().call(inputs)
        sizes = [inputs.shape[axis] * factor for axis, factor in zip(self._spatial_axes_, self.size, strict=True)]
        return ops.image.resize(inputs, sizes, interpolation=self.interpolation, data_format=self.data_format)


class UpSampling3D(UpSampling):
    """Repeats every voxel of volumes along three axes.

    Args:    size: one factor, or three.
    Example: >>> UpSampling3D(2)(Input((2, 2, 2, 3))).shape
             (None, 4, 4, 4, 3)
    """

    rank = 3
