"""Bounding boxes against Keras: formats, clipping, moving, overlaps, deltas."""

import itertools

import keras
import numpy as np
import pytest

import lamella
from lamella.boxes import FORMATS

RANDOM = np.random.default_rng(0)
CORNERS = RANDOM.uniform(0, 20, (2, 3, 2))
BOXES = np.concatenate([CORNERS, CORNERS + RANDOM.uniform(1, 9, (2, 3, 2))], axis=-1).astype("float32")
SIZE = {"height": 32, "width": 24}
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def same(name, *args, **kwargs):
    theirs, ours = (getattr(m.utils.bounding_boxes, name)(*args, **kwargs) for m in (keras, lamella))
    np.testing.assert_allclose(ours, theirs, **CLOSE)
    return np.asarray(ours)


@pytest.mark.parametrize(("source", "target"), list(itertools.product(FORMATS, FORMATS)))
def test_formats(source, target):
    boxes = lamella.utils.bounding_boxes.convert_format(BOXES, "xyxy", source, **SIZE)
    same("convert_format", np.asarray(boxes), source, target, **SIZE)


def test_formats_of_dicts():
    made = lamella.utils.bounding_boxes.convert_format({"boxes": BOXES, "labels": 1}, "XYXY", "xywh")
    assert made["labels"] == 1 and np.allclose(made["boxes"][..., 2:], BOXES[..., 2:] - BOXES[..., :2])
    assert (BOXES[..., 2:] > 9).any()  # the given one is as it was


@pytest.mark.parametrize(("kind", "scale"), [("xyxy", 1.0), ("rel_xyxy", 0.1)])
def test_clipping(kind, scale):
    data = {"boxes": BOXES * scale, "labels": np.array([[1, 2, 3], [4, 5, 6]])}
    theirs, ours = (
        m.utils.bounding_boxes.clip_to_image_size(dict(data), height=12, width=10, bounding_box_format=kind)
        for m in (keras, lamella)
    )
    assert (np.asarray(ours["labels"]) == -1).any()
    for key in data:
        np.testing.assert_allclose(ours[key], theirs[key], **CLOSE)


@pytest.mark.parametrize("center", [{}, {"center_x": 0.2, "center_y": 0.9}])
def test_affine(center):
    numbers = [np.array(pair, "float32") for pair in ([30, -70], [0.1, 0], [0, -0.2], [1.5, 0.7], [10, 0], [-5, 20])]
    same("affine_transform", BOXES, *numbers, **SIZE, **center)


def test_windows():
    same("crop", BOXES, 3, 5, 10, 8)
    same("crop", BOXES[0].astype("int32"), 3, 5, 10, 8)
    same("pad", BOXES, 3, 5)


@pytest.mark.sample(2)
@pytest.mark.parametrize("one, two", [(BOXES, BOXES[:, :2]), (BOXES[0], BOXES[1]), (BOXES, BOXES[0])])
def test_overlaps(one, two):
    one = np.concatenate([one, -np.ones_like(one[..., :1, :])], axis=-2)
    same("compute_iou", one, two, "xyxy")
    if one.ndim == two.ndim:  # Keras fails otherwise
        assert (same("compute_iou", one, two, "xyxy", use_masking=True, mask_val=-7) == -7).any()


def test_overlaps_of_parts():
    assert same("compute_iou", BOXES[0] / 40, BOXES[1] / 40, "rel_yxyx", image_shape=(32, 24, 3)).shape == (3, 3)


@pytest.mark.parametrize("kind", ["xyxy", "center_xywh"])
def test_fit(kind):
    same("compute_ciou", BOXES[0], BOXES[1], kind)
    same("compute_ciou", BOXES, BOXES + 2, kind)


@pytest.mark.parametrize("encoding", ["center_yxhw", "center_xywh"])
@pytest.mark.parametrize("variance", [None, [0.1, 0.1, 0.2, 0.2]])
def test_deltas(encoding, variance):
    rest = {"variance": variance, "image_shape": (32, 24, 3)}
    deltas = same("encode_box_to_deltas", BOXES[0], BOXES, "xyxy", "rel_xyxy", encoding, **rest)
    deltas = same("encode_box_to_deltas", BOXES[0], BOXES, "xywh", "xyxy", encoding, **rest)
    boxes = same("decode_deltas_to_boxes", BOXES[0], deltas, "xywh", "xyxy", encoding, **rest)
    np.testing.assert_allclose(boxes, BOXES, rtol=1e-4, atol=1e-4)
    levels = lamella.utils.bounding_boxes.decode_deltas_to_boxes(
        {1: BOXES[0]}, {1: deltas}, "xywh", "xyxy", encoding, **rest
    )
    np.testing.assert_allclose(levels[1], boxes)
