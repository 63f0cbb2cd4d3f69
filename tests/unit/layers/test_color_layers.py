"""Augmentation of colors, and what follows images: invariants, differences from Keras, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamella import layers as L
from lamella import utils
from lamella.errors import ArgumentError, ShapeError
from lamella.graph import KerasTensor
from lamella.state import pure, state_of

DRAW = np.random.default_rng(0)
IMAGES = DRAW.uniform(0, 255, (4, 8, 6, 3)).astype("float32")
FIRST = IMAGES.transpose(0, 3, 1, 2)
BOXES = {"boxes": np.array([[[1, 2, 4, 6]]] * 4, "float32"), "labels": np.array([[7]] * 4)}
DRAWN = [
    lambda: L.RandomColorDegeneration(0.5, seed=1),
    lambda: L.RandomColorJitter((0, 255), 0.3, 0.3, hue_factor=0.3, seed=1),
    lambda: L.RandomGaussianBlur(seed=1),
    lambda: L.RandomGrayscale(0.6, seed=1),
    lambda: L.RandomHue(0.4, seed=1),
    lambda: L.RandomInvert(seed=1),
    lambda: L.RandomPosterization(6, seed=1),
    lambda: L.RandomSharpness(0.8, seed=1),
    lambda: L.Solarization(0.3, 0.6, seed=1),
]


@pytest.mark.sample(3)
@pytest.mark.parametrize("make", DRAWN)
def test_drawn_in_training_only(make):
    layer = make()
    before = np.asarray(layer.generator.state.value)
    assert (layer(IMAGES, training=False) == IMAGES).all()
    assert (np.asarray(layer.generator.state.value) == before).all()  # nothing was drawn
    outs = [np.asarray(layer(IMAGES, training=True)) for _ in range(3)]
    assert any(not np.allclose(out, IMAGES) for out in outs) and not np.allclose(outs[0], outs[1])
    assert np.min(outs) >= -1e-3 and np.max(outs) <= 255.001
    again, state = jax.jit(lambda state: pure(make(), state, IMAGES, training=True))(state_of(make()))
    np.testing.assert_allclose(again, outs[0], rtol=1e-4, atol=1e-2)
    assert state


@pytest.mark.sample(3)
@pytest.mark.parametrize("make", [*DRAWN, lambda: L.RandomSaturation(0.3, seed=1), L.AutoContrast, L.Equalization])
def test_what_belongs_to_images_passes(make):
    layer = type(make())(**{**make().get_config(), "bounding_box_format": "xyxy"})
    masks = DRAW.integers(0, 3, (4, 8, 6, 1))
    out = layer({"images": IMAGES, "segmentation_masks": masks, "bounding_boxes": BOXES, "labels": np.arange(4)})
    assert (out["segmentation_masks"] == masks).all() and (out["labels"] == np.arange(4)).all()
    assert (out["bounding_boxes"]["boxes"] == BOXES["boxes"]).all()
    assert layer.get_config()["bounding_box_format"] == "xyxy"


def test_integers():
    whole = IMAGES.astype("uint8")
    for layer in (L.RandomGrayscale(), L.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))):
        for training in (True, False):
            assert layer(whole, training=training).dtype == "uint8"
        assert layer(L.Input((8, 6, 3), dtype="uint8")).dtype == "uint8"
    for layer in (L.RandomHue(0.3), L.RandomInvert(), L.AutoContrast()):
        for training in (True, False):
            assert layer(whole, training=training).dtype == "float32"
        assert layer(L.Input((8, 6, 3), dtype="uint8")).dtype == "float32"


def test_half_precision():
    for make in DRAWN:
        layer = type(make())(**{**make().get_config(), "dtype": "mixed_float16"})
        assert layer(IMAGES, training=True).dtype == "float16"


def test_channels_first_is_what_channels_last_is():
    for make in (
        lambda **order: L.RandomColorJitter((0, 1), 0.3, 0.3, 0.6, 0.3, seed=1, **order),
        lambda **order: L.AutoContrast((0, 1), **order),
    ):
        last, first = make()(IMAGES / 255), make(data_format="channels_first")(FIRST / 255)
        np.testing.assert_allclose(np.moveaxis(np.asarray(first), 1, -1), last, atol=1e-4)


def test_a_jitter_has_the_layers_it_was_asked_for():
    layer = L.RandomColorJitter(contrast_factor=0.2, seed=3)
    assert layer.random_brightness is None and layer.random_contrast.factor == (0.0, 0.2)
    assert len(layer.variables) == 2  # its own seed, and that of the layer in it


def test_equal_contrast():
    flat = np.full((1, 4, 4, 3), 7.0, "float32")
    assert (L.AutoContrast()(flat) == flat).all() and (L.Equalization()(flat) == flat).all()
    out = np.asarray(L.AutoContrast()(IMAGES))
    assert np.allclose(out.min((1, 2)), 0, atol=1e-3) and np.allclose(out.max((1, 2)), 255, atol=1e-3)


def test_dicts_in_a_graph():
    inputs = {"images": L.Input((8, 6, 3)), "labels": L.Input((2,))}
    out = L.Resizing(4, 3)(inputs)
    assert out["images"].shape == (None, 4, 3, 3) and out["labels"].shape == (None, 2)
    symbolic = {"images": KerasTensor((None, 8, 6, 3)), "bounding_boxes": {"boxes": KerasTensor((None, 5, 4))}}
    symbolic["bounding_boxes"]["labels"] = KerasTensor((None, 5), "int32")
    out = L.RandomZoom(0.3, bounding_box_format="xywh")(symbolic, training=True)
    assert out["bounding_boxes"]["boxes"].shape == (None, 5, 4)


# Boxes where Keras loses them


def test_boxes_of_a_crop():
    image = np.zeros((1, 8, 6, 1), "float32")
    image[0, 2:6, 1:4] = 1
    for seed in range(4):
        layer = L.RandomCrop(6, 5, seed=seed, bounding_box_format="rel_yxyx")
        boxes = np.array([[[2 / 8, 1 / 6, 6 / 8, 4 / 6]]])
        out = layer({"images": image, "bounding_boxes": {"boxes": boxes, "labels": np.zeros((1, 1))}}, training=True)
        rows, columns = np.nonzero(np.asarray(out["images"])[0, :, :, 0])
        expected = [rows.min() / 6, columns.min() / 5, (rows.max() + 1) / 6, (columns.max() + 1) / 5]
        np.testing.assert_allclose(out["bounding_boxes"]["boxes"][0, 0], expected, atol=1e-5)


def test_boxes_of_a_crop_out_of_training():
    layer = L.RandomCrop(4, 4, bounding_box_format="xyxy")
    boxes = {"boxes": np.array([[[0, 1, 6, 7]]] * 4), "labels": np.zeros((4, 1))}
    out = layer({"images": IMAGES, "bounding_boxes": boxes}, training=False)
    assert out["bounding_boxes"]["boxes"][0, 0].tolist() == [0, 0, 4, 4]


@pytest.mark.parametrize("named", ["center_xywh", "rel_yxyx"])
def test_boxes_of_a_turn(named):
    convert = lambda boxes, *names: utils.bounding_boxes.convert_format(boxes, *names, height=8, width=6)
    given = {"images": IMAGES, "bounding_boxes": {**BOXES, "boxes": convert(BOXES["boxes"], "xyxy", named)}}
    out = L.RandomRotation(0.2, seed=3, bounding_box_format=named)(given, training=True)
    corners = L.RandomRotation(0.2, seed=3, bounding_box_format="xyxy")({**given, "bounding_boxes": BOXES})
    np.testing.assert_allclose(
        convert(out["bounding_boxes"]["boxes"], named, "xyxy"), corners["bounding_boxes"]["boxes"], atol=1e-4
    )


def test_boxes_of_a_flip_are_cut_at_the_border():
    beyond = {"boxes": np.array([[[-2.0, 0, 3, 4]]]), "labels": np.array([[1]])}
    flip = L.RandomFlip("horizontal", bounding_box_format="xyxy")
    drawn = {"flips": jnp.ones((1, 1, 1, 1), bool), "input_shape": (1, 8, 6, 3)}
    assert flip.transform_bounding_boxes(beyond, drawn)["boxes"].tolist() == [[[3, 0, 6, 4]]]


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: L.AutoContrast(255), ArgumentError, "value_range=255"),
        (lambda: L.Solarization(1.5), ArgumentError, "addition_factor=1.5"),
        (lambda: L.Solarization(0.5, (0.1, 1.2)), ArgumentError, "threshold_factor"),
        (lambda: L.Equalization(bins=0), ArgumentError, "bins=0"),
        (lambda: L.RandomGrayscale(1.5), ArgumentError, "probability"),
        (lambda: L.RandomHue("red"), ArgumentError, "factor='red'"),
        (lambda: L.RandomHue(-0.1), ArgumentError, "from 0 to 1"),
        (lambda: L.RandomPosterization(9), ArgumentError, "from 1 to 8"),
        (lambda: L.RandomPosterization((9, 12)), ArgumentError, "from 1 to 8"),
        (lambda: L.RandomGaussianBlur(kernel_size=4), ArgumentError, "odd"),
        (lambda: L.RandomGaussianBlur(sigma=2.0), ArgumentError, "sigma=2.0"),
        (lambda: L.RandomColorJitter(hue_factor=2), ArgumentError, "RandomHue"),
        (lambda: L.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=8.5), ArgumentError, "tile_grid_size"),
        (lambda: L.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=None), ArgumentError, "no limit"),
        (lambda: L.RandomHue(0.2)(IMAGES[..., :2]), ShapeError, "3 channels"),
        (lambda: L.RandomColorJitter(hue_factor=0.2)(FIRST), ShapeError, "3 channels"),
        (lambda: L.RandomColorDegeneration(0.2)(L.Input((8, 6, 4))), ShapeError, "3 channels"),
        (lambda: L.AutoContrast()(IMAGES[0, 0]), ShapeError, "rank 3"),
        (lambda: L.RandomFlip()({"labels": IMAGES}), ArgumentError, '"images"'),
        (lambda: L.RandomFlip()({"images": IMAGES, "bounding_boxes": BOXES}), ArgumentError, "bounding_box_format"),
        (
            lambda: L.RandomHue(0.1, bounding_box_format="xyxy")({"images": IMAGES, "bounding_boxes": IMAGES}),
            ArgumentError,
            "with their labels",
        ),
        (
            lambda: L.RandomFlip(bounding_box_format="xyxy")(
                {"images": IMAGES, "bounding_boxes": {"boxes": np.ones((4, 1, 5)), "labels": np.ones((4, 1))}}
            ),
            ShapeError,
            "four numbers",
        ),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()
