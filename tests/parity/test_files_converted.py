"""lamella convert on what Keras wrote; what comes out is read by Keras where it knows the format."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest

import lamella
from lamella.cli import main

WHOLE, WEIGHTS = [".keras", ".h5"], [".weights.h5", ".weights.json", ".safetensors", ".orbax"]
KERAS_WRITES = [".keras", ".h5", ".weights.h5", ".weights.json"]
SHARD = 2e-6  # GB: more files than one


def build(k):
    x = k.Input((6,), name="x")
    inner = k.Sequential([k.layers.Dense(16, activation="relu"), k.layers.BatchNormalization()], name="inner")
    y = k.layers.Concatenate()([inner(x), k.layers.Dense(8)(x)])
    return k.Model(x, [k.layers.Dense(3, name="a")(y), k.layers.Dense(1, name="b")(y)])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A model that Keras trained, in every format of Keras: (model, {ending: path})."""
    folder, model = tmp_path_factory.mktemp("keras"), build(keras)
    model.compile(keras.optimizers.Adam(), [keras.losses.MeanSquaredError()] * 2)
    model.fit(np.ones((4, 6)), [np.ones((4, 3)), np.ones((4, 1))], verbose=0)
    paths = {ending: folder / f"m{ending}" for ending in KERAS_WRITES}
    model.save(paths[".keras"])
    model.save(paths[".h5"])
    model.save_weights(paths[".weights.h5"])
    model.save_weights(paths[".weights.json"], max_shard_size=SHARD)
    (folder / "m.json").write_text(model.to_json())
    return model, paths | {".json": folder / "m.json"}


def assert_same_weights(one, two):
    for left, right in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.sample(7)
@pytest.mark.parametrize("into", [*WHOLE, *WEIGHTS])
@pytest.mark.parametrize("source", KERAS_WRITES)
def test_what_keras_wrote(files, tmp_path, source, into):
    (model, paths), target = files, tmp_path / f"new{into}"
    extra = ["--model", str(paths[".json"])] if source in WEIGHTS else []
    extra += ["--shard-size", str(SHARD)] if into == ".weights.json" else []
    assert main(["convert", str(paths[source]), str(target), *extra]) == 0
    reader = keras if into in KERAS_WRITES else lamella
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if into in WHOLE:
            copy = reader.saving.load_model(target)
        else:
            copy = build(reader)
            copy.load_weights(target)
    assert_same_weights(copy, model)
    if source in WHOLE and into in WHOLE:
        np.testing.assert_array_equal(lamella.saving.load_model(target).optimizer.iterations, 1)
