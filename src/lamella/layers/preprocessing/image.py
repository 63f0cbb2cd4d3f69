"""What image layers share: the parts of their data, where height and width are, the draw of a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lamella import boxes, ops
from lamella import config as settings
from lamella.errors import ArgumentError, ShapeError
from lamella.graph import KerasTensor, output_spec
from lamella.layers.configured import Shape, Weightless
from lamella.layers.preprocessing.windows import Window
from lamella.state import SeedGenerator

_PARTS = ("images", "labels", "bounding_boxes", "segmentation_masks")


class ImageLayer(Weightless):
    """A layer on images: (height, width, channels), or a batch of them.

    A dict with "images" may be given in place of images.  What belongs to them, its "labels",
    "bounding_boxes" ({"boxes", "labels"}) and "segmentation_masks", follows through the methods
    transform_labels, …; anything else passes.

    Args:    bounding_box_format: how the four numbers of a box say where it is.
    """

    config_names: tuple[str, ...] = ("data_format",)

    def __init__(self, data_format: str | None = None, bounding_box_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if bounding_box_format is not None and bounding_box_format not in boxes.FORMATS:
            raise self._refusal_("bounding_box_format", bounding_box_format, f"one of {', '.join(boxes.FORMATS)}")
        self.bounding_box_format: Any = bounding_box_format
        self.data_format = settings.standardize_data_format(data_format)
        first = self.data_format == "channels_first"
        self.height_axis, self.width_axis = (-2, -1) if first else (-3, -2)
        self.channel_axis = -3 if first else -1

    def call(self, data: Any, training: bool = True) -> Any:
        images = self._images(data)
        self._check_shape(images.shape)
        transformation = self.get_random_transformation(data, training=training)
        if not isinstance(data, dict):
            return self._transformed("images", data, images.ndim == 3, transformation, training)
        return {
            part: self._transformed(part, value, images.ndim == 3, transformation, training)
            if part in _PARTS
            else value
            for part, value in data.items()
        }

    def compute_output_spec(self, data: Any, training: bool = True) -> Any:
        if isinstance(data, dict):
            return output_spec(self.call, data, training=training)
        self._check_shape(data.shape)
        return KerasTensor(self.compute_output_shape(data.shape), self._output_dtype(data.dtype))

    def get_config(self) -> dict[str, Any]:
        told = {} if self.bounding_box_format is None else {"bounding_box_format": self.bounding_box_format}
        return {**super().get_config(), **told}

    # The parts of data; a subclass says how each changes

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """What is drawn at random for data, in the form that the methods below take."""
        return None

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        """A batch of images, changed as was drawn."""
        raise NotImplementedError(f"{type(self).__name__} does not define transform_images().")

    def transform_labels(self, labels: Any, transformation: Any = None, training: bool = True) -> Any:
        """The labels of a batch of images, changed as was drawn; the same by default."""
        return labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        """The boxes of a batch of images, {"boxes", "labels"}, changed as was drawn; the same by default."""
        return bounding_boxes

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The masks of a batch of images, changed as was drawn; as images by default."""
        return self.transform_images(segmentation_masks, transformation, training=training)

    def transform_single_image(self, image: Any, transformation: Any, training: bool = True) -> Any:
        return self._transformed("images", image, True, transformation, training)

    def transform_single_label(self, label: Any, transformation: Any, training: bool = True) -> Any:
        return self._transformed("labels", label, True, transformation, training)

    def transform_single_bounding_box(self, bounding_box: Any, transformation: Any, training: bool = True) -> Any:
        return self._transformed("bounding_boxes", bounding_box, True, transformation, training)

    def transform_single_segmentation_mask(
        self, segmentation_mask: Any, transformation: Any, training: bool = True
    ) -> Any:
        return self._transformed("segmentation_masks", segmentation_mask, True, transformation, training)

    def _transformed(self, part: str, value: Any, single: bool, transformation: Any, training: bool) -> Any:
        value = self._boxes(value) if part == "bounding_boxes" else jnp.asarray(value)
        transform = getattr(self, f"transform_{part}")
        batch = jax.tree.map(lambda one: one[None], value) if single else value
        changed = transform(batch, transformation=transformation, training=training)
        return jax.tree.map(lambda one: one[0], changed) if single else changed

    # Checks

    def _images(self, data: Any) -> Any:
        if isinstance(data, dict) and "images" not in data:
            raise ArgumentError(
                f"{self._where_()} finds no images in its data.", expected='the key "images"', received=list(data)
            )
        return data["images"] if isinstance(data, dict) else data

    def _check_shape(self, shape: Shape) -> None:
        if len(shape) not in (3, 4):
            raise ShapeError(
                f"{self._where_()} takes images.", expected="rank 3 (one image) or 4 (a batch)", received=shape
            )

    def _boxes(self, bounding_boxes: Any) -> dict[str, Any]:
        if self.bounding_box_format is None:
            raise ArgumentError(
                f"{self._where_()} cannot tell what the numbers of bounding boxes are.",
                fix=f"say so where it is made, e.g. {type(self).__name__}(…, bounding_box_format='xyxy')",
            )
        if not isinstance(bounding_boxes, Mapping) or not {"boxes", "labels"} <= bounding_boxes.keys():
            raise ArgumentError(
                f"{self._where_()} takes bounding boxes with their labels.",
                expected='{"boxes": (..., n, 4), "labels": (..., n)}',
                received=sorted(bounding_boxes) if isinstance(bounding_boxes, Mapping) else type(bounding_boxes),
            )
        found, labels = jnp.asarray(bounding_boxes["boxes"], "float32"), jnp.asarray(bounding_boxes["labels"])
        if found.ndim not in (2, 3) or found.shape[-1] != 4 or labels.ndim not in (found.ndim - 1, found.ndim):
            raise ShapeError(
                f"{self._where_()} takes four numbers and a label for each bounding box.",
                expected="boxes (..., n, 4) and labels (..., n)",
                received=f"{found.shape} and {labels.shape}",
            )
        return {**bounding_boxes, "boxes": found, "labels": labels}

    # Sizes

    def _output_dtype(self, dtype: str) -> str:
        return self.compute_dtype

    def _size(self, shape: Any) -> tuple[int, int]:
        return shape[self.height_axis], shape[self.width_axis]

    def _resized(self, shape: Shape, height: int, width: int) -> Shape:
        sizes = list(shape)
        sizes[self.height_axis], sizes[self.width_axis] = height, width
        return tuple(sizes)

    def _shown(self, images: Any, window: Window, target: tuple[int, int]) -> Any:
        """A part of images, as large as `target`."""
        images = jax.lax.dynamic_slice_in_dim(images, window.top, window.height, images.ndim + self.height_axis)
        images = jax.lax.dynamic_slice_in_dim(images, window.left, window.width, images.ndim + self.width_axis)
        if (window.height, window.width) == target:
            return images
        return ops.image.resize(images, target, data_format=self.data_format)

    def _moved(
        self,
        bounding_boxes: Any,
        size: tuple[int, int],
        move: Callable[[Any], Any],
        after: tuple[int, int] | None = None,
    ) -> Any:
        """Boxes whose corners, in pixels, were moved in images of a size, and of a size after that."""
        named, after = self.bounding_box_format, after or size
        corners = boxes.convert_format(bounding_boxes, named, "xyxy", *size)
        moved = boxes.clip_to_image_size({**corners, "boxes": move(corners["boxes"])}, *after)
        return boxes.convert_format(moved, "xyxy", named, *after)


