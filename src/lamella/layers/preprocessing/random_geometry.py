"""Layers that move pixels about at random: flips, turns, zooms, shifts and crops."""

from __future__ import annotations

from functools import partial
from typing import Any, Unpack

import jax.numpy as jnp

from lamella import boxes, ops, random
from lamella.layers.configured import Shape
from lamella.layers.keywords import LayerKeywords, NamelessKeywords
from lamella.layers.preprocessing import affine
from lamella.layers.preprocessing.image import RandomImageLayer
from lamella.layers.preprocessing.windows import Window, corners_in, middle, sides

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
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if mode not in _FLIPS:
            raise self._refusal_("mode", mode, f"one of {', '.join(_FLIPS)}")
        self.mode = mode

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        return {"flips": random.uniform((count, 1, 1, 1), seed=seed) <= 0.5, "input_shape": shape}

    def _apply(self, images: Any, transformation: Any) -> Any:
        for axis in _FLIPS[self.mode]:
            images = jnp.where(transformation["flips"], jnp.flip(images, getattr(self, axis)), images)
        return images

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        if not training:
            return bounding_boxes
        flips = jnp.squeeze(transformation["flips"], -1)
        height, width = self._size(transformation["input_shape"])
        across, down = ("width_axis" in _FLIPS[self.mode]) * width, ("height_axis" in _FLIPS[self.mode]) * height

        def mirrored(corners: Any) -> Any:
            x1, y1, x2, y2 = jnp.split(corners, 4, axis=-1)
            left, right = (across - x2, across - x1) if across else (x1, x2)
            top, bottom = (down - y2, down - y1) if down else (y1, y2)
            return jnp.where(flips, jnp.concatenate([left, top, right, bottom], axis=-1), corners)

        return self._moved(bounding_boxes, (height, width), mirrored)


