"""First values are settled when a variable is made, and computed when it is read."""

import copy
import gc
import pickle
import threading
import weakref

import jax
import numpy as np
import pytest

import lamella as keras
from lamella.errors import LamellaError, ShapeError, StateError
from lamella.initializers import chance
from lamella.lower import threefry
from lamella.state import StateView, Variable, state_of


@pytest.fixture
def drawn(monkeypatch):
    """The shapes that numbers were drawn for."""
    shapes, real = [], threefry.uniform

    def uniform(key, shape, *rest):
        shapes.append(shape)
        return real(key, shape, *rest)

    monkeypatch.setattr(threefry, "uniform", uniform)
    return shapes


def small(**options):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, **options), keras.layers.Dense(2)])


def test_a_model_is_built_without_values(drawn):
    model = small()
    model.summary(print_fn=lambda _: None)
    assert model.count_params() == 26 and not drawn
    kernels = [w.numpy() for w in model.weights if w.ndim == 2]
    assert drawn == [(3, 4), (4, 2)] and all(np.abs(kernel).max() > 0 for kernel in kernels)
    model.get_weights()
    model(np.ones((1, 3)))
    assert len(drawn) == 2, "once each"


def test_loaded_weights_are_not_drawn(drawn, tmp_path):
    first = small()
    first.save_weights(tmp_path / "a.weights.h5")
    del drawn[:]
    second, third = small(), small()
    second.load_weights(tmp_path / "a.weights.h5")
    third.set_weights(first.get_weights())
    for model in (second, third):
        np.testing.assert_array_equal(model(np.ones((1, 3))), first(np.ones((1, 3))))
    assert not drawn


def test_the_order_of_reading_changes_nothing():
    def weights(turned):
        keras.utils.set_random_seed(3)
        model = small()
        values = [w.numpy() for w in (model.weights[::-1] if turned else model.weights)]
        return values[::-1] if turned else values

    for one, other in zip(weights(False), weights(True), strict=True):
        np.testing.assert_array_equal(one, other)


NAMES = ["glorot_uniform", "he_normal", "lecun_normal", "random_normal", "truncated_normal", "random_uniform", "ones"]
GIVEN = [keras.initializers.Constant(2.5), keras.initializers.VarianceScaling(2.0, "fan_out", "uniform")]


@pytest.mark.parametrize("initializer", [*NAMES, *GIVEN])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_later_gives_what_a_call_gives(initializer, dtype):
    keras.utils.set_random_seed(5)
    now = keras.initializers.get(initializer)((6, 4), dtype=dtype)
    keras.utils.set_random_seed(5)
    variable = Variable(keras.initializers.get(initializer), (6, 4), dtype)
    assert not variable.has_value and variable.dtype == dtype and variable.shape == (6, 4)
    np.testing.assert_array_equal(variable.value, now)
    assert variable.has_value and isinstance(variable.value, jax.Array)


def test_what_an_initializer_becomes_meanwhile_changes_nothing():
    initializer = keras.initializers.RandomNormal(stddev=1.0, seed=1)
    variable = Variable(initializer, (50,))
    initializer.stddev = 100.0
    assert np.abs(variable.numpy()).max() < 10


def test_a_value_given_before_it_was_read_stays(drawn):
    variable = Variable(keras.initializers.GlorotUniform(), (2, 2))
    variable.assign(np.eye(2))
    np.testing.assert_array_equal(variable.numpy(), np.eye(2))
    assert not drawn


def test_numpy_gives_a_copy():
    variable = Variable(keras.initializers.Ones(), (2,))
    variable.numpy()[:] = 7
    np.testing.assert_array_equal(variable.numpy(), [1, 1])
    np.testing.assert_array_equal(variable.value, [1, 1])


def test_inside_of_a_program():
    variable = Variable(keras.initializers.GlorotUniform(seed=1), (3, 2))
    inside = jax.jit(lambda x: x @ variable.value)(np.eye(3, dtype="float32"))
    np.testing.assert_array_equal(inside, variable.numpy())
    assert not isinstance(variable.value, jax.core.Tracer)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_have_the_same_value(duplicate):
    variable = Variable(keras.initializers.GlorotUniform(), (3, 2))
    other = duplicate(variable)
    np.testing.assert_array_equal(other.numpy(), variable.numpy())
    other.assign(np.zeros((3, 2)))
    assert variable.numpy().any()


def test_a_view_brings_all_of_them():
    model = small()
    view = StateView(model)
    assert all(isinstance(value, jax.Array) for value in view.read().values())
    assert all(w.has_value for w in model.weights)
    assert state_of(model).keys() == view.read().keys()


def test_an_assignment_while_another_thread_computes_the_value_stays(monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    real = chance._normal

    def slow(*args):
        begun.set()
        assert go_on.wait(10)
        return real(*args)

    monkeypatch.setattr(chance, "_normal", slow)
    variable = Variable(keras.initializers.RandomNormal(), (2,))
    reader = threading.Thread(target=lambda: variable.value)
    reader.start()
    assert begun.wait(10)
    variable.assign([3.0, 4.0])
    go_on.set()
    reader.join()
    np.testing.assert_array_equal(variable.numpy(), [3, 4])


def test_the_device_is_that_of_the_making():
    with jax.default_device(jax.devices()[0]):
        assert Variable(keras.initializers.Zeros(), (2,)).has_value


def test_the_numbers_are_not_held_twice():
    variable = Variable(keras.initializers.Zeros(), (2,))
    later = weakref.ref(variable._value)
    gc.disable()
    try:
        assert variable.value.shape == (2,) and later() is None
    finally:
        gc.enable()


def test_a_call_of_ones_own_is_heard():
    class Sevens(keras.initializers.RandomNormal):
        def __call__(self, shape, dtype=None):
            return np.full(shape, 7.0, dtype)

    variable = Variable(Sevens(), (2,))
    assert variable.has_value
    np.testing.assert_array_equal(variable.numpy(), [7, 7])


def test_no_memory_for_a_value():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(10**13, name="wide")])
    for read in (model.get_weights, lambda: model(np.ones((1, 3))), lambda: StateView(model).read()):
        with pytest.raises(StateError, match=r"(?s)wide/kernel.*120,000,000,000,000 bytes.*smaller"):
            read()


def test_another_meaning_of_the_name_does_no_harm():
    class Own:
        later = "after the others"

        def __call__(self, shape, dtype=None):
            return np.ones(shape, dtype)

    assert Variable(Own(), (2,)).numpy().tolist() == [1, 1]


def test_what_can_fail_fails_at_once():
    for initializer in ("orthogonal", "identity"):
        with pytest.raises(LamellaError):
            Variable(keras.initializers.get(initializer), (2,))
    with pytest.raises(ShapeError, match=r"(?s)broadcasts to \(2,\).*shape \(3,\)"):
        Variable(keras.initializers.Constant(np.ones(3)), (2,))
    with pytest.raises(ValueError):
        Variable(keras.initializers.Zeros(), (-2,))
