"""Bounding boxes: what is refused, and how."""

import jax
import numpy as np
import pytest

from lamella.errors import ArgumentError, ShapeError, UnknownNameError
from lamella.utils import bounding_boxes as B

BOXES = np.array([[1.0, 2, 5, 8], [0, 0, 4, 4]])
ONES = np.ones(1)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: B.convert_format(BOXES, "xyxx", "xywh"), UnknownNameError, "or 'xyxy' or"),
        (lambda: B.convert_format(BOXES, "xyxy", None), UnknownNameError, "None"),
        (lambda: B.convert_format(BOXES[:, :3], "xyxy", "xywh"), ShapeError, "four numbers"),
        (lambda: B.convert_format(BOXES, "xyxy", "rel_xywh", height=4), ArgumentError, "width=None"),
        (lambda: B.clip_to_image_size({"boxes": BOXES}, 4, 4, "xywh"), ArgumentError, "'xyxy' or 'rel_xyxy'"),
        (lambda: B.clip_to_image_size({"boxes": BOXES}), ArgumentError, "height=None"),
        (lambda: B.crop(BOXES, 0, 0, 1, 1, "yxyx"), ArgumentError, "convert_format"),
        (lambda: B.pad(BOXES, 0, 0, bounding_box_format="yxyx"), ArgumentError, "convert_format"),
        (lambda: B.affine_transform(BOXES, *[ONES] * 6, 4, 4, bounding_box_format="xywh"), ArgumentError, "'xywh'"),
        (lambda: B.compute_iou(BOXES[0], BOXES, "xyxy"), ShapeError, "rank 2 or 3"),
        (lambda: B.compute_iou(BOXES, BOXES, "rel_xyxy"), ArgumentError, "size is not known"),
        (lambda: B.encode_box_to_deltas(BOXES, BOXES, "xyxy", "xyxy", "xyxy"), ArgumentError, "center_yxhw"),
        (lambda: B.decode_deltas_to_boxes(BOXES, BOXES, "xyxy", "xyxy", "xyxy"), ArgumentError, "center_yxhw"),
        (lambda: B.encode_box_to_deltas(BOXES, BOXES, "xyxy", "xyxy", variance=[1.0]), ArgumentError, "variance"),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_inside_of_compiled_code():
    compiled = jax.jit(lambda boxes: B.compute_iou(boxes, boxes, "xyxy"))
    np.testing.assert_allclose(np.diag(compiled(BOXES)), 1, rtol=1e-5)


def test_nothing_fits_itself_better():
    assert (B.compute_ciou(BOXES, BOXES, "xyxy") > B.compute_ciou(BOXES, BOXES + 1, "xyxy")).all()
    assert np.allclose(B.compute_ciou(BOXES / 10, BOXES / 10, "rel_xyxy", image_shape=(10, 10, 3)), 1)
