"""JaxLayer: what it refuses, and what a file may not say."""

import jax.numpy as jnp
import numpy as np
import pytest

import lamella
from lamella.errors import ArgumentError, ConfigError, MissingExtraError, StateError
from lamella.layers import FlaxLayer, JaxLayer


def call(params, inputs):
    return inputs * params


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((lambda params, x: x, None, 1.0), "other arguments"),
        ((lambda params: params, None, 1.0), "other arguments"),
        ((call, lambda inputs, key: inputs), "init_fn has other arguments"),
        ((call,), "nothing to make params from"),
        (("call",), "a function"),
    ],
)
def test_refused(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        JaxLayer(*arguments)


@pytest.mark.parametrize("wrong", [lambda inputs, state: inputs, lambda inputs, state: (inputs, {"b": 1})])
def test_a_state_of_another_structure(wrong):
    layer = JaxLayer(wrong, state={"a": jnp.zeros(())})
    with pytest.raises(StateError, match="another structure"):
        layer(np.ones((2, 3), "float32"))


def test_it_trains():
    model = lamella.Sequential([lamella.Input((1,)), JaxLayer(call, lambda inputs: jnp.ones(()))])
    model.compile(lamella.optimizers.SGD(0.1), "mse")
    x = np.ones((8, 1), "float32")
    history = model.fit(x, 3 * x, epochs=20, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] / 100
    assert [w.name for w in model.weights] == ["params"]


def test_names_follow_the_structure():
    layer = JaxLayer(lambda params, inputs: inputs, params={"a": [np.ones(2), {"b": np.ones(3)}]})
    assert [w.name for w in layer.weights] == ["a.0", "a.1.b"]


def named(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


@pytest.mark.parametrize("which", ["call_fn", "init_fn"])
@pytest.mark.parametrize(
    "function",
    [
        named("builtins", "relu"),
        named("keras.ops", "while_loop"),
        named("os", "system"),
        named("keras.utils", "get_file"),
        {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}, "registered_name": None},
        {"class_name": "__lambda__", "config": {"value": ["", None, None]}},
    ],
)
def test_a_file_names_no_functions(which, function):
    config = {"name": "it", "call_fn": named(None, "call"), "init_fn": named(None, "call"), which: function}
    whole = {"module": "keras.layers", "class_name": "JaxLayer", "config": config, "registered_name": None}
    with pytest.raises(ConfigError):
        lamella.layers.deserialize(whole, {"call": call})


def test_flax_is_an_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "flax.linen", None)
    with pytest.raises(MissingExtraError, match=r"lamella\[flax\]"):
        FlaxLayer(object())
