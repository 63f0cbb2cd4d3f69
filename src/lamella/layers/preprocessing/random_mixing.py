"""Layers that put something else into images at random: noise, patches of others, a shine of others."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from lamella import random
from lamella.errors import ArgumentError
from lamella.layers.configured import Shape
from lamella.layers.keywords import LayerKeywords
from lamella.layers.preprocessing.color import BYTES, RandomColor
from lamella.layers.preprocessing.image import RandomImageLayer

__all__ = ["CutMix", "MixUp", "RandomErasing"]


class WithPatches(RandomImageLayer):
    """A layer that changes one rectangle of each image."""

    def _draw_side(self, length: int, share: Any, seed: Any) -> tuple[Any, Any]:
        """Where a side that is a share, (batch,), of a length begins and ends."""
        side = (share * length).astype(self.compute_dtype)
        start = random.uniform(share.shape, dtype=self.compute_dtype, seed=seed) * (length - side)
        return start, start + side

    def _inside(self, shape: Shape, x: tuple[Any, Any], y: tuple[Any, Any]) -> Any:
        """Which pixels lie in the rectangles, as (batch, height, width) with a channel axis of size 1."""
        height, width = (jnp.arange(size, dtype=self.compute_dtype) for size in self._size(shape))
        rows = (height >= y[0][:, None]) & (height < y[1][:, None])
        columns = (width >= x[0][:, None]) & (width < x[1][:, None])
        return jnp.expand_dims(rows[:, :, None] & columns[:, None, :], self.channel_axis)


class RandomErasing(WithPatches, RandomColor):
    """Covers one rectangle of images with noise or a color, in training; boxes and masks stay.

    Args:    factor: the probability that an image is changed, or a range it is drawn from; f is (0, f).
             scale: how large the rectangle is, as a share of the image, or a range.
             fill_value: a number, or one for each channel; noise if None.
             value_range: the values that images may have.
    Source:  Zhong et al. 2020, "Random erasing data augmentation".
    Example: >>> RandomErasing((1.0, 1.0), scale=(1.0, 1.0), fill_value=7)(np.ones((1, 2, 2, 1))).ravel().tolist()
             [7.0, 7.0, 7.0, 7.0]
    """

    config_names = ("data_format", "factor", "scale", "fill_value", "value_range", "seed")
    _bounds, _sorts = (0.0, 1.0), False

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = BYTES,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(factor, value_range, seed=seed, data_format=data_format, **kwargs)
        self.scale = self._range("scale", scale, *self._bounds)
        colors = fill_value if isinstance(fill_value, (tuple, list)) else (fill_value or 0,)
        if len(colors) not in (1, 3) or not all(isinstance(number, (int, float)) for number in colors):
            raise self._refusal_("fill_value", fill_value, "a number, or three of them, or None for noise")
        self.fill_value = fill_value

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        height, width = self._size(shape)
        shares = jnp.sqrt(random.uniform((count, 2), *self.scale, self.compute_dtype, seed))
        x, y = self._draw_side(width, shares[:, 0], seed), self._draw_side(height, shares[:, 1], seed)
        probability = random.uniform((count,), *self.factor, seed=seed)
        return {
            "apply_erasing": random.uniform((count,), seed=seed) < probability,
            "batch_masks": self._inside(shape, x, y),
            "fill_value": self._clipped(self._draw_cover(shape, seed)),
        }

    def _draw_cover(self, shape: Shape, seed: Any) -> Any:
        if self.fill_value is None:
            return random.normal(shape, dtype=self.compute_dtype, seed=seed) * self.value_range[1]
        colors = jnp.asarray(self.fill_value, self.compute_dtype)
        return jnp.moveaxis(colors.reshape(1, 1, -1), -1, self.channel_axis)

    def _apply(self, images: Any, transformation: Any) -> Any:
        erased = transformation["batch_masks"] & transformation["apply_erasing"][:, None, None, None]
        return jnp.where(erased, transformation["fill_value"], images)


class Mixing(RandomImageLayer):
    """A layer that mixes each image of a batch with another one of it, and their labels.

    A transformation has "permutation_order", the other images, and "mix_weight", how much
    of the own image is kept.
    """

    def transform_labels(self, labels: Any, transformation: Any = None, training: bool = True) -> Any:
        return self._mixed(labels, transformation) if training and transformation is not None else labels

    def _mixed(self, own: Any, transformation: Any) -> Any:
        weight = transformation["mix_weight"].reshape(-1, *[1] * (own.ndim - 1))
        return weight * own + (1.0 - weight) * _others(own, transformation)

    def _draw_order(self, count: int, seed: Any) -> Any:
        return random.shuffle(jnp.arange(count), seed=seed)


def _others(own: Any, transformation: Any) -> Any:
    return jnp.take(own, transformation["permutation_order"], axis=0)


class CutMix(WithPatches, Mixing):
    """Puts a rectangle of another image of the batch into each image, in training.

    Their labels are mixed by area.  One image alone, without a batch, stays as it is.

    Args:    factor: f or (low, high), the range of the parameter of the beta distribution that
                 the area is drawn from; f is (0, f).
    Raises:  ArgumentError: the data has bounding boxes.
    Source:  Yun et al. 2019, "CutMix: regularization strategy to train strong classifiers".
    Example: >>> out = CutMix(seed=3)({"images": np.eye(2).reshape(2, 1, 2, 1), "labels": np.eye(2)})
             >>> out["labels"].sum(-1).tolist()
             [1.0, 1.0]
    """

    config_names = ("data_format", "factor", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = self._range("factor", factor, 0.0, 1.0)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        if len(shape) == 3:
            return None
        height, width = self._size(shape)
        alpha = random.uniform((), *self.factor, self.compute_dtype, seed) + 1e-6
        share = jnp.sqrt(1.0 - random.beta((count,), alpha, alpha, self.compute_dtype, seed))
        x, y = self._draw_side(width, share, seed), self._draw_side(height, share, seed)
        return {
            "permutation_order": self._draw_order(count, seed),
            "batch_masks": self._inside(shape, x, y),
            "mix_weight": 1.0 - (x[1] - x[0]) * (y[1] - y[0]) / (width * height),
        }

    def _apply(self, images: Any, transformation: Any) -> Any:
        return jnp.where(transformation["batch_masks"], _others(images, transformation), images)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        raise ArgumentError(f"{self._where_()} does not transform bounding boxes.", fix="use MixUp")


class MixUp(Mixing):
    """Lets another image of the batch shine through each image, in training, and mixes their labels.

    An image gets the bounding boxes of both.

    Args:    alpha: the parameter of the beta distribution that the weights are drawn from;
                 the smaller, the less is mixed.
    Source:  Zhang et al. 2018, "mixup: beyond empirical risk minimization".
    Example: >>> out = MixUp(seed=3)({"images": np.eye(2).reshape(2, 1, 2, 1), "labels": np.eye(2)})
             >>> np.allclose(out["images"].reshape(2, 2), out["labels"])
             True
    """

    config_names = ("data_format", "alpha", "seed")

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if not isinstance(alpha, (int, float)) or alpha <= 0:
            raise self._refusal_("alpha", alpha, "a positive number")
        self.alpha = alpha

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        order = self._draw_order(count, seed)
        return {"permutation_order": order, "mix_weight": random.beta((count,), self.alpha, self.alpha, seed=seed)}

    def _apply(self, images: Any, transformation: Any) -> Any:
        return self._mixed(images, transformation)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        if not training or transformation is None:
            return bounding_boxes
        both = {
            key: jnp.concatenate([bounding_boxes[key], _others(bounding_boxes[key], transformation)], axis=1)
            for key in ("boxes", "labels")
        }
        return {**bounding_boxes, **both}
