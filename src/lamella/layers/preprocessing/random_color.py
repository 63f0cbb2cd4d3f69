"""Layers that change colors at random: contrast and brightness."""

from __future__ import annotations

from typing import Any

from lamella import random
from lamella.layers.preprocessing.image import RandomImageLayer, clipped

__all__ = ["RandomBrightness", "RandomContrast"]


class RandomColor(RandomImageLayer):
    """A random change of values, which stay in their range; masks pass."""

    config_names = ("data_format", "factor", "value_range", "seed")
    _least = -1.0

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.factor = self._range("factor", factor, least=self._least)
        if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
            raise self._refusal("value_range", value_range, "two numbers, such as (0, 255)")
        self.value_range = value_range

    def _change_masks(self, masks: Any, change: Any, training: bool) -> Any:
        return masks


class RandomContrast(RandomColor):
    """Pulls values away from the mean of their channel, in training.

    Args:    factor: f for 1 to 1 + f times the contrast; (a, b) for 1 - a to 1 + b.
             value_range: the values that images may have.
    Source:  x' = (x - mean) · c + mean.
    Example: >>> RandomContrast(0.2)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    _least = 0.0

    def _draw_for(self, count: int, height: int, width: int) -> Any:
        low, high = self.factor
        shape, dtype = (count, 1, 1, 1), self.compute_dtype
        return random.uniform(shape, minval=1.0 - low, maxval=1.0 + high, dtype=dtype, seed=self.generator)

    def _apply(self, images: Any, change: Any) -> Any:
        mean = images.mean((self.height_axis, self.width_axis), keepdims=True)
        return clipped((images - mean) * change + mean, self.value_range)


class RandomBrightness(RandomColor):
    """Adds one number to all values of an image, in training.

    Args:    factor: f for sums from -f to f times the value range, or a range (low, high).
             value_range: the values that images may have.
    Example: >>> RandomBrightness(0.2)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any):
        super().__init__(factor, value_range, seed, **kwargs)
        self.value_range = sorted(self.value_range)

    def _draw_for(self, count: int, height: int, width: int) -> Any:
        low, high = self.factor
        delta = random.uniform((count, 1, 1, 1), minval=low, maxval=high, seed=self.generator)
        return delta * (self.value_range[1] - self.value_range[0])

    def _apply(self, images: Any, change: Any) -> Any:
        return clipped(images + change.astype(images.dtype), self.value_range)
