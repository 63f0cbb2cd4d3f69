"""lamella convert: every pair of formats that makes sense, and a clear word on those that do not."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

import lamella
from lamella.cli import main

WHOLE, WEIGHTS = [".keras", ".h5"], [".weights.h5", ".weights.json", ".safetensors", ".orbax"]
SHARDS = {".weights.json": {"max_shard_size": 1e-7}}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One trained model in every format: (model, {ending: path})."""
    folder = tmp_path_factory.mktemp("files")
    dense = lamella.layers.Dense
    model = lamella.Sequential([lamella.Input((3,)), dense(4, "relu"), lamella.layers.BatchNormalization(), dense(2)])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    paths = {ending: str(folder / f"m{ending}") for ending in [*WHOLE, *WEIGHTS]}
    for ending, path in paths.items():
        (model.save if ending in WHOLE else model.save_weights)(path, **SHARDS.get(ending, {}))
    (folder / "m.json").write_text(model.to_json())
    with h5py.File(paths[".h5"]) as whole, h5py.File(folder / "old.h5", "w") as weights:  # as Keras 2 kept weights
        for name in whole["model_weights"]:
            whole.copy(f"model_weights/{name}", weights)
        weights.attrs.update(whole["model_weights"].attrs)
    return model, paths | {".json": str(folder / "m.json"), "old": str(folder / "old.h5")}


def assert_same_weights(a, b):
    for left, right in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("into", [*WHOLE, *WEIGHTS])
@pytest.mark.parametrize("source", [*WHOLE, *WEIGHTS])
def test_pairs(files, tmp_path, source, into, capsys):
    (model, paths), target = files, str(tmp_path / f"new{into}")
    extra = ["--model", paths[".keras" if into == ".keras" else ".json"]] if source in WEIGHTS else []
    extra += ["--shard-size", "1e-7"] if into in SHARDS else []
    assert main(["convert", paths[source], target, "--json", *extra]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["in"] == paths[source] and told["out"] == target and told["bytes"] > 100
    assert told["parameters"] == model.count_params()
    if into in WHOLE:
        copy = lamella.saving.load_model(target)
    else:
        copy = lamella.models.clone_model(model)
        copy.load_weights(target)
    assert_same_weights(copy, model)
    if (source, into) == (".orbax", ".keras"):  # the optimizer goes along
        assert int(copy.optimizer.iterations) == 1
        np.testing.assert_array_equal(copy.optimizer.variables[2], model.optimizer.variables[2])


def test_a_checkpoint_that_holds_its_model(files, tmp_path):
    kept = lamella.callbacks.OrbaxCheckpoint(str(tmp_path / "run.orbax"), save_freq="epoch")
    model = lamella.models.clone_model(files[0])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0, callbacks=[kept])
    assert main(["convert", str(tmp_path / "run.orbax"), str(tmp_path / "new.h5")]) == 0
    assert_same_weights(lamella.saving.load_model(tmp_path / "new.h5"), model)


def test_old_weights(files, tmp_path):
    target = tmp_path / "new.keras"
    assert main(["convert", files[1]["old"], str(target), "--model", files[1][".json"]]) == 0
    assert_same_weights(lamella.saving.load_model(target), files[0])


def test_the_optimizer_goes_along(files, tmp_path):
    assert main(["convert", files[1][".h5"], str(tmp_path / "new.keras")]) == 0
    assert int(lamella.saving.load_model(tmp_path / "new.keras").optimizer.iterations) == 1


def test_it_says_what_it_did(files, tmp_path, capsys):
    target = tmp_path / "new.safetensors"
    assert main(["convert", files[1][".keras"], str(target)]) == 0
    assert capsys.readouterr().out.strip().endswith(f"new.safetensors: 42 parameters, {target.stat().st_size:,} bytes")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{.safetensors}", "x.keras"], "holds weights without a model"),
        (["{.weights.h5}", "x.safetensors"], "--model MODEL"),
        (["{.keras}", "x.onnx"], "no format has this ending"),
        (["{.keras}", "x.weights.json"], "--shard-size goes with"),
        (["{.keras}", "x.h5", "--shard-size", "1"], "--shard-size goes with"),
        (["{.weights.json}", "x.h5"], "holds weights without a model"),
        (["{old}", "x.keras"], "it holds weights only"),
        (["{.orbax}", "x.keras"], "only weights were saved"),
        (["{.json}", "x.keras"], "no format has this ending"),
        (["nowhere.keras", "x.h5"], "File not found"),
        (["{.keras}", "{.h5}"], "there already"),
        (["{.weights.h5}", "x.h5", "--model", "{.weights.h5}"], "No model config"),
    ],
)
def test_refused(files, tmp_path, monkeypatch, arguments, words, capsys):
    monkeypatch.chdir(tmp_path)
    filled = [files[1][argument.strip("{}")] if argument.startswith("{") else argument for argument in arguments]
    assert main(["convert", *filled]) == 1
    told = capsys.readouterr()
    assert words in told.err and not told.out
    assert not list(tmp_path.iterdir())


def test_weights_of_another_model_are_refused(files, tmp_path, capsys):
    other = lamella.Sequential([lamella.Input((3,)), lamella.layers.Dense(5)])
    (tmp_path / "other.json").write_text(other.to_json())
    wrong = [files[1][".safetensors"], str(tmp_path / "x.keras"), "--model", str(tmp_path / "other.json")]
    assert main(["convert", *wrong]) == 1
    assert "could not be loaded" in capsys.readouterr().err and not (tmp_path / "x.keras").exists()


def test_overwrite(files, tmp_path):
    target = tmp_path / "x.h5"
    target.write_text("old")
    assert main(["convert", files[1][".keras"], str(target), "--overwrite"]) == 0
    assert_same_weights(lamella.saving.load_model(target), files[0])
