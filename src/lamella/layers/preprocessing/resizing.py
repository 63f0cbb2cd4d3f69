"""Layers that give images another size: Resizing and CenterCrop."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella import ops
from lamella.dtypes import is_float
from lamella.graph import KerasTensor
from lamella.layers.configured import Shape
from lamella.layers.preprocessing.image import ImageLayer

__all__ = ["CenterCrop", "Resizing"]

_INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


class Resizing(ImageLayer):
    """Scales images to a size; integers stay integers.

    Args:    height, width: in pixels.
             interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
             crop_to_aspect_ratio: cuts off what does not fit instead of distorting.
             pad_to_aspect_ratio: fills with `fill_value` instead of distorting.
             antialias: blurs before making images smaller.
    Shape:   in (..., h, w, channels) → out (..., height, width, channels)
    Example: >>> Resizing(8, 8)(np.ones((2, 16, 12, 3), "uint8")).shape
             (2, 8, 8, 3)
    """

    config_names = (
        *("height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio"),
        *("fill_mode", "fill_value", "antialias", "data_format"),
    )

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = self._positive("height", height), self._positive("width", width)
        if interpolation not in _INTERPOLATIONS:
            raise self._refusal("interpolation", interpolation, f"one of {', '.join(_INTERPOLATIONS)}")
        if fill_mode != "constant":
            raise self._refusal("fill_mode", fill_mode, "'constant'")
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise self._refusal("pad_to_aspect_ratio", True, "False where crop_to_aspect_ratio=True")
        self.interpolation, self.antialias = interpolation, bool(antialias)
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value

    def _change(self, images: Any, change: Any, training: bool, interpolation: str | None = None) -> Any:
        resized = ops.image.resize(
            images,
            size=(self.height, self.width),
            interpolation=interpolation or self.interpolation,
            antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )
        return _back_to(images.dtype, resized)

    def _change_masks(self, masks: Any, change: Any, training: bool) -> Any:
        return self._change(masks, change, training, interpolation="nearest")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._resized(input_shape, self.height, self.width)

    def compute_output_spec(self, data: Any, training: bool = True) -> Any:
        return jax.tree.map(lambda t: KerasTensor(self.compute_output_shape(t.shape), t.dtype), data)


class CenterCrop(ImageLayer):
    """Cuts out the center of images; smaller ones are scaled up first.

    Args:    height, width: in pixels.
    Shape:   in (..., h, w, channels) → out (..., height, width, channels)
    Example: >>> CenterCrop(4, 4)(np.ones((2, 16, 12, 3))).shape
             (2, 4, 4, 3)
    """

    config_names = ("height", "width", "data_format")

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = self._positive("height", height), self._positive("width", width)

    def _change(self, images: Any, change: Any, training: bool) -> Any:
        images = images.astype(self.compute_dtype)
        spare_height, spare_width = (a - b for a, b in zip(self._size(images), (self.height, self.width), strict=True))
        if spare_height < 0 or spare_width < 0:
            size = (self.height, self.width)
            return ops.image.resize(images, size, crop_to_aspect_ratio=True, data_format=self.data_format)
        return self._cut(images, spare_height // 2, spare_width // 2, self.height, self.width)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._resized(input_shape, self.height, self.width)


def _back_to(dtype: Any, images: Any) -> Any:
    """Numbers in the dtype they came from; for integers rounded, and kept in its range."""
    if is_float(dtype) or images.dtype == dtype:
        return images.astype(dtype)
    limits = jnp.iinfo(dtype)
    return jnp.clip(jnp.round(images), limits.min, limits.max).astype(dtype)
