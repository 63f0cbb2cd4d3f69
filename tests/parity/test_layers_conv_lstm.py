"""Convolutional LSTMs against Keras."""

import jax
import keras
import keras2_files
import numpy as np
import pytest
from layer_parity import array, check, randomized

import lamella


def fewer(cases):
    """Every fourth case; the others are slow."""
    return [pytest.param(*case, marks=[pytest.mark.slow] * (i % 4 > 0)) for i, case in enumerate(cases)]


SPATIAL = {1: (6,), 2: (5, 4), 3: (4, 3, 3)}
X = array((2, 3, 5, 4, 2))
MASK = np.array([[True, False, True], [False, True, True]])


def pair(shape=X.shape, **options):
    """ConvLSTM2D in Keras and here, built, with the same weights."""
    theirs, ours = (m.layers.ConvLSTM2D(3, 2, **options) for m in (keras, lamella))
    theirs.build(shape), ours.build(shape)
    randomized(theirs)
    ours.set_weights(theirs.get_weights())
    return theirs, ours


def same(a, b):
    a, b = jax.tree.leaves(a), jax.tree.leaves(b)
    assert len(a) == len(b)
    for left, right in zip(a, b, strict=True):
        np.testing.assert_allclose(right, left, rtol=1e-5, atol=1e-5)


OPTIONS = (
    {},
    {"return_sequences": True, "strides": 2, "padding": "same", "use_bias": False, "kernel_regularizer": "l2"},
    {"data_format": "channels_first", "dilation_rate": 2, "go_backwards": True, "activation": "softsign"},
)


@pytest.mark.sample(2)
@pytest.mark.parametrize(("rank", "options"), fewer((rank, options) for rank in (1, 2, 3) for options in OPTIONS))
def test_conv_lstm(rank, options):
    check(f"ConvLSTM{rank}D", array((2, 3, *SPATIAL[rank], 4)) / 2, 3, 2, seed=1, **options)


def test_first_bias():
    theirs, ours = (m.layers.ConvLSTM2D(3, 2, bias_initializer="ones", unit_forget_bias=f) for m, f in _both(True))
    theirs.build(X.shape), ours.build(X.shape)
    same(theirs.weights[2].value, ours.weights[2].value)
    assert [v.path.split("/", 1)[1] for v in ours.weights] == [v.path.split("/", 1)[1] for v in theirs.weights]
    ours = lamella.layers.ConvLSTM2D(3, 2, unit_forget_bias=False)
    ours.build(X.shape)
    assert not np.any(ours.get_weights()[2])


def _both(value):
    return [(keras, value), (lamella, value)]


@pytest.mark.sample(2)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("backwards", [False, True])
def test_masks(backwards, data_format):
    options = {"return_sequences": True, "return_state": True, "go_backwards": backwards, "data_format": data_format}
    theirs, ours = pair(**options)
    theirs.unroll = True  # in its loop, Keras on JAX cannot mask states of this rank
    same(theirs(X, mask=MASK), ours(X, mask=MASK))
    shapes = [tuple(s) for s in theirs.compute_output_shape((None, *X.shape[1:]))]
    assert list(ours.compute_output_shape((None, *X.shape[1:]))) == shapes
    assert ours.compute_mask(X, MASK)[0] is MASK and ours.compute_mask(X, MASK)[1:] == [None, None]


def test_first_states():
    theirs, ours = pair(return_state=True)
    states = [array((2, 4, 3, 3)), array((2, 4, 3, 3)) + 1]
    same(theirs(X, initial_state=states), ours(X, initial_state=states))


def test_stateful():
    theirs, ours = pair(stateful=True)
    same([theirs(X), theirs(X + 1)], [ours(X), ours(X + 1)])
    same([v.value for v in theirs.states], [v.value for v in ours.states])
    theirs.reset_state(), ours.reset_state()
    same(theirs(X), ours(X))


RATES = ({"dropout": 0.4}, {"recurrent_dropout": 0.4}, {"dropout": 0.3, "recurrent_dropout": 0.4})


@pytest.mark.parametrize(
    ("data_format", "rates"), fewer((f, rates) for f in ("channels_last", "channels_first") for rates in RATES)
)
def test_dropout_with_a_seed(rates, data_format):
    theirs, ours = pair(seed=7, return_sequences=True, data_format=data_format, **rates)
    same(theirs(X, training=True), ours(X, training=True))
    same(theirs(X, training=True), ours(X, training=True))
    same(theirs(X, training=False), ours(X, training=False))


CONVOLUTION = {"kernel_size": [2, 2], "strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1], "use_bias": True}
OF_KERAS_2 = {**CONVOLUTION, "data_format": "channels_last", "unit_forget_bias": True, "time_major": False}


def test_a_file_of_keras_2(tmp_path):
    ours = lamella.layers.ConvLSTM2D(3, 2, return_sequences=True)
    ours.build(X.shape)
    names = [f"film/conv_lstm_cell/{part}:0" for part in ("kernel", "recurrent_kernel", "bias")]
    weights = {"x": {}, "film": dict(zip(names, ours.get_weights(), strict=True))}
    film = keras2_files.layer(
        "ConvLSTM2D", "film", [keras2_files.at("x")], filters=3, return_sequences=True, unroll=False, **OF_KERAS_2
    )
    layers = [keras2_files.start("x", *X.shape[1:]), film]
    config = keras2_files.functional(layers, [["x", 0, 0]], [["film", 0, 0]])
    read = lamella.models.load_model(keras2_files.write(tmp_path / "m.h5", weights, config))
    same(ours(X), read(X))


def model(m):
    convolution = m.layers.ConvLSTM2D(3, 2, name="film", return_sequences=True, dropout=0.1, seed=1)
    last = m.layers.ConvLSTM2D(2, 2, name="last")
    return m.Sequential([m.Input(X.shape[1:]), convolution, last, m.layers.Flatten(), m.layers.Dense(1, name="head")])


@pytest.mark.sample(2)
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
@pytest.mark.parametrize("writer", [keras, lamella], ids=["of keras", "for keras"])
def test_files(tmp_path, suffix, writer):
    reader = lamella if writer is keras else keras
    path, written = tmp_path / f"model{suffix}", model(writer)
    if suffix == ".weights.h5":
        written.save_weights(path)
        read = model(reader)
        read.load_weights(path)
    else:
        written.save(path)
        read = reader.saving.load_model(path, compile=False)
    same(written.predict(X, verbose=0), read.predict(X, verbose=0))
