"""Normalizations: what they refuse, and when statistics move."""

import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.errors import ArgumentError, ShapeError
from lamella.state import walk

X = np.random.default_rng(0).normal(2, 3, (16, 4)).astype("float32")


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"max": 1}), "keys among rmax, rmin, dmax"),
        (lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"rmax": 1, "rmin": 2}), "rmin ≤ rmax"),
        (lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"dmax": -1}), "dmax ≥ 0"),
        (lambda: layers.LayerNormalization(axis="last"), "LayerNormalization cannot take axis='last'"),
        (lambda: layers.UnitNormalization(axis=1.5), "UnitNormalization cannot take axis=1.5"),
        (lambda: layers.GroupNormalization(0), "GroupNormalization cannot take groups=0"),
        (lambda: layers.SpectralNormalization(layers.Dense(2), 0), "cannot take power_iterations=0"),
    ],
)
def test_constructor_refuses(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "text"),
    [
        (layers.BatchNormalization(), (8, None), "needs to know the size of axis -1"),
        (layers.BatchNormalization(axis=3), (8, 2), "has axis=3, which its input lacks"),
        (layers.LayerNormalization(axis=-4), (8, 2), "has axis=-4, which its input lacks"),
        (layers.UnitNormalization(axis=5), (8, 2), "has axis=5, which its input lacks"),
        (layers.GroupNormalization(3), (8, 4), "cannot split its input into groups=3"),
        (layers.GroupNormalization(8), (8, 4), "cannot split its input into groups=8"),
    ],
)
def test_input_refused(layer, shape, text):
    with pytest.raises(ShapeError, match=text):
        layer(layers.Input(shape))


def moving(layer):
    return np.asarray(layer.moving_mean)


def test_batch_statistics_are_used_and_followed_in_training_only():
    layer = layers.BatchNormalization(momentum=0.5)
    out = layer(X)
    assert moving(layer).tolist() == [0.0] * 4 and np.abs(np.asarray(out).mean(0)).min() > 0.1
    out = layer(X, training=True)
    np.testing.assert_allclose(np.asarray(out).mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(moving(layer), X.mean(0) / 2, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.value, X.var(0) / 2 + 0.5, rtol=1e-5)


def test_a_frozen_layer_normalizes_by_what_it_knows():
    layer = layers.BatchNormalization()
    layer.build(X.shape)
    layer.trainable = False
    layer(X, training=True)
    assert moving(layer).tolist() == [0.0] * 4


def test_a_layer_in_a_frozen_one_does_too():
    layer = layers.BatchNormalization()
    whole = keras.Sequential([keras.Input((4,)), layer])
    whole.trainable = False
    whole(X, training=True)
    assert moving(layer).tolist() == [0.0] * 4
    layer.trainable = True
    whole(X, training=True)
    assert moving(layer).min() != 0.0


def test_masked_steps_do_not_count():
    x = np.concatenate([X[:, None], 100 + X[:, None]], 1)
    layer, plain = layers.BatchNormalization(), layers.BatchNormalization()
    layer(x, training=True, mask=np.tile([True, False], (16, 1)))
    plain(X, training=True)
    np.testing.assert_allclose(moving(layer), moving(plain), rtol=1e-4)
    with pytest.raises(ShapeError, match="has a mask that does not fit"):
        layer(x, training=True, mask=np.ones((16, 2, 1), bool))


def test_one_channel_with_mask():
    layer = layers.BatchNormalization()
    layer(X[:, :1], training=True, mask=np.ones(16, bool))
    assert layer.moving_mean.shape == (1,)


def test_weights_and_addresses():
    layer = layers.BatchNormalization(renorm=True)
    layer.build((None, 4))
    names = ["gamma", "beta", "moving_mean", "moving_variance", "moving_stddev", "renorm_mean", "renorm_stddev"]
    assert [address for address, _ in walk(layer)] == names
    assert [v.name for v in layer.trainable_variables] == names[:2]


def test_rms_normalization_over_an_inner_axis():
    x = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
    expected = x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(layers.RMSNormalization(axis=1)(x), expected, rtol=1e-5)


def test_spectral_normalization_ends_with_norm_one():
    layer = layers.SpectralNormalization(layers.Dense(5), power_iterations=30)
    layer(X, training=True)
    assert np.linalg.svd(np.asarray(layer.layer.kernel))[1][0] == pytest.approx(1, abs=1e-3)
    untouched = np.array(layer.layer.kernel)
    layer(X)
    np.testing.assert_array_equal(layer.layer.kernel, untouched)


def test_spectral_normalization_leaves_zeros_and_needs_a_kernel():
    layer = layers.SpectralNormalization(layers.Dense(5, kernel_initializer="zeros"))
    assert np.isfinite(np.asarray(layer(X, training=True))).all()
    with pytest.raises(ArgumentError, match="Flatten has neither"):
        layers.SpectralNormalization(layers.Flatten())(X)
