"""Steps that compute new values in the memory of the old: the same values, and none that anybody holds is lost."""

import signal
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.errors import StateError
from lamella.state import Variable
from lamella.state.handover import Handed, Handover
from lamella.train import program

random = np.random.default_rng(0)
X = random.normal(size=(48, 6)).astype("float32")
Y = random.normal(size=(48, 3)).astype("float32")


@pytest.fixture(autouse=True)
def however_small(monkeypatch):
    monkeypatch.setattr(program, "_WORTH_IT", 1)
    yield
    keras.config.enable_in_place_steps()


def build(*stack, optimizer="adam"):
    keras.utils.set_random_seed(1)
    stack = stack or (layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3))
    model = keras.Sequential([layers.Input((6,)), *stack])
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def taken(model):
    """What the model's training step computes in place."""
    steps = model._steps_
    programs = [*steps._programs.items(), *steps._loops.items()]
    return frozenset().union(*(one._takes for (kind, *_), one in programs if kind == "train" and one is not None))


def ignored(batch, logs):
    pass


def trained(model, epochs=2, **options):
    history = model.fit(X, Y, batch_size=16, epochs=epochs, verbose=0, shuffle=False, **options).history
    return history, model.get_weights()


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_same_training(joined, optimizer):
    each = {} if joined else {"callbacks": [keras.callbacks.LambdaCallback(on_train_batch_end=ignored)]}
    keras.config.disable_in_place_steps()
    plain = build(optimizer=optimizer)
    expected = trained(plain, **each)
    keras.config.enable_in_place_steps()
    model = build(optimizer=optimizer)
    found = trained(model, **each)
    assert not taken(plain) and "model/dense/kernel" in taken(model)
    assert expected[0] == found[0]
    jax.tree.map(np.testing.assert_array_equal, expected[1], found[1])


def test_the_memory_is_that_of_the_old_values():
    model = build()
    x, y = X[:16], Y[:16]
    model.train_on_batch(x, y)
    kernel = model.layers[0].kernel
    place = kernel.value.unsafe_buffer_pointer()
    model.train_on_batch(x, y)
    assert kernel.value.unsafe_buffer_pointer() == place


def test_what_somebody_holds_stays():
    model = build()
    model.train_on_batch(X, Y)
    kernel, bias = model.layers[0].kernel, model.layers[0].bias
    array, seen, view = kernel.value, {"bias": bias.value}, np.asarray(model.layers[-1].kernel.value)
    copies = np.array(array), np.array(seen["bias"]), view.copy()
    for _ in range(2):
        model.train_on_batch(X, Y)
    for held, copy in zip((array, seen["bias"], view), copies, strict=True):
        np.testing.assert_array_equal(held, copy)
    assert not np.array_equal(kernel, copies[0])


def test_two_variables_with_one_array():
    model = build(layers.Dense(6), layers.Dense(6), layers.Dense(3))
    model.layers[1].kernel.assign(model.layers[0].kernel.value)
    shared = np.array(model.layers[0].kernel)
    model.train_on_batch(X, Y)
    assert not np.array_equal(model.layers[0].kernel, shared)
    assert not np.array_equal(model.layers[1].kernel, model.layers[0].kernel)


def test_frozen_layers_are_not_taken_and_may_be_freed_between_steps():
    model = build(layers.Dense(6), layers.Dense(3))
    first = model.layers[0]
    first.trainable = False
    model.compile("adam", "mse")
    before = np.array(first.kernel)
    trained(model, epochs=1, frozen_features=False)
    assert "model/dense_1/kernel" in taken(model) and "model/dense/kernel" not in taken(model)
    np.testing.assert_array_equal(first.kernel, before)
    first.trainable = True
    trained(model, epochs=1)
    assert "model/dense_1/kernel" in taken(model) and "model/dense/kernel" in taken(model)
    assert not np.array_equal(first.kernel, before)


def test_callbacks_read_the_weights_of_their_moment():
    model, seen = build(), []
    kernel = model.layers[0].kernel
    look = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(kernel.value))
    trained(model, epochs=1, callbacks=[look])
    assert len(seen) == 3 and len({float(jnp.sum(one)) for one in seen}) == 3


class Remembers(layers.Layer):
    """Calls Python in every step."""

    fails = False

    def call(self, inputs):
        def host(values):
            if self.fails:
                raise ValueError("no")
            return values

        @jax.custom_jvp
        def through(values):
            return jax.pure_callback(host, jax.ShapeDtypeStruct(values.shape, values.dtype), values)

        through.defjvp(lambda primals, tangents: (through(*primals), *tangents))
        return through(inputs)


