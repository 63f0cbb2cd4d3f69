"""Files that Keras reads, and files that Keras wrote: the same predictions, and the same training afterwards."""

from __future__ import annotations

import io
import zipfile

import h5py
import keras
import numpy as np
import pytest

import lamella

FLOW = {"rtol": 1e-5, "atol": 1e-6}


def entries(path):
    """{path: shape} of everything in the weights of a .keras or .weights.h5 file."""
    data = zipfile.ZipFile(path).read("model.weights.h5") if str(path).endswith(".keras") else path.read_bytes()
    found = {}
    with h5py.File(io.BytesIO(data)) as file:
        file.visititems(lambda name, item: found.update({name: getattr(item, "shape", "group")}))
    return found


def random(*shape):
    return np.random.RandomState(0).randn(*shape).astype("float32")


def blocks(k):
    """A class of the user's: layers in attributes, lists, lists in lists, dicts, and in its own weights."""

    class Blocks(k.Model):
        def __init__(self, width=3, **kwargs):
            super().__init__(**kwargs)
            dense = k.layers.Dense
            self.width = width
            self.zoom = dense(width)
            self.blocks = [dense(width), [dense(width), dense(width)]]
            self.named = {"b": dense(width), "a": k.layers.LayerNormalization()}
            self._hidden = k.layers.MultiHeadAttention(2, 2)
            self.scale = self.add_weight(shape=(width,), initializer="ones", name="scale")

        def call(self, x):
            x = self.named["a"](self.named["b"](self.zoom(x)))
            x = self.blocks[1][1](self.blocks[1][0](self.blocks[0](x)))
            return self._hidden(x[:, None], x[:, None])[:, 0] * self.scale

        def get_config(self):
            return {**super().get_config(), "width": self.width}

    return Blocks


BLOCKS = {k: blocks(k) for k in (lamella, keras)}


def functional(k):
    inputs = k.Input((4,), name="x")
    shared = k.layers.Dense(3, activation="relu", name="shared")
    inner = k.Sequential([k.layers.Dense(3), k.layers.BatchNormalization(), k.layers.Dropout(0.0)], name="inner")
    joined = k.layers.Concatenate()([inner(shared(inputs)), shared(inputs)]) * 2 + 1
    return k.Model(inputs, [k.layers.Dense(2, name="a")(joined), k.layers.Dense(1, name="b")(joined)])


def sequential(k):
    return k.Sequential([k.Input((4,)), k.layers.Dense(5, "tanh", kernel_regularizer="l2"), k.layers.Dense(2)])


def nested(k):
    inner_input = k.Input((4,))
    inner = k.Model(inner_input, k.layers.Dense(4)(k.layers.LayerNormalization()(inner_input)))
    inputs = k.Input((4,))
    return k.Model(inputs, inner(inner(inputs)) + inputs)


def subclassed(k):
    model = BLOCKS[k]()
    model(random(2, 4))
    return model


def recurrent(k):
    return k.Sequential([k.Input((5, 4)), k.layers.Bidirectional(k.layers.LSTM(3)), k.layers.Dense(2)])


MODELS = {build.__name__: build for build in (functional, sequential, nested, subclassed, recurrent)}


def data(model):
    x = random(8, 5, 4) if model.name.startswith("sequential") and len(model.input_shape) == 3 else random(8, 4)
    outputs = model(x[:1])
    y = [np.zeros((8, *o.shape[1:]), "float32") for o in (outputs if isinstance(outputs, list) else [outputs])]
    return x, y if len(y) > 1 else y[0]


def trained(k, build, optimizer):
    model = build(k)
    x, y = data(model)
    model.compile(k.optimizers.get(optimizer), loss=["mse", "mse"] if isinstance(y, list) else "mse")
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    return model, x, y


def assert_same(a, b):
    for left, right in zip(a if isinstance(a, list) else [a], b if isinstance(b, list) else [b], strict=True):
        np.testing.assert_allclose(np.asarray(left), np.asarray(right), **FLOW)


def load(k, path):
    return k.saving.load_model(path, custom_objects={"Blocks": BLOCKS[k]})


BOTH_WAYS = pytest.mark.parametrize(("writer", "reader"), [(lamella, keras), (keras, lamella)], ids=["write", "read"])


