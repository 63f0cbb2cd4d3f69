"""What files may cost: refusals do little work, counted and not timed; honest models, however large, load."""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile

import h5py
import malicious
import malicious_costs
import numpy as np
import pytest
from malicious import obj

import lamella
from lamella.errors import FileError
from lamella.models import graph_config
from lamella.registry import budget as budget_of
from lamella.registry import read
from lamella.saving import gate, hdf5, hdf5_tree, parse_json


@pytest.fixture
def count(monkeypatch):
    """Counts calls of a function."""

    def counting(owner, name):
        calls, original = [], getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *args, **kwargs: (calls.append(name), original(*args, **kwargs))[1])
        return calls

    return counting


def refused(tmp_path, data, ending=".keras"):
    path = tmp_path / f"m{ending}"
    path.write_bytes(data)
    with pytest.raises(FileError) as caught:
        malicious.load(path)
    return str(caught.value)


# Little work


@pytest.mark.parametrize("name", ["millions of numbers", "a million names", "a million lists", "a million layers"])
def test_long_texts_are_not_read(tmp_path, count, name):
    parsed = count(gate.json, "loads")
    refused(tmp_path, malicious.CASES[f"{name}.keras"][2]())
    assert not parsed


def test_of_ten_thousand_layers_none_is_made(tmp_path, count):
    made = count(read, "make")
    refused(tmp_path, malicious.CASES["the last of ten thousand.keras"][2]())
    assert not made


@pytest.mark.parametrize("name", ["a loop of thousands", "a loop of thousands, backwards"])
def test_graphs_are_read_in_linear_time(tmp_path, count, name):
    looked = count(graph_config, "_references")
    refused(tmp_path, malicious.CASES[f"{name}.keras"][2]())
    assert len(looked) < 4 * 3000


def test_chains_are_read_in_any_order(tmp_path, count):
    looked = count(graph_config, "_references")
    size = 300
    x = first = lamella.Input((3,), name="i")
    for number in range(size):
        x = lamella.layers.Identity(name=f"l{number}")(x)
    config = json.loads(lamella.Model(first, x).to_json())
    config["config"]["layers"].reverse()
    assert len(lamella.models.model_from_json(json.dumps(config)).layers) == size + 1
    assert len(looked) < 4 * size


def test_shapes_that_take_long_are_counted(tmp_path):
    text = refused(tmp_path, malicious.CASES["a million differences.keras"][2]())
    assert re.search(
        r"The shape of 'diff(_\d+)?' takes too long to find out", text
    )  # automatic names count per process
    assert sys.getprofile() is None


def test_a_budget_holds_where_errors_are_swallowed():
    def swallowing():
        while True:
            try:
                sum(1 for _ in range(1000))
                abs(len("x"))
                str.upper("x")
                (lambda: None)()
            except lamella.errors.ConfigError:
                swallowed.append(1)
                if len(swallowed) == 3:
                    raise

    swallowed, before = [], sys.gettrace()
    with pytest.raises(lamella.errors.ConfigError), budget_of(1000), read_bounded("x"):
        swallowing()
    assert len(swallowed) == 3 and sys.getprofile() is None and sys.gettrace() is before


def read_bounded(what):
    from lamella.registry import bounded

    return bounded(what)


def test_no_more_of_a_weights_file_is_read_than_any_model_has(monkeypatch, count):
    monkeypatch.setattr(hdf5, "MAX_OBJECTS", 50)
    looked = count(hdf5_tree.Bytes, "object")
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        for number in range(500):
            file.create_group(f"g{number}")
    with pytest.raises(FileError, match="than any model has"):
        hdf5.Reader("x.h5", data.getvalue())
    assert len(looked) <= 52


def test_long_lists_of_members_are_not_read(tmp_path, monkeypatch, count):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number in range(100):
            archive.writestr(f"assets/{number}", b"")
    monkeypatch.setattr(gate, "MAX_DIRECTORY", 1000)
    made = count(gate.zipfile, "ZipInfo")
    assert "far more than" in refused(tmp_path, data.getvalue())
    assert not made


# Honest ones


