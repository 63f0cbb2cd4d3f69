"""KerasFileEditor: what is in a file, what differs, what becomes of it."""

from __future__ import annotations

import io

import h5py
import numpy as np
import pytest
from rich.console import Console

import lamella
from lamella import layers as L
from lamella.errors import ArgumentError, FileError, UnknownNameError
from lamella.saving import KerasFileEditor


def model(*widths, nested=False):
    made = lamella.Sequential([lamella.Input((2,)), *(L.Dense(width, name=f"w{width}") for width in widths)])
    if nested:
        made.add(lamella.Sequential([L.Dense(3, name="deep"), L.BatchNormalization()], name="inner"))
    return made


@pytest.fixture
def path(tmp_path):
    model(3, 4).save_weights(tmp_path / "m.weights.h5")
    return tmp_path / "m.weights.h5"


def printed(editor, method, *args):
    editor.console = Console(file=io.StringIO(), width=200)
    method(*args)
    return editor.console.file.getvalue()


def test_what_a_file_says(path, tmp_path, capsys):
    editor = KerasFileEditor(path)
    assert "m.weights.h5" in capsys.readouterr().out
    assert list(editor.weights_dict["layers"]) == ["dense", "dense_1"]
    assert editor.weights_dict["layers"]["dense_1"]["0"].shape == (3, 4)
    assert editor.object_metadata["/layers/dense_1"] == {"name": "w4"}
    assert editor.config is None and editor.metadata is None
    text = printed(editor, editor.summary)
    assert "dense_1 ('w4')" in text and "0: shape=(3, 4), dtype=float32" in text
    model(3).save(tmp_path / "m.keras")
    whole = KerasFileEditor(tmp_path / "m.keras")
    assert "Saved with Keras '3.15.1'" in capsys.readouterr().out
    assert whole.config["class_name"] == "Sequential" and whole.metadata["keras_version"] == "3.15.1"


def test_compare(path):
    editor = KerasFileEditor(path)
    assert editor.compare(model(3, 4)) == {"status": "success", "error_count": 0, "match_count": 4}
    assert editor.compare(model(3, 5)) == {"status": "error", "error_count": 2, "match_count": 2}
    assert editor.compare(model(3)) == {"status": "error", "error_count": 1, "match_count": 2}
    text = printed(editor, editor.compare, model(3, 4, 5))
    assert "layers/dense_2: missing from the file" in text and "1 differences" in text


def test_a_layer_is_put_in_between(path, tmp_path):
    editor = KerasFileEditor(path)
    wider = lamella.Sequential([lamella.Input((2,)), L.Dense(3), L.Dense(3), L.Dense(4)])
    editor.rename_object("layers/dense_1", "dense_2")
    editor.add_object("layers/dense_1", {"0": np.eye(3)})
    assert editor.compare(wider)["error_count"] == 1
    editor.add_weights("dense_1", {"1": np.zeros(3)})
    assert editor.compare(wider) == {"status": "success", "error_count": 0, "match_count": 6}
    editor.save(tmp_path / "new.weights.h5")
    wider.load_weights(tmp_path / "new.weights.h5")
    np.testing.assert_array_equal(wider.layers[1].get_weights()[0], np.eye(3))
    np.testing.assert_array_equal(wider.layers[2].get_weights()[0], editor.weights_dict["layers"]["dense_2"]["0"])


def test_what_goes(path, tmp_path):
    editor = KerasFileEditor(path)
    editor.delete_weight("dense_1", "1")
    assert list(editor.weights_dict["layers"]["dense_1"]) == ["0"]
    editor.delete_object("dense_1")
    assert editor.compare(model(3))["status"] == "success"
    editor.resave_weights(tmp_path / "new.weights.h5")
    model(3).load_weights(tmp_path / "new.weights.h5")


