"""Image and number preprocessing: invariants, dicts of data, errors."""

import jax
import numpy as np
import pytest

from lamella import layers as L
from lamella.errors import ArgumentError, DataError, DtypeError, ShapeError, StateError
from lamella.layers.preprocessing import affine
from lamella.state import pure, state_of

IMAGES = np.random.default_rng(0).uniform(0, 255, (4, 6, 6, 3)).astype("float32")
RANDOM = [
    lambda: L.RandomFlip(seed=1),
    lambda: L.RandomRotation(0.2, seed=1),
    lambda: L.RandomZoom(0.3, seed=1),
    lambda: L.RandomTranslation(0.3, 0.3, seed=1),
    lambda: L.RandomContrast(0.5, seed=1),
    lambda: L.RandomBrightness(0.5, seed=1),
]


@pytest.mark.parametrize("make", RANDOM)
def test_random_layers(make):
    layer = make()
    first, second = layer(IMAGES, training=True), layer(IMAGES, training=True)
    assert not np.allclose(first, second)
    assert np.allclose(make()(IMAGES, training=True), first, atol=1e-4)
    assert (layer(IMAGES, training=False) == IMAGES).all()
    assert layer(IMAGES.astype("uint8"), training=True).dtype == "float32"
    assert np.min(first) >= -1e-3 and np.max(first) <= 255.001
    _, after = jax.jit(lambda state: pure(layer, state, IMAGES))(state_of(layer))
    assert next(iter(after.values())).tolist() == [1, int(layer.generator.state.raw[1]) + drawn_by(layer)]


def drawn_by(layer):
    return 2 if isinstance(layer, L.RandomTranslation) else 1


def test_each_image_is_drawn_for():
    same = np.broadcast_to(IMAGES[:1], (8, 6, 6, 3))
    out = np.asarray(L.RandomRotation(0.4, seed=3)(same, training=True))
    assert len(np.unique(out.reshape(8, -1).round(2), axis=0)) == 8


def test_matrices():
    height, width = 4, 6
    assert np.allclose(affine.rotation(np.zeros(2), height, width), [[1, 0, 0, 0, 1, 0, 0, 0]] * 2)
    assert np.allclose(affine.rotation(np.array([180.0]), height, width), [[-1, 0, 5, 0, -1, 3, 0, 0]], atol=1e-5)
    assert np.allclose(affine.zoom(np.ones(1), np.ones(1) * 2, height, width), [[2, 0, -2.5, 0, 1, 0, 0, 0]])
    assert np.allclose(affine.translation(np.ones(1), np.ones(1) * 2), [[1, 0, -2, 0, 1, -1, 0, 0]])


def test_half_a_turn_is_two_flips():
    layer = L.RandomRotation((0.5, 0.5))
    assert np.allclose(layer(IMAGES, training=True), IMAGES[:, ::-1, ::-1], atol=0.05)


def test_masks_go_with_their_images():
    masks = (IMAGES[..., :1] > 100).astype("float32")
    labels = np.arange(4)
    layer = L.RandomFlip("horizontal", seed=5)
    out = layer({"images": IMAGES, "segmentation_masks": masks, "labels": labels}, training=True)
    assert ((out["images"][..., :1] > 100) == (out["segmentation_masks"] > 0)).all()
    assert out["labels"] is not None and np.array_equal(out["labels"], labels)
    turned = L.RandomRotation(0.3)({"images": IMAGES, "segmentation_masks": masks}, training=True)
    assert set(np.unique(turned["segmentation_masks"])) <= {0.0, 1.0}
    resized = L.Resizing(3, 3)({"images": IMAGES, "segmentation_masks": masks})
    assert set(np.unique(resized["segmentation_masks"])) <= {0.0, 1.0}
    assert (
        L.RandomContrast(0.5)({"images": IMAGES, "segmentation_masks": masks}, training=True)["segmentation_masks"]
        is not None
    )


def test_integers_stay_in_range():
    sharp = np.zeros((1, 4, 4, 1), "uint8")
    sharp[0, :2] = 255
    out = L.Resizing(9, 9, interpolation="bicubic")(sharp)
    assert out.dtype == "uint8" and set(np.unique(out[0, :2])) == {255}