def test_steps_that_call_python_keep_the_old_values():
    model = build(layers.Dense(6), Remembers(), layers.Dense(3))
    model.train_on_batch(X, Y)
    assert not taken(model)
    before = model.get_weights()
    model.layers[1].fails = True
    with pytest.raises(Exception, match="no"):
        model.train_on_batch(X, Y)
    jax.tree.map(np.testing.assert_array_equal, before, model.get_weights())


def test_jax_may_look_for_nans():
    model = build()
    model.train_on_batch(X, Y)
    with jax.debug_nans(True), pytest.raises(FloatingPointError):
        model.train_on_batch(X * np.nan, Y)
    assert np.isfinite(model.layers[0].kernel).all()


def test_small_models_are_left_alone(monkeypatch):
    monkeypatch.setattr(program, "_WORTH_IT", 1 << 20)
    model = build()
    trained(model)
    assert not taken(model)


def test_an_error_before_the_first_run_loses_nothing():
    model = build()
    model.train_on_batch(X, Y)
    before = model.get_weights()
    with pytest.raises(Exception, match=r"shape|dimension|axis"):
        model.train_on_batch(X[:, :5], Y)
    jax.tree.map(np.testing.assert_array_equal, before, model.get_weights())
    model.train_on_batch(X, Y)


# The handover itself


def variables():
    return {"a": Variable(jnp.arange(4.0)), "b": Variable(jnp.ones(3))}


def holds_stand_ins(held):
    return [type(variable._value) is Handed for variable in held.values()]


def test_another_thread_waits_for_the_new_value():
    held, seen = variables(), []
    reader = threading.Thread(target=lambda: seen.append(np.array(held["a"].value)))

    def slow(taken):
        assert all(holds_stand_ins(held)) and held["a"].shape == (4,) and held["a"].dtype == "float32"
        reader.start()
        time.sleep(0.05)
        assert not seen
        return "result", {name: value + 1 for name, value in taken.items()}

    assert Handover(held).run(slow) == "result"
    reader.join(5)
    np.testing.assert_array_equal(seen, [np.arange(4) + 1])
    assert not any(holds_stand_ins(held))


def test_two_threads_that_train_one_model_take_turns():
    held, errors = variables(), []
    step = jax.jit(lambda taken: (None, {name: value + 1 for name, value in taken.items()}), donate_argnums=0)

    def train():
        try:
            for _ in range(200):
                Handover(held).run(step)
        except Exception as error:
            errors.append(error)

    before, interval = np.array(held["b"].value), sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=train) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert np.array(held["b"].value).shape == before.shape  # never an array that is gone
    sys.setswitchinterval(interval)
    assert not errors
    assert not any(holds_stand_ins(held))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_program_that_fails_before_it_took_anything(error):
    held = variables()

    def fails(taken):
        raise error

    with pytest.raises(error):
        Handover(held).run(fails)
    np.testing.assert_array_equal(held["a"], np.arange(4))
    assert not any(holds_stand_ins(held))


def test_a_program_that_fails_afterwards_says_what_is_lost():
    held = variables()

    def fails(taken):
        taken["a"].delete()
        raise RuntimeError

    with pytest.raises(StateError, match="disable_in_place_steps"):
        Handover(held).run(fails)
    np.testing.assert_array_equal(held["b"], np.ones(3))


def test_ctrl_c_at_any_moment_leaves_whole_values():
    held, alarms = variables(), 0
    step = jax.jit(lambda taken: (None, {name: value + 1 for name, value in taken.items()}), donate_argnums=0)
    Handover(held).run(step)

    def pressed(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, pressed)
    try:
        for number in range(600):
            try:
                signal.setitimer(signal.ITIMER_REAL, 2e-5 + number % 60 * 2e-6)
                Handover(held).run(step)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                alarms += 1
            assert np.array(held["a"].value)[0] == np.array(held["b"].value)[0] - 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert alarms


def test_ctrl_c_in_the_first_run_is_heard_after_it():
    order = []

    def pressed(*_):
        order.append("heard")

    before = signal.signal(signal.SIGINT, pressed)
    try:
        with program._ctrl_c_waits():
            signal.raise_signal(signal.SIGINT)
            order.append("done")
    finally:
        signal.signal(signal.SIGINT, before)
    assert order == ["done", "heard"]
