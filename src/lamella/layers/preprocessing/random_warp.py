"""Layers that bend images at random: a shear, another perspective, waves."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from lamella import ops, random
from lamella.errors import ArgumentError
from lamella.layers.configured import Shape
from lamella.layers.keywords import LayerKeywords
from lamella.layers.preprocessing import affine
from lamella.layers.preprocessing.color import BYTES, RandomColor
from lamella.layers.preprocessing.image import RandomImageLayer
from lamella.layers.preprocessing.random_geometry import RandomAffine
from lamella.state import draw_seed

__all__ = ["RandomElasticTransform", "RandomPerspective", "RandomShear"]

_FILL_MODES = (*affine.FILL_MODES, "mirror")


class Warp(RandomImageLayer):
    """A layer that takes the pixels of some images from other places, those of masks from the nearest one."""

    def __init__(self, interpolation: str, fill_value: float, **kwargs: Any):
        super().__init__(**kwargs)
        if interpolation not in affine.INTERPOLATIONS:
            raise self._refusal_("interpolation", interpolation, f"one of {', '.join(affine.INTERPOLATIONS)}")
        self.interpolation, self.fill_value = interpolation, fill_value

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        if not training or transformation is None:
            return segmentation_masks
        return self._apply(segmentation_masks, transformation, "nearest")

    def _apply(self, images: Any, transformation: Any, interpolation: str | None = None) -> Any:
        raise NotImplementedError

    def _draw_chosen(self, count: int, bounds: tuple[float, float], seed: Any) -> Any:
        """Which images are changed, each with a probability drawn from the bounds."""
        probability = random.uniform((count,), *bounds, seed=seed)
        return random.uniform((count,), seed=seed) < probability


class RandomShear(RandomAffine):
    """Slants images by a random part of their sides, in training.

    Args:    x_factor, y_factor: f for slants from -f to f along an axis, or a range in [0, 1];
                 half of the images slant the other way.
             fill_mode: "reflect", "wrap", "constant" or "nearest", for what is outside.
    Example: >>> RandomShear(0.2)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    config_names = ("x_factor", "y_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(fill_mode, interpolation, fill_value, data_format=data_format, seed=seed, **kwargs)
        self.x_factor, self.y_factor = self._range("x_factor", x_factor), self._range("y_factor", y_factor)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        drawn = [
            random.uniform((count, 1), *bounds, self.compute_dtype, seed)
            for bounds in ((0.0, 1.0), self.y_factor, self.x_factor)
        ]
        sign = jnp.where(drawn[0] > 0.5, -1, 1)
        return {"shear_factor": jnp.concatenate([drawn[2], drawn[1]], axis=1) * sign, "input_shape": shape}

    def _matrix(self, transformation: Any) -> Any:
        return affine.shear(*transformation["shear_factor"].T)

    def _move(self, corners: Any, transformation: Any, height: int, width: int) -> Any:
        """Keras shears boxes in units of the sides: exact for square images."""
        right, down = transformation["shear_factor"].T[:, :, None, None]
        x, y = corners[..., 0::2] / width, corners[..., 1::2] / height
        x = _slanted(x, right * y)
        y = _slanted(y, down * x)
        return jnp.stack([x * width, y * height], axis=-1).reshape(corners.shape)


def _slanted(ends: Any, shifts: Any) -> Any:
    """The ends (..., 2) of what reached from end to end, one edge shifted by each of the shifts (..., 2)."""
    return jnp.stack([ends[..., 0] - shifts.max(-1), ends[..., 1] - shifts.min(-1)], axis=-1)


class RandomPerspective(Warp):
    """Shows images as if seen from a random side, in training.

    Args:    factor: the probability that an image is changed, or a range it is drawn from; f is (0, f).
             scale: how far corners may move, from 0 to 1.
             fill_value: the value of what is outside.
    Example: >>> RandomPerspective(scale=0.3)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    config_names = ("data_format", "factor", "scale", "interpolation", "fill_value", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.factor = self._range("factor", factor, 0.0, 1.0)
        if not isinstance(scale, (int, float)) or not 0 <= scale <= 1:
            raise self._refusal_("scale", scale, "a number from 0 to 1")
        self.scale = scale

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        height, width = self._size(shape)
        chosen, reach = self._draw_chosen(count, self.factor, seed), 0.5 * self.scale
        moved = random.uniform((count, 4, 2), -reach, reach, self.compute_dtype, seed)
        corners = [[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]
        start = jnp.broadcast_to(jnp.asarray(corners, self.compute_dtype), moved.shape)
        points = {"start_points": start, "end_points": start + start * moved}
        return {"apply_perspective": chosen, **points, "input_shape": shape}

    def _apply(self, images: Any, transformation: Any, interpolation: str | None = None) -> Any:
        seen = ops.image.perspective_transform(
            images,
            transformation["start_points"],
            transformation["end_points"],
            interpolation=interpolation or self.interpolation,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )
        return jnp.where(transformation["apply_perspective"][:, None, None, None], seen, images)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        if not training or transformation is None:
            return bounding_boxes
        chosen = transformation["apply_perspective"][:, None, None]
        points = transformation["start_points"], transformation["end_points"]
        size = self._size(transformation["input_shape"])
        return self._moved(bounding_boxes, size, lambda corners: jnp.where(chosen, _seen(corners, *points), corners))


def _seen(corners: Any, start: Any, end: Any) -> Any:
    """The boxes (batch, n, 4) around those whose image moves from the start points to the end points."""
    numbers = ops.image.homography(end.astype("float32"), start.astype("float32"))
    h = numbers.T[:, :, None, None]
    x, y = corners[..., jnp.array([0, 2, 0, 2])], corners[..., jnp.array([1, 3, 3, 1])]
    depth = h[6] * x + h[7] * y + 1.0
    x, y = (h[0] * x + h[1] * y + h[2]) / depth, (h[3] * x + h[4] * y + h[5]) / depth
    return jnp.stack([x.min(-1), y.min(-1), x.max(-1), y.max(-1)], axis=-1)


class RandomElasticTransform(Warp, RandomColor):
    """Bends images in random waves, in training.

    Args:    factor: the probability that an image is changed, or a range it is drawn from; f is (0, f).
             scale: how far and how widely, from 0 to 1, or a range; one number is drawn for a batch.
             fill_mode: "constant", "nearest", "wrap", "mirror" or "reflect", for what is outside.
             value_range: the values that images may have.
    Raises:  ArgumentError: the data has bounding boxes.
    Example: >>> RandomElasticTransform(scale=0.5)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    config_names = (
        *("data_format", "factor", "scale", "interpolation"),
        *("fill_mode", "fill_value", "value_range", "seed"),
    )
    _bounds, _sorts = (0.0, 1.0), False

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Any = BYTES,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        ranges = {"factor": factor, "value_range": value_range}
        super().__init__(interpolation, fill_value, seed=seed, data_format=data_format, **ranges, **kwargs)
        if fill_mode not in _FILL_MODES:
            raise self._refusal_("fill_mode", fill_mode, f"one of {', '.join(_FILL_MODES)}")
        self.fill_mode, self.scale = fill_mode, self._range("scale", scale, *self._bounds)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        if self.scale[1] == 0 or self.factor[1] == 0:
            return None
        chosen = self._draw_chosen(count, self.factor, seed)
        factor = random.uniform((), *self.scale, self.compute_dtype, seed)
        return {"apply_transform": chosen, "distortion_factor": factor, "seed": draw_seed(seed)}

    def _apply(self, images: Any, transformation: Any, interpolation: str | None = None) -> Any:
        height, width = self._size(images.shape)
        factor = transformation["distortion_factor"]
        bent = ops.image.elastic_transform(
            images,
            alpha=max(height, width) * (0.1 * factor),
            sigma=min(height, width) * (0.05 * factor),
            interpolation=interpolation or self.interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            seed=transformation["seed"],
            data_format=self.data_format,
            largest_sigma=min(height, width) * 0.05 * self.scale[1],
        )
        return self._clipped(jnp.where(transformation["apply_transform"][:, None, None, None], bent, images))

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        raise ArgumentError(f"{self._where_()} does not transform bounding boxes.", fix="use RandomPerspective")
