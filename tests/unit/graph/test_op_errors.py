"""Ops say which op it was and what it was given, where JAX only says what it noticed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers, ops
from lamella.errors import LamellaError, OperationError, ShapeError

X = np.zeros((2, 3), "float32")

WRONG = {
    "mean() cannot be computed: an axis is out of range.": lambda x: ops.mean(x, axis=5),
    "add() cannot be computed: add got incompatible shapes": lambda x: ops.add(x, ops.zeros((4, 5))),
    "matmul() cannot be computed: ": lambda x: ops.matmul(x, ops.zeros((4, 5))),
    "transpose() cannot be computed: ": lambda x: ops.transpose(x, (0, 2)),
    "einsum() cannot be computed: ": lambda x: ops.einsum("ij->ia", x),
    "batch_normalization() cannot be computed: ": lambda x: ops.batch_normalization(x, np.zeros(2), np.ones(2), -1),
    "split() cannot be computed: ": lambda x: ops.split(x, 2, axis=1),
}


@pytest.mark.parametrize("said", WRONG)
def test_arrays_and_symbolic_tensors(said):
    for x, shape in ((X, "(2, 3) float32"), (layers.Input((3,)), "(None, 3) float32")):
        x = ops.convert_to_tensor(x) if x is X else x
        with pytest.raises(OperationError) as told:
            WRONG[said](x)
        assert told.value.what.startswith(said)
        assert shape in str(told.value) and "2520" not in str(told.value)


def test_it_is_what_keras_code_catches():
    for kind in (ShapeError, ValueError, TypeError, IndexError):
        with pytest.raises(kind):
            ops.mean(X, axis=5)


def test_in_a_layer_the_place_is_told():
    class Wrong(layers.Layer):
        def call(self, x):
            return ops.matmul(x, ops.zeros((5, 2)))

    class WithoutOps(layers.Layer):
        def call(self, x):
            return x + jnp.ones((5, 2))

    for cls in (Wrong, WithoutOps):
        with pytest.raises(ShapeError, match=r"at 'odd'") as told:
            cls(name="odd")(layers.Input((3,)))
        assert "(None, 3) float32" in str(told.value) and "2520" not in str(told.value)


def test_what_is_not_about_the_arguments_stays():
    def own(x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        ops.map(own, X)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        ops.matmul(X)
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.jit(lambda x: ops.cond(bool(x[0, 0] > 0), lambda: x, lambda: -x))(X)
    with pytest.raises(LamellaError, match="pad_width needs one pair"):
        ops.pad(X, ((1, 1),) * 3)


def test_long_arguments_are_cut():
    with pytest.raises(OperationError) as told:
        ops.concatenate([np.zeros((2, 3))] * 100 + [np.zeros((2, 3, 1))])
    assert len(told.value.received) < 310


def test_the_last_word_is_jaxs():
    with pytest.raises(OperationError) as told:
        keras.ops.reshape(X, (4, 2))
    assert isinstance(told.value.__cause__, TypeError) and "(size 8)" in str(told.value.__cause__)
