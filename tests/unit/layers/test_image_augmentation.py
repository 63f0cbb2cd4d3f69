"""Augmentation that bends, covers and mixes images: what Keras does otherwise, compiled code, errors."""

import jax
import numpy as np
import pytest

from lamella import layers as L
from lamella.errors import ArgumentError, ShapeError
from lamella.state import pure, state_of

DRAWN = np.random.default_rng(0)
IMAGES = DRAWN.uniform(0, 255, (4, 8, 8, 3)).astype("float32")
MASKS = (IMAGES[..., :1] > 100).astype("int32")
BOXES = np.array([[[1.0, 1, 4, 5], [2, 2, 7, 6]]] * 4, "float32")
NAMES = np.array([[1, 2], [3, 4], [5, 6], [7, 8]])
BOXED = {"images": IMAGES, "bounding_boxes": {"boxes": BOXES, "labels": NAMES}}

MOVING = [
    lambda: L.RandomErasing(seed=1, scale=(0.2, 0.6)),
    lambda: L.RandomPerspective(seed=1, scale=0.5),
    lambda: L.RandomShear(0.4, 0.4, seed=1),
    lambda: L.RandomElasticTransform((1.0, 1.0), scale=(0.7, 1.0), seed=1),
    lambda: L.CutMix(seed=1),
    lambda: L.MixUp(2.0, seed=4),
    lambda: L.RandAugment(seed=1),
]


@pytest.mark.sample(2)
@pytest.mark.parametrize("make", MOVING)
def test_compiled_code_draws_the_same(make):
    layer = make()
    compiled = jax.jit(lambda state: pure(layer, state, IMAGES, training=True))
    out, after = compiled(state_of(layer))
    again, _ = compiled(after)
    eager = layer(IMAGES, training=True)
    np.testing.assert_allclose(out, eager, rtol=1e-3, atol=0.05)
    assert not np.allclose(eager, IMAGES) and not np.allclose(out, again)
    assert (layer(IMAGES, training=False) == IMAGES).all()


def test_one_color_for_each_channel():
    layer = L.RandomErasing((1.0, 1.0), scale=(1.0, 1.0), fill_value=(1, 2, 300), data_format="channels_first")
    assert layer(np.ones((2, 3, 4, 4)), training=True)[0, :, 0, 0].tolist() == [1, 2, 255]


def test_masks_bend_as_their_images():
    layer = L.RandomElasticTransform((1.0, 1.0), scale=(1.0, 1.0), interpolation="nearest", seed=3)
    same = {"images": MASKS.astype("float32"), "segmentation_masks": MASKS}
    out = layer(same, training=True)
    assert not np.array_equal(out["images"], MASKS)
    assert np.array_equal(out["images"], out["segmentation_masks"])


def test_mixup_of_boxes_and_masks():
    layer = L.MixUp(seed=3, bounding_box_format="xyxy")
    drawn = layer.get_random_transformation(IMAGES, seed=5)
    order, weight = np.asarray(drawn["permutation_order"]), np.asarray(drawn["mix_weight"])[:, None, None, None]
    boxes = layer.transform_bounding_boxes({"boxes": BOXES, "labels": NAMES}, drawn)
    assert np.array_equal(boxes["labels"], np.concatenate([NAMES, NAMES[order]], axis=1))
    assert boxes["boxes"].shape == (4, 4, 4)
    masks = layer.transform_segmentation_masks(MASKS, drawn)
    assert np.allclose(masks, weight * MASKS + (1 - weight) * MASKS[order])


def test_perspective_gives_boxes_in_their_format():
    xyxy, xywh = (L.RandomPerspective(scale=0.5, seed=3, bounding_box_format=form) for form in ("xyxy", "xywh"))
    sized = np.concatenate([BOXES[..., :2], BOXES[..., 2:] - BOXES[..., :2]], axis=-1)
    one = xyxy(BOXED, training=True)["bounding_boxes"]["boxes"]
    two = xywh({**BOXED, "bounding_boxes": {"boxes": sized, "labels": NAMES}}, training=True)["bounding_boxes"]["boxes"]
    assert np.allclose(one[..., 2:], two[..., :2] + two[..., 2:], atol=1e-3) and not np.allclose(one, BOXES)


