"""Segmentation masks drawn on images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamella.errors import DtypeError, ShapeError
from lamella.ops import convert_to_numpy
from lamella.visualization.batches import channels_last


def draw_segmentation_masks(
    images: Any,
    segmentation_masks: Any,
    num_classes: int | None = None,
    color_mapping: Mapping[int, Sequence[float]] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: str | None = None,
) -> np.ndarray:
    """Images with each pixel's class painted on in the color of the class.

    Args:    images: (batch, height, width, channels), in [0, 255].
             segmentation_masks: class numbers, (batch, height, width) or with one channel.
             num_classes: classes from it on are not painted; by default all are.
             color_mapping: a color for each class; classes without one are not painted.
             alpha: how much of a painted pixel is color; all of it if not `blend`.
             ignore_index: the class whose pixels stay as they are, where colors are blended.
    Returns: uint8 images; float32 ones if not `blend`, as in Keras.
    Raises:  ShapeError: no batch of images, or masks of other sizes.  DtypeError: masks of no integers.
    """
    pictures, first = channels_last(images, data_format)
    masks = _class_numbers(segmentation_masks, pictures.shape[:3], first)
    pictures, count = pictures.astype("float32"), int(masks.max()) + 1 if num_classes is None else num_classes
    colors = dict(enumerate(_palette(count))) if color_mapping is None else color_mapping
    painted = pictures.copy()
    for number in range(count):
        if number in colors:
            painted[masks == number] = colors[number]
    if not blend:
        return painted
    mixed = pictures * (1 - alpha) + painted * alpha
    return np.where((masks != ignore_index)[..., None], mixed, pictures).astype("uint8")


def _class_numbers(masks: Any, sizes: tuple[int, ...], channels_first: bool) -> np.ndarray:
    masks = convert_to_numpy(masks)
    if masks.dtype.kind not in "iu":
        raise DtypeError("`segmentation_masks` must be of an integer dtype.", received=masks.dtype.name)
    if masks.ndim == 4:
        masks = masks[:, 0] if channels_first else masks[..., 0]
    if masks.shape != sizes:
        raise ShapeError("There is one class number for each pixel.", expected=sizes, received=masks.shape)
    return masks


def _palette(count: int) -> list[list[int]]:
    """Colors far apart, the same ones as Keras's; that of class 0 is black."""
    steps = np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])
    return [(number * steps % 255).tolist() for number in range(count)]
