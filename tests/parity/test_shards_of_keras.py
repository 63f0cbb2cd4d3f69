"""Weights in shards beside real Keras's, both ways."""

from __future__ import annotations

import json
import os

import keras
import numpy as np
import pytest

import lamella

GIBI = 1 << 30


def stack(k, seed=0):
    x = inputs = k.Input((4,))
    for number in range(3):
        x = k.layers.Dense(8, "relu", name=f"d{number}")(x)
    x = k.Sequential([k.layers.BatchNormalization(), k.layers.Dense(2, dtype="bfloat16")], name="inner")(x)
    model = k.Model(inputs, x)
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    fill(model, seed)
    return model


def fill(model, seed):
    dice = np.random.default_rng(seed)
    model.optimizer.iterations.assign(1 + seed)
    for variable in [*model.variables, *model.optimizer.variables[1:]]:
        variable.assign(dice.uniform(size=variable.shape))


def assert_same(a, b):
    for left, right in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(np.asarray(left), np.asarray(right))
    for left, right in zip(a.optimizer.variables, b.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(left), np.asarray(right))


@pytest.mark.parametrize("size", [300, 1000, 100_000])
@pytest.mark.parametrize("writer, reader", [(keras, lamella), (lamella, keras)], ids=["theirs-ours", "ours-theirs"])
def test_both_ways(tmp_path, writer, reader, size):
    one, two = stack(writer), stack(reader, 1)
    one.save_weights(tmp_path / "m.weights.json", max_shard_size=size / GIBI)
    two.load_weights(tmp_path / "m.weights.json")
    assert_same(one, two)


def test_the_layout_is_keras_own(tmp_path):
    for k in (keras, lamella):
        (tmp_path / k.__name__).mkdir()
        stack(k).save_weights(tmp_path / k.__name__ / "m.weights.json", max_shard_size=600 / GIBI)
    assert sorted(os.listdir(tmp_path / "keras")) == sorted(os.listdir(tmp_path / "lamella"))
    theirs, ours = (json.loads((tmp_path / k / "m.weights.json").read_text()) for k in ("keras", "lamella"))
    assert ours["weight_map"] == theirs["weight_map"]
    assert ours["metadata"]["total_size"] == theirs["metadata"]["total_size"]


def test_keras_reads_what_replaced_another(tmp_path):
    one, two = stack(lamella), stack(keras, 9)
    for seed in range(3):
        fill(one, seed)
        one.save_weights(tmp_path / "m.weights.json", max_shard_size=300 / GIBI)
        two.load_weights(tmp_path / "m.weights.json")
        assert_same(one, two)