def test_nothing_nested_is_lost(tmp_path):
    """Keras's own editor leaves out what is inside of a layer that keeps no weights itself."""
    one, two = model(3, nested=True), model(3, nested=True)
    one.compile("adam", "mse")
    one.optimizer.build(one.trainable_variables)
    one.save_weights(tmp_path / "m.weights.h5")
    editor = KerasFileEditor(tmp_path / "m.weights.h5")
    assert editor.compare(one)["status"] == "success"
    editor.save(tmp_path / "again.weights.h5")
    assert KerasFileEditor(tmp_path / "again.weights.h5").object_metadata == editor.object_metadata
    two.load_weights(tmp_path / "again.weights.h5")
    for left, right in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_model_with_weights_of_its_own(tmp_path):
    class Scaled(lamella.Model):
        def build(self, shape):
            self.scale = self.add_weight(shape=(), name="scale")

        def call(self, x):
            return x * self.scale

    one = Scaled()
    one.build((None, 2))
    one.scale.assign(7)
    one.save_weights(tmp_path / "m.weights.h5")
    editor = KerasFileEditor(tmp_path / "m.weights.h5")
    assert editor.compare(one)["match_count"] == 1
    editor.save(tmp_path / "again.weights.h5")
    one.scale.assign(0)
    one.load_weights(tmp_path / "again.weights.h5")
    assert float(one.scale) == 7


def test_bfloat16(tmp_path):
    one = lamella.Sequential([lamella.Input((2,)), L.Dense(3, dtype="bfloat16")])
    one.save_weights(tmp_path / "m.weights.h5")
    KerasFileEditor(tmp_path / "m.weights.h5").save(tmp_path / "again.weights.h5")
    assert KerasFileEditor(tmp_path / "again.weights.h5").weights_dict["layers"]["dense"]["0"].dtype.name == "bfloat16"


def test_wrong_arguments(path, tmp_path):
    editor = KerasFileEditor(path)
    editor.add_object("more", {})
    editor.add_object("more/dense", {})
    for call, error, words in (
        (lambda: editor.rename_object("dense_1", "layers/x"), ArgumentError, "a name, not a path"),
        (lambda: editor.rename_object("dense_7", "x"), UnknownNameError, "layers/dense_1"),
        (lambda: editor.delete_object("layers/dense_7"), UnknownNameError, "did you mean"),
        (lambda: editor.delete_object("layers/none/dense"), UnknownNameError, "no 'layers/none'"),
        (lambda: editor.delete_object("dense"), ArgumentError, "more than once"),
        (lambda: editor.add_object("none/dense", {"0": np.ones(1)}), UnknownNameError, "no 'none'"),
        (lambda: editor.add_object("layers/x", [np.ones(1)]), ArgumentError, "dict of arrays"),
        (lambda: editor.add_object("layers/x", {"a/b": np.ones(1)}), ArgumentError, "dict of arrays"),
        (lambda: editor.add_weights("dense_1", np.ones(1)), ArgumentError, "dict of arrays"),
        (lambda: editor.delete_weight("dense_1", "7"), UnknownNameError, "no weight of 'dense_1'"),
        (lambda: editor.save(tmp_path / "m.keras"), ArgumentError, r"into a \.weights\.h5 file"),
        (lambda: KerasFileEditor(tmp_path / "m.h5"), ArgumentError, r"\.keras or \.weights\.h5"),
        (lambda: KerasFileEditor(tmp_path / "none.weights.h5"), FileError, "none"),
    ):
        with pytest.raises(error, match=words):
            call()


def test_links_are_refused(path, tmp_path):
    for link in (h5py.ExternalLink(str(path), "/layers"), h5py.SoftLink("/layers")):
        with h5py.File(tmp_path / "bad.weights.h5", "w") as file:
            file["more"] = link
        with pytest.raises(FileError, match=r"bad\.weights\.h5"):
            KerasFileEditor(tmp_path / "bad.weights.h5")


def test_names_do_nothing_to_a_terminal(tmp_path):
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        group = file.create_group("layers/[red]x/vars")
        group["0"] = np.ones(2)
        group.attrs["name"] = "a\x1b[2J[/]"
    editor = KerasFileEditor(tmp_path / "m.weights.h5")
    text = printed(editor, editor.summary)
    assert "[red]x ('a?[2J[/]')" in text and "\x1b" not in text