def test_symbolic():
    assert L.Resizing(3, 2)(L.Input((6, 6, 3), dtype="uint8")).dtype == "uint8"
    assert L.RandomFlip()(L.Input((6, 6, 3), dtype="uint8")).shape == (None, 6, 6, 3)
    assert L.CenterCrop(2, 3, data_format="channels_first")(L.Input((3, 6, 6))).shape == (None, 3, 2, 3)


def test_normalization_invert_goes_back():
    forth, back = L.Normalization(), L.Normalization(invert=True)
    forth.adapt(IMAGES), back.adapt(IMAGES)
    assert np.allclose(back(forth(IMAGES)), IMAGES, atol=1e-2)
    assert np.allclose(np.asarray(forth(IMAGES)).mean((0, 1, 2)), 0, atol=1e-4)


def test_normalization_follows_its_variables():
    layer = L.Normalization()
    layer.adapt(IMAGES)
    layer.set_weights([np.zeros(3), np.ones(3) * 4, 0])
    assert np.allclose(layer(IMAGES), IMAGES / 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: L.Resizing(0, 3), ArgumentError, "height=0"),
        (lambda: L.Resizing(2, 3, interpolation="cubic"), ArgumentError, "bicubic"),
        (lambda: L.Resizing(2, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), ArgumentError, "aspect_ratio"),
        (lambda: L.Resizing(2, 3, fill_mode="wrap"), ArgumentError, "'constant'"),
        (lambda: L.Resizing(2, 3, data_format="last"), ArgumentError, "data_format"),
        (lambda: L.RandomFlip("diagonal"), ArgumentError, "mode='diagonal'"),
        (lambda: L.RandomRotation(2.0), ArgumentError, "factor=2.0"),
        (lambda: L.RandomRotation((0.1, 0.2, 0.3)), ArgumentError, "factor"),
        (lambda: L.RandomZoom(0.1, fill_mode="mirror"), ArgumentError, "fill_mode"),
        (lambda: L.RandomZoom(0.1, interpolation="bicubic"), ArgumentError, "interpolation"),
        (lambda: L.RandomContrast(-0.5), ArgumentError, "factor=-0.5"),
        (lambda: L.RandomBrightness(0.1, value_range=255), ArgumentError, "value_range"),
        (lambda: L.RandomFlip(bounding_box_format="xyx"), ArgumentError, "center_xywh"),
        (lambda: L.RandomFlip()({"images": IMAGES, "bounding_boxes": IMAGES}), ArgumentError, "bounding boxes"),
        (lambda: L.RandomFlip()(IMAGES[0, 0]), ShapeError, "rank 3"),
        (lambda: L.Normalization(mean=1.0), ArgumentError, "together"),
        (lambda: L.Normalization(mean=[1.0], variance=1.0), ArgumentError, "shape of `mean`"),
        (lambda: L.Normalization(axis=None, mean=[1.0], variance=[1.0]), ArgumentError, "axis"),
        (lambda: L.Normalization(axis=7)(IMAGES), ShapeError, "axis=7"),
        (lambda: L.Normalization().adapt([]), DataError, "no data"),
        (lambda: L.Normalization().adapt(3), DtypeError, "batches"),
        (lambda: L.Normalization().adapt([[1, 2]]), DtypeError, "a list in it"),
        (lambda: L.Normalization().adapt([IMAGES, IMAGES[..., :2]]), ShapeError, "cannot adapt"),
        (lambda: L.Normalization(mean=1.0, variance=1.0).adapt(IMAGES), StateError, "leave them out"),
        (lambda: L.Normalization().mean, StateError, "adapt"),
        (lambda: L.CategoryEncoding(), ArgumentError, "num_tokens"),
        (lambda: L.CategoryEncoding(3, output_mode="int"), ArgumentError, "output_mode"),
        (lambda: L.CategoryEncoding(3)(np.array([1]), count_weights=np.ones(1)), ArgumentError, "count"),
        (lambda: L.Discretization(), ArgumentError, "num_bins"),
        (lambda: L.Discretization([1.0], num_bins=2), ArgumentError, "either"),
        (lambda: L.Discretization(num_bins=3)(IMAGES), StateError, "adapt"),
        (lambda: L.Discretization([1.0]).adapt(IMAGES), StateError, "num_bins"),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()
