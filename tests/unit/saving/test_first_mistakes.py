"""What a new user gets wrong with files first, and what is said then."""

from __future__ import annotations

import re

import numpy as np
import pytest

import lamella
from lamella import Input, Sequential, callbacks
from lamella import layers as L
from lamella.errors import ArgumentError, FileError


def small(units=2):
    model = Sequential([Input((4,)), L.Dense(3, name="a"), L.Dense(units, name="b")])
    model.compile("sgd", "mse")
    return model


def fit(*given):
    return small().fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0, callbacks=list(given))


@pytest.mark.parametrize("path", [None, "", 3])
@pytest.mark.parametrize("make", [callbacks.ModelCheckpoint, callbacks.BackupAndRestore])
def test_no_path(make, path):
    with pytest.raises(ArgumentError, match=rf"{make.__name__} needs a \w+\.\n  expected  a path\n"):
        make(path)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    for callback in (
        callbacks.ModelCheckpoint(tmp_path / "file" / "m.keras"),
        callbacks.BackupAndRestore(tmp_path / "file"),
    ):
        with pytest.raises(FileError, match=f"{type(callback).__name__} cannot make the folder .*file"):
            fit(callback)


@pytest.mark.parametrize("path", [None, 3])
def test_export_to_no_path(path):
    with pytest.raises(ArgumentError, match=r"export\(\) needs the path of a file"):
        small().export(path)


@pytest.mark.parametrize(("format", "way"), [("litert", "tf_saved_model"), ("openvino", "onnx"), ("torch", "onnx")])
def test_formats_that_others_write(tmp_path, format, way):
    with pytest.raises(ArgumentError, match=f"does not write '{format}'(.|\n)*fix .*{way}"):
        small().export(tmp_path / "m", format=format)


def test_a_report_has_one_line_for_each_entry(tmp_path):
    small().save_weights(tmp_path / "m.weights.h5")
    model = small(5)
    with pytest.warns(UserWarning, match="1 of 3 parts"):
        report = model.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)
    lines = str(report).splitlines()
    assert lines[0] == "2 loaded, 1 skipped, 0 unused" and len(lines) == 2
    assert re.fullmatch(r"  skipped layers/dense_1: .*\(3, 5\).*\(3, 2\).*'b'\)", lines[1])
    assert lamella.saving.load_weights(small(), tmp_path / "m.weights.h5").unused == []
