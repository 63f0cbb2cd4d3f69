"""Files are told by what is in them, not by their names; and operations of TensorFlow in graphs."""

from __future__ import annotations

import json
import shutil

import keras
import numpy as np
import pytest
from keras2_files import at, dense, dense_weights, functional, layer, sequential, start, write

import lamella
from lamella import layers as L
from lamella.errors import ArgumentError, FileError

X = np.random.default_rng(1).uniform(-1, 1, (3, 4)).astype("float32")


def model():
    return lamella.Sequential([lamella.Input((4,)), L.Dense(3, name="d")], name="m")


def old(path):
    return write(path, {"d": dense_weights("d", 4, 3)}, sequential([dense("d", 3, batch_input_shape=[None, 4])]))


def affine(x, weights):
    kernel, bias = weights.values()
    return x @ kernel + bias


@pytest.mark.parametrize("name", ["m.keras", "m.hdf5", "m.weights.h5", "model", "m.model", "m.bin"])
def test_a_model_of_keras_2_under_another_name(tmp_path, name):
    path = old(tmp_path / name)
    expected = affine(X, dense_weights("d", 4, 3))
    np.testing.assert_allclose(lamella.saving.load_model(path)(X), expected, rtol=1e-5)
    other = model()
    other.load_weights(path)
    np.testing.assert_allclose(other(X), expected, rtol=1e-5)
    other = model()
    assert other.load_weights(path, by_name=True).loaded == ["d"]


@pytest.mark.parametrize("name", ["m.h5", "m.weights.h5", "model"])
def test_a_keras_file_under_another_name(tmp_path, name):
    made = model()
    made.save(tmp_path / "m.keras")
    path = shutil.move(tmp_path / "m.keras", tmp_path / name)
    np.testing.assert_array_equal(lamella.saving.load_model(path)(X), made(X))
    other = model()
    other.load_weights(path)
    np.testing.assert_array_equal(other(X), made(X))


@pytest.mark.parametrize("name", ["m.h5", "m.keras", "weights"])
def test_weights_of_today_under_another_name(tmp_path, name):
    made = model()
    made.save_weights(tmp_path / "m.weights.h5")
    path = shutil.move(tmp_path / "m.weights.h5", tmp_path / name)
    other = model()
    other.load_weights(path)
    np.testing.assert_array_equal(other(X), made(X))
    with pytest.raises(ArgumentError, match="by_name"):
        other.load_weights(path, by_name=True)
    with pytest.raises(FileError, match="No model config"):
        lamella.saving.load_model(path)


@pytest.mark.parametrize("name", ["m.h5", "m.keras", "m.weights.h5", "m"])
def test_what_is_neither(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"neither a zip nor HDF5")
    for load in (lamella.saving.load_model, model().load_weights):
        with pytest.raises(FileError, match=f"{name}: "):
            load(path)


# Operations of TensorFlow


def op(name, function, *calls, kind="TFOpLambda"):
    return layer(kind, name, *calls, function=function)


def run(tmp_path, layers, outputs, expected):
    names = {one["name"]: {} for one in layers}
    made = lamella.saving.load_model(write(tmp_path / "m.h5", names, functional(layers, [["x", 0, 0]], outputs)))
    made.save(tmp_path / "new.keras")
    for one in (
        made,
        lamella.saving.load_model(tmp_path / "new.keras"),
        keras.saving.load_model(tmp_path / "new.keras"),
    ):
        found = one.predict(X, verbose=0)
        for left, right in zip(found if isinstance(found, list) else [found], expected, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-5)


def test_operations_since_2_4(tmp_path):
    whole, some = ({"start": begin, "stop": end, "step": None} for begin, end in ((None, None), (1, 3)))
    layers = [
        start("x", 4),
        op("tf.math.multiply", "math.multiply", at("x", y=2.0, name=None)),
        op("tf.math.subtract", "math.subtract", ["_CONSTANT_VALUE", -1, 1.0, {"y": ["tf.math.multiply", 0, 0]}]),
        op("tf.nn.relu", "nn.relu", at("tf.math.subtract", name=None)),
        op("tf.__operators__.add", "__operators__.add", at("tf.nn.relu", y=["x", 0, 0], name=None)),
        op("tf.concat", "concat", [at("tf.__operators__.add", axis=-1), at("x", axis=-1)]),
        op("tf.reshape", "reshape", at("tf.concat", shape=[-1, 2, 4])),
        op("tf.mean", "math.reduce_mean", at("tf.reshape", axis=1, keepdims=True)),
        op("tf.t", "compat.v1.transpose", at("tf.reshape", perm=[0, 2, 1], conjugate=False, name="transpose")),
        op("tf.clip", "clip_by_value", at("tf.mean", clip_value_min=0.1, clip_value_max=0.9)),
        op("tf.get", "__operators__.getitem", at("tf.t", slice_spec=[whole, some, 0]), kind="SlicingOpLambda"),
    ]
    both = np.concatenate([np.maximum(1 - 2 * X, 0) + X, X], -1).reshape(-1, 2, 4)
    expected = [np.clip(both.mean(1, keepdims=True), 0.1, 0.9), both.transpose(0, 2, 1)[:, 1:3, 0]]
    run(tmp_path, layers, [["tf.clip", 0, 0], ["tf.get", 0, 0]], expected)


def test_nodes_of_a_graph_before_2_4(tmp_path):
    def node(name, kind, call, constants):
        described = json.dumps(
            {"name": name, "op": kind, "input": ["x", f"{name}/y"], "attr": {"T": {"type": "DT_FLOAT"}}}
        )
        return layer("TensorFlowOpLayer", f"tf_op_layer_{name}", call, node_def=described, constants=constants)

    layers = [
        start("x", 4),
        node("mul", "Mul", [at("x")], {"1": 3.0}),
        node("sub", "Sub", [at("tf_op_layer_mul")], {"0": 1.0}),
        node("add", "AddV2", [at("tf_op_layer_sub"), at("x")], {}),
        node("Relu", "Relu", [at("tf_op_layer_add")], {}),
    ]
    run(tmp_path, layers, [["tf_op_layer_Relu", 0, 0]], [np.maximum(1 - 3 * X + X, 0)])


@pytest.mark.parametrize(
    "refused",
    [
        op("it", "image.resize", at("x", size=[2, 2])),
        op("it", "nn.softmax", at("x", unheard_of=1)),
        layer("TensorFlowOpLayer", "it", [at("x")], node_def="not JSON", constants={}),
        layer("TensorFlowOpLayer", "it", [at("x")], node_def=json.dumps({"op": "FFT"}), constants={}),
    ],
)
def test_operations_that_are_not_known(tmp_path, refused):
    path = write(
        tmp_path / "m.h5", {"x": {}, "it": {}}, functional([start("x", 4), refused], [["x", 0, 0]], [["it", 0, 0]])
    )
    with pytest.raises(FileError, match=r"'it' in the model is an operation of TensorFlow(.|\n)*load_weights"):
        lamella.saving.load_model(path)


def test_a_constant_beside_a_tensor(tmp_path):
    call = [at("x"), ["_CONSTANT_VALUE", -1, [[1.0, 2.0, 3.0, 4.0]], {}]]
    layers = [start("x", 4), layer("Add", "sum", call)]
    run(tmp_path, layers, [["sum", 0, 0]], [X + np.float32([1, 2, 3, 4])])
