"""Layers that are at work in training, against Keras: with one seed, the same numbers."""

import keras
import numpy as np
import pytest
from layer_parity import array, check

X2, X3, X4, X5 = array((4, 6)), array((3, 5, 4)), array((3, 4, 5, 2)), array((2, 3, 3, 3, 4))


@pytest.mark.sample(10)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("name", "x", "kwargs"),
    [
        ("Dropout", X2, {"rate": 0.3}),
        ("Dropout", X3, {"rate": 0.5, "noise_shape": (None, 1, None)}),
        ("Dropout", X2, {"rate": 0}),
        ("Dropout", X2, {"rate": 1.0}),
        ("SpatialDropout1D", X3, {"rate": 0.5}),
        ("SpatialDropout2D", X4, {"rate": 0.5}),
        ("SpatialDropout2D", X4, {"rate": 0.5, "data_format": "channels_first"}),
        ("SpatialDropout3D", X5, {"rate": 0.4}),
        ("AlphaDropout", X2, {"rate": 0.4}),
        ("AlphaDropout", X3, {"rate": 0.4, "noise_shape": (None, 1, None)}),
        ("GaussianDropout", X2, {"rate": 0.4}),
        ("GaussianNoise", X2, {"stddev": 0.4}),
    ],
)
def test_random_layers(name, x, kwargs, training):
    check(name, x, seed=7, call={"training": training}, **kwargs)


def test_activity_regularization():
    ours = check("ActivityRegularization", X2, l1=0.1, l2=0.2)
    theirs = keras.layers.ActivityRegularization(l1=0.1, l2=0.2)
    ours(X2), theirs(X2)
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-6)
