"""Every layer, in a file: Keras predicts the same from ours, and we the same from Keras's."""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest
from layer_cases import CASES, ELSEWHERE

import lamella
from lamella import layers as L

CLOSE = {"rtol": 1e-4, "atol": 1e-5}
SPLIT = ("MultiHeadAttention", "GroupedQueryAttention")

WORDS = ["a", "b", "c"]
OTHERS = {  # what has no case there: other inputs than floats
    "CategoryEncoding": (lambda: L.CategoryEncoding(4, output_mode="multi_hot"), (3,), "int32"),
    "Discretization": (lambda: L.Discretization([0.2, 0.5]), (3,), "float32"),
    "Embedding": (lambda: L.Embedding(4, 3), (3,), "int32"),
    "HashedCrossing": (lambda: L.HashedCrossing(5), [(1,), (1,)], "string"),
    "Hashing": (lambda: L.Hashing(5), (3,), "string"),
    "IntegerLookup": (lambda: L.IntegerLookup(vocabulary=[1, 2]), (3,), "int32"),
    "RNN of GRUCell": (lambda: L.RNN(L.GRUCell(2)), (3, 2), "float32"),
    "RNN of SimpleRNNCell": (
        lambda: L.RNN(L.StackedRNNCells([L.SimpleRNNCell(2), L.SimpleRNNCell(3)])),
        (3, 2),
        "float32",
    ),
    "ReversibleEmbedding": (lambda: L.ReversibleEmbedding(4, 3), (3,), "int32"),
    "StringLookup": (lambda: L.StringLookup(vocabulary=WORDS), (3,), "string"),
    "TextVectorization": (lambda: L.TextVectorization(vocabulary=WORDS, output_sequence_length=4), (1,), "string"),
}
NEED_TENSORFLOW = {"HashedCrossing", "Hashing", "IntegerLookup", "StringLookup", "TextVectorization"}  # in Keras
OTHERWISE = {"RandomCrop"}  # in prediction: docs/differences.md
OURS_ALONE = {"Equalization"}  # Keras's own takes its input for its output in a graph, and cannot be read back
PARTS_OF_OTHERS = {"GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells", "Wrapper"}
NO_CONFIG = {"Input", "InputLayer", "InputSpec", "Lambda", "Layer"}  # Lambda: code, refused; tested in test_gate
OF_FUNCTIONS = {"FlaxLayer", "JaxLayer"}  # tested in parity/test_layers_jax.py


def groups():
    """{inputs: names of the layers that take them}: few files, many layers in each."""
    found: dict[str, list[str]] = {}
    for name, (_, shape) in sorted(CASES.items()):
        if name in OURS_ALONE:
            continue
        found.setdefault(repr(shape), []).append(name)
    return {
        f"{shape} {part}": names[part : part + 12]
        for shape, names in found.items()
        for part in range(0, len(names), 12)
    }


GROUPS = groups()


def shapes_of(shape):
    return shape if isinstance(shape, list) else [shape]


def build(made, shape, dtype="float32"):
    inputs = [L.Input(one, dtype=dtype) for one in shapes_of(shape)]
    outputs = {}
    for name, make in made.items():
        args = inputs if name in SPLIT else [inputs if isinstance(shape, list) else inputs[0]]
        outputs[name] = make()(*args)
    return lamella.Model(inputs, outputs)


def data(shape, dtype):
    random = np.random.default_rng(0)
    draw = {
        "float32": lambda size: random.uniform(0.1, 1, size).astype("float32"),
        "int32": lambda size: random.integers(0, 4, size).astype("int32"),
        "string": lambda size: random.choice([*WORDS, "unknown"], size).astype(object),
    }[dtype]
    x = [draw((2, *one)) for one in shapes_of(shape)]
    return x if len(x) > 1 else x[0]


def scrambled(model):
    """Weights that no initializer gives, so that an unread one shows."""
    random = np.random.default_rng(1)
    for variable in model.weights:
        if variable.dtype == "float32":
            variable.assign(random.uniform(0.2, 1, variable.shape))
    return model


def predict(model, x):
    return model.predict(x if isinstance(x, list) else [x], verbose=0)


def assert_alike(ours, theirs):
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        if name in OTHERWISE:
            continue
        np.testing.assert_allclose(
            np.asarray(value, "float64"), np.asarray(theirs[name], "float64"), err_msg=name, **CLOSE
        )


@pytest.mark.parametrize("name", sorted(OURS_ALONE))
def test_layers_that_keras_cannot_read_back(name, tmp_path):
    make, shape = CASES[name]
    model = build({name: make}, shape)
    model.save(tmp_path / "ours.keras")
    x = data(shape, "float32")
    np.testing.assert_array_equal(
        predict(lamella.saving.load_model(tmp_path / "ours.keras"), x)[name], predict(model, x)[name]
    )


def round_trip(model, x, folder):
    expected = predict(model, x)
    model.save(folder / "ours.keras")
    theirs = keras.saving.load_model(folder / "ours.keras")
    assert_alike(expected, predict(theirs, x))
    theirs.save(folder / "theirs.keras")
    back = lamella.saving.load_model(folder / "theirs.keras")
    assert_alike(expected, predict(back, x))
    for one, two in zip(back.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    return back


@pytest.mark.parametrize("group", GROUPS)
def test_every_layer_goes_to_keras_and_back(tmp_path, group):
    names = GROUPS[group]
    shape = CASES[names[0]][1]
    model = scrambled(build({name: CASES[name][0] for name in names}, shape))
    back = round_trip(model, data(shape, "float32"), tmp_path)
    model.save_weights(tmp_path / "w.safetensors")
    before = model.get_weights()
    back.set_weights([w * 0 for w in before])
    back.load_weights(tmp_path / "w.safetensors")
    for one, two in zip(back.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.sample(7)
@pytest.mark.parametrize("name", OTHERS)
def test_other_layers_go_to_keras_and_back(tmp_path, name):
    make, shape, dtype = OTHERS[name]
    model, x = scrambled(build({name: make}, shape, dtype)), data(shape, dtype)
    if name not in NEED_TENSORFLOW:
        round_trip(model, x, tmp_path)
        return
    model.save(tmp_path / "m.keras")
    if importlib.util.find_spec("tensorflow"):  # Keras cannot call it on JAX, but read and write it
        keras.saving.load_model(tmp_path / "m.keras").save(tmp_path / "m.keras")
    copy = lamella.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(copy(x)[name], model(x)[name])


def test_no_layer_is_left_out():
    assert set(ELSEWHERE) <= {*OTHERS, *PARTS_OF_OTHERS, *NO_CONFIG, *OF_FUNCTIONS}
    assert sum(map(len, GROUPS.values())) + len(OURS_ALONE) == len(CASES)
