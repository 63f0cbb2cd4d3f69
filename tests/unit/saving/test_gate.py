"""Files that nobody vouches for: refused with one kind of error, which names the entry."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile

import h5py
import numpy as np
import pytest

import lamella
from lamella.errors import FileError
from lamella.saving import is_safe_path, parse_json


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "m.keras"
    lamella.Sequential([lamella.Input((3,)), lamella.layers.Dense(4, name="d")]).save(path)
    return path


def rewritten(path, changes=(), add=()):
    """The archive with some entries changed and others added."""
    with zipfile.ZipFile(path) as archive:
        entries = {info.filename: archive.read(info) for info in archive.infolist()}
    entries.update(changes)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in [*entries.items(), *add]:
            archive.writestr(name, content)
    return path


def config_of(path):
    return json.loads(zipfile.ZipFile(path).read("config.json"))


def refused(path, match, **kwargs):
    with pytest.raises(FileError, match=match) as caught:
        lamella.saving.load_model(path, **kwargs)
    assert "m.keras" in str(caught.value)
    return str(caught.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("../evil.txt", "no saved model has"),
        ("assets/../../evil.txt", "no saved model has"),
        ("/etc/passwd", "no saved model has"),
        ("other.bin", "no saved model has"),
        ("config.json", "stands twice"),
    ],
)
def test_strange_members(saved, name, match):
    refused(rewritten(saved, add=[(name, b"x")]), match)


def test_links(saved):
    info = zipfile.ZipInfo("assets/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(rewritten(saved, add=[(info, b"/etc/passwd")]), "is a link")


def test_bombs(saved):
    with zipfile.ZipFile(saved, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/zeros", bytes(80 << 20))
    refused(saved, "unpack to far more")


def test_overlapping_members(saved):
    data = bytearray(saved.read_bytes())
    places = [info.header_offset for info in zipfile.ZipFile(saved).infolist()]
    start = data.rindex(b"PK\x01\x02")
    data[start + 42 : start + 46] = places[0].to_bytes(4, "little")
    saved.write_bytes(data)
    refused(saved, "overlaps")


def test_a_missing_entry(tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
    assert "config.json › the entry is missing" in refused(path, "entry is missing")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[" * 100_000, "nested deeper"),
        ("[" * 300 + "]" * 300, "nested deeper"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ("NaN", "NaN"),
        ("-Infinity", "Infinity"),
        ("1e999", "too large"),
        ("1" * 100, "100 digits"),
        ('{"name": "a\\u0000b"}', "not printable"),
        ("{", "no JSON text"),
        (b"\xff\xfe\xff", "no JSON text"),
    ],
)
def test_json(text, match):
    with pytest.raises(FileError, match=match):
        parse_json(text)


def test_config_that_is_no_model(saved):
    refused(rewritten(saved, {"config.json": "[]"}), "does not describe a model")
    refused(rewritten(saved, {"config.json": '{"class_name": "function", "config": "relu"}'}), r"config\.json ›")


def test_lambdas_and_unknown_modules_are_refused(saved):
    config = config_of(saved)
    evil = {"class_name": "__lambda__", "config": {"value": ["4wAA", None, None]}}
    config["config"]["layers"][1]["config"]["activation"] = evil
    assert "lambda" in refused(rewritten(saved, {"config.json": json.dumps(config)}), r"config\.json ›")
    config["config"]["layers"][1] = {"module": "os", "class_name": "system", "config": {"command": "true"}}
    refused(rewritten(saved, {"config.json": json.dumps(config)}), "not known here")


def weights(change):
    """A weights file after `change(file)`."""
    model = lamella.Sequential([lamella.Input((3,)), lamella.layers.Dense(4, name="d")])
    data = io.BytesIO(lamella.saving.state.write_state(model)[0])
    with h5py.File(data, "r+") as file:
        change(file)
    return data.getvalue()


def soft_link(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.SoftLink("/layers/dense/vars/1")


def external_link(file):
    del file["layers/dense"]
    file["layers/dense"] = h5py.ExternalLink("/etc/hosts", "/")


def external_data(file):
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", (3, 4), "f4", external=[("/etc/hosts", 0, 48)])


def shape_bomb(file):
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024), compression="gzip")


def never_written(file):
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", (1 << 20, 1 << 10), "f4")


def texts(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = ["a", "b"]


def group_for_array(file):
    del file["layers/dense/vars/0"]
    file.create_group("layers/dense/vars/0")


def flipped(file):
    file["layers/dense/vars/0"][0, 0] += 1


CHANGES = {
    soft_link: "link to somewhere else",
    external_link: "link to somewhere else",
    external_data: "outside of the file",
    shape_bomb: "through a filter",
    never_written: "more bytes than the file holds",
    texts: "not numeric",
    group_for_array: "could not be loaded",
    flipped: "checksum is wrong",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_weights(saved, change):
    refused(rewritten(saved, {"model.weights.h5": weights(change)}), CHANGES[change])


def test_damaged_bytes_are_always_a_file_error(saved):
    """The zip's checksums find what is damaged before the HDF5 library sees it."""
    whole = saved.read_bytes()
    generator = np.random.RandomState(0)
    for place in generator.randint(0, len(whole), 60):
        data = bytearray(whole)
        data[place] ^= 1 << generator.randint(8)
        saved.write_bytes(data)
        try:
            lamella.saving.load_model(saved)
        except FileError as error:
            assert "m.keras" in str(error)


def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "m.keras")
    refused(tmp_path / "m.keras", "no plain file")


def test_truncated(saved):
    saved.write_bytes(saved.read_bytes()[:-40])
    refused(saved, "zip")


@pytest.mark.parametrize("name", ["", "/a", "../a", "a/../b", "a\\b", "C:a", "a//b", "a\x00", "x" * 300])
def test_unsafe_paths(name):
    assert not is_safe_path(name)