@pytest.mark.parametrize("word", ["w{:x}", "日本{}"])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_two_million_words_in_a_config(word, separators):
    words = [word.format(number) for number in range(2_000_000)]
    text = json.dumps({"config": {"vocabulary": words}}, separators=separators)
    assert len(parse_json(text)["config"]["vocabulary"]) == 2_000_000


BOMBS = {
    "ones": b"1,",
    "lists": b"[],",
    "objects": b"{},",
    "short texts": b'"a",',
    "fractions": b"0.5,",
    "commas": b",",
}


@pytest.mark.parametrize("size", [20 << 20, 60 << 20])
@pytest.mark.parametrize("name", BOMBS)
def test_texts_of_far_more_than_their_size_are_not_read(count, name, size):
    parsed = count(gate.json, "loads")
    part = BOMBS[name]
    with pytest.raises(FileError, match="too long"):
        parse_json(b"[" + part * (size // len(part)) + b"1]")
    assert not parsed


def test_damaged_weights_are_seen_before_the_model_is_made(tmp_path, count):
    lamella.Sequential([lamella.Input((3,)), lamella.layers.Dense(2)]).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as old, zipfile.ZipFile(tmp_path / "n.keras", "w") as new:
        for entry in old.namelist():
            new.writestr(entry, b"nothing" if entry == "model.weights.h5" else old.read(entry))
    made = count(read, "make")
    with pytest.raises(FileError, match=r"model\.weights\.h5"):
        lamella.saving.load_model(tmp_path / "n.keras")
    assert not made
    lamella.saving.load_model(tmp_path / "m.keras")
    assert made


def test_layers_are_added_in_linear_time():
    class Counted(str):
        compared = 0

        def __eq__(self, other):
            Counted.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    layers = [lamella.layers.Identity(name=Counted(f"l{number}")) for number in range(1000)]
    assert len(lamella.Sequential([lamella.Input((3,)), *layers]).layers) == 1000
    assert Counted.compared < 10_000


def test_a_long_vocabulary_goes_and_comes_back(tmp_path):
    words = [f"a rather long word, number {number}" for number in range(50_000)]
    x = lamella.Input((1,), dtype="string")
    model = lamella.Model(x, lamella.layers.StringLookup(vocabulary=words, name="lookup")(x))
    model.save(tmp_path / "m.keras")
    assert lamella.saving.load_model(tmp_path / "m.keras").get_layer("lookup").get_vocabulary()[1:] == words


def test_many_layers_load():
    layers = [obj("keras.layers", "Identity", {"name": f"l{number}"}) for number in range(1000)]
    model = lamella.models.model_from_json(json.dumps(obj("keras", "Sequential", {"name": "s", "layers": layers})))
    assert len(model.layers) == 1000


def test_ops_of_many_parts_load(tmp_path):
    x = lamella.Input((500,))
    parts = lamella.ops.split(x, 500, axis=1)
    lamella.Model(x, lamella.ops.concatenate(parts[::-1], axis=1)).save(tmp_path / "m.keras")
    copy = lamella.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(copy(np.arange(500.0)[None])[0], np.arange(500.0)[::-1])


@pytest.mark.parametrize("text", ['{"a": 12345678901234567890}', '{"a": 1e30}', f'{{"a": "{"7" * 100} 1e999"}}'])
def test_numbers_that_only_look_odd(text):
    assert parse_json(text) == json.loads(text)


# Rewriting a file as the error says


@pytest.mark.parametrize("name", ["filter", "chunks", "dense names"])
def test_the_advice_for_foreign_weights_files(tmp_path, name):
    assert malicious_costs
    error = refused(tmp_path, malicious.CASES[f"{name}.weights.h5"][2](), ".weights.h5")
    assert "for each array new[name] = old[name][()]" in error
    with h5py.File(tmp_path / "m.weights.h5") as old, h5py.File(tmp_path / "new.weights.h5", "w") as new:
        arrays = []
        old.visititems(lambda path, found: arrays.append(path) if isinstance(found, h5py.Dataset) else None)
        for path in arrays:
            new[path] = old[path][()]
    with hdf5.Reader(tmp_path / "new.weights.h5") as reader:
        assert sorted(reader.arrays()) == sorted(arrays)
        for path in arrays:
            assert reader.array(path).size
