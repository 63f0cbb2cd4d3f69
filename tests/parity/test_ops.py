"""Every op against Keras on its JAX backend: values, dtypes, symbolic shapes, names in graphs."""

import functools

import jax
import keras
import numpy as np
import pytest
from op_cases import CASES

import lamella
from lamella.graph import KerasTensor, any_symbolic

IDS = [c.id for c in CASES]


def find(package, name):
    for part in name.split("."):
        package = getattr(package, part)
    return package


def arrays(outputs):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(outputs)]


VALUES_NEEDED = {"nonzero", "unique", "bincount"}
# Keras computes these from Python numbers that it makes tensors of
EAGER = VALUES_NEEDED | {"image.elastic_transform", "rearrange", "bartlett", "blackman", "hamming", "hanning", "kaiser"}
CHUNK = 64


def run(package, number):
    """The outputs of a case, whatever they hold, as NumPy arrays.

    Cases are compiled 64 at a time, which takes a fifth of the time of 64 compilations.
    """
    found = compiled(package, number // CHUNK)[number % CHUNK]
    if isinstance(found, Exception):
        raise found
    return arrays(found)


@functools.cache
def compiled(package, chunk):
    cases = [c.values for c in CASES[chunk * CHUNK : (chunk + 1) * CHUNK]]
    outcome = [None] * len(cases)

    def call(i, args):
        name, _, kwargs = cases[i]
        try:
            return jax.tree.leaves(find(package.ops, name)(*jax.tree.map(on_device, args), **kwargs))
        except Exception as error:
            outcome[i] = error

    def all_of_them(data):
        return [None if name in EAGER else call(i, merged(args, data[i])) for i, (name, args, _) in enumerate(cases)]

    found = jax.jit(all_of_them)([[leaf for leaf in jax.tree.leaves(args) if is_data(leaf)] for _, args, _ in cases])
    eager = [call(i, args) if name in EAGER else None for i, (name, args, _) in enumerate(cases)]
    return [first or second or third for first, second, third in zip(outcome, found, eager, strict=True)]


def is_data(leaf):
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def merged(args, data):
    """The arguments with traced arrays in the place of the float ones."""
    data = iter(data)
    return jax.tree.map(lambda leaf: next(data) if is_data(leaf) else leaf, args)


def on_device(leaf):
    """Keras's functions are tested with tensors; some take nothing else."""
    return jax.numpy.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf


def assert_close(mine, theirs):
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        near = 2e-3 if a.dtype == "float16" else 1e-5
        np.testing.assert_allclose(a, b, rtol=near, atol=near)


@pytest.mark.sample(3)
@pytest.mark.parametrize("number", range(len(CASES)), ids=IDS)
def test_values_and_dtypes(number):
    assert_close(run(lamella, number), run(keras, number))


@pytest.mark.parametrize("name", ["add", "concatenate", "image.resize", "top_k", "one_hot", "stack", "sum"])
def test_outside_of_compiled_code_too(name):
    number = next(i for i, c in enumerate(CASES) if c.values[0] == name)
    _, args, kwargs = CASES[number].values
    assert_close(arrays(find(lamella.ops, name)(*args, **kwargs)), run(keras, number))


def symbolic(value, tensor):
    """The data arguments as symbolic tensors: float arrays, and integer ones that are no indices or counts."""

    def replace(leaf):
        data = isinstance(leaf, np.ndarray) and leaf.ndim > 0 and leaf.dtype != np.int64
        return tensor(leaf.shape, leaf.dtype.name) if data and leaf.dtype != "complex64" else leaf

    return jax.tree.map(replace, value)


RECORDED = [
    i
    for i, c in enumerate(CASES)
    if c.values[0] not in VALUES_NEEDED and any_symbolic(symbolic(c.values[1], KerasTensor))
]


@pytest.mark.parametrize("number", RECORDED, ids=[IDS[i] for i in RECORDED])
def test_symbolic_shape_and_name(number):
    name, args, kwargs = CASES[number].values
    outputs = jax.tree.leaves(find(lamella.ops, name)(*symbolic(args, KerasTensor), **kwargs))
    assert [(t.shape, t.dtype) for t in outputs] == [(a.shape, a.dtype.name) for a in run(lamella, number)]
    try:
        theirs = jax.tree.leaves(find(keras.ops, name)(*symbolic(args, keras.KerasTensor), **kwargs))
    except Exception:
        return  # Keras cannot record this call
    if theirs and isinstance(theirs[0], keras.KerasTensor):
        assert type(outputs[0]._keras_history.operation).__name__ == type(theirs[0]._keras_history.operation).__name__


def test_the_namespace_is_that_of_keras():
    for place in ("ops", "ops.numpy", "ops.nn", "ops.image", "ops.linalg", "random", "activations", "tree"):
        theirs = {n for n in dir(find(keras, place)) if not n.startswith("_")}
        assert theirs <= set(find(lamella, place).__all__), place
