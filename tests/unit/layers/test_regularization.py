"""Dropout and its kin: what they refuse, and the noise they make."""

import numpy as np
import pytest

from lamella import layers
from lamella.errors import ArgumentError

ONES = np.ones((200, 100), "float32")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Dropout(-0.1), "Dropout cannot take rate=-0.1.\n  expected  a number from 0 to 1"),
        (lambda: layers.Dropout(1.5), "cannot take rate=1.5"),
        (lambda: layers.Dropout("0.5"), "cannot take rate='0.5'"),
        (lambda: layers.Dropout(0.5, noise_shape="x"), "cannot take noise_shape='x'"),
        (lambda: layers.Dropout(0.5, noise_shape=(0, 1)), "cannot take noise_shape=(0, 1)"),
        (lambda: layers.GaussianNoise(2), "GaussianNoise cannot take stddev=2"),
        (lambda: layers.GaussianDropout(-1), "GaussianDropout cannot take rate=-1"),
        (lambda: layers.AlphaDropout(2), "AlphaDropout cannot take rate=2"),
        (lambda: layers.SpatialDropout2D(0.5, "last"), "Unknown data_format"),
    ],
)
def test_constructor_refuses(make, text):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert text in str(caught.value)


@pytest.mark.parametrize("layer", [layers.Dropout(0.3), layers.GaussianDropout(0.3), layers.GaussianNoise(0.3)])
def test_noise_is_for_training_and_new_each_time(layer):
    assert (np.asarray(layer(ONES)) == 1).all()
    first, second = np.asarray(layer(ONES, training=True)), np.asarray(layer(ONES, training=True))
    assert not np.array_equal(first, second)
    assert first.mean() == pytest.approx(1, abs=0.02)


def test_dropout_keeps_the_sum():
    out = np.asarray(layers.Dropout(0.25, seed=1)(ONES, training=True))
    assert set(np.unique(out)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (out == 0).mean() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("layer", "shape"), [(layers.SpatialDropout1D(0.5), (4, 9, 8)), (layers.SpatialDropout2D(0.5), (4, 3, 3, 8))]
)
def test_channels_fall_whole(layer, shape):
    out = np.asarray(layer(np.ones(shape), training=True)).reshape(4, -1, 8)
    assert (out == out[:, :1]).all() and 0 < (out == 0).mean() < 1


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).normal(size=(200, 200)).astype("float32")
    out = np.asarray(layers.AlphaDropout(0.3, seed=1)(x, training=True))
    assert (out.mean(), out.var()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.05))


def test_no_seed_is_kept_for_nothing():
    assert len(layers.Dropout(0).variables) == 0
    assert [v.name for v in layers.Dropout(0.5).variables] == ["seed_generator_state"]


def test_activity_regularization_costs_per_sample():
    layer = layers.ActivityRegularization(l1=1.0)
    layer(np.array([[1.0, -2.0], [3.0, 0.0]]))
    assert [float(loss) for loss in layer.losses] == [3.0]
