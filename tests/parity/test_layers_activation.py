"""Activation layers against Keras."""

import keras
import numpy as np
import pytest
from layer_parity import array, check

import lamella

X2, X3 = array((3, 5)), array((2, 4, 5))


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("Activation", {"activation": "relu"}),
        ("Activation", {"activation": "swish"}),
        ("ReLU", {}),
        ("ReLU", {"max_value": 0.5, "negative_slope": 0.1, "threshold": 0.2}),
        ("LeakyReLU", {}),
        ("LeakyReLU", {"negative_slope": 0.5}),
        ("PReLU", {}),
        ("PReLU", {"alpha_initializer": "ones", "alpha_regularizer": "l2", "shared_axes": [1]}),
        ("Softmax", {}),
        ("Softmax", {"axis": 1}),
        ("Softmax", {"axis": (1, 2)}),
        ("Softmax", {"axis": [2]}),
    ],
)
def test_activation_layer(name, kwargs):
    check(name, X3, **kwargs)


def test_elu():
    for alpha in (1.0, 0.5):
        theirs, ours = keras.layers.ELU(alpha), lamella.layers.ELU(alpha)
        np.testing.assert_allclose(ours(X2), theirs(X2), rtol=1e-6, atol=1e-6)
    assert ours.get_config()["alpha"] == 0.5


@pytest.mark.parametrize("shape", [(3, 5), (3, 1), (5,)])
@pytest.mark.parametrize("dtype", ["bool", "float32"])
def test_softmax_with_mask(shape, dtype):
    mask = (np.arange(np.prod(shape)).reshape(shape) % 3 != 1).astype(dtype)
    ours, theirs = lamella.layers.Softmax()(X2, mask=mask), keras.layers.Softmax()(X2, mask=mask)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
