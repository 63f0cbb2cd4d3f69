"""model_from_json: text that may be anybody's, and a model that is new."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import lamella
from lamella import Input, Model, Sequential
from lamella import layers as L
from lamella.errors import ConfigError, FileError
from lamella.models import model_from_json
from lamella.registry import budget


def test_ops_without_end_are_stopped():
    x = Input((8,), batch_size=8)
    config = json.loads(Model(x, lamella.ops.diff(x, n=2)).to_json())
    config["config"]["layers"][0]["config"]["batch_shape"] = [8, 10**6]
    config["config"]["layers"][1]["config"]["n"] = 10**6
    with pytest.raises(ConfigError, match="takes too long to find out"):
        model_from_json(json.dumps(config))
    assert sys.getprofile() is None


def test_models_that_do_not_go_into_memory():
    text = Sequential([Input((3,)), L.Dense(2, name="d")]).to_json()
    config = json.loads(text)
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, 10**9]
    config["config"]["layers"][1]["config"]["units"] = 10**9
    config["config"]["layers"][1]["build_config"] = {"input_shape": [None, 10**9]}
    with pytest.raises(ConfigError, match="d/kernel: the model needs more memory"):
        model_from_json(json.dumps(config))


def test_its_values_are_those_of_a_new_model():
    def made(read):
        lamella.utils.set_random_seed(3)
        model = Sequential([Input((3,)), L.Dense(4), L.Dropout(0.5), L.Dense(2)])
        copies = [read(model), read(model)]
        return [copy.get_weights() for copy in copies]

    ours = made(lambda model: model_from_json(model.to_json()))
    plain = made(lambda model: Sequential.from_config(model.get_config()))
    for one, two in zip([*ours[0], *ours[1]], [*plain[0], *plain[1]], strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(ours[0][0], ours[1][0])


def test_all_values_are_there():
    model = model_from_json(Sequential([Input((3,)), L.BatchNormalization(), L.Dense(2)]).to_json())
    assert model.weights and not any(variable.is_deferred for variable in model.weights)


def test_it_trains():
    model = Sequential([Input((3,)), L.Dense(2)])
    model.compile("adam", "mse")
    copy = model_from_json(model.to_json())
    assert copy.fit(np.ones((4, 3)), np.ones((4, 2)), epochs=2, verbose=0).history["loss"][1] > 0


@pytest.mark.parametrize("text", ["", "[]", "3", '{"class_name": 3}', '{"class_name": "Dense", "config": [1]}'])
def test_other_texts(text):
    with pytest.raises((ConfigError, FileError)):
        model_from_json(text)


def test_a_config_in_hand_is_the_callers_own():
    """`from_config` is given objects, not text: what it costs is bounded only where the caller says so."""
    x = Input((8,))
    config = Model(x, lamella.ops.sum(x, axis=1)).get_config()
    assert Model.from_config(config).count_params() == 0
    with budget(-20_000), pytest.raises(ConfigError, match="too long to find out"):
        Model.from_config(config)
