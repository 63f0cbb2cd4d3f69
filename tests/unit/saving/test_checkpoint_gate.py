"""Checkpoints that nobody vouches for: what does harm is refused before anything is opened or allocated."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil

import checkpoints
import numpy as np
import pytest
from checkpoints import crc32c, described, model, rewritten, saved

import lamella
from lamella.errors import FileError
from lamella.saving import seal as sealing
from lamella.saving.stored import StoredArrays

pytest.importorskip("orbax.checkpoint")
KERNEL = "trainable_variables.m.a.kernel"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("good") / "run")


@pytest.fixture
def run(good, tmp_path):
    return shutil.copytree(good, tmp_path / "run")


@pytest.fixture(scope="module")
def one():
    return model()


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def refused(one, run, words):
    before, most = one.get_weights(), peak()
    for load in (one.load_weights, lamella.saving.load_model):
        with pytest.raises(FileError, match=words) as caught:
            load(run)
        assert "run" in str(caught.value)
    for left, right in zip(before, one.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    assert peak() - most < 256 << 20


def test_the_good_one_is_loaded(one, run):
    assert one.load_weights(run).loaded[-1] == "optimizer"
    rewritten(run, lambda items: None)
    assert one.load_weights(run).loaded[-1] == "optimizer"
    assert lamella.saving.load_model(run).name == "m"


# The folder


def test_links(one, run, tmp_path):
    (tmp_path / "elsewhere").write_text("{}")
    (run / "0" / "pytree" / "more").symlink_to(tmp_path / "elsewhere")
    refused(one, run, "'pytree/more' is a link")
    (run / "0" / "pytree" / "more").unlink()
    (run / "0" / "more").symlink_to(tmp_path)
    refused(one, run, "'more' is a link")


def test_devices_and_strange_names(one, run):
    os.mkfifo(run / "0" / "pytree" / "pipe")
    refused(one, run, "'pytree/pipe' is a link or a device")
    (run / "0" / "pytree" / "pipe").unlink()
    (run / "0" / "pytree" / "a\x1b[2J").touch()
    refused(one, run, "no name that a checkpoint has")


def test_too_many_files_and_too_deep(one, run, monkeypatch):
    deep = run / "0" / "/".join("d" * 40)
    deep.mkdir(parents=True)
    refused(one, run, "no name that a checkpoint has")
    shutil.rmtree(run / "0" / "d")
    monkeypatch.setattr(sealing, "MAX_FILES", 5)
    refused(one, run, "more files than any checkpoint does")


# Its lists


def entry(*keys, kind="jax.Array"):
    return {"key_metadata": [{"key": key} for key in keys], "value_metadata": {"value_type": kind}}


METADATA = {
    "no JSON": ("{", "no JSON text"),
    "a list": ("[]", "no JSON object"),
    "no arrays": ("{}", "lists no arrays"),
    "not a number": ('{"tree_metadata": NaN}', "NaN"),
    "a key twice": ('{"a": 1, "a": 2}', "stands twice"),
    "deep": ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "nested"),
    "no keys": (json.dumps({"tree_metadata": {"a": {"value_metadata": {"value_type": "jax.Array"}}}}), "without keys"),
    "numbers for keys": (json.dumps({"tree_metadata": {"a": entry("trainable_variables", 0)}}), "no names"),
    "an array twice": (json.dumps({"tree_metadata": {"a": entry("x"), "b": entry("x")}}), "twice"),
    "another place": (json.dumps({"tree_metadata": {"a": entry("trainable_variables", "/../../x")}}), "strange name"),
    "another store": (json.dumps({"tree_metadata": {"a": entry("trainable_variables", "x")}}), "no JSON text"),
    "files beside": (
        json.dumps({"tree_metadata": {"a": entry("trainable_variables", "x")}, "use_ocdbt": False}),
        "no JSON text",
    ),
}


@pytest.mark.parametrize("name", METADATA)
def test_metadata(one, run, name):
    text, words = METADATA[name]
    (run / "0" / "pytree" / "_METADATA").write_text(text)
    refused(one, run, words)


@pytest.mark.parametrize("text", ["{", "[]", '{"config": 3}', '{"config": "["}', '{"config": "3"}', "{}"])
def test_configs(run, text):
    (run / "0" / "model_config" / "_strings.json").write_text(text)
    with pytest.raises(FileError, match="run: "):
        lamella.saving.load_model(run)


def test_code_in_a_config_is_refused(run):
    path = run / "0" / "model_config" / "_strings.json"
    path.write_text(path.read_text().replace(r"\"linear\"", r"\"os.system\""))
    with pytest.raises(FileError, match=r"os\.system"):
        lamella.saving.load_model(run)


# Its arrays

SHARDS = {"index_codecs": [{"name": "bytes"}], "codecs": [{"name": "bytes"}]}
ARRAYS = {
    "a huge part": (
        {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1 << 20, 1 << 20]}}},
        "another way",
    ),
    "a huge part of a part": (
        {"codecs": [{"name": "sharding_indexed", "configuration": SHARDS | {"chunk_shape": [1 << 20, 1 << 20]}}]},
        "another way",
    ),
    "another codec": ({"codecs": [{"name": "bytes"}, {"name": "blosc"}]}, "another way"),
    "no codecs": ({"codecs": "zstd"}, "another way"),
    "objects": ({"data_type": "object"}, "not numeric"),
    "texts": ({"data_type": "S10"}, "not numeric"),
    "a dtype of parts": ({"data_type": "f4,f4"}, "run"),
    "no dtype": ({"data_type": None}, "not numeric"),
    "negative": ({"shape": [-3, 4]}, "list of sizes"),
    "fractions": ({"shape": [3.0, 4]}, "list of sizes"),
    "endless": ({"shape": [1 << 60, 4]}, "list of sizes"),
    "no array": ({"node_type": "group"}, "run"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(one, run, name):
    changes, words = ARRAYS[name]
    described(run, KERNEL, **changes)
    refused(one, run, words)


def test_another_shape_is_known_before_it_is_read(one, run):
    described(run, KERNEL, shape=[1 << 20, 1 << 20])
    with pytest.raises(FileError, match=r"a/kernel: it has shape \(1048576, 1048576\) in the file, \(3, 4\) in"):
        one.load_weights(run)
    with pytest.raises(FileError, match="claims to hold far more than it does"):
        lamella.saving.load_model(run)


def test_what_is_not_asked_for_is_not_read(one, run):
    """An array of a terabyte that the model does not have."""
    extra = "trainable_variables.extra.kernel"

    def add(items):
        about = json.loads(items[f"{KERNEL}/zarr.json"])
        items[f"{extra}/zarr.json"] = json.dumps(about | {"shape": [1 << 20, 1 << 20]}).encode()

    rewritten(run, add)
    metadata = run / "0" / "pytree" / "_METADATA"
    about = json.loads(metadata.read_text())
    about["tree_metadata"]["extra"] = entry(*extra.split("."))
    metadata.write_text(json.dumps(about))
    most = peak()
    assert one.load_weights(run).unused == ["extra/kernel"]
    assert peak() - most < 64 << 20


def test_a_part_that_is_missing_is_no_zero(one, run):
    rewritten(run, lambda items: items.pop(f"{KERNEL}/c/0/0"))
    refused(one, run, "missing")


def test_a_store_that_points_elsewhere(one, run, tmp_path):
    """TensorStore is told where the folder is, and its index cannot lead out of it."""
    rewritten(run, lambda items: None)
    manifest = run / "0" / "pytree" / "manifest.ocdbt"
    old = manifest.read_bytes()
    # TensorStore commits what is there at a time, in one file or more; the manifest names that of the root.
    (data,) = (file for file in (run / "0" / "pytree" / "d").iterdir() if f"d/{file.name}".encode() in old)
    shutil.copy(data, run / "0" / "secret")
    name = f"d/{data.name}".encode()
    assert old.count(name) == 1
    for place in (f"../../../{tmp_path.name}", f"{tmp_path}/x", "../secret", "./d/x"):
        changed = old.replace(name, place.encode().ljust(len(name), b"x")[: len(name)])[:-4]
        manifest.write_bytes(changed + crc32c(changed).to_bytes(4, "little"))
        refused(one, run, "Invalid key|invalid")
    manifest.write_bytes(old)
    assert one.load_weights(run)


def test_an_index_that_claims_much_memory(one, run, monkeypatch):
    monkeypatch.setitem(checkpoints.CONFIG, "max_decoded_node_bytes", 1 << 30)
    rewritten(run, lambda items: None)
    refused(one, run, "max_decoded_node_bytes")


# Damage


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)


def test_every_damage_is_noticed(one, tmp_path):
    """Any byte of a checkpoint of ours that changed, any file that went."""
    one.save_weights(tmp_path / "m.orbax")
    dice, before = random.Random(0), one.get_weights()
    for path in files_of(tmp_path):
        whole = path.read_bytes()
        for place in sorted({0, len(whole) - 1, *(dice.randrange(len(whole)) for _ in range(3))}):
            changed = bytearray(whole)
            changed[place] ^= dice.randrange(1, 256)
            path.write_bytes(changed)
            with pytest.raises(FileError, match=r"m\.orbax"):
                one.load_weights(tmp_path / "m.orbax")
        path.unlink()
        if path.name != "lamella.json":
            with pytest.raises(FileError, match="missing"):
                one.load_weights(tmp_path / "m.orbax")
        path.write_bytes(whole)
    one.load_weights(tmp_path / "m.orbax")
    for left, right in zip(before, one.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.filterwarnings("ignore:.*keeps its present state:UserWarning")
def test_damage_to_one_of_keras_ends_in_one_error(one, run):
    """It has no checksums, so that changed values may pass; nothing else happens."""
    dice, files = random.Random(0), files_of(run / "0" / "pytree")
    refusals = 0
    for _ in range(120):
        path = dice.choice(files)
        whole = path.read_bytes()
        changed = bytearray(whole[: dice.randrange(len(whole))] if dice.random() < 0.3 else whole)
        for _ in range(dice.randrange(1, 4)) if changed else ():
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        path.write_bytes(changed)
        try:
            one.load_weights(run)
        except FileError:
            refusals += 1
        path.write_bytes(whole)
    assert refusals > 30
    one.load_weights(run)


def test_a_list_that_does_not_agree(one, tmp_path):
    one.save_weights(tmp_path / "m.orbax")
    path = tmp_path / "m.orbax" / "0" / "lamella.json"
    about = json.loads(path.read_text())
    for changes, words in (
        ({"files": 3}, "lists no files"),
        ({"addresses": 3}, "do not agree"),
        ({"addresses": {"model": {"a/kernel": "trainable_variables/b"}}}, "do not agree"),
        ({"addresses": {"model": {}, "optimizer": {}}}, "it is not in the file"),
    ):
        path.write_text(json.dumps(about | changes))
        with pytest.raises(FileError, match=words):
            one.load_weights(tmp_path / "m.orbax")


@pytest.mark.parametrize(
    "options", [{"use_ocdbt": False}, {"use_zarr3": False}, {"use_ocdbt": False, "use_zarr3": True}]
)
def test_other_stores_of_orbax(tmp_path, options):
    import orbax.checkpoint as package

    arrays = {
        "a": {"b": np.arange(6, dtype="float32").reshape(2, 3), "c": np.zeros(3, "int32")},
        "d": np.asarray(True),
        "e": np.asarray(7, "float16"),
    }
    with package.Checkpointer(package.PyTreeCheckpointHandler(**options)) as checkpointer:
        checkpointer.save(tmp_path / "x", package.args.PyTreeSave(arrays))
    found = StoredArrays(tmp_path / "x")
    expected = {"a/b": arrays["a"]["b"], "a/c": arrays["a"]["c"], "d": arrays["d"], "e": arrays["e"]}
    assert found.keys() == expected.keys() and found.nbytes == 24 + 12 + 1 + 2
    for key, value in expected.items():
        assert found[key].dtype == value.dtype
        np.testing.assert_array_equal(found[key], value)
