"""What follows its images: labels, masks and bounding boxes, against Keras with the same seed."""

import copy

import keras
import numpy as np
import pytest
from layer_parity import once_each, same_config

import lamella

DRAW = np.random.default_rng(1)
FORMATS = ["xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"]
CORNERS = np.array(
    [[[1, 1, 4, 5], [0, 2, 6, 8]], [[2, 3, 3, 4], [3, 0, 5, 7]], [[0, 0, 1, 1], [5, 6, 6, 8]]], "float32"
)  # in images 8 high and 6 wide


def data(named="xyxy"):
    boxes = keras.utils.bounding_boxes.convert_format(CORNERS, "xyxy", named, height=8, width=6)
    return {
        "images": DRAW.uniform(0, 255, (3, 8, 6, 3)).astype("float32"),
        "labels": np.arange(3),
        "bounding_boxes": {"boxes": np.asarray(boxes), "labels": np.array([[1, 2], [3, 4], [5, 6]])},
        "segmentation_masks": DRAW.integers(0, 3, (3, 8, 6, 1)).astype("float32"),
        "names": np.arange(3),
    }


def pair(name, *args, **kwargs):
    theirs, ours = (getattr(m.layers, name)(*args, **{"name": "same", **kwargs}) for m in (keras, lamella))
    same_config(theirs, ours)
    return theirs, ours


def same(theirs, ours, given, **call):
    """Outputs for a dict, which Keras changes in place and we do not."""
    kept = copy.deepcopy(given)
    b = ours(given, **call)
    assert all((kept[key] == given[key]).all() for key in kept if key != "bounding_boxes")
    a = theirs(copy.deepcopy(given), **call)
    assert b.keys() == a.keys()
    for key in a:
        if key != "bounding_boxes":
            np.testing.assert_allclose(b[key], a[key], rtol=1e-4, atol=1e-3, err_msg=key)
    for key in a.get("bounding_boxes", {}):
        np.testing.assert_allclose(
            b["bounding_boxes"][key], a["bounding_boxes"][key], rtol=1e-4, atol=1e-3, err_msg=key
        )
    return b


def single(given):
    return {
        key: {k: v[0] for k, v in value.items()} if isinstance(value, dict) else value[0]
        for key, value in given.items()
    }


CASES = [
    ("CenterCrop", (4, 3), {}),
    ("CenterCrop", (10, 4), {}),
    ("RandomFlip", ("horizontal",), {"seed": 3}),
    ("RandomFlip", (), {"seed": 3}),
    ("RandomTranslation", (0.3, (0.1, 0.4)), {"seed": 3}),
    ("RandomZoom", (0.4, (-0.5, 0.1)), {"seed": 3}),
    ("RandomZoom", ((-0.4, -0.1),), {"seed": 3}),
    ("Resizing", (5, 9), {}),
    ("Resizing", (5, 9), {"crop_to_aspect_ratio": True}),
    ("Resizing", (12, 4), {"pad_to_aspect_ratio": True}),
    ("RandomBrightness", (0.3,), {"seed": 3}),
    ("RandomInvert", (), {"seed": 3}),
]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("name", "args", "kwargs"), once_each([*CASES, ("RandomRotation", (0.2,), {"seed": 3})]))
def test_dicts(name, args, kwargs):
    theirs, ours = pair(name, *args, bounding_box_format="xyxy", **kwargs)
    same(theirs, ours, data(), training=True)
    same(theirs, ours, single(data()), training=True)
    same(theirs, ours, data(), training=False)


@pytest.mark.parametrize("named", FORMATS[1:])
@pytest.mark.parametrize(("name", "args", "kwargs"), [CASES[0], CASES[2], CASES[4], CASES[5], CASES[7]])
def test_formats(name, args, kwargs, named):
    theirs, ours = pair(name, *args, bounding_box_format=named, **kwargs)
    given = {key: data(named)[key] for key in ("images", "bounding_boxes")}
    same(theirs, ours, given, training=True)


def test_channels_first():
    theirs, ours = pair("RandomZoom", 0.4, seed=2, data_format="channels_first", bounding_box_format="xyxy")
    given = data()
    given = {"images": given["images"].transpose(0, 3, 1, 2), "bounding_boxes": given["bounding_boxes"]}
    same(theirs, ours, given, training=True)


def test_boxes_that_are_none_stay_none():
    theirs, ours = pair("Resizing", 4, 4, bounding_box_format="xywh")
    given = data()
    given["bounding_boxes"]["boxes"] = np.array([[[-1, -1, -1, -1], [0, 0, 0, 0]]] * 3, "float32")
    out = same(theirs, ours, given)
    assert (out["bounding_boxes"]["boxes"] == 0).all()
