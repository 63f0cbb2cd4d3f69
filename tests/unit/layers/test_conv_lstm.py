"""Convolutional LSTMs: what they refuse, and masks."""

import numpy as np
import pytest

import lamella as L
from lamella.errors import ArgumentError, ShapeError
from lamella.layers import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D

X = np.random.default_rng(0).normal(size=(2, 3, 5, 4, 2)).astype("float32")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"filters": 0}, "filters"),
        ({"kernel_size": (2, 2, 2)}, "kernel_size"),
        ({"strides": 2, "dilation_rate": 2}, "dilation_rate"),
        ({"padding": "causal"}, "padding"),
        ({"implementation": 1}, "implementation"),
    ],
)
def test_refused(options, words):
    with pytest.raises(ArgumentError, match=words):
        ConvLSTM2D(**{"filters": 2, "kernel_size": 2, **options})


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((None, 3, None, 4, 2), "spatial sizes"),
        ((None, 3, 5, 4, None), "axis -1"),
        ((None, 3, 1, 4, 2), "leave nothing"),
    ],
)
def test_shapes_that_do_not_fit(shape, words):
    with pytest.raises(ShapeError, match=words):
        ConvLSTM2D(2, 2).build(shape)
    with pytest.raises(ShapeError):
        ConvLSTM3D(2, 2)(X)


@pytest.mark.parametrize("zeros", [True, False])
def test_a_masked_step_keeps_the_states(zeros):
    layer = ConvLSTM2D(2, 2, return_sequences=True, zero_output_for_mask=zeros)
    out = np.asarray(layer(X, mask=np.array([[True, False, True], [True, True, True]])))
    expected = layer(np.stack([X[0, [0, 2]], X[1, [0, 1]]]))
    np.testing.assert_allclose(out[0, [0, 2]], expected[0], atol=1e-6)
    np.testing.assert_allclose(out[0, 1], np.zeros_like(out[0, 1]) if zeros else out[0, 0], atol=1e-6)


def test_it_learns_in_a_model():
    model = L.Sequential([L.Input((4, 6, 1)), ConvLSTM1D(2, 3, padding="same", dropout=0.1, recurrent_dropout=0.1)])
    model.compile("adam", "mse")
    x = np.zeros((8, 4, 6, 1), "float32")
    losses = model.fit(x, np.ones((8, 6, 2), "float32"), epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_both_ways():
    both = L.layers.Bidirectional(ConvLSTM2D(2, 2), merge_mode="concat")
    assert both(X).shape == (2, 4, 3, 4)
