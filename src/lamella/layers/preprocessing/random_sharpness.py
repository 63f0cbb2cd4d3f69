"""Layers that mix pixels with their neighbours at random: sharper, and blurred."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from lamella import ops, random
from lamella.layers.configured import Shape
from lamella.layers.keywords import LayerKeywords
from lamella.layers.preprocessing.color import BYTES, RandomColor

__all__ = ["RandomGaussianBlur", "RandomSharpness"]


class RandomSharpness(RandomColor):
    """Makes images sharper or smoother, in training.

    Args:    factor: a range in which 0 is smooth, 0.5 the image, and 1 sharp; f is (0, f).
             value_range: the values that images may have.
    Source:  x' = x + (1 - 2 f) · (smooth - x); smooth weighs a pixel 5 and its neighbours 1, over 13.
    Example: >>> RandomSharpness(0.5)(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    _bounds = (0, 1)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        return {"factor": random.uniform((count,), *self.factor, seed=seed)}

    def _apply(self, images: Any, transformation: Any) -> Any:
        sharpness = jnp.asarray(transformation["factor"] * 2, images.dtype).reshape(-1, 1, 1, 1)
        weights = jnp.ones((3, 3)).at[1, 1].set(5) / 13
        kernel = jnp.tile(weights[:, :, None, None], (1, 1, images.shape[self.channel_axis], 1)).astype(images.dtype)
        smooth = ops.depthwise_conv(images, kernel, padding="same", data_format=self.data_format)
        return self._clipped(images + (1 - sharpness) * (smooth - images))


class RandomGaussianBlur(RandomColor):
    """Blurs some images, in training.

    Args:    factor: the probability that an image is blurred, or a range of it.
             kernel_size: the odd width of the window, in pixels; or two, across and down.
             sigma: the range of the width of the bell curve, in pixels; f is (0, f), and at most 1.
             value_range: the values that images may have.
    Example: >>> RandomGaussianBlur()(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    config_names = ("data_format", "factor", "kernel_size", "sigma", "value_range", "seed")
    _bounds, _sorts = (0, 1), False

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Any = BYTES,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(factor, value_range, data_format, seed, **kwargs)
        self.kernel_size = self._sizes_("kernel_size", kernel_size, 2)
        if not all(size % 2 for size in self.kernel_size):
            raise self._refusal_("kernel_size", kernel_size, "an odd number, or two of them")
        self.sigma = self._range("sigma", sigma, 0, 1)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        probability = random.uniform((count,), *self.factor, seed=seed)
        blurred = random.uniform((count,), seed=seed) < probability
        sigma = random.uniform((2,), *self.sigma, self.compute_dtype, seed)
        return {"should_apply_blur": blurred, "blur_factor": sigma + 1e-6}

    def _apply(self, images: Any, transformation: Any) -> Any:
        blurred = ops.image.gaussian_blur(
            images, self.kernel_size, transformation["blur_factor"], data_format=self.data_format
        )
        chosen = jnp.asarray(transformation["should_apply_blur"])[:, None, None, None]
        return self._clipped(jnp.where(chosen, blurred, images))
