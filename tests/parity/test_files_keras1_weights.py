"""Weights of Keras 1: an array for each gate, kernels by filters first, and what Theano turned around."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import lamella
from lamella import layers as L
from lamella.errors import FileError

RANDOM = np.random.default_rng(5)


def normal(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def write(path, layers, **about):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in layers]
        file.attrs.update(about)
        for name, arrays in layers.items():
            group = file.create_group(name)
            names = [f"{name}_{number}".encode() for number in range(len(arrays))]
            group.attrs["weight_names"] = names
            for one, array in zip(names, arrays, strict=True):
                group[one] = array
    return path


def gates(order, width, units):
    """Arrays by gate, and what Keras 3 joins of them in that order."""
    found = {gate: (normal(width, units), normal(units, units), normal(units)) for gate in order}
    return found, [array for gate in found.values() for array in gate]


def joined(found, order):
    return [np.concatenate([found[gate][kind] for gate in order], -1) for kind in range(3)]


def loaded(path, shape, *layers):
    model = lamella.Sequential([lamella.Input(shape), *layers])
    model.load_weights(path)
    return model


def assert_arrays(model, expected):
    for one, two in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("about", [{}, {"keras_version": b"1.2.2", "backend": b"tensorflow"}])
def test_an_array_for_each_gate(tmp_path, about):
    of_gru, gru = gates("zrh", 3, 4)
    of_lstm, lstm = gates("icfo", 4, 2)
    path = write(tmp_path / "w.h5", {"g": gru, "l": lstm}, **about)
    model = loaded(path, (5, 3), L.GRU(4, reset_after=False, return_sequences=True), L.LSTM(2))
    assert_arrays(model, [*joined(of_gru, "zrh"), *joined(of_lstm, "ifco")])


def test_gates_inside_of_other_layers(tmp_path):
    (forward, one), (backward, two), (inner, three) = gates("icfo", 3, 4), gates("icfo", 3, 4), gates("zrh", 8, 2)
    dense = [normal(2, 1), normal(1)]
    path = write(tmp_path / "w.h5", {"b": [*one, *two], "m": [*three, *dense]})
    nested = lamella.Sequential([lamella.Input((5, 8)), L.GRU(2, reset_after=False), L.Dense(1)])
    model = loaded(path, (5, 3), L.Bidirectional(L.LSTM(4, return_sequences=True)), nested)
    assert_arrays(model, [*joined(forward, "ifco"), *joined(backward, "ifco"), *joined(inner, "zrh"), *dense])


def test_nine_arrays_are_no_gru_of_keras_2(tmp_path):
    _, gru = gates("zrh", 3, 4)
    path = write(tmp_path / "w.h5", {"g": gru}, keras_version=b"2.1.0")
    with pytest.raises(FileError, match="9 arrays in the file, 3 weights in the layer"):
        loaded(path, (5, 3), L.GRU(4, reset_after=False))


@pytest.mark.parametrize("filters_first", [False, True])
def test_conv1d_with_an_axis_more(tmp_path, filters_first):
    kernel, bias = normal(3, 2, 4), normal(4)
    old = kernel.transpose(2, 1, 0)[..., None] if filters_first else kernel[:, None]
    assert_arrays(loaded(write(tmp_path / "w.h5", {"c": [old, bias]}), (8, 2), L.Conv1D(4, 3)), [kernel, bias])


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (lambda **said: L.Conv2D(4, (3, 2), **said), (2, 8, 8), (3, 2, 0, 1)),
        (lambda **said: L.Conv2D(2, 2, **said), (2, 8, 8), (3, 2, 0, 1)),  # where any order would fit
        (lambda **said: L.Conv3D(4, (3, 2, 1), **said), (2, 5, 5, 5), (4, 3, 0, 1, 2)),
    ],
)
@pytest.mark.parametrize("backend", [None, b"theano", b"tensorflow"])
def test_filters_first(tmp_path, layer, shape, axes, backend):
    about = {} if backend is None else {"keras_version": b"1.1.0", "backend": backend}
    made = layer(data_format="channels_first")
    made.build((None, *shape))
    kernel, bias = normal(*made.kernel.shape), normal(*made.bias.shape)
    old = np.flip(kernel, tuple(range(kernel.ndim - 2))) if backend == b"theano" else kernel
    path = write(tmp_path / "w.h5", {"c": [old.transpose(axes), bias]}, **about)
    assert_arrays(loaded(path, shape, made), [kernel, bias])


def test_kernels_of_theano_and_keras_2_are_turned_around(tmp_path):
    kernel, bias, dense = normal(3, 2, 1, 4), normal(4), [normal(4, 2), normal(2)]
    about = {"keras_version": b"2.0.4", "backend": b"theano"}
    path = write(tmp_path / "w.h5", {"c": [kernel, bias], "d": dense}, **about)
    model = loaded(path, (6, 6, 1), L.Conv2D(4, (3, 2)), L.GlobalMaxPooling2D(), L.Dense(2))
    assert_arrays(model, [kernel[::-1, ::-1], bias, *dense])


def test_transposed_convolutions_had_their_filters_last(tmp_path):
    kernel, bias = normal(3, 3, 4, 2), normal(4)
    path = write(tmp_path / "w.h5", {"c": [kernel.transpose(0, 1, 3, 2), bias]})
    assert_arrays(loaded(path, (6, 6, 2), L.Conv2DTranspose(4, 3)), [kernel, bias])


def test_conv_lstm_has_an_array_for_each_gate(tmp_path):
    found = {gate: (normal(3, 3, 1, 2), normal(3, 3, 2, 2), normal(2)) for gate in "icfo"}
    path = write(tmp_path / "w.h5", {"c": [array for gate in found.values() for array in gate]})
    assert_arrays(loaded(path, (2, 6, 6, 1), L.ConvLSTM2D(2, 3)), joined(found, "ifco"))


def test_all_or_nothing(tmp_path):
    _, gru = gates("zrh", 3, 5)
    model = lamella.Sequential([lamella.Input((5, 3)), L.GRU(4, reset_after=False)])
    before = model.get_weights()
    with pytest.raises(FileError, match=r"\(3, 15\) in the file, \(3, 12\) in the layer"):
        model.load_weights(write(tmp_path / "w.h5", {"g": gru}))
    assert_arrays(model, before)