class RandomImageLayer(ImageLayer):
    """A layer that changes images at random in training, and passes them otherwise.

    State:  generator: the seeds of the draws
    """

    config_names: tuple[str, ...] = ("data_format", "seed")

    def __init__(self, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """What is drawn for the images in data; None outside of training.

        Args:    seed: where the numbers come from, in place of the layer's own generator.
        """
        if not training:
            return None
        shape = jnp.shape(self._images(data))
        return self._draw_(shape[0] if len(shape) == 4 else 1, shape, self.generator if seed is None else seed)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        images = jnp.asarray(images)
        images = images.astype(self._output_dtype(images.dtype.name))
        if not training or transformation is None:
            return images
        return self._apply(images, transformation).astype(images.dtype)

    def _draw_(self, count: int, shape: Shape, seed: Any) -> Any:
        """What is drawn for `count` images of a shape."""
        raise NotImplementedError(f"{type(self).__name__} does not define _draw().")

    def _apply(self, images: Any, transformation: Any) -> Any:
        """The images, (batch, ...), changed as was drawn."""
        raise NotImplementedError(f"{type(self).__name__} does not define _apply().")

    def _range(
        self, name: str, factor: Any, least: float = -1.0, most: float = 1.0, strict: bool = False
    ) -> tuple[float, float]:
        """The range that a factor stands for: f is (-f, f), as far as allowed.

        Two numbers may reach beyond what is allowed unless `strict`, but must not lie outside.
        """
        numbers = list(factor) if isinstance(factor, (tuple, list)) else [factor]
        if not all(isinstance(number, (int, float)) for number in numbers) or len(numbers) > 2:
            raise self._refusal_(name, factor, f"a number from {least} to {most}, or two of them")
        low, high = min(numbers), max(numbers)
        whole = least <= low <= high <= most
        if not whole and (strict or len(numbers) == 1 or low > most or high < least):
            raise self._refusal_(name, factor, f"a number from {least} to {most}, or two of them")
        return (low, high) if isinstance(factor, (tuple, list)) else (max(least, -abs(factor)), abs(factor))