def test_rand_augment_changes_boxes_as_often_as_images():
    layer = L.RandAugment(bounding_box_format="xyxy", seed=1)
    drawn = layer.get_random_transformation(IMAGES)
    shift = layer._layers.index("random_translation")
    twice = {**drawn, "layer_idxes": np.array([shift, shift])}
    once = layer.random_translation.transform_bounding_boxes(
        {"boxes": BOXES, "labels": NAMES}, drawn["transforms"]["random_translation"]
    )
    expected = layer.random_translation.transform_bounding_boxes(once, drawn["transforms"]["random_translation"])
    out = layer.transform_bounding_boxes({"boxes": BOXES, "labels": NAMES}, twice)
    assert np.allclose(out["boxes"], expected["boxes"]) and not np.allclose(out["boxes"], once["boxes"])


def test_a_shear_is_made_again_from_its_config():
    layer = L.RandomShear(0.2, seed=1)
    again = L.RandomShear.from_config(layer.get_config())
    assert again.x_factor == (-0.2, 0.2) and np.array_equal(layer(IMAGES), again(IMAGES))


def test_mixup_draws_only_in_training():
    one, two = L.MixUp(seed=1), L.MixUp(seed=1)
    one(IMAGES, training=False)
    assert np.array_equal(one(IMAGES, training=True), two(IMAGES, training=True))


def test_pipeline_of_dicts_and_masks():
    steps = [L.RandomFlip(seed=1, bounding_box_format="xyxy"), L.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")]
    out = L.Pipeline(steps)(BOXED, training=True)
    assert out["bounding_boxes"]["labels"].tolist()[0] == [1, 2, -1]
    series = np.array([[[1.0], [1.0], [0.0]]])
    summed = L.Pipeline([L.Masking(), L.LSTM(1)])
    assert np.allclose(summed(series), summed.layers[1](series[:, :2]))
    again = L.Pipeline([L.LSTM(1)])
    again(series)
    again.set_weights(summed.get_weights())
    assert np.allclose(again(series, mask=np.array([[True, True, False]])), summed(series))


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: L.RandomErasing(2.0), ArgumentError, "factor=2.0"),
        (lambda: L.RandomErasing(scale="large"), ArgumentError, "scale='large'"),
        (lambda: L.RandomErasing(fill_value=(1, 2)), ArgumentError, "fill_value"),
        (lambda: L.RandomErasing(value_range=255), ArgumentError, "value_range"),
        (lambda: L.RandomPerspective(scale=1.5), ArgumentError, "scale=1.5"),
        (lambda: L.RandomPerspective(interpolation="bicubic"), ArgumentError, "interpolation"),
        (lambda: L.RandomShear(3), ArgumentError, "x_factor=3"),
        (lambda: L.RandomShear(0.1, fill_mode="mirror"), ArgumentError, "fill_mode"),
        (lambda: L.RandomElasticTransform(fill_mode="none"), ArgumentError, "mirror"),
        (lambda: L.RandomElasticTransform(scale=2), ArgumentError, "scale=2"),
        (lambda: L.RandomElasticTransform(bounding_box_format="xyxy")(BOXED), ArgumentError, "bounding boxes"),
        (lambda: L.CutMix(factor=-0.1), ArgumentError, "factor=-0.1"),
        (lambda: L.CutMix(bounding_box_format="xyxy")(BOXED), ArgumentError, "MixUp"),
        (lambda: L.MixUp(0), ArgumentError, "alpha=0"),
        (lambda: L.MaxNumBoundingBoxes(0), ArgumentError, "max_number=0"),
        (lambda: L.RandAugment(num_ops=0), ArgumentError, "num_ops=0"),
        (lambda: L.RandAugment(interpolation="cubic"), ArgumentError, "interpolation='cubic'"),
        (lambda: L.RandAugment()(IMAGES[..., :1]), ShapeError, "3 channels"),
        (lambda: L.AugMix(chain_depth=1.5), ArgumentError, "chain_depth=1.5"),
        (lambda: L.AugMix(num_chains=0), ArgumentError, "num_chains=0"),
        (lambda: L.AugMix(alpha=-1.0), ArgumentError, "alpha=-1.0"),
        (lambda: L.Pipeline(L.RandomFlip()), ArgumentError, "a list of layers"),
        (lambda: L.Pipeline([abs]), ArgumentError, "a list of layers"),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()
