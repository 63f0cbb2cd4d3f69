"""Layers that change the levels of values at random: fewer of them, and turned over above a threshold."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from lamella import random
from lamella.layers.configured import Shape
from lamella.layers.keywords import LayerKeywords
from lamella.layers.preprocessing.color import BYTES, ColorLayer, RandomColor, rescaled
from lamella.layers.preprocessing.image import RandomImageLayer

__all__ = ["RandomPosterization", "Solarization"]


class RandomPosterization(RandomColor):
    """Keeps only the first bits of values, in training.

    Args:    factor: how many of 8 bits; f for 1 to f (not included), or a range of bits.
             value_range: the values that images may have.
    Example: >>> RandomPosterization((1, 1))(np.array([[[100.0], [200.0]]])).tolist()
             [[[0.0], [128.0]]]
    """

    _bounds = (1, 8)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        low, high = self.factor
        if low == high:
            return {"shift_factor": jnp.full((count,), 8 - low, "uint8")}
        return {"shift_factor": 8 - random.randint((count,), low, high, dtype="uint8", seed=seed)}

    def _apply(self, images: Any, transformation: Any) -> Any:
        bits = jnp.asarray(transformation["shift_factor"], "uint8")[:, None, None, None]
        levels = rescaled(images, self.value_range, BYTES).astype("uint8")
        return rescaled((levels >> bits << bits).astype(images.dtype), BYTES, self.value_range)


class Solarization(ColorLayer, RandomImageLayer):
    """Adds a number to values, and turns over those above a threshold, in training: x' = greatest - x.

    Args:    addition_factor, threshold_factor: parts of the range, from 0 to 1; f is (0, f).
             value_range: the values that images may have.
    Example: >>> Solarization()(np.array([[[100.0], [200.0]]])).tolist()
             [[[155.0], [55.0]]]
    """

    config_names = ("data_format", "value_range", "addition_factor", "threshold_factor", "seed")

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = BYTES,
        seed: int | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(value_range=value_range, seed=seed, **kwargs)
        self.addition_factor = self._range("addition_factor", addition_factor, 0, 1, strict=True)
        self.threshold_factor = self._range("threshold_factor", threshold_factor, 0, 1, strict=True)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        factors = {"additions": self.addition_factor, "thresholds": self.threshold_factor}
        return {
            name: random.uniform((count, 1, 1, 1), low, high * 255, self.compute_dtype, seed)
            for name, (low, high) in factors.items()
        }

    def _apply(self, images: Any, transformation: Any) -> Any:
        brighter = rescaled(images, self.value_range, BYTES) + transformation["additions"]
        brighter = jnp.clip(brighter, 0, 255)
        turned = jnp.where(brighter < transformation["thresholds"], brighter, 255 - brighter)
        return rescaled(turned, BYTES, self.value_range)
