"""Batches of images as NumPy arrays, channels last."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella.config import standardize_data_format
from lamella.errors import ShapeError
from lamella.ops import convert_to_numpy


def channels_last(images: Any, data_format: str | None) -> tuple[np.ndarray, bool]:
    """A copy of the images as (batch, height, width, channels), and whether the channels came first.

    Raises: ShapeError: not four axes.
    """
    images = convert_to_numpy(images)
    if images.ndim != 4:
        raise ShapeError(
            "`images` must be a batch of images.", expected="(batch, height, width, channels)", received=images.shape
        )
    first = standardize_data_format(data_format) == "channels_first"
    return (np.moveaxis(images, 1, -1), True) if first else (images, False)
