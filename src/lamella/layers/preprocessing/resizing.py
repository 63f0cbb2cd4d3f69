"""Layers that give images another size: Resizing and CenterCrop."""

from __future__ import annotations

from functools import partial
from typing import Any, Unpack

import jax.numpy as jnp

from lamella import ops
from lamella.dtypes import is_float
from lamella.layers.configured import Shape
from lamella.layers.keywords import LayerKeywords
from lamella.layers.preprocessing.image import ImageLayer
from lamella.layers.preprocessing.windows import Window, corners_in, middle, sides

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
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = self._positive_("height", height), self._positive_("width", width)
        if interpolation not in _INTERPOLATIONS:
            raise self._refusal_("interpolation", interpolation, f"one of {', '.join(_INTERPOLATIONS)}")
        if fill_mode != "constant":
            raise self._refusal_("fill_mode", fill_mode, "'constant'")
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise self._refusal_("pad_to_aspect_ratio", True, "False where crop_to_aspect_ratio=True")
        self.interpolation, self.antialias = interpolation, bool(antialias)
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The size of the images; nothing is random."""
        return self._size(jnp.shape(self._images(data)))

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        return self._scaled(jnp.asarray(images), self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        return self._scaled(jnp.asarray(segmentation_masks), "nearest")

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        (height, width), given = transformation, bounding_boxes["boxes"]
        down, across = self._scales(height, width)
        top, left = self._rest(self.height - height * down), self._rest(self.width - width * across)
        scale, shift = sides(across, down), sides(left, top)
        target = (self.height, self.width)
        moved = self._moved(bounding_boxes, transformation, lambda corners: corners * scale + shift, target)
        none = jnp.all(given == -1, axis=-1, keepdims=True) | jnp.all(given == 0, axis=-1, keepdims=True)
        return {**moved, "boxes": jnp.where(none, 0.0, moved["boxes"])}

    def _scales(self, height: int, width: int) -> tuple[float, float]:
        """How many times larger images become, down and across."""
        scales = self.height / height, self.width / width
        if self.pad_to_aspect_ratio:
            return min(scales), min(scales)
        return (max(scales), max(scales)) if self.crop_to_aspect_ratio else scales

    def _rest(self, pixels: float) -> float:
        """The half that is padded (or, negative, cut off) before images."""
        return -(-pixels // 2) if self.crop_to_aspect_ratio else pixels // 2

    def _scaled(self, images: Any, interpolation: str) -> Any:
        resized = ops.image.resize(
            images,
            size=(self.height, self.width),
            interpolation=interpolation,
            antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )
        return _back_to(images.dtype, resized)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._resized(input_shape, self.height, self.width)

    def _output_dtype(self, dtype: str) -> str:
        return dtype


class CenterCrop(ImageLayer):
    """Cuts out the center of images; smaller ones are scaled up first.

    Args:    height, width: in pixels.
    Shape:   in (..., h, w, channels) → out (..., height, width, channels)
    Example: >>> CenterCrop(4, 4)(np.ones((2, 16, 12, 3))).shape
             (2, 4, 4, 3)
    """

    config_names = ("height", "width", "data_format")

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Unpack[LayerKeywords]):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = self._positive_("height", height), self._positive_("width", width)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The shape of the images; nothing is random."""
        return {"input_shape": jnp.shape(self._images(data))}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        images = jnp.asarray(images).astype(self.compute_dtype)
        return self._shown(images, self._window(images.shape), (self.height, self.width))

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        shape, target = transformation["input_shape"], (self.height, self.width)
        move = partial(corners_in, window=self._window(shape), target=target)
        return self._moved(bounding_boxes, self._size(shape), move, target)

    def _window(self, shape: Any) -> Window:
        (height, width), target = self._size(shape), (self.height, self.width)
        if height < self.height or width < self.width:
            return middle((height, width), target)
        return Window((height - self.height) // 2, (width - self.width) // 2, *target)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._resized(input_shape, self.height, self.width)


def _back_to(dtype: Any, images: Any) -> Any:
    """Numbers in the dtype they came from; for integers rounded, and kept in its range."""
    if is_float(dtype) or images.dtype == dtype:
        return images.astype(dtype)
    limits = jnp.iinfo(dtype)
    return jnp.clip(jnp.round(images), limits.min, limits.max).astype(dtype)
