"""Configs of objects against Keras's: what both write, and what each reads of the other's."""

import keras
import numpy as np
import pytest

import lamella as L
from lamella import registry
from lamella.registry.doors import public_name, resolve

ours, theirs = registry.serialize_keras_object, keras.saving.serialize_keras_object
VALUES = [
    None,
    1,
    2.5,
    "text",
    True,
    [1, "a", None],
    (1, (2, 3)),
    {"a": [1, 2], "b": {"c": (1,)}},
    np.float32(1.5),
    np.array(3),
    np.arange(6).reshape(2, 3),
    np.ones((2,), "float32"),
    b"bytes",
    slice(1, None, 2),
    Ellipsis,
    np.bool_(True),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_values_are_written_alike(value):
    written = ours(value)
    assert written == theirs(value)
    assert type(written) is type(theirs(value))


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_values_are_read_alike(value):
    written = ours(value)
    read, expected = registry.deserialize_keras_object(written), keras.saving.deserialize_keras_object(written)
    assert type(read) is type(expected)
    np.testing.assert_equal(read, expected)


OBJECTS = [
    lambda k: k.layers.Dense(3, activation="relu", kernel_regularizer="l2", kernel_constraint="max_norm", name="d"),
    lambda k: k.layers.Conv2D(2, 3, dtype="mixed_bfloat16", name="c"),
    lambda k: k.losses.BinaryCrossentropy(from_logits=True),
    lambda k: k.metrics.AUC(name="auc"),
    lambda k: k.optimizers.Adam(1e-3, name="adam"),
    lambda k: k.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9),
    lambda k: k.initializers.Constant(2.0),
    lambda k: k.DTypePolicy("mixed_float16"),
    lambda k: k.random.SeedGenerator(3, name="s"),
]


@pytest.mark.parametrize("make", OBJECTS, ids=range(len(OBJECTS)))
def test_objects_are_written_alike_and_read_by_both(make):
    written, expected = ours(make(L)), theirs(make(keras))
    assert written == expected
    assert type(registry.deserialize_keras_object(expected)) is type(make(L))
    assert type(keras.saving.deserialize_keras_object(written)) is type(make(keras))


@pytest.mark.parametrize("function", ["activations.relu", "losses.mean_squared_error"])
def test_functions(function):
    room, name = function.split(".")
    written = ours(getattr(getattr(L, room), name))
    assert written == theirs(getattr(getattr(keras, room), name))
    assert registry.deserialize_keras_object(written) is getattr(getattr(L, room), name)


def test_canonical_names_are_keras_names():
    from keras.src.api_export import REGISTERED_NAMES_TO_OBJS

    wrong = []
    for path, found in REGISTERED_NAMES_TO_OBJS.items():
        module, _, name = path.rpartition(".")
        if not isinstance(found, type) or module not in registry.DOORS:
            continue
        mine = resolve(module, name)
        if mine is not None and public_name(mine) != (module, name):
            wrong.append((path, public_name(mine)))
    assert not wrong


OLD_PATHS = [
    ("keras.src.layers.core.dense", "Dense", "layers"),
    ("keras.layers.core.dense", "Dense", "layers"),
    ("keras.src.models.functional", "Functional", "models"),
    ("keras.src.engine.sequential", "Sequential", "models"),
    ("keras.src.optimizers.schedules.learning_rate_schedule", "CosineDecay", "optimizers.schedules"),
    ("keras.src.optimizers.adam", "Adam", "optimizers"),
    ("keras.src.losses.losses", "LossFunctionWrapper", "losses"),
    ("keras", "Model", "models"),
    ("keras.models", "Model", "models"),
]


@pytest.mark.parametrize(("module", "name", "room"), OLD_PATHS)
def test_old_paths(module, name, room):
    found = resolve(module, name)
    assert found.__name__ == name
    assert found.__module__.startswith(f"lamella.{room.split('.')[0]}")
