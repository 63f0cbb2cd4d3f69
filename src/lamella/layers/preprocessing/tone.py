"""Layers that spread the values of images over their range: by their extremes, or by their histogram."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp

from lamella.layers.keywords import LayerKeywords
from lamella.layers.preprocessing.color import BYTES, ColorLayer, rescaled

__all__ = ["AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "Equalization"]


class AutoContrast(ColorLayer):
    """Stretches each channel of an image from its least and greatest value to the whole range.

    Args:    value_range: the values that images may have.
    Source:  x' = (x - min) / (max - min); a channel of one value stays.
    Example: >>> AutoContrast()(np.array([[[50.0], [60.0], [70.0]]])).round(1).tolist()
             [[[0.0], [127.5], [255.0]]]
    """

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        images = jnp.asarray(images).astype(self.compute_dtype)
        bytes_ = rescaled(images, self.value_range, BYTES)
        axes = (self.height_axis, self.width_axis)
        low, high = bytes_.min(axes, keepdims=True), bytes_.max(axes, keepdims=True)
        scale = 255 / jnp.where(high > low, high - low, 1)
        stretched = rescaled(jnp.clip(bytes_ * scale - low * scale, 0, 255), BYTES, self.value_range)
        return jnp.where(high > low, stretched, images)


class Equalization(ColorLayer):
    """Makes all values of a channel alike frequent, in training.

    Args:    value_range: the values that images may have.
             bins: how many values the histogram tells apart; it is that of the whole batch.
    Source:  x' = 255 · (cdf(x) - cdf_min) / (n - cdf_min).
    Example: >>> Equalization()(np.array([[[50.0], [60.0], [70.0]]])).tolist()
             [[[0.0], [128.0], [255.0]]]
    """

    config_names = ("data_format", "bins", "value_range")

    def __init__(
        self,
        value_range: Any = BYTES,
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(value_range, data_format=data_format, **kwargs)
        self.bins = self._positive_("bins", bins)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        images = jnp.asarray(images).astype(self.compute_dtype)
        if not training:
            return images
        bytes_ = rescaled(images, self.value_range, BYTES)
        equal = jax.vmap(self._equalized, self.channel_axis, self.channel_axis)(bytes_)
        return rescaled(equal, BYTES, self.value_range).astype(self.compute_dtype)

    def _equalized(self, channel: Any) -> Any:
        last = self.bins - 1
        counted = jnp.clip((channel.astype("float32") * last / 255).astype("int32"), 0, last)
        counts = jnp.bincount(counted.ravel(), length=self.bins)
        below = jnp.cumsum(counts)
        least = below[jnp.argmax(below > 0)]
        spread = (below - least).astype("float32") * 255 / jnp.maximum(below[-1] - least, 1)
        table = jnp.clip(jnp.round(spread), 0, 255)
        equal = table[jnp.clip(channel / 255 * last, 0, last).astype("int32")]
        return jnp.where(jnp.count_nonzero(counts) > 1, equal, channel)


class ContrastLimitedAdaptiveHistogramEqualization(ColorLayer):
    """Makes the values of a channel alike frequent in each part of an image; integers stay integers.

    Args:    value_range: the values that images may have.
             clip_limit: how many times the mean count of a value is counted at most; what is above
                 is shared among all values; 0 for no limit.
             tile_grid_size: the number of parts, down and across.
    Source:  Pizer et al. 1987, "Adaptive histogram equalization and its variations": the tables
             of the four nearest parts are mixed at each pixel.
    Example: >>> ContrastLimitedAdaptiveHistogramEqualization()(np.ones((2, 16, 16, 3))).shape
             (2, 16, 16, 3)
    """

    config_names = ("value_range", "clip_limit", "tile_grid_size", "data_format")
    _sorts = False

    def __init__(
        self,
        value_range: Any = BYTES,
        clip_limit: float = 4.0,
        tile_grid_size: Any = (8, 8),
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(value_range, data_format=data_format, **kwargs)
        if not isinstance(clip_limit, (int, float)):
            raise self._refusal_("clip_limit", clip_limit, "a number; 0 for no limit")
        self._sizes_("tile_grid_size", tile_grid_size, 2)
        self.clip_limit, self.tile_grid_size = clip_limit, tile_grid_size

    def _output_dtype(self, dtype: str) -> str:
        return dtype

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        images = jnp.asarray(images)
        planes = jnp.moveaxis(images, self.channel_axis, -3).astype("float32")
        singles = rescaled(planes, self.value_range, BYTES).reshape(-1, *planes.shape[-2:])
        equal = rescaled(jax.vmap(self._equalized)(singles), BYTES, self.value_range)
        return jnp.moveaxis(equal.reshape(planes.shape), -3, self.channel_axis).astype(images.dtype)

    def _equalized(self, plane: Any) -> Any:
        """One channel of one image, (height, width) from 0 to 255."""
        (height, width), (rows, columns) = plane.shape, self._sizes_("tile_grid_size", self.tile_grid_size, 2)
        tall, wide = -(-height // rows), -(-width // columns)
        padding = ((0, tall * rows - height), (0, wide * columns - width))
        levels = jnp.clip(jnp.pad(plane, padding, mode="symmetric"), 0, 255).astype("int32")
        tiles = levels.reshape(rows, tall, columns, wide).swapaxes(1, 2).reshape(rows * columns, tall * wide)
        tables = jax.vmap(self._table)(tiles).reshape(rows, columns, 256)
        (above, below, down), (left, right, across) = _between(rows, tall), _between(columns, wide)
        top, bottom = (
            tables[row[:, None], left, levels] * (1 - across) + tables[row[:, None], right, levels] * across
            for row in (above, below)
        )
        return (top * (1 - down[:, None]) + bottom * down[:, None])[:height, :width]

    def _table(self, levels: Any) -> Any:
        """What becomes of each of 256 levels, where the given ones were counted."""
        counts = jnp.bincount(levels, length=256).astype("float32")
        if self.clip_limit > 0:
            kept = jnp.clip(counts, 0, self.clip_limit * levels.size / 256)
            counts = kept + jnp.sum(counts - kept) / 256
        below = jnp.cumsum(counts)
        rest = levels.size - below[0]
        return jnp.clip((below - below[0]) * 255 / jnp.where(rest == 0, 1, rest), 0, 255)


def _between(tiles: int, size: int) -> tuple[Any, Any, Any]:
    """For each pixel along an axis: the tiles whose middles it lies between, and how near the second is."""
    place = (jnp.arange(tiles * size, dtype="float32") - size / 2) / size
    first = jnp.floor(place)
    index = first.astype("int32")
    return jnp.clip(index, 0, tiles - 1), jnp.clip(index + 1, 0, tiles - 1), place - first
