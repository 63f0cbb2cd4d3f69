"""Old files and safetensors beside real Keras: the same layers take the same weights."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest

import lamella


def stack(k, *sizes, names=None):
    names = names or [f"d{number}" for number in range(len(sizes))]
    dense = [k.layers.Dense(size, name=name) for size, name in zip(sizes, names, strict=True)]
    return k.Sequential([k.Input((3,)), *dense, k.layers.BatchNormalization(name="norm")])


@pytest.mark.parametrize("by_name", [False, True])
def test_what_fits_is_what_keras_takes(tmp_path, by_name):
    """The same layers keep their weights, the same get the file's."""
    saved = stack(keras, 4, 2)
    saved.set_weights([np.full(w.shape, 2.0) for w in saved.get_weights()])
    saved.save(tmp_path / "old.h5")
    taken = []
    for k in (keras, lamella):
        other = stack(k, 4, 5)
        other.set_weights([np.zeros(w.shape) for w in other.get_weights()])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = other.load_weights(tmp_path / "old.h5", skip_mismatch=True, by_name=by_name)
        taken.append([one.name for one in other.layers if any(np.any(w) for w in one.get_weights())])
    assert taken[0] == taken[1] == report.loaded == ["d0"]
    assert set(report.skipped) == {"d1", "norm"}
    assert "(4, 2) in the file, (4, 5) in the layer" in report.skipped["d1"]


def test_weights_of_keras_by_address(tmp_path):
    """Keras's file, read into our model, written by address, read into a new one, written for Keras."""
    theirs, ours, again = stack(keras, 4, 2), stack(lamella, 4, 2), stack(lamella, 4, 2)
    theirs.set_weights([np.random.default_rng(0).uniform(size=w.shape) for w in theirs.get_weights()])
    theirs.save_weights(tmp_path / "k.weights.h5")
    ours.load_weights(tmp_path / "k.weights.h5")
    ours.save_weights(tmp_path / "m.safetensors")
    again.load_weights(tmp_path / "m.safetensors")
    again.save_weights(tmp_path / "l.weights.h5")
    x = np.ones((2, 3), "float32")
    expected = np.asarray(theirs(x))
    theirs.set_weights([w * 0 for w in theirs.get_weights()])
    theirs.load_weights(tmp_path / "l.weights.h5")
    np.testing.assert_allclose(theirs(x), expected, rtol=1e-6)
