"""At every moment the old file or the new one is there, whole."""

from __future__ import annotations

import os
import stat

import pytest

import lamella
from lamella.errors import FileError
from lamella.saving import atomic_write


def write(path, data):
    with atomic_write(path) as file:
        file.write(data)


def test_replaces_and_leaves_nothing_else(tmp_path):
    write(tmp_path / "f", b"old")
    write(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"new" and os.listdir(tmp_path) == ["f"]


def test_an_error_keeps_the_old_file(tmp_path):
    write(tmp_path / "f", b"old")
    with pytest.raises(KeyError), atomic_write(tmp_path / "f") as file:
        file.write(b"half")
        raise KeyError
    assert (tmp_path / "f").read_bytes() == b"old" and os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch, step):
    write(tmp_path / "f", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(FileError, match="No space left on device"):
        write(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old" and os.listdir(tmp_path) == ["f"]


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileError, match="make the folder"):
        write(tmp_path / "none" / "f", b"")


def test_permissions_and_links_are_kept(tmp_path):
    write(tmp_path / "f", b"old")
    (tmp_path / "f").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "f")
    write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "f").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640


def test_a_model_that_cannot_be_written_keeps_the_old_file(tmp_path):
    model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
    model.save(tmp_path / "m.keras")
    before = (tmp_path / "m.keras").read_bytes()
    model.layers[0].save_own_variables = lambda store: store["none"]
    with pytest.raises(KeyError):
        model.save(tmp_path / "m.keras")
    assert (tmp_path / "m.keras").read_bytes() == before and os.listdir(tmp_path) == ["m.keras"]
