import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamella.errors import ArgumentError, ShapeError, StateError
from lamella.state import Variable, frame


def test_holds_what_it_was_given():
    v = Variable([1.0, 2.0], name="v")
    assert v.dtype == "float32" and v.shape == (2,) and v.ndim == 1 and v.path == "v"
    np.testing.assert_array_equal(v.numpy(), [1, 2])


def test_function_initializer_gets_shape_and_dtype():
    v = Variable(lambda shape, dtype: jnp.full(shape, 3, dtype), shape=(2, 2), dtype="int32")
    assert v.dtype == "int32" and v.numpy().tolist() == [[3, 3], [3, 3]]


def test_is_strongly_typed_so_that_steps_do_not_retrace():
    assert not Variable(1).raw.weak_type and not Variable(1.0).raw.weak_type


@pytest.mark.parametrize(
    "function",
    [
        lambda v: v + 1,
        lambda v: 1 - v,
        lambda v: v * v,
        lambda v: 2.0 / v,
        lambda v: 2**v,
        lambda v: v @ v,
        lambda v: -v,
        lambda v: abs(v),
        lambda v: v[1],
        lambda v: v > 1.5,
        lambda v: v == 2.0,
        lambda v: np.ones(2, "float32") + v,
        lambda v: jnp.ones(2) @ v,
    ],
)
def test_arithmetic_is_the_values(function):
    array = np.array([1.0, 2.0], "float32")
    np.testing.assert_allclose(np.asarray(function(Variable(array))), np.asarray(function(array)))


def test_jax_takes_it_as_an_argument():
    v = Variable([1.0, 2.0])
    assert float(jnp.sum(v)) == 3
    np.testing.assert_array_equal(jax.jit(lambda x: x * 2)(v), [2, 4])
    np.testing.assert_array_equal(jax.grad(lambda x: jnp.sum(x**2))(v), [2, 4])
    np.testing.assert_array_equal(jax.vmap(lambda x: x + 1)(v), [2, 3])
    np.testing.assert_array_equal(jnp.stack([v, v])[1], [1, 2])
    np.testing.assert_array_equal(np.asarray(v), [1, 2])


def test_assign():
    v = Variable([1.0, 2.0])
    v.assign([3, 4])
    v.assign_add([1.0, 1.0])
    v.assign_sub(0.5 * np.ones(2))
    np.testing.assert_array_equal(v.numpy(), [3.5, 4.5])
    assert v.dtype == "float32"


def test_assign_does_not_alias_numpy_memory():
    array = np.zeros(1000, "float32")
    v = Variable(array)
    w = Variable(array)
    w.assign(array)
    array[:] = 7
    assert v.numpy().max() == 0 and w.numpy().max() == 0


def test_assign_of_another_shape_names_the_variable():
    with pytest.raises(ShapeError, match="'kernel'") as caught:
        Variable(np.zeros((2, 3)), name="kernel").assign(np.zeros((3, 2)))
    assert caught.value.expected == (2, 3) and caught.value.received == (3, 2)


def test_a_tracer_is_never_kept():
    v = Variable(1.0, name="v")
    with pytest.raises(StateError, match="jax transformation"):
        jax.jit(lambda x: v.assign(x))(2.0)
    assert float(v.value) == 1


def test_overlay_stands_in_front():
    v = Variable(1.0)
    overlay = {v: jnp.float32(5)}
    with frame(overlay=overlay):
        assert float(v.value) == 5
        v.assign(6.0)
        assert float(v.value) == 6
    assert float(v.value) == 1 and float(overlay[v]) == 6


def test_autocast_is_for_floats_only():
    v, n = Variable(1.0), Variable(1, dtype="int32")
    with frame(autocast="bfloat16"):
        assert v.value.dtype == "bfloat16" and v.dtype == "bfloat16" and n.value.dtype == "int32"
    assert v.value.dtype == "float32"


@pytest.mark.parametrize("kwargs", [{"name": "a/b"}, {"aggregation": "median"}, {"colour": 1}])
def test_wrong_arguments(kwargs):
    with pytest.raises(ArgumentError):
        Variable(1.0, **kwargs)


def test_function_without_shape():
    with pytest.raises(ArgumentError, match="shape"):
        Variable(lambda shape, dtype: 0)


def test_built_inside_of_a_trace_it_is_still_a_real_array():
    made = []

    def f(x):
        made.append(Variable(lambda shape, dtype: jnp.ones(shape, dtype), shape=(2,)))
        return x

    jax.jit(f)(1.0)
    np.testing.assert_array_equal(made[0].numpy(), [1, 1])
