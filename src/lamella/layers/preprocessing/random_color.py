"""Layers that change colors at random: their light, their contrast, their saturation, their hue."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from lamella import config as settings
from lamella import ops, random
from lamella.layers.configured import Shape
from lamella.layers.keywords import LayerKeywords
from lamella.layers.preprocessing.color import BYTES, ColorLayer, RandomColor, rescaled
from lamella.layers.preprocessing.image import RandomImageLayer

__all__ = [
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomContrast",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomSaturation",
]


class RandomContrast(RandomColor):
    """Pulls values away from the mean of their channel, in training.

    Args:    factor: f for 1 to 1 + f times the contrast; (a, b) for 1 - a to 1 + b.
             value_range: the values that images may have.
    Source:  x' = (x - mean) · c + mean.
    Example: >>> RandomContrast(0.2)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    _bounds, _sorts = (0.0, 1.0), False

    def __init__(
        self,
        factor: Any,
        value_range: Any = BYTES,
        seed: int | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(factor, value_range, seed=seed, **kwargs)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        low, high = 1.0 - self.factor[0], 1.0 + self.factor[1]
        return {"contrast_factor": random.uniform((count, 1, 1, 1), low, high, self.compute_dtype, seed)}

    def _apply(self, images: Any, transformation: Any) -> Any:
        mean = images.mean((self.height_axis, self.width_axis), keepdims=True)
        return self._clipped((images - mean) * transformation["contrast_factor"] + mean)


class RandomBrightness(RandomColor):
    """Adds one number to all values of an image, in training.

    Args:    factor: f for sums from -f to f times the value range, or a range (low, high).
             value_range: the values that images may have.
    Example: >>> RandomBrightness(0.2)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = BYTES,
        seed: int | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(factor, value_range, seed=seed, **kwargs)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        delta = random.uniform((count, 1, 1, 1), *self.factor, seed=seed)
        return {"rgb_delta": delta * (self.value_range[1] - self.value_range[0])}

    def _apply(self, images: Any, transformation: Any) -> Any:
        return self._clipped(images + transformation["rgb_delta"].astype(images.dtype))


class RandomColorDegeneration(RandomColor):
    """Takes a part of the color out of images, in training.

    Args:    factor: the range of the part, 0 for the image, 1 for its grey; f is (-f, f).
             value_range: the values that images may have.
    Source:  x' = x + f · (grey - x).
    Example: >>> RandomColorDegeneration((1.0, 1.0))(np.eye(3)[None] * 255)[0].round(0).tolist()
             [[76.0, 76.0, 76.0], [150.0, 150.0, 150.0], [29.0, 29.0, 29.0]]
    """

    _needs_rgb = True

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        return {"factor": random.uniform((count, 1, 1, 1), *self.factor, seed=seed)}

    def _apply(self, images: Any, transformation: Any) -> Any:
        grey = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        return self._clipped(images + transformation["factor"].astype(images.dtype) * (grey - images))


class RandomGrayscale(RandomImageLayer):
    """Makes some images grey (in three equal channels), in training; integers stay integers.

    Args:    factor: the probability that an image becomes grey.
    Example: >>> RandomGrayscale(1.0)(np.eye(3, dtype="uint8")[None] * 255)[0].tolist()
             [[76, 76, 76], [149, 149, 149], [29, 29, 29]]
    """

    config_names = ("data_format", "factor")

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        if not isinstance(factor, (int, float)) or not 0 <= factor <= 1:
            raise self._refusal_("factor", factor, "a probability, from 0 to 1")
        self.factor = factor

    def _output_dtype(self, dtype: str) -> str:
        return dtype

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        return random.uniform((count,), seed=seed)[:, None, None, None] < self.factor

    def _apply(self, images: Any, transformation: Any) -> Any:
        return jnp.where(transformation, ops.image.rgb_to_grayscale(images, data_format=self.data_format), images)

    transform_segmentation_masks = ColorLayer.transform_segmentation_masks


class RandomInvert(RandomColor):
    """Turns the values of some images over, in training: x' = greatest - x.

    Args:    factor: the probability that an image is inverted, or a range of it.
             value_range: the values that images may have; the second is the greatest.
    Example: >>> RandomInvert((1.0, 1.0))(np.full((1, 1, 1), 55.0)).tolist()
             [[[200.0]]]
    """

    _bounds, _sorts = (0, 1), False

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = BYTES,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(factor, value_range, data_format=data_format, seed=seed, **kwargs)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        probability = random.uniform((count,), *self.factor, seed=seed)
        return {"apply_inversion": random.uniform((count,), seed=seed) < probability}

    def _apply(self, images: Any, transformation: Any) -> Any:
        inverted = jnp.asarray(transformation["apply_inversion"])[:, None, None, None]
        return jnp.where(inverted, self.value_range[1] - images, images)


class RandomSaturation(RandomColor):
    """Makes colors fuller or paler, in training.

    Args:    factor: a range in which 0 gives greys, 0.5 the image and 1 full colors; f is (-f, f).
             value_range: what the saturation, of values in [0, 1], is clipped to.
    Source:  saturation' = saturation · f / (1 - f).
    Example: >>> RandomSaturation((0.5, 0.5))(np.full((1, 1, 3), 0.25)).tolist()
             [[[0.25, 0.25, 0.25]]]
    """

    _needs_rgb = True

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        factor = random.uniform((count,), *self.factor, seed=seed)
        return {"factor": factor / (1 - factor + settings.epsilon())}

    def _apply(self, images: Any, transformation: Any) -> Any:
        times = jnp.asarray(transformation["factor"], images.dtype)[:, None, None]
        hsv = ops.image.rgb_to_hsv(images, data_format=self.data_format)
        hue, saturation, value = jnp.moveaxis(hsv, self.channel_axis, 0)
        hsv = jnp.stack([hue, self._clipped(saturation * times), value], axis=self.channel_axis)
        return ops.image.hsv_to_rgb(hsv, data_format=self.data_format)


class RandomHue(RandomColor):
    """Turns all colors of an image along the color wheel, in training.

    Args:    factor: f for up to f half turns either way, or a range of half turns.
             value_range: the values that images may have.
    Example: >>> RandomHue(0.2)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    _bounds, _sorts, _needs_rgb = (0, 1), False, True

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        direction = jnp.where(random.uniform((count,), seed=seed) > 0.5, -1.0, 1.0)
        return {"factor": direction * random.uniform((count,), *self.factor, seed=seed) * 0.5}

    def _apply(self, images: Any, transformation: Any) -> Any:
        turn = jnp.asarray(transformation["factor"])[:, None, None]
        unit = rescaled(images.astype("float32"), self.value_range, (0, 1))
        hsv = ops.image.rgb_to_hsv(unit, data_format=self.data_format)
        hue, saturation, value = jnp.moveaxis(hsv, self.channel_axis, 0)
        hue = hue + turn
        hue = jnp.where(hue > 1, hue - 1, jnp.where(hue < 0, hue + 1, hue))
        hsv = jnp.stack([hue, saturation, value], axis=self.channel_axis)
        rgb = ops.image.hsv_to_rgb(hsv, data_format=self.data_format)
        return rescaled(jnp.clip(rgb, 0, 1), (0, 1), self.value_range)
