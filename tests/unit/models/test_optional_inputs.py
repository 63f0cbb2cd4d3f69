"""Inputs left out of a dict: None stands for one that is optional, an error names one that is missing."""

from __future__ import annotations

import numpy as np
import pytest

import lamella
from lamella import layers as L
from lamella.errors import ShapeError

X, Y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")


class AddIfGiven(L.Layer):
    def call(self, x, other=None):
        return x if other is None else x + other

    def compute_output_shape(self, x_shape):
        return x_shape


@pytest.fixture
def model():
    inputs = {"p": lamella.Input((3,), name="p"), "q": lamella.Input((3,), name="q", optional=True)}
    model = lamella.Model(inputs, L.Dense(1)(AddIfGiven()(inputs["p"], inputs["q"])))
    model.compile("sgd", "mse")
    return model


WAYS = {
    "call": lambda model, x: model(x),
    "predict": lambda model, x: model.predict(x, verbose=0),
    "fit": lambda model, x: model.fit(x, Y, verbose=0),
    "evaluate": lambda model, x: model.evaluate(x, Y, verbose=0),
}


@pytest.mark.parametrize("way", WAYS)
def test_none_and_missing(model, way):
    WAYS[way](model, {"p": X, "q": None})
    with pytest.raises(ShapeError, match=r"'p'.*not given|not given.*'p'"):
        WAYS[way](model, {"q": X})
