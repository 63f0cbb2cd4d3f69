"""`class Mine(Model, Dense)`: the layer among the bases computes, and the model trains it."""

from __future__ import annotations

import numpy as np
import pytest

import lamella
from lamella import layers as L
from lamella.errors import StateError

X, Y = np.ones((4, 2), "float32"), np.zeros((4, 3), "float32")


class Trained(lamella.Model, L.Dense):
    def __init__(self, units):
        L.Dense.__init__(self, units, use_bias=False, kernel_initializer="ones")
        lamella.Model.__init__(self)


class Further(Trained):
    def call(self, inputs):
        return 2 * super().call(inputs)


class Masked(lamella.Model, L.Masking):
    def __init__(self):
        L.Masking.__init__(self)
        lamella.Model.__init__(self)


@pytest.mark.parametrize(("make", "factor"), [(Trained, 1), (Further, 2)])
def test_a_layer_that_is_trained(make, factor):
    model = make(3)
    model.compile("sgd", "mse", metrics=["mae"])
    assert model.fit(X, Y, verbose=0).history["mae"] == [2.0 * factor]
    assert [v.path.rpartition("/")[2] for v in model.weights] == ["kernel"]
    np.testing.assert_allclose(model.predict(X, verbose=0), factor * X @ model.kernel.numpy(), rtol=1e-6)
    assert np.isfinite(model.evaluate(X, Y, verbose=0)[0])


def test_its_build_and_mask_are_the_layers():
    model = Trained(3)
    model.build((None, 2))
    assert model.kernel.shape == (2, 3)
    assert Masked().compute_mask(np.zeros((1, 2, 3)), None).tolist() == [[False, False]]


def test_without_such_a_base_call_is_missing():
    class Bare(lamella.Model):
        pass

    with pytest.raises(StateError, match=r"neither a graph nor a call"):
        Bare()(X)
