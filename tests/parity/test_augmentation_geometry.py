"""Augmentation that bends, covers and mixes images against Keras: the same seed draws the same change."""

import random

import keras
import numpy as np
import pytest
from layer_parity import once_each, same_config

import lamella

DRAWN = np.random.default_rng(0)
IMAGES = DRAWN.integers(0, 256, (4, 9, 7, 3)).astype("float32")
MASKS = DRAWN.integers(0, 3, (4, 9, 7, 1)).astype("float32")
LABELS = np.eye(4, dtype="float32")
STARTS = DRAWN.uniform(0, 3, (4, 2, 2))
BOXES = np.concatenate([STARTS, STARTS + DRAWN.uniform(1, 4, (4, 2, 2))], axis=-1).astype("float32")
NAMES = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], "int32")


def pair(name, *args, **kwargs):
    theirs, ours = (getattr(m.layers, name)(*args, **{"name": "same", **kwargs}) for m in (keras, lamella))
    same_config(theirs, ours)
    return theirs, ours


def same(theirs, ours, *inputs, tolerance=1e-3, **call):
    a, b = theirs(*inputs, **call), ours(*inputs, **call)
    np.testing.assert_allclose(b, a, rtol=1e-4, atol=tolerance)
    return np.asarray(b)


FIRST = {"data_format": "channels_first"}
LAYERS = [
    ("RandomErasing", {}),
    ("RandomErasing", {"factor": (0.4, 0.6), "scale": 0.5, "fill_value": 7, "value_range": (0, 5), **FIRST}),
    ("RandomPerspective", {}),
    ("RandomPerspective", {"factor": 0.9, "scale": 0.3, "interpolation": "nearest", "fill_value": 5.0, **FIRST}),
    ("RandomShear", {"x_factor": (0.0, 0.4), "y_factor": (0.1, 0.2)}),
    ("RandomShear", {"x_factor": (0.3, 0.3), "y_factor": (0, 0), "fill_mode": "constant", "fill_value": 3.0, **FIRST}),
    ("RandomElasticTransform", {"scale": (0.8, 1.0)}),
    (
        "RandomElasticTransform",
        {"factor": (0.9, 1.0), "scale": (0.9, 1.0), "fill_mode": "wrap", "interpolation": "nearest"},
    ),
    ("CutMix", {}),
    ("CutMix", {"factor": (0.2, 0.4), **FIRST}),
    ("MixUp", {}),
    ("MixUp", {"alpha": 1.5}),
    ("RandAugment", {"num_ops": 3, "factor": (0.2, 0.9), "interpolation": "nearest"}),
]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("name", "kwargs"), once_each(LAYERS))
def test_images(name, kwargs):
    theirs, ours = pair(name, seed=11, **kwargs)
    images = np.tile(IMAGES, (1, 3, 3, 1)) if name == "RandomElasticTransform" else IMAGES  # waves need room
    images = np.moveaxis(images, -1, 1) if kwargs.get("data_format") else images
    first = same(theirs, ours, images, training=True)
    if name != "MixUp":  # draws outside of training, in Keras
        assert (same(theirs, ours, images, training=False) == images).all()
    second = same(theirs, ours, images, training=True)
    assert not np.allclose(first, second)
    assert tuple(ours.compute_output_shape((None, 8, 6, 3))) == tuple(theirs.compute_output_shape((None, 8, 6, 3)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["RandomErasing", "RandomShear", "CutMix", "MixUp"])
def test_one_image(name):
    factors = {"x_factor": (0.1, 0.4), "y_factor": (0.1, 0.4)} if name == "RandomShear" else {}
    theirs, ours = pair(name, seed=3, **factors)
    same(theirs, ours, IMAGES[0], training=True)
    same(theirs, ours, IMAGES[0].astype("uint8"), training=True)


def test_no_waves():
    theirs, ours = pair("RandomElasticTransform", scale=(0, 0), value_range=(0, 1))
    assert (same(theirs, ours, IMAGES, training=True) == IMAGES).all()


@pytest.mark.parametrize(("name", "kwargs"), [("CutMix", {}), ("MixUp", {"alpha": 0.7})])
def test_labels(name, kwargs):
    theirs, ours = pair(name, seed=4, **kwargs)
    a, b = (layer({"images": IMAGES, "labels": LABELS}, training=True) for layer in (theirs, ours))
    for key in ("images", "labels"):
        np.testing.assert_allclose(b[key], a[key], rtol=1e-4, atol=1e-4)
    assert ((np.asarray(b["labels"]) > 0).sum(-1) == 2).any()


BOXED = [
    ("RandomErasing", {}),
    ("RandomShear", {"x_factor": (0.2, 0.5), "y_factor": (0.1, 0.3)}),
    ("RandomShear", {"x_factor": (0.2, 0.5), "y_factor": (0.1, 0.3), "bounding_box_format": "rel_xywh"}),
    ("RandomPerspective", {"factor": (0.6, 0.6), "scale": 0.4}),
]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("name", "kwargs"), once_each(BOXED))
def test_boxes_and_masks(name, kwargs):
    theirs, ours = pair(name, seed=7, **{"bounding_box_format": "xyxy", **kwargs})
    scale = np.array([7, 9, 7, 9]) if kwargs.get("bounding_box_format", "").startswith("rel") else 1

    def data():
        boxes = {"boxes": (BOXES / scale).astype("float32"), "labels": NAMES}
        return {"images": IMAGES, "bounding_boxes": boxes, "segmentation_masks": MASKS}

    a, b = (layer(data(), training=True) for layer in (theirs, ours))
    np.testing.assert_allclose(b["images"], a["images"], rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(b["segmentation_masks"], a["segmentation_masks"])
    for key in ("boxes", "labels"):
        np.testing.assert_allclose(b["bounding_boxes"][key], a["bounding_boxes"][key], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_numbers_of_boxes(number):
    theirs, ours = pair("MaxNumBoundingBoxes", number, bounding_box_format="xyxy")
    data = lambda: {"images": IMAGES, "bounding_boxes": {"boxes": BOXES, "labels": NAMES}}
    a, b = (layer(data())["bounding_boxes"] for layer in (theirs, ours))
    for key in ("boxes", "labels"):
        np.testing.assert_array_equal(b[key], a[key])
    shapes = lambda: {"images": (4, 9, 7, 3), "bounding_boxes": {"boxes": (4, 2, 4), "labels": (4, 2)}}
    a, b = (layer.compute_output_shape(shapes())["bounding_boxes"] for layer in (theirs, ours))
    assert {key: tuple(a[key]) for key in a} == b


@pytest.mark.parametrize("kwargs", [{}, {"all_ops": False, "num_chains": 2, "chain_depth": 5, "factor": (0.1, 0.6)}])
def test_augmix(kwargs):
    theirs, ours = pair("AugMix", seed=5, **kwargs)
    for round_ in range(3):
        results = []
        for layer in (theirs, ours):
            random.seed(round_)  # the layers of the chains are drawn by Python
            results.append(np.asarray(layer(IMAGES, training=True)))
        np.testing.assert_allclose(results[1], results[0], rtol=1e-4, atol=2e-3)
    assert not np.allclose(results[1], IMAGES)


def test_rand_augment_with_masks_and_boxes():
    theirs, ours = pair("RandAugment", num_ops=1, seed=2, bounding_box_format="xyxy")
    data = lambda: {
        "images": IMAGES,
        "bounding_boxes": {"boxes": BOXES, "labels": NAMES},
        "segmentation_masks": MASKS,
    }
    for _ in range(6):
        a, b = (layer(data(), training=True) for layer in (theirs, ours))
        np.testing.assert_allclose(b["images"], a["images"], rtol=1e-4, atol=2e-3)
        np.testing.assert_array_equal(b["segmentation_masks"], a["segmentation_masks"])
        for key in ("boxes", "labels"):
            np.testing.assert_allclose(b["bounding_boxes"][key], a["bounding_boxes"][key], rtol=1e-4, atol=1e-3)


def test_pipeline():
    theirs, ours = (
        m.layers.Pipeline(
            [
                m.layers.RandomShear((0.1, 0.3), name="shear", seed=1),
                m.layers.RandomErasing(name="erase", seed=2),
                m.layers.Rescaling(1 / 255, name="scale"),
            ],
            name="same",
        )
        for m in (keras, lamella)
    )
    assert ours.get_config()["name"] == "same" and set(ours.get_config()) == set(theirs.get_config())
    same(theirs, ours, IMAGES, tolerance=1e-5)
    assert (same(theirs, ours, IMAGES, training=False, tolerance=1e-5) * 255 - IMAGES < 1e-3).all()
    again = lamella.layers.Pipeline.from_config(ours.get_config())
    assert [layer.name for layer in again.layers] == ["shear", "erase", "scale"]