class RandomAffine(RandomImageLayer):
    """A random affine transformation of images, and of their boxes."""

    def __init__(self, fill_mode: str, interpolation: str, fill_value: float, **kwargs: Any):
        super().__init__(**kwargs)
        if fill_mode not in affine.FILL_MODES:
            raise self._refusal_("fill_mode", fill_mode, f"one of {', '.join(affine.FILL_MODES)}")
        if interpolation not in affine.INTERPOLATIONS:
            raise self._refusal_("interpolation", interpolation, f"one of {', '.join(affine.INTERPOLATIONS)}")
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def _uniform(self, count: int, bounds: tuple[float, float], seed: Any, around: float = 0.0) -> Any:
        return random.uniform((count, 1), minval=around + bounds[0], maxval=around + bounds[1], seed=seed)

    def _apply(self, images: Any, transformation: Any, interpolation: str | None = None) -> Any:
        return ops.image.affine_transform(
            images,
            self._matrix(transformation),
            interpolation=interpolation or self.interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        return self._apply(segmentation_masks, transformation, "nearest") if training else segmentation_masks

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        if not training:
            return bounding_boxes
        size = self._size_drawn_for(transformation)
        return self._moved(bounding_boxes, size, lambda corners: self._move(corners, transformation, *size))

    def _size_drawn_for(self, transformation: Any) -> tuple[int, int]:
        return self._size(transformation["input_shape"])

    def _matrix(self, transformation: Any) -> Any:
        """What `ops.image.affine_transform` takes, (batch, 8)."""
        raise NotImplementedError(f"{type(self).__name__} does not define _matrix().")

    def _move(self, corners: Any, transformation: Any, height: int, width: int) -> Any:
        """The corners of boxes, (batch, n, 4), in images of a size."""
        raise NotImplementedError(f"{type(self).__name__} does not define _move().")


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
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.factor = self._range("factor", factor)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        (low, high), (height, width) = self.factor, self._size(shape)
        angle = self._uniform(count, (360.0 * low, 360.0 * high), seed)[:, 0]
        matrix = affine.rotation(angle, height, width)
        size = {"image_height": height, "image_width": width, "batch_size": count}
        return {"angle": angle, "rotation_matrix": matrix, **size}

    def _size_drawn_for(self, transformation: Any) -> tuple[int, int]:
        return transformation["image_height"], transformation["image_width"]

    def _matrix(self, transformation: Any) -> Any:
        return transformation["rotation_matrix"]

    def _move(self, corners: Any, transformation: Any, height: int, width: int) -> Any:
        return boxes.affine_transform(corners, transformation["angle"], 0, 0, 1, 0, 0, height, width)


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
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height_range = self._range("height_factor", height_factor, strict=True)
        self._width_range = None if width_factor is None else self._range("width_factor", width_factor, strict=True)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        zoom_y = self._uniform(count, self._height_range, seed, around=1.0)
        zoom_x = zoom_y if self._width_range is None else self._uniform(count, self._width_range, seed, around=1.0)
        return {"height_zoom": zoom_y, "width_zoom": zoom_x, "input_shape": shape}

    def _matrix(self, transformation: Any) -> Any:
        down, across = (jnp.asarray(transformation[f"{side}_zoom"])[:, 0] for side in ("height", "width"))
        return affine.zoom(down, across, *self._size(transformation["input_shape"]))

    def _move(self, corners: Any, transformation: Any, height: int, width: int) -> Any:
        down, across = (jnp.asarray(transformation[f"{side}_zoom"])[..., None] for side in ("height", "width"))
        top, left = (height - 1) / 2 * (1 - down), (width - 1) / 2 * (1 - across)
        return corners_in(corners, Window(top, left, down * height, across * width), (height, width))


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
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height_range = self._range("height_factor", height_factor, strict=True)
        self._width_range = self._range("width_factor", width_factor, strict=True)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        height, width = self._size(shape)
        down = self._uniform(count, self._height_range, seed) * height
        right = self._uniform(count, self._width_range, seed) * width
        return {"translations": jnp.concatenate([right, down], axis=1), "input_shape": shape}

    def _matrix(self, transformation: Any) -> Any:
        right, down = jnp.moveaxis(jnp.asarray(transformation["translations"]), -1, 0)
        return affine.translation(down, right)

    def _move(self, corners: Any, transformation: Any, height: int, width: int) -> Any:
        right, down = jnp.moveaxis(jnp.asarray(transformation["translations"]), -1, 0)
        return corners + sides(right[:, None, None], down[:, None, None])


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
        **kwargs: Unpack[NamelessKeywords],
    ):
        super().__init__(seed=seed, data_format=data_format, name=name, **kwargs)
        self.height, self.width = self._positive_("height", height), self._positive_("width", width)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The part of the images to show: drawn in training, else the middle."""
        drawn = super().get_random_transformation(data, training, seed)
        shape = jnp.shape(self._images(data))
        return drawn or {"window": middle(self._size(shape), (self.height, self.width)), "input_shape": shape}

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        height, width = self._size(shape)
        if height > self.height and width > self.width:
            spare = (height - self.height + 1, width - self.width + 1)
            top, left = (random.uniform((), 0, float(n), seed=seed).astype("int32") for n in spare)
            return {"window": Window(top, left, self.height, self.width), "input_shape": shape}
        top, left, *_ = middle((height, width), (self.height, self.width))
        inner = Window(top, left, min(self.height, height - top), min(self.width, width - left))
        return {"window": inner, "input_shape": shape}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        images = jnp.asarray(images).astype(self.compute_dtype)
        return self._shown(images, transformation["window"], (self.height, self.width))

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        size, target = self._size(transformation["input_shape"]), (self.height, self.width)
        move = partial(corners_in, window=transformation["window"], target=target)
        return {**self._moved(bounding_boxes, size, move, target), "labels": bounding_boxes["labels"]}

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._resized(input_shape, self.height, self.width)
