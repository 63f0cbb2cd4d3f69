"""Calls that fail on arrays fail on symbolic tensors too; Keras builds a graph of some of them."""

import keras
import numpy as np
import pytest

import lamella
from lamella.errors import LamellaError

CALLS = {
    "bits of floats": lambda k, t: k.ops.bitwise_and(t(2, 3), t(2, 3)),
    "segments without a number": lambda k, t: k.ops.segment_sum(t(4, 3), t(4, dtype="int32")),
    "a condition that is no scalar": lambda k, t: k.ops.while_loop(lambda x: x < 3, lambda x: x + 1, t(4)),
    "8 heads of queries, 6 of keys": lambda k, t: k.ops.dot_product_attention(
        t(2, 3, 8, 4), t(2, 5, 6, 4), t(2, 5, 6, 4)
    ),
    "images of two sizes": lambda k, t: k.ops.psnr(t(2, 3), t(4, 5), 1.0),
    "sizes that do not broadcast": lambda k, t: k.ops.polar(t(1, 2), t(3, 4)),
    "a scale with the axis of the batch": lambda k, t: k.ops.layer_normalization(t(2, 8, 4), t(2, 4), t(2, 4)),
    "more classes than places": lambda k, t: k.ops.sparse_categorical_crossentropy(
        t(2, 4, dtype="int32"), t(2, 3, 4), axis=1
    ),
    "labels of rank 3": lambda k, t: k.ops.ctc_loss(
        t(2, 3, 4), t(2, 3), t(2, dtype="int32"), t(2, dtype="int32")
    ),
}  # fmt: skip


def symbols(library):
    return lambda *shape, dtype="float32": library.KerasTensor(shape, dtype=dtype)


def arrays(*shape, dtype="float32"):
    return np.ones(shape, dtype)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_refused_when_the_graph_is_built(call):
    with pytest.raises(Exception):  # noqa: B017 - of any kind: Keras's and JAX's own
        call(keras, arrays)
    assert call(keras, symbols(keras)) is not None
    with pytest.raises((LamellaError, TypeError)):
        call(lamella, symbols(lamella))


def test_a_block_whose_size_depends_on_values():
    start = lambda k: k.KerasTensor((2,), dtype="int32")
    assert keras.ops.slice(keras.KerasTensor((3, 3)), start(keras), (-1, -1)).shape == (None, None)
    with pytest.raises(lamella.errors.ArgumentError, match="not known"):
        lamella.ops.slice(lamella.KerasTensor((3, 3)), start(lamella), (-1, -1))
    assert lamella.ops.slice(np.ones((3, 3)), np.array([1, 1]), (-1, -1)).shape == (2, 2)


def test_the_signal_of_a_spectrum_without_a_window():
    signal = np.random.default_rng(0).normal(size=64).astype("float32")
    spectrum = keras.ops.stft(signal, 16, 4, 16, window=None)
    assert np.abs(np.asarray(keras.ops.istft(spectrum, 16, 4, 16, window=None)) - signal).max() > 1
    np.testing.assert_allclose(lamella.ops.istft(spectrum, 16, 4, 16, window=None), signal, atol=1e-5)


@pytest.mark.parametrize(
    "call", [lambda k, x: k.ops.cholesky(x), lambda k, x: k.ops.fft2((x, x)), lambda k, x: k.ops.qr(x)]
)
def test_sizes_that_are_not_known_yet(call):
    with pytest.raises(ValueError):
        call(keras, keras.KerasTensor((2, None, 4)))
    assert call(lamella, lamella.KerasTensor((2, None, 4))) is not None
