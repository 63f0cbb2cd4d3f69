"""Where TensorFlow is not imported, nothing of it is asked; the seam itself, without TensorFlow."""

import subprocess
import sys
import types

import jax
import numpy as np
import pytest

import lamella as keras
from lamella import layers


def test_nothing_is_imported():
    code = (
        "import sys, numpy as np, lamella\n"
        "lamella.layers.Rescaling(2.0)(np.ones((2, 3)))\n"
        "lamella.utils.set_random_seed(1)\n"
        "assert not {'tensorflow', 'torch'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_module_that_only_stands_in_is_left_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", types.ModuleType("tensorflow"))
    assert layers.Rescaling(2.0)(np.ones((2, 3))).shape == (2, 3)
    keras.utils.set_random_seed(1)


class Tensor:
    """A symbolic tensor, as far as it is asked: it cannot become an array."""

    __module__ = "tensorflow.python.framework"

    def __init__(self, shape, dtype):
        self.shape = types.new_class("Shape", (tuple,))(shape)
        self.shape.rank, self.dtype, self.name = len(shape), np.dtype(dtype), "x:0"

    def set_shape(self, shape):
        self.static = tuple(shape)

    def __array__(self, *_, **__):
        raise NotImplementedError("symbolic")


@pytest.fixture
def nodes(monkeypatch):
    """The functions that became nodes, with a TensorFlow that has what the seam uses."""
    made = []

    def numpy_function(function, inputs, dtypes):
        made.append(function)
        return [Tensor((), dtype) for dtype in dtypes]

    tf = types.ModuleType("tensorflow")
    tf.is_symbolic_tensor = lambda value: isinstance(value, Tensor)
    tf.nest = types.SimpleNamespace(
        flatten=lambda value: jax.tree.leaves(value),
        pack_sequence_as=lambda like, flat: jax.tree.unflatten(jax.tree.structure(like), flat),
    )
    tf.as_dtype, tf.numpy_function = np.dtype, numpy_function
    monkeypatch.setitem(sys.modules, "tensorflow", tf)
    return made


def test_a_call_becomes_a_node_with_its_shape(nodes):
    layer = layers.Dense(3, kernel_initializer="ones")
    out = layer(Tensor((None, 2), "float32"))
    assert (out.static, out.dtype.name, layer._inbound_nodes, layer.built) == ((None, 3), "float32", [], True)
    (result,) = nodes[0](np.ones((4, 2), "float32"))
    assert isinstance(result, np.ndarray) and result.tolist() == [[2.0] * 3] * 4


def test_arguments_that_are_no_tensors_and_structures_stay(nodes):
    class Own(layers.Layer):
        def call(self, inputs, factor=1.0):
            return {"a": inputs["x"] * factor, "b": inputs["y"]}

    out = Own()({"x": Tensor((None, 2), "float32"), "y": Tensor((2,), "int32")}, factor=3.0)
    assert (out["a"].static, out["b"].static) == ((None, 2), (2,))
    a, b = nodes[0](np.ones((1, 2), "float32"), np.array([1, 2], "int32"))
    assert a.tolist() == [[3.0, 3.0]] and b.dtype == "int32"


def test_a_shape_without_axes_is_refused(nodes):
    tensor = Tensor((None,), "float32")
    tensor.shape.rank = None
    with pytest.raises(ValueError, match="number of axes is not known"):
        layers.Rescaling(2.0)(tensor)


@pytest.mark.parametrize(("module", "path"), [("tensorflow", "random.set_seed"), ("torch", "manual_seed")])
def test_seeds_of_what_is_imported(monkeypatch, module, path):
    heard = []
    fake = types.ModuleType(module)
    *before, last = path.split(".")
    place = fake
    for name in before:
        setattr(place, name, types.SimpleNamespace())
        place = getattr(place, name)
    setattr(place, last, heard.append)
    monkeypatch.setitem(sys.modules, module, fake)
    keras.utils.set_random_seed(7)
    assert heard == [7]


class DatasetV2:
    """A dataset of TensorFlow, as far as training asks it."""

    __module__ = "tensorflow.python.data"

    def __iter__(self):
        raise AssertionError("its elements are taken as NumPy arrays")

    def cardinality(self):
        return np.array(3)

    def as_numpy_iterator(self):
        return iter([(np.ones((2, 4), "float32"), np.ones((2, 1), "float32"))] * 3)


def test_a_model_that_is_not_built_yet_trains_on_a_dataset():
    model = keras.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(DatasetV2(), epochs=2, verbose=0)
    assert model.optimizer.iterations.numpy() == 6
