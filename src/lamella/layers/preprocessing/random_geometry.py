"""Layers that move pixels about at random: flips, turns, zooms, shifts and crops."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from lamella import ops, random
from lamella.layers.configured import Shape
from lamella.layers.preprocessing import affine
from lamella.layers.preprocessing.image import RandomImageLayer

__all__ = ["RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"]

_FLIPS = {
    "horizontal": ("width_axis",),
    "vertical": ("height_axis",),
    "horizontal_and_vertical": ("width_axis", "height_axis"),
}


class RandomFlip(RandomImageLayer):
    """Mirrors half of the images, in training.

    Args:    mode: "horizontal", "vertical", or "horizontal_and_vertical".
    Example: >>> RandomFlip("horizontal")(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    config_names = ("seed", "mode", "data_format")

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if mode not in _FLIPS:
            raise self._refusal("mode", mode, f"one of {', '.join(_FLIPS)}")
        self.mode = mode

    def _draw_for(self, count: int, height: int, width: int) -> Any:
        return random.uniform((count, 1, 1, 1), seed=self.generator) <= 0.5

    def _apply(self, images: Any, change: Any) -> Any:
        for axis in _FLIPS[self.mode]:
            images = jnp.where(change, jnp.flip(images, getattr(self, axis)), images)
        return images


class RandomAffine(RandomImageLayer):
    """A random affine transformation; `_draw_for` draws its matrices."""

    def __init__(self, fill_mode: str, interpolation: str, fill_value: float, **kwargs: Any):
        super().__init__(**kwargs)
        if fill_mode not in affine.FILL_MODES:
            raise self._refusal("fill_mode", fill_mode, f"one of {', '.join(affine.FILL_MODES)}")
        if interpolation not in affine.INTERPOLATIONS:
            raise self._refusal("interpolation", interpolation, f"one of {', '.join(affine.INTERPOLATIONS)}")
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def _uniform(self, count: int, bounds: tuple[float, float], around: float = 0.0) -> Any:
        return random.uniform((count,), minval=around + bounds[0], maxval=around + bounds[1], seed=self.generator)

    def _apply(self, images: Any, change: Any, interpolation: str | None = None) -> Any:
        return ops.image.affine_transform(
            images,
            change,
            interpolation=interpolation or self.interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def _change_masks(self, masks: Any, change: Any, training: bool) -> Any:
        return self._apply(masks, change, interpolation="nearest") if training else masks


class RandomRotation(RandomAffine):
    """Turns images by a random angle, in training.

    Args:    factor: f for angles from -f to f full turns, or a range (low, high).
             fill_mode: "reflect", "wrap", "constant" or "nearest", for what is outside.
             interpolation: "nearest" or "bilinear".
    Example: >>> RandomRotation(0.1)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    config_names = ("factor", "data_format", "fill_mode", "fill_value", "interpolation", "seed")

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.factor = self._range("factor", factor)

    def _draw_for(self, count: int, height: int, width: int) -> Any:
        low, high = self.factor
        return affine.rotation(self._uniform(count, (360.0 * low, 360.0 * high)), height, width)


class RandomZoom(RandomAffine):
    """Zooms images in or out, in training.

    Args:    height_factor: f for zooms from -f to f, or a range; 0.2 shows 20 %
                 more (zooms out), -0.2 shows less.
             width_factor: the same for the width; as the height if None.
             fill_mode: "reflect", "wrap", "constant" or "nearest", for what is outside.
    Example: >>> RandomZoom(0.2)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    config_names = ("height_factor", "width_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height_range = self._range("height_factor", height_factor)
        self._width_range = None if width_factor is None else self._range("width_factor", width_factor)

    def _draw_for(self, count: int, height: int, width: int) -> Any:
        zoom_y = self._uniform(count, self._height_range, around=1.0)
        zoom_x = zoom_y if self._width_range is None else self._uniform(count, self._width_range, around=1.0)
        return affine.zoom(zoom_y, zoom_x, height, width)


class RandomTranslation(RandomAffine):
    """Shifts images, in training.

    Args:    height_factor, width_factor: f for shifts from -f to f of the size,
                 or a range; positive is down and to the right.
             fill_mode: "reflect", "wrap", "constant" or "nearest", for what is outside.
    Example: >>> RandomTranslation(0.1, 0.1)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    config_names = ("height_factor", "width_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height_range = self._range("height_factor", height_factor)
        self._width_range = self._range("width_factor", width_factor)

    def _draw_for(self, count: int, height: int, width: int) -> Any:
        down = self._uniform(count, self._height_range) * height
        right = self._uniform(count, self._width_range) * width
        return affine.translation(down, right)


class RandomCrop(RandomImageLayer):
    """Cuts images to a size, at one random place for the whole batch, in training.

    Images that are not larger than the size in both directions are cut in the
    other one, and scaled; so are all images outside of training, about their middle.

    Args:    height, width: in pixels.
    Shape:   in (..., h, w, channels) → out (..., height, width, channels)
    Example: >>> RandomCrop(4, 4)(np.ones((2, 8, 8, 3)), training=True).shape
             (2, 4, 4, 3)
    """

    config_names = ("height", "width", "seed", "data_format")

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, name=name, **kwargs)
        self.height, self.width = self._positive("height", height), self._positive("width", width)

    def _draw_for(self, count: int, height: int, width: int) -> Any:
        if height > self.height and width > self.width:
            spare = (height - self.height + 1, width - self.width + 1)
            places = [random.uniform((), 0, float(n), seed=self.generator).astype("int32") for n in spare]
            return (*places, self.height, self.width)
        top = (height - min(height, max(width * self.height // self.width, 1))) // 2
        left = (width - min(width, max(height * self.width // self.height, 1))) // 2
        return top, left, min(self.height, height - top), min(self.width, width - left)

    def _change(self, images: Any, change: Any, training: bool) -> Any:
        if training:
            return super()._change(images, change, training)
        images, size = images.astype(self.compute_dtype), (self.height, self.width)
        return ops.image.resize(images, size, crop_to_aspect_ratio=True, data_format=self.data_format)

    def _apply(self, images: Any, change: Any) -> Any:
        images, size = self._cut(images, *change), (self.height, self.width)
        return images if self._size(images) == size else ops.image.resize(images, size, data_format=self.data_format)

    def compute_output_shape(self, data_shape: Shape) -> Shape:
        return self._resized(data_shape, self.height, self.width)
