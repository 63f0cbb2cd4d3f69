"""What image layers share: where height and width are, batches and single images, the draw of a change."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella import config as settings
from lamella.errors import ArgumentError, ShapeError
from lamella.layers.configured import Shape, Weightless
from lamella.state import SeedGenerator

_CHANGED = {"images", "segmentation_masks"}


class ImageLayer(Weightless):
    """A layer on images: (height, width, channels), or a batch of them.

    A dict with "images" may be given in place of images; its "segmentation_masks"
    go through the same change, and its "labels" pass.
    """

    config_names: tuple[str, ...] = ("data_format",)

    def __init__(self, data_format: str | None = None, bounding_box_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if bounding_box_format is not None:
            raise self._refusal("bounding_box_format", bounding_box_format, "None: boxes are not transformed")
        self.data_format = settings.standardize_data_format(data_format)
        first = self.data_format == "channels_first"
        self.height_axis, self.width_axis = (-2, -1) if first else (-3, -2)

    def call(self, data: Any, training: bool = True) -> Any:
        if not isinstance(data, dict):
            self._check_rank(data)
            return self._changed(data, self._draw(data, training), training)
        if "bounding_boxes" in data:
            raise ArgumentError(f"{self._where()} does not transform bounding boxes.", received=sorted(data))
        self._check_rank(data["images"])
        change = self._draw(data["images"], training)
        changed = {
            key: self._changed(data[key], change, training, masks=key != "images") for key in _CHANGED & data.keys()
        }
        return {key: changed.get(key, value) for key, value in data.items()}

    def _check_rank(self, images: Any) -> None:
        if images.ndim not in (3, 4):
            raise ShapeError(
                f"{self._where()} takes images.", expected="rank 3 (one image) or 4 (a batch)", received=images.shape
            )

    def _changed(self, images: Any, change: Any, training: bool, masks: bool = False) -> Any:
        batch = images if images.ndim == 4 else images[None]
        changed = self._change_masks(batch, change, training) if masks else self._change(batch, change, training)
        return changed if images.ndim == 4 else changed[0]

    def _draw(self, images: Any, training: bool) -> Any:
        """What is drawn at random for the images of one call."""
        return None

    def _change(self, images: Any, change: Any, training: bool) -> Any:
        """The images, (batch, ...), changed as was drawn."""
        raise NotImplementedError

    def _change_masks(self, masks: Any, change: Any, training: bool) -> Any:
        return self._change(masks, change, training)

    def _size(self, images: Any) -> tuple[int, int]:
        return images.shape[self.height_axis], images.shape[self.width_axis]

    def _resized(self, shape: Shape, height: int, width: int) -> Shape:
        sizes = list(shape)
        sizes[self.height_axis], sizes[self.width_axis] = height, width
        return tuple(sizes)

    def _cut(self, images: Any, top: Any, left: Any, height: int, width: int) -> Any:
        images = jax.lax.dynamic_slice_in_dim(images, top, height, images.ndim + self.height_axis)
        return jax.lax.dynamic_slice_in_dim(images, left, width, images.ndim + self.width_axis)


class RandomImageLayer(ImageLayer):
    """A layer that changes images at random in training, and passes them otherwise.

    State:  generator: the seeds of the draws
    """

    config_names: tuple[str, ...] = ("data_format", "seed")

    def __init__(self, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def compute_output_shape(self, data_shape: Any) -> Any:
        return data_shape

    def _draw(self, images: Any, training: bool) -> Any:
        if not training:
            return None
        count = images.shape[0] if images.ndim == 4 else 1
        return self._draw_for(count, *self._size(images))

    def _draw_for(self, count: int, height: int, width: int) -> Any:
        """What is drawn for `count` images of a size."""
        raise NotImplementedError

    def _change(self, images: Any, change: Any, training: bool) -> Any:
        images = images.astype(self.compute_dtype)
        return self._apply(images, change) if training else images

    def _apply(self, images: Any, change: Any) -> Any:
        """The images, (batch, ...) floats, changed as was drawn."""
        raise NotImplementedError

    def _range(self, name: str, factor: Any, least: float = -1.0, most: float = 1.0) -> tuple[float, float]:
        """The range that a factor stands for: f is (-f, f), as far as allowed."""
        numbers = factor if isinstance(factor, (tuple, list)) else (factor,)
        numeric = all(isinstance(n, (int, float)) and least <= n <= most for n in numbers)
        if not numeric or (isinstance(factor, (tuple, list)) and len(factor) != 2):
            raise self._refusal(name, factor, f"a number from {least} to {most}, or two of them")
        if isinstance(factor, (tuple, list)):
            return min(factor), max(factor)
        return max(-abs(factor), least), abs(factor)


def clipped(images: Any, value_range: Any) -> Any:
    """Images with their values kept in a range."""
    return jnp.clip(images, value_range[0], value_range[1])
