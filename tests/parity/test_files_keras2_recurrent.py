"""Recurrent layers of Keras 1 and 2: the gates' hard sigmoid, CuDNN's layout, initial states; by the formulas."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
from keras2_files import at, dense, dense_weights, functional, layer, sequential, start, write

import lamella
from lamella import layers as L
from lamella.errors import FileError

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(2, 5, 3)).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def hard(x):
    return np.clip(0.2 * x + 0.5, 0, 1)


def lstm(x, kernel, recurrent, bias, gate=hard, state=None, back=False):
    """All outputs, and the last states."""
    units = recurrent.shape[0]
    h, c = state or (np.zeros((len(x), units)), np.zeros((len(x), units)))
    outputs = []
    for step in range(x.shape[1])[:: -1 if back else 1]:
        i, f, g, o = np.split(x[:, step] @ kernel + h @ recurrent + bias, 4, axis=-1)
        c = gate(f) * c + gate(i) * np.tanh(g)
        h = gate(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, 1), h, c


def gru(x, kernel, recurrent, bias, gate=hard, reset_after=False, back=False):
    units = recurrent.shape[0]
    h = np.zeros((len(x), units))
    outside, inside = bias if reset_after else (bias, np.zeros_like(bias))
    for step in range(x.shape[1])[:: -1 if back else 1]:
        of_x = np.split(x[:, step] @ kernel + outside, 3, axis=-1)
        of_h = np.split(h @ recurrent + inside, 3, axis=-1)
        z, r = gate(of_x[0] + of_h[0]), gate(of_x[1] + of_h[1])
        last = r * of_h[2] if reset_after else (r * h) @ recurrent[:, 2 * units :]
        h = z * h + (1 - z) * np.tanh(of_x[2] + last)
    return h


def cells(name, gates, units=4, features=3, bias=None):
    shapes = {"kernel": (features, gates * units), "recurrent_kernel": (units, gates * units)}
    shapes["bias"] = bias or (gates * units,)
    return {f"{name}/{part}:0": RANDOM.normal(size=shape).astype("float32") for part, shape in shapes.items()}


def of(weights):
    return [value.astype("float64") for value in weights.values()]


def load(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return lamella.saving.load_model(path, **options)


OLD = {"units": 4, "activation": "tanh", "recurrent_activation": "hard_sigmoid", "implementation": 1}
FIRST = {"batch_input_shape": [None, 5, 3]}


def check(model, x, expected, tmp_path):
    """The model predicts that, and so does real Keras on the file that is written of it."""
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, **CLOSE)
    model.save(tmp_path / "new.keras")
    np.testing.assert_allclose(lamella.saving.load_model(tmp_path / "new.keras")(x), expected, **CLOSE)
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "new.keras").predict(x, verbose=0), expected, **CLOSE)
    model.save(tmp_path / "new.h5")
    np.testing.assert_allclose(lamella.saving.load_model(tmp_path / "new.h5")(x), expected, **CLOSE)


# hard_sigmoid, which is another function in Keras 3


def test_hard_sigmoid_of_a_layer(tmp_path):
    x = np.linspace(-4, 4, 12, dtype="float32").reshape(3, 4)
    said = {"activation": "hard_sigmoid"}
    layers = [dense("d", 3, batch_input_shape=[None, 4], **said), layer("Activation", "a", **said)]
    weights = {"d": dense_weights("d", 4, 3), "a": {}}
    model = load(write(tmp_path / "m.h5", weights, sequential(layers), version="2.2.4"))
    kernel, bias = weights["d"].values()
    check(model, x, hard(hard(x @ kernel + bias)), tmp_path)
    assert "hard_sigmoid_of_keras_2" in repr(model.layers[0].activation)


def test_hard_sigmoid_of_gates(tmp_path):
    weights = {"r": cells("r", 4), "g": cells("g", 3, features=4)}
    layers = [layer("LSTM", "r", **OLD, **FIRST, return_sequences=True), layer("GRU", "g", **OLD, reset_after=False)]
    model = load(write(tmp_path / "m.h5", weights, sequential(layers), version="2.2.4"))
    check(model, X, gru(lstm(X, *of(weights["r"]))[0], *of(weights["g"])), tmp_path)


def test_hard_sigmoid_inside_of_other_layers(tmp_path):
    inner = {"class_name": "LSTM", "config": {"name": "r", **OLD}}
    cell = {"class_name": "LSTMCell", "config": {"name": "c", **OLD}}
    step = {"class_name": "Dense", "config": {"name": "s", "units": 3, "activation": "hard_sigmoid"}}
    nested = sequential([layer("RNN", "n", cell=cell, return_sequences=False)], "nested")
    layers = [
        layer("TimeDistributed", "t", layer=step, **FIRST),
        layer("Bidirectional", "b", layer={**inner, "config": {**inner["config"], "return_sequences": True}}),
        {**nested, "name": "nested", "inbound_nodes": []},
    ]
    both = {**cells("b/f", 4), **cells("b/b", 4)}
    weights = {"t": dense_weights("s", 3, 3), "b": both, "nested": cells("n", 4, features=8)}
    model = load(write(tmp_path / "m.h5", weights, sequential(layers), version="2.3.1"))
    kernel, bias = weights["t"].values()
    x, arrays = hard(X @ kernel + bias), of(both)
    x = np.concatenate([lstm(x, *arrays[:3])[0], lstm(x, *arrays[3:], back=True)[0][:, ::-1]], -1)
    check(model, X, lstm(x, *of(weights["nested"]))[1], tmp_path)


def test_hard_sigmoid_of_keras_3_stays(tmp_path):
    model = lamella.Sequential([lamella.Input((2,)), L.Activation("hard_sigmoid")])
    for name in ("m.keras", "m.h5"):
        model.save(tmp_path / name)
        assert lamella.saving.load_model(tmp_path / name).layers[0].activation is lamella.activations.hard_sigmoid


def test_weights_alone_do_not_say_which_hard_sigmoid(tmp_path):
    path = write(tmp_path / "w.h5", {"r": cells("r", 4)}, version="2.2.4")
    model = lamella.Sequential([lamella.Input((5, 3)), L.LSTM(4, recurrent_activation="hard_sigmoid", name="r")])
    with pytest.warns(UserWarning, match=r"w\.h5: .*hard_sigmoid was clip.*in r, .* it is.*Pipeline"):
        model.load_weights(path)
    model = lamella.Sequential([lamella.Input((5, 3)), L.LSTM(4)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.load_weights(path)


# CuDNN: for each gate a matrix (units, features) in one piece, and a bias on either side


def matrices(kernel, units):
    """The matrices of the gates, as Keras's kernel that multiplies from the right."""
    gates = np.split(kernel, kernel.shape[1] // units, axis=1)
    return np.concatenate([gate.reshape(units, kernel.shape[0]).T for gate in gates], axis=1)


def transposed(kernel, units):
    return np.concatenate([gate.T for gate in np.split(kernel, kernel.shape[1] // units, axis=1)], axis=1)


def from_cudnn(weights, units=4):
    kernel, recurrent, bias = of(weights)
    return matrices(kernel, units), transposed(recurrent, units), bias.reshape(2, -1)


CUDNN = {"units": 4, "unit_forget_bias": True}


def cudnn_lstm(x, weights, back=False):
    kernel, recurrent, bias = from_cudnn(weights)
    return lstm(x, kernel, recurrent, bias.sum(0), sigmoid, back=back)


def cudnn_gru(x, weights, back=False):
    kernel, recurrent, bias = from_cudnn(weights)
    return gru(x, kernel, recurrent, bias, sigmoid, reset_after=True, back=back)


@pytest.mark.parametrize("back", [False, True])
def test_cudnn(tmp_path, back):
    said = {"go_backwards": back, "return_state": False, "stateful": False}
    layers = [
        layer("CuDNNLSTM", "r", **CUDNN, **FIRST, **said, return_sequences=True),
        layer("CuDNNGRU", "g", units=4, **said, return_sequences=False),
    ]
    weights = {"r": cells("r", 4, bias=(32,)), "g": cells("g", 3, features=4, bias=(24,))}
    model = load(write(tmp_path / "m.h5", weights, sequential(layers), version="2.2.4"))
    assert [type(one).__name__ for one in model.layers] == ["LSTM", "GRU"]
    check(model, X, cudnn_gru(cudnn_lstm(X, weights["r"], back)[0], weights["g"], back), tmp_path)


def test_cudnn_from_both_ends_in_a_model_in_a_model(tmp_path):
    inner = {"class_name": "CuDNNLSTM", "config": {"name": "r", **CUDNN, "return_sequences": False}}
    nested = sequential([layer("Bidirectional", "b", layer=inner, merge_mode="sum", **FIRST), dense("d", 2)], "nested")
    layers = [layer("Masking", "m", **FIRST, mask_value=9.0), {**nested, "name": "nested", "inbound_nodes": []}]
    forward, backward = cells("f", 4, bias=(32,)), cells("b", 4, bias=(32,))
    weights = {"m": {}, "nested": {**forward, **backward, **dense_weights("d", 4, 2)}}
    model = load(write(tmp_path / "m.h5", weights, sequential(layers), version="2.2.4"))
    both = cudnn_lstm(X, forward)[1] + cudnn_lstm(X, backward, back=True)[1]
    kernel, bias = dense_weights("d", 4, 2).values()
    np.testing.assert_allclose(model(X), both @ kernel + bias, **CLOSE)


def test_weights_of_cudnn_into_layers_of_today(tmp_path):
    weights = {"r": cells("r", 4, bias=(32,)), "g": cells("g", 3, features=4, bias=(24,))}
    path = write(tmp_path / "w.h5", weights, version="2.2.4-tf")
    model = lamella.Sequential([lamella.Input((5, 3)), L.LSTM(4, return_sequences=True, name="r"), L.GRU(4, name="g")])
    model.load_weights(path, by_name=True)
    np.testing.assert_allclose(model(X), cudnn_gru(cudnn_lstm(X, weights["r"])[0], weights["g"]), **CLOSE)
    old = lamella.Sequential([*model.layers[:1], L.GRU(4, reset_after=False, name="g")])
    old.build((None, 5, 3))
    with pytest.raises(FileError, match=r"'bias' has shape \(2, 12\) in the file, \(12,\) in the layer"):
        old.load_weights(path)


# A recurrent layer that begins with the states of another one


@pytest.mark.parametrize("kind", ["LSTM", "CuDNNLSTM"])
def test_initial_states(tmp_path, kind):
    said = OLD if kind == "LSTM" else CUDNN
    size = (16,) if kind == "LSTM" else (32,)
    layers = [
        start("a", 5, 3),
        start("b", 6, 3),
        layer(kind, "reader", [at("a")], **said, return_state=True),
        layer(kind, "writer", [at("b"), at("reader", 0, 1), at("reader", 0, 2)], **said, return_sequences=True),
    ]
    weights = {"a": {}, "b": {}, "reader": cells("reader", 4, bias=size), "writer": cells("writer", 4, bias=size)}
    config = functional(layers, [["a", 0, 0], ["b", 0, 0]], [["writer", 0, 0]], kind="Model")
    model = load(write(tmp_path / "m.h5", weights, config, version="2.2.4"))
    inputs = X, RANDOM.normal(size=(2, 6, 3)).astype("float32")
    first, second = (of(weights[name]) for name in ("reader", "writer"))
    gate = hard
    if kind != "LSTM":
        gate = sigmoid
        first, second = (
            (kernel, recurrent, bias.sum(0))
            for kernel, recurrent, bias in (from_cudnn(weights[name]) for name in ("reader", "writer"))
        )
    state = lstm(inputs[0], *first, gate)[1:]
    expected = lstm(inputs[1], *second, gate, state)[0]
    np.testing.assert_allclose(
        np.asarray(model.predict(list(inputs), verbose=0)).reshape(expected.shape), expected, **CLOSE
    )
    model.save(tmp_path / "new.keras")
    theirs = keras.saving.load_model(tmp_path / "new.keras").predict(list(inputs), verbose=0)
    np.testing.assert_allclose(theirs[0] if isinstance(theirs, list) else theirs, expected, **CLOSE)


def test_constants_are_refused(tmp_path):
    cell = {"class_name": "SimpleRNNCell", "config": {"name": "c", "units": 2}}
    layers = [start("a", 5, 3), start("b", 2), layer("RNN", "r", [at("a"), at("b")], cell=cell, num_constants=1)]
    path = write(tmp_path / "m.h5", {"a": {}, "b": {}}, functional(layers, [["a", 0, 0], ["b", 0, 0]], [["r", 0, 0]]))
    with pytest.raises(FileError, match=r"RNN 'r' takes constants.*"):
        lamella.saving.load_model(path)
