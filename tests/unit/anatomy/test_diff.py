"""diff(a, b): structure, weights, flags, behaviour."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.anatomy import diff


def model(extra=False, units=4, name="hidden", activation="relu"):
    x = inputs = keras.Input((3,))
    x = layers.Dense(8, name="first")(x)
    if extra:
        x = layers.Dropout(0.5)(x)
    x = layers.Dense(units, activation=activation, name=name)(x)
    return keras.Model(inputs, layers.Dense(2)(x), name="m")


def copied(source, **changes):
    new = model(**changes)
    if [w.shape for w in new.weights] == [w.shape for w in source.weights]:
        new.set_weights(source.get_weights())
    return new


def kinds(found):
    return [(d.kind, d.left, d.right) for d in found.differences]


def test_nothing_differs():
    a = model()
    found = diff(a, copied(a), data=np.ones((2, 3), "float32"))
    assert found.same and not found and "nothing differs" in str(found)
    assert len(found.pairs) == 4


def test_an_insertion_is_an_insertion():
    a = model()
    found = diff(a, copied(a, extra=True))
    assert kinds(found) == [("added", None, "dropout")]


def test_a_removal_is_a_removal():
    a = model(extra=True)
    assert kinds(diff(a, copied(a))) == [("removed", "dropout", None)]


def test_a_new_name_is_a_new_name():
    a = model()
    assert kinds(diff(a, copied(a, name="other"))) == [("renamed", "hidden", "other")]


def test_a_changed_argument():
    a = model()
    found = diff(a, copied(a, activation="tanh"))
    assert kinds(found) == [("config", "hidden", "hidden")]
    assert found.differences[0].what == "activation: relu → tanh"


def test_other_widths_change_shapes():
    found = diff(model(), model(units=5))
    assert ("shape", "hidden/kernel", "hidden/kernel") in kinds(found)
    assert found.of("shape")[0].what == "(8, 4) → (8, 5)"


def test_values_flags_and_behaviour():
    a = model(activation="tanh")
    b = copied(a, activation="tanh")
    kernel = b.get_layer("hidden").kernel
    values = kernel.numpy()
    values[0, 0] += 0.5
    kernel.assign(values)
    b.get_layer("first").trainable = False
    found = diff(a, b, data=np.ones((2, 3), "float32"))
    assert kinds(found) == [
        ("trainable", "first", "first"),
        ("values", "hidden/kernel", "hidden/kernel"),
        ("behaviour", "hidden", "hidden"),
    ]
    assert found.of("values")[0].facts["differing"] == 1
    assert found.of("values")[0].facts["most"] == pytest.approx(0.5)
    assert "1 of 32 numbers differ, by at most 0.5" in str(found)


def test_plain_values():
    found = diff(model(), model(units=5))
    assert json.loads(json.dumps(found.to_dict()))["same"] is False


def test_nested_and_shared():
    def twins():
        inner = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="d")], name="inner")
        a, b = keras.Input((3,)), keras.Input((3,))
        return keras.Model([a, b], layers.Add()([inner(a), inner(b)]))

    one = twins()
    other = twins()
    other.set_weights(one.get_weights())
    assert diff(one, other).same
    other.get_layer("inner").get_layer("d").bias.assign([1.0, 2.0])
    assert kinds(diff(one, other)) == [("values", "inner/d/bias", "inner/d/bias")]
