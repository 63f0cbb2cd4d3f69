"""Which arguments of `call` an exported program takes: as in Keras one for each positional tensor."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import lamella
from lamella import layers as L
from lamella.errors import ArgumentError, StateError

X, C = np.ones((3, 4), "float32"), np.full((3, 5), 2.0, "float32")
Pair = collections.namedtuple("Pair", "a b")


def spec(*shape):
    return lamella.InputSpec(shape=shape, dtype="float32")


class Mine(lamella.Model):
    def __init__(self):
        super().__init__()
        self.one, self.two = L.Dense(2), L.Dense(2)


class Optional(Mine):
    def call(self, x, context=None, mask=None, training=False, scale=1.0):
        outputs = self.one(x) * scale
        return outputs if context is None else outputs + self.two(context)


class TrainingBetween(Mine):
    def call(self, x, training=False, context=None):
        return self.one(x) + self.two(context) * (100.0 if training else 1.0)


class ByNameOnly(Mine):
    def call(self, x, *, context):
        return self.one(x) + self.two(context)


class InADict(Mine):
    def call(self, inputs, training=None):
        return self.one(inputs["x"]) + self.two(inputs["more"][0])


class Named(Mine):
    def call(self, pair, training=None):
        return Pair(self.one(pair.a), {"b": self.two(pair.b)})


class Any(Mine):
    def call(self, *tensors):
        return sum(self.one(tensor) for tensor in tensors)


class Mode(Mine):
    def call(self, x, mode):
        return self.one(x) if mode == "one" else self.two(x)


class OwnBuild(Mine):
    def build(self, x_shape, context_shape):
        self.one.build(x_shape)
        self.two.build(context_shape)

    def call(self, x, context):
        return self.one(x) + self.two(context)


@pytest.fixture
def exported(tmp_path):
    def export(model, signature=None):
        model.export(tmp_path / "m", format="stablehlo", input_signature=signature)
        return lamella.saving.load_exported(tmp_path / "m")

    return export


CALLS = {
    "left out": (Optional, (X,), {}, (X,)),
    "by position": (Optional, (X, C), {}, (X, C)),
    "by name": (Optional, (X,), {"context": C}, (X, C)),
    "mask and training": (Optional, (X,), {"context": C, "mask": np.ones(3), "training": True}, (X, C)),
    "training between": (TrainingBetween, (X,), {"context": C}, (X, C)),
    "by name only": (ByNameOnly, (X,), {"context": C}, (X, C)),
    "dict and list": (InADict, ({"x": X, "more": [C]},), {}, ({"x": X, "more": [C]},)),
    "any number": (Any, (X, X, X), {}, (X, X, X)),
    "no tensor": (Mode, (X,), {"mode": "one"}, (X,)),
}


@pytest.mark.parametrize("case", CALLS)
def test_the_tensors_of_the_first_call(exported, case):
    make, args, kwargs, taken = CALLS[case]
    model = make()
    model(*args, **kwargs)
    expected = model(*args, **{**kwargs, "training": False} if "training" in kwargs else kwargs)
    np.testing.assert_allclose(exported(model)(*taken), expected, rtol=1e-5)


def test_what_is_no_tensor_takes_its_default(exported):
    model = Optional()
    model(X, scale=3.0)
    np.testing.assert_allclose(exported(model)(X), model(X), rtol=1e-5)


def test_a_trained_model(exported):
    model = Optional()
    model.compile("sgd", "mse")
    model.fit(X, np.ones((3, 2)), verbose=0)
    np.testing.assert_allclose(exported(model)(X[:1]), model(X[:1]), rtol=1e-5)


def test_named_tuples_are_tuples_in_a_file(exported):
    model = Named()
    model(Pair(X, C))
    outputs = exported(model)(Pair(X, C))
    assert type(outputs) is tuple
    np.testing.assert_allclose(outputs[1]["b"], model(Pair(X, C)).b["b"], rtol=1e-5)


def test_shapes_of_an_own_build(exported):
    model = OwnBuild()
    model.build((None, 4), (None, 5))
    np.testing.assert_allclose(exported(model)(X, C), model(X, C), rtol=1e-5)


def test_the_batch_of_a_sequential_is_open(exported):
    model = lamella.Sequential([L.Dense(2)])
    model(X)
    assert exported(model)(np.ones((7, 4), "float32")).shape == (7, 2)


SIGNATURES = {
    "a list": ([spec(None, 4), spec(None, 5)], (X, C), {}),
    "the first alone": ([spec(None, 4)], (X,), {}),
    "one spec": (spec(None, 4), (X,), {}),
    "by name": ({"x": spec(None, 4), "context": spec(None, 5)}, (), {"x": X, "context": C}),
    "arrays": ([X, C], (X, C), {}),
    "symbolic tensors": ([lamella.Input((4,)), lamella.Input((5,))], (X, C), {}),
}


@pytest.mark.parametrize("case", SIGNATURES)
def test_a_signature(exported, case):
    signature, args, kwargs = SIGNATURES[case]
    model = Optional()
    model(X, C)
    np.testing.assert_allclose(exported(model, signature)(*args, **kwargs), model(*args, **kwargs), rtol=1e-5)


@pytest.mark.parametrize("nested", [True, False])
def test_a_list_of_inputs_is_one_argument_of_a_graph(exported, nested):
    inputs = [lamella.Input((4,)), lamella.Input((5,))]
    model = lamella.Model(inputs, L.Concatenate()(inputs))
    signature = [spec(None, 4), spec(None, 5)]
    assert exported(model, [signature] if nested else signature)([X, C]).shape == (3, 9)


def test_what_does_not_fit_is_refused(exported):
    model = Optional()
    with pytest.raises(StateError, match="not built"):
        exported(model)
    model(X, C)
    with pytest.raises(ArgumentError, match="cannot be called with this input_signature"):
        exported(model, [spec(None, 4)] * 9)
    with pytest.raises(ArgumentError, match="with shapes"):
        exported(model, ["float32"])
    with pytest.raises(ArgumentError, match=r"takes other arguments.*\n.*\(None, 4\), \(None, 5\)"):
        exported(model)(X)
    with pytest.raises(ArgumentError, match="takes other arguments"):
        exported(model)([X, C])


def test_names_in_onnx(tmp_path):
    pytest.importorskip("jax2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = Optional()
    model(X, C)
    signature = [lamella.InputSpec(shape=(None, n), dtype="float32", name=name) for n, name in ((4, "a"), (5, "b"))]
    model.export(tmp_path / "m.onnx", format="onnx", input_signature=signature)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (outputs,) = session.run(None, {"a": X, "b": C})
    np.testing.assert_allclose(outputs, model(X, C), rtol=1e-5)


def test_several_arguments_of_a_saved_model(tmp_path):
    tf = pytest.importorskip("tensorflow")
    model = Optional()
    model(X, C)
    model.export(tmp_path / "m")
    loaded = tf.saved_model.load(tmp_path / "m")
    np.testing.assert_allclose(loaded.serve(X, C), model(X, C), rtol=1e-5)
    by_name = loaded.signatures["serving_default"](x=tf.constant(X), context=tf.constant(C))
    np.testing.assert_allclose(next(iter(by_name.values())), model(X, C), rtol=1e-5)
