"""Bounding boxes drawn on images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamella.boxes import convert_format
from lamella.errors import ArgumentError, DtypeError, MissingExtraError
from lamella.ops import convert_to_numpy
from lamella.visualization.batches import channels_last

_LETTER = 22.0  # height in pixels of a capital letter's line at font_scale 1


def draw_bounding_boxes(
    images: Any,
    bounding_boxes: dict[str, Any],
    bounding_box_format: str,
    class_mapping: Mapping[int, str] | None = None,
    color: Sequence[int] = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int | None = 1,
    font_scale: float = 1.0,
    data_format: str | None = None,
) -> np.ndarray:
    """Images with boxes, and the names of their classes, drawn on.

    Args:    images: (batch, height, width, channels); floats up to 1 are taken for parts of 255.
             bounding_boxes: "boxes" (batch, boxes, 4), "labels" (batch, boxes), of which -1 is not drawn, and, if
                 wanted, "confidences" (batch, boxes).
             bounding_box_format: as in `keras.utils.bounding_boxes.convert_format`.
             class_mapping: a name for each class number; classes without a name are drawn without text.
             color: one number for each channel, of 255.
    Returns: uint8 images of the same shape.
    Raises:  ShapeError, DtypeError, ArgumentError: no batch of images, no dict, or a key is missing.
             MissingExtraError: text is wanted, and Pillow is not installed.
    """
    pictures, first = channels_last(images, data_format)
    pictures = _as_bytes(pictures)
    boxes, labels, confidences = _entries(bounding_boxes, bounding_box_format, *pictures.shape[1:3])
    for i, picture in enumerate(pictures):
        for j in np.flatnonzero(labels[i] != -1):
            box, name = boxes[i, j], (class_mapping or {}).get(int(labels[i, j]))
            _draw_frame(picture, box, color, line_thickness)
            if name is not None:
                text = name if confidences is None else f"{name} | {confidences[i, j]:.2f}"
                _draw_text(picture, text, box[:2], color, text_thickness or line_thickness, font_scale)
    return np.moveaxis(pictures, -1, 1) if first else pictures


def _as_bytes(images: np.ndarray) -> np.ndarray:
    if images.dtype.kind == "f" and images.size:
        images = np.clip(images, 0, 1) * 255 if images.max() <= 1 else np.clip(images, 0, 255)
    return images.astype("uint8")


def _entries(bounding_boxes: Any, source: str, height: int, width: int) -> tuple[np.ndarray, np.ndarray, Any]:
    """Corners in pixels, class numbers, and confidences or None."""
    if not isinstance(bounding_boxes, dict):
        raise DtypeError("`bounding_boxes` should be a dict.", received=type(bounding_boxes).__name__)
    if "boxes" not in bounding_boxes or "labels" not in bounding_boxes:
        raise ArgumentError(
            "`bounding_boxes` should be a dict with 'boxes' and 'labels'.", received=sorted(bounding_boxes)
        )
    boxes = convert_to_numpy(convert_format(bounding_boxes["boxes"], source, "xyxy", height, width))
    confidences = bounding_boxes.get("confidences")
    labels = convert_to_numpy(bounding_boxes["labels"]).astype("int32")
    return boxes.astype("int32"), labels, None if confidences is None else convert_to_numpy(confidences)


def _draw_frame(picture: np.ndarray, box: np.ndarray, color: Sequence[int], thickness: int) -> None:
    left, top, right, bottom = (int(edge) for edge in box)
    half, rest = thickness // 2, thickness // 2 + 1
    rows, columns = slice(max(top - half, 0), max(bottom + rest, 0)), slice(max(left - half, 0), max(right + rest, 0))
    paint = np.asarray(color, "uint8")[: picture.shape[-1]]
    for edge in (top, bottom):
        picture[max(edge - half, 0) : max(edge + rest, 0), columns] = paint
    for edge in (left, right):
        picture[rows, max(edge - half, 0) : max(edge + rest, 0)] = paint


def _draw_text(
    picture: np.ndarray, text: str, corner: np.ndarray, color: Sequence[int], thickness: int, scale: float
) -> None:
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise MissingExtraError(
            "The names of classes are drawn with Pillow.", fix="pip install lamella[image]"
        ) from error
    mask = Image.new("L", (picture.shape[1], picture.shape[0]))
    place = _text_place(int(corner[0]), int(corner[1]), scale, thickness)
    font = ImageFont.load_default(_LETTER * scale)
    ImageDraw.Draw(mask).text(place, text, fill=255, font=font, anchor="ls", stroke_width=max(thickness - 1, 0))
    share = np.asarray(mask, "float32")[..., None] / 255
    picture[:] = picture * (1 - share) + np.asarray(color, "float32")[: picture.shape[-1]] * share


def _text_place(x: int, y: int, scale: float, thickness: int) -> tuple[int, int]:
    """Where the text begins: above the box, or inside of it where there is no room above."""
    line = int(scale * 12)
    if y - 8 - 2 * line > 0:
        return x, y - 8
    return x + 3, y + 2 * line + thickness + 3
