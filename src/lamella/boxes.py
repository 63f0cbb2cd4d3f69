"""Bounding boxes, four numbers each: written in other formats, moved, clipped, compared, told as deltas.

A format names its four numbers: x and y in pixels from the top left corner, w and h
of the box, of its corners or its center; "rel_" ones are parts of the image's size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from lamella.config import epsilon
from lamella.errors import ArgumentError, ShapeError, unknown

__all__ = [
    "FORMATS",
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]

FORMATS = (
    *("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw"),
    *("rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"),
)
_DELTAS = ("center_xywh", "center_yxhw")

# From four columns to left, top, right and bottom; and back.
_CORNERS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "xyxy": lambda x1, y1, x2, y2: (x1, y1, x2, y2),
    "yxyx": lambda y1, x1, y2, x2: (x1, y1, x2, y2),
    "xywh": lambda x, y, w, h: (x, y, x + w, y + h),
    "center_xywh": lambda x, y, w, h: (x - w / 2, y - h / 2, x + w / 2, y + h / 2),
    "center_yxhw": lambda y, x, h, w: (x - w / 2, y - h / 2, x + w / 2, y + h / 2),
}
_FROM_CORNERS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "xyxy": lambda x1, y1, x2, y2: (x1, y1, x2, y2),
    "yxyx": lambda x1, y1, x2, y2: (y1, x1, y2, x2),
    "xywh": lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1),
    "center_xywh": lambda x1, y1, x2, y2: (x1 + (x2 - x1) / 2, y1 + (y2 - y1) / 2, x2 - x1, y2 - y1),
    "center_yxhw": lambda x1, y1, x2, y2: (y1 + (y2 - y1) / 2, x1 + (x2 - x1) / 2, y2 - y1, x2 - x1),
}


def convert_format(
    boxes: Any, source: str, target: str, height: Any = None, width: Any = None, dtype: Any = "float32"
) -> Any:
    """Boxes written in another format.

    Args:    boxes: (..., 4), or a dict with them as "boxes".
             source, target: the formats, one of `FORMATS`.
             height, width: of the image; needed between pixels and parts of its size.
    Raises:  UnknownNameError: no such format.  ShapeError: not four numbers a box.
             ArgumentError: a size is needed and missing.
    Example: >>> convert_format(np.array([[10, 20, 30, 40]]), "xyxy", "xywh").tolist()
             [[10.0, 20.0, 20.0, 20.0]]
    """
    if isinstance(boxes, dict):
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    boxes, source, target = jnp.asarray(boxes, dtype), _format(source), _format(target)
    if boxes.shape[-1:] != (4,):
        raise ShapeError("A bounding box has four numbers.", expected="(..., 4)", received=boxes.shape)
    if source == target:
        return boxes
    columns, sizes = jnp.split(boxes, 4, axis=-1), _sizes(source, target, height, width)
    if source.startswith("rel_") and sizes:
        columns = [column * sizes[axis] for column, axis in zip(columns, source[-4:], strict=True)]
    columns = _FROM_CORNERS[_plain(target)](*_CORNERS[_plain(source)](*columns))
    if target.startswith("rel_") and sizes:
        columns = [column / sizes[axis] for column, axis in zip(columns, target[-4:], strict=True)]
    return jnp.concatenate(columns, axis=-1)


def _format(name: str) -> str:
    if str(name).lower() not in FORMATS:
        raise unknown("format of bounding boxes", name, FORMATS)
    return name.lower()


def _plain(name: str) -> str:
    return name.removeprefix("rel_")


def _sizes(source: str, target: str, height: Any, width: Any) -> dict[str, Any]:
    """The size of the image along each letter of a format; none between two formats of a kind."""
    relative = [name for name in (source, target) if name.startswith("rel_")]
    if relative and (height is None or width is None):
        raise ArgumentError(
            f"Boxes as {relative[0]!r} are parts of an image whose size is not known.",
            expected="height and width",
            received=f"height={height}, width={width}",
        )
    return {"x": width, "w": width, "y": height, "h": height} if len(relative) == 1 else {}


def clip_to_image_size(
    bounding_boxes: dict[str, Any], height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> dict[str, Any]:
    """Boxes cut to their image; the label of a box that is outside of it becomes -1.

    Args:    bounding_boxes: {"boxes": (..., n, 4), "labels": (..., n)}, labels may be missing.
             bounding_box_format: "xyxy", with height and width, or "rel_xyxy".
    Raises:  ArgumentError: another format; no size.
    Example: >>> boxes = {"boxes": np.array([[-5.0, 2, 5, 9], [12, 0, 15, 9]]), "labels": np.array([3, 4])}
             >>> clip_to_image_size(boxes, height=8, width=10)["labels"].tolist()
             [3, -1]
    """
    _only(("xyxy", "rel_xyxy"), bounding_box_format)
    if bounding_box_format == "rel_xyxy":
        height = width = 1.0
    elif height is None or width is None:
        raise ArgumentError(
            "Boxes as 'xyxy' are clipped to a size.",
            expected="height and width",
            received=f"height={height}, width={width}",
        )
    x1, y1, x2, y2 = jnp.split(jnp.asarray(bounding_boxes["boxes"]), 4, axis=-1)
    boxes = _clipped(x1, y1, x2, y2, height, width)
    clipped = {**bounding_boxes, "boxes": boxes}
    if bounding_boxes.get("labels") is not None:
        clipped["labels"] = jnp.where(_area(boxes) > 0, bounding_boxes["labels"], -1)
    return clipped


def _only(formats: tuple[str, ...], given: str) -> None:
    if given not in formats:
        raise ArgumentError(
            f"Boxes cannot be given as {given!r} here.",
            expected=" or ".join(map(repr, formats)),
            fix="convert them with convert_format()",
        )


def _clipped(x1: Any, y1: Any, x2: Any, y2: Any, height: Any, width: Any) -> Any:
    pairs = ((x1, width), (y1, height), (x2, width), (y2, height))
    return jnp.concatenate([jnp.clip(numbers, 0, most).astype(numbers.dtype) for numbers, most in pairs], axis=-1)


def _area(corners: Any) -> Any:
    return (corners[..., 2] - corners[..., 0]) * (corners[..., 3] - corners[..., 1])


def affine_transform(
    boxes: Any,
    angle: Any,
    translate_x: Any,
    translate_y: Any,
    scale: Any,
    shear_x: Any,
    shear_y: Any,
    height: Any,
    width: Any,
    center_x: Any = None,
    center_y: Any = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """The boxes around turned, sheared, scaled and moved ones.

    Args:    boxes: (batch, n, 4); the numbers that follow are (batch,).
             angle, shear_x, shear_y: in degrees.
             translate_x, translate_y: parts of width - 1 and height - 1.
             center_x, center_y: about which to turn, parts of the size; the middle if None.
    Raises:  ArgumentError: another format than "xyxy".
    """
    _only(("xyxy",), bounding_box_format)
    x_center = (0.5 if center_x is None else center_x) * (width - 1)
    y_center = (0.5 if center_y is None else center_y) * (height - 1)
    a, b, c, d = _turned(angle, shear_x, shear_y, scale)
    columns = jnp.moveaxis(jnp.asarray(boxes, a.dtype), -1, 0)
    x = columns[jnp.array([0, 2, 2, 0])] - _each(x_center - translate_x * (width - 1))
    y = columns[jnp.array([1, 1, 3, 3])] - _each(y_center - translate_y * (height - 1))
    corners = jnp.stack([a * x + b * y + _each(x_center), c * x + d * y + _each(y_center)], axis=-1)
    return jnp.concatenate([corners.min(0), corners.max(0)], axis=-1)


def _each(numbers: Any) -> Any:
    """(batch,) → (batch, 1), for all boxes of an image."""
    return jnp.asarray(numbers)[..., None]


def _turned(angle: Any, shear_x: Any, shear_y: Any, scale: Any) -> tuple[Any, Any, Any, Any]:
    """The rows (a, b), (c, d) that turn, shear and scale; each (batch, 1)."""
    turn, x, y = (-jnp.deg2rad(_each(degrees)) for degrees in (angle, shear_x, shear_y))
    a = jnp.cos(turn - y) / jnp.cos(y)
    b = a * jnp.tan(x) + jnp.sin(turn)
    c = -jnp.sin(turn - y) / jnp.cos(y)
    d = jnp.cos(turn) - c * jnp.tan(x)
    return d * _each(scale), -b * _each(scale), -c * _each(scale), a * _each(scale)


def crop(boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: str = "xyxy") -> Any:
    """Boxes (..., 4) as they are in a window cut out of their image.

    Raises:  ArgumentError: another format than "xyxy".
    Example: >>> crop(np.array([[10, 20, 50, 60]]), top=10, left=20, height=40, width=30).tolist()
             [[0, 10, 30, 40]]
    """
    x1, y1, x2, y2 = jnp.split(pad(boxes, -top, -left, bounding_box_format=bounding_box_format), 4, axis=-1)
    return _clipped(x1, y1, x2, y2, height, width)


def pad(
    boxes: Any, top: Any, left: Any, height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> Any:
    """Boxes (..., 4) as they are when rows and columns are added above and left of their image.

    Raises:  ArgumentError: another format than "xyxy".
    Example: >>> pad(np.array([[10, 20, 50, 60]]), top=1, left=2).tolist()
             [[12, 21, 52, 61]]
    """
    _only(("xyxy",), bounding_box_format)
    x1, y1, x2, y2 = jnp.split(jnp.asarray(boxes), 4, axis=-1)
    return jnp.concatenate([x1 + left, y1 + top, x2 + left, y2 + top], axis=-1)


def compute_iou(
    boxes1: Any,
    boxes2: Any,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Any = None,
) -> Any:
    """The area that two boxes share, over the area that they cover, for each pair.

    Args:    boxes1, boxes2: (n, 4) or (batch, n, 4), each.
             use_masking: whether pairs with a box whose numbers are all negative get `mask_val`.
             image_shape: (height, width, channels), for boxes in parts of it.
    Shape:   → (..., n of boxes1, n of boxes2)
    Raises:  ShapeError: boxes of another rank.
    Example: >>> compute_iou(np.array([[0, 0, 2, 2]]), np.array([[0, 0, 2, 1]]), "xyxy").tolist()
             [[0.5]]
    """
    one, two = (_as("xyxy", boxes, bounding_box_format, image_shape) for boxes in (boxes1, boxes2))
    if {one.ndim, two.ndim} - {2, 3}:
        raise ShapeError("compute_iou() takes boxes, or batches of them.", expected="rank 2 or 3", received=one.shape)
    one, two = one[..., :, None, :], two[..., None, :, :]
    shared = _shared(one, two)
    iou = shared / (_area(one) + _area(two) - shared + epsilon())
    if not use_masking:
        return iou
    return jnp.where((one.max(-1) < 0) | (two.max(-1) < 0), jnp.asarray(mask_val, iou.dtype), iou)


def _as(target: str, boxes: Any, source: str, image_shape: Any) -> Any:
    height, width = (None, None) if image_shape is None else image_shape[:2]
    return convert_format(boxes, source, target, height, width)


def _shared(one: Any, two: Any) -> Any:
    """The area that lies in both boxes, given their corners."""
    low, high = jnp.maximum(one[..., :2], two[..., :2]), jnp.minimum(one[..., 2:], two[..., 2:])
    return jnp.maximum(high - low, 0).prod(-1)


def compute_ciou(boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any = None) -> Any:
    """How well boxes fit each other: their IoU, less for far centers and for other proportions.

    Args:    boxes1, boxes2: (..., 4), compared one to one.
             image_shape: (height, width, channels), for boxes in parts of it.
    Source:  Zheng et al. 2020, "Enhancing geometric factors in model learning".
    Example: >>> compute_ciou(np.array([[0, 0, 2, 2]]), np.array([[0, 0, 2, 2]]), "xyxy").round(3).tolist()
             [1.0]
    """
    one, two = (_as("xyxy", boxes, bounding_box_format, image_shape) for boxes in (boxes1, boxes2))
    (w1, h1), (w2, h2) = (jnp.moveaxis(boxes[..., 2:] - boxes[..., :2], -1, 0) for boxes in (one, two))
    h1, h2, shared = h1 + epsilon(), h2 + epsilon(), _shared(one, two)
    iou = shared / (w1 * h1 + w2 * h2 - shared + 2 * epsilon())
    around = jnp.maximum(one[..., 2:], two[..., 2:]) - jnp.minimum(one[..., :2], two[..., :2])
    apart = (one[..., :2] + one[..., 2:] - two[..., :2] - two[..., 2:]) / 2
    distance = (apart**2).sum(-1) / ((around**2).sum(-1) + epsilon())
    unlike = 4 / math.pi**2 * (jnp.arctan(w2 / h2) - jnp.arctan(w1 / h1)) ** 2
    return iou - distance - unlike**2 / (unlike - iou + 1 + epsilon())


def encode_box_to_deltas(
    anchors: Any,
    boxes: Any,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Any = None,
) -> Any:
    """How far boxes lie from their anchors, in anchor sizes, and the logarithm of how much larger they are.

    Args:    anchors: (n, 4).  boxes: (n, 4) or (batch, n, 4).
             encoding_format: "center_yxhw" or "center_xywh".
             variance: four numbers that the deltas are divided by.
             image_shape: (height, width, channels), for boxes in parts of it.
    Raises:  ArgumentError: another encoding; not four numbers as variance.
    """
    _only(_DELTAS, encoding_format)
    anchor = _as(encoding_format, anchors, anchor_format, image_shape)
    box = _as(encoding_format, boxes, box_format, image_shape)
    size, of_anchor = jnp.maximum(box[..., 2:], epsilon()), jnp.maximum(anchor[..., 2:], epsilon())
    shift, growth = (box[..., :2] - anchor[..., :2]) / of_anchor, jnp.log(size / of_anchor)
    return jnp.concatenate([shift, growth], axis=-1) / _variance(variance)


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Any = None,
) -> Any:
    """The boxes that `encode_box_to_deltas` made the deltas of.

    Args:    anchors, boxes_delta: arrays, or dicts of them with the same keys.
    Raises:  ArgumentError: another encoding; not four numbers as variance.
    """
    _only(_DELTAS, encoded_format)
    if isinstance(anchors, dict):
        rest = (anchor_format, box_format, encoded_format, variance, image_shape)
        return {level: decode_deltas_to_boxes(anchors[level], boxes_delta[level], *rest) for level in anchors}
    anchor = _as(encoded_format, anchors, anchor_format, image_shape)
    deltas = jnp.asarray(boxes_delta) * _variance(variance)
    centers = deltas[..., :2] * anchor[..., 2:] + anchor[..., :2]
    boxes = jnp.concatenate([centers, jnp.exp(deltas[..., 2:]) * anchor[..., 2:]], axis=-1)
    return _as(box_format, boxes, encoded_format, image_shape)


def _variance(variance: Any) -> Any:
    numbers = jnp.ones(4) if variance is None else jnp.asarray(variance, "float32")
    if numbers.shape[-1:] != (4,):
        raise ArgumentError("`variance` has a number for each of a box's four.", received=variance)
    return numbers