@pytest.mark.sample(2)
@pytest.mark.parametrize(("name", "optimizer"), [*((name, "adam") for name in MODELS), ("sequential", "sgd")])
@BOTH_WAYS
def test_keras_files(tmp_path, writer, reader, name, optimizer):
    model, x, y = trained(writer, MODELS[name], optimizer)
    model.save(tmp_path / "m.keras")
    copy = load(reader, tmp_path / "m.keras")
    assert_same(model.predict(x, verbose=0), copy.predict(x, verbose=0))
    assert int(copy.optimizer.iterations) == 2
    history = [m.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"] for m in (model, copy)]
    np.testing.assert_allclose(*history, rtol=1e-4)
    copy = load(reader, tmp_path / "m.keras")
    copy.save(tmp_path / "again.keras")
    assert entries(tmp_path / "again.keras") == entries(tmp_path / "m.keras")


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", MODELS)
@BOTH_WAYS
def test_weights_files(tmp_path, writer, reader, name):
    model, copy = MODELS[name](writer), MODELS[name](reader)
    model.save_weights(tmp_path / "m.weights.h5")
    copy.load_weights(tmp_path / "m.weights.h5")
    x, _ = data(model)
    assert_same(model(x), copy(x))


@pytest.mark.parametrize("name", ["functional", "sequential"])
@BOTH_WAYS
def test_old_h5_weights(tmp_path, writer, reader, name):
    model, copy = MODELS[name](writer), MODELS[name](reader)
    model.save(tmp_path / "m.h5")
    copy.load_weights(tmp_path / "m.h5")
    x, _ = data(model)
    assert_same(model(x), copy(x))


def test_old_h5_models(tmp_path):
    model, x, y = trained(keras, sequential, "adam")
    model.save(tmp_path / "m.h5")
    copy = lamella.saving.load_model(tmp_path / "m.h5")
    assert_same(model.predict(x, verbose=0), copy.predict(x, verbose=0))
    history = [m.fit(x, y, batch_size=4, shuffle=False, verbose=0).history["loss"] for m in (model, copy)]
    np.testing.assert_allclose(*history, rtol=1e-4)
    copy.save(tmp_path / "ours.h5")
    again = keras.saving.load_model(tmp_path / "ours.h5", compile=False)
    assert_same(copy.predict(x, verbose=0), again.predict(x, verbose=0))


def attention(k, x):
    return k.layers.MultiHeadAttention(2, 3)(x, x)


LAYERS = {
    "attention": ((5, 4), attention),
    "grouped attention": ((5, 4), lambda k, x: k.layers.GroupQueryAttention(4, 4, 2)(x, x)),
    "cells": ((5, 4), lambda k, x: k.layers.RNN([k.layers.LSTMCell(3), k.layers.GRUCell(2)])(x)),
    "distributed": ((5, 4), lambda k, x: k.layers.TimeDistributed(k.layers.Dense(3))(x)),
    "spectral": ((4, 4, 4), lambda k, x: k.layers.SpectralNormalization(k.layers.Conv2D(2, 2))(x)),
    "separable": ((4, 4, 4), lambda k, x: k.layers.SeparableConv2D(2, 2)(x)),
    "prelu": ((4,), lambda k, x: k.layers.PReLU()(x)),
    "frozen numbers": ((4,), lambda k, x: k.layers.Normalization(mean=1.0, variance=4.0)(x)),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_where_keras_has_them(tmp_path, name):
    shape, call = LAYERS[name]
    inputs = lamella.Input(shape)
    model = lamella.Model(inputs, call(lamella, inputs))
    model.save(tmp_path / "ours.keras")
    copy = keras.saving.load_model(tmp_path / "ours.keras")
    copy.save(tmp_path / "theirs.keras")
    assert entries(tmp_path / "ours.keras") == entries(tmp_path / "theirs.keras")
    back, x = lamella.saving.load_model(tmp_path / "theirs.keras"), random(2, *shape)
    assert_same(model(x), copy(x))
    assert_same(model(x), back(x))


def test_frozen_layers_stay_frozen(tmp_path):
    model = functional(lamella)
    model.get_layer("shared").trainable = False
    model.save(tmp_path / "m.keras")
    ours, theirs = (k.saving.load_model(tmp_path / "m.keras") for k in (lamella, keras))
    assert [v.path for v in ours.trainable_variables] == [v.path for v in theirs.trainable_variables]
    assert len(ours.trainable_variables) == 8


OPS = {
    "sum": lambda o, x: o.sum(x, axis=-1, keepdims=True),
    "reshape": lambda o, x: o.reshape(x, (-1, 24)),
    "transpose": lambda o, x: o.transpose(x, (0, 2, 1)),
    "take": lambda o, x: o.take(x, np.array([1, 2]), axis=1),
    "einsum": lambda o, x: o.einsum("abc,adc->abd", x, x),
    "average": lambda o, x: o.average(x, axis=1, weights=np.ones(4, "float32")),
    "concatenate": lambda o, x: o.concatenate([x, x], axis=1),
    "where": lambda o, x: o.where(x > 0, x, 0.0),
    "items": lambda o, x: x[:, 1:, None],
    "clip": lambda o, x: o.clip(1 - x / 2**x, -0.5, 0.5),
}


@pytest.mark.parametrize("name", OPS)
def test_ops_in_a_graph(tmp_path, name):
    """Keras keeps an op's axis in its config and its tensors in the call."""
    models = []
    for k in (lamella, keras):
        inputs = k.Input((4, 6), name="x")
        models.append(k.Model(inputs, OPS[name](k.ops, inputs)))
    for number, model in enumerate(models):
        model.save(tmp_path / f"{number}.keras")
    x = random(2, 4, 6)
    expected = models[1](x)
    assert_same(expected, keras.saving.load_model(tmp_path / "0.keras")(x))
    assert_same(expected, lamella.saving.load_model(tmp_path / "1.keras")(x))
    assert_same(expected, lamella.models.clone_model(models[0])(x))
