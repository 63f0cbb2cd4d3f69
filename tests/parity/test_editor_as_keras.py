"""KerasFileEditor beside real Keras's: the same edits, the same files."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import lamella


def stack(k, *names):
    x = inputs = k.Input((2,))
    for name in names:
        x = k.layers.Dense(3, name=name)(x)
    return k.Model(inputs, x)


@pytest.mark.parametrize("k, other", [(keras, lamella), (lamella, keras)], ids=["theirs", "ours"])
def test_keras_own_example(tmp_path, k, other):
    """The steps of Keras's test of its editor; the file is written by one and read by the other."""
    source, target = stack(k, "mydense", "output"), stack(k, "mydense", "myotherdense", "output")
    source.save(tmp_path / "m.keras")
    editor = k.saving.KerasFileEditor(str(tmp_path / "m.keras"))
    assert editor.compare(source)["status"] == "success"
    assert editor.compare(target)["status"] == "error"
    editor.add_object("layers/dense_3", weights={"0": np.ones((3, 3))})
    assert editor.compare(target)["error_count"] == 2
    editor.rename_object("dense_3", "dense_4")
    editor.rename_object("layers/dense_4", "dense_2")
    editor.add_weights("dense_2", weights={"1": np.ones(3)})
    assert editor.compare(target)["status"] == "success"
    editor.add_object("layers/dense_3", weights={"0": np.ones((3, 3))})
    assert editor.compare(target)["error_count"] == 1
    editor.delete_object("layers/dense_3")
    editor.save(str(tmp_path / "new.weights.h5"))
    editor.delete_weight("dense_2", "1")
    assert editor.compare(target)["error_count"] == 1
    editor.add_weights("dense_2", {"1": np.zeros(7)})
    assert editor.compare(target)["error_count"] == 1

    target.load_weights(tmp_path / "new.weights.h5")
    theirs = stack(other, "mydense", "myotherdense", "output")
    theirs.load_weights(tmp_path / "new.weights.h5")
    for left, right in zip(target.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(np.asarray(left), np.asarray(right))


def test_the_same_is_seen(tmp_path):
    stack(keras, "a", "b").save(tmp_path / "m.keras")
    theirs, ours = (k.saving.KerasFileEditor(str(tmp_path / "m.keras")) for k in (keras, lamella))
    assert keras.tree.map_structure(np.shape, dict(theirs.weights_dict)) == keras.tree.map_structure(
        np.shape, ours.weights_dict
    )
    assert ours.object_metadata == {path: dict(about) for path, about in theirs.object_metadata.items()}
    assert ours.config == theirs.config and ours.metadata == theirs.metadata
