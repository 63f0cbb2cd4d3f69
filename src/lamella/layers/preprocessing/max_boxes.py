"""MaxNumBoundingBoxes: the same number of bounding boxes for every image."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from lamella.layers.keywords import LayerKeywords
from lamella.layers.preprocessing.image import ImageLayer

__all__ = ["MaxNumBoundingBoxes"]


class MaxNumBoundingBoxes(ImageLayer):
    """Cuts or fills up the boxes of each image to one number; all else passes.

    Args:    max_number: how many boxes each image gets.
             fill_value: the numbers and the label of those added.
    Example: >>> boxes = {"boxes": np.ones((2, 1, 4)), "labels": np.ones((2, 1))}
             >>> data = {"images": np.ones((2, 8, 8, 3)), "bounding_boxes": boxes}
             >>> MaxNumBoundingBoxes(3, bounding_box_format="xyxy")(data)["bounding_boxes"]["labels"][0].tolist()
             [1.0, -1.0, -1.0]
    """

    config_names = ("data_format", "max_number")

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.max_number, self.fill_value = self._positive_("max_number", max_number), int(fill_value)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return config if self.fill_value == -1 else {**config, "fill_value": self.fill_value}

    def _output_dtype(self, dtype: str) -> str:
        return dtype

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        return images

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        changed = {key: self._filled(bounding_boxes[key]) for key in ("boxes", "labels")}
        return {**bounding_boxes, **changed}

    def _filled(self, numbers: Any) -> Any:
        """(batch, n, ...) → (batch, max_number, ...)"""
        kept = numbers[:, : self.max_number]
        missing = [(0, 0), (0, self.max_number - kept.shape[1]), *[(0, 0)] * (kept.ndim - 2)]
        return jnp.pad(kept, missing, constant_values=self.fill_value)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if not isinstance(input_shape, dict) or "bounding_boxes" not in input_shape:
            return input_shape
        inside = input_shape["bounding_boxes"]
        changed = {key: (inside[key][0], self.max_number, *inside[key][2:]) for key in ("boxes", "labels")}
        return {**input_shape, "bounding_boxes": {**inside, **changed}}
