"""Weights for layers in another order: layers of the same shapes do not get each other's."""

import keras
import numpy as np
import pytest

import lamella as L
from lamella.errors import FileError

X = np.ones((2, 3), "float32")


def model(*names, k=L):
    layers = [k.layers.Dense(3, name=name, bias_initializer="ones") for name in names]
    one = k.Sequential([k.Input((3,)), *layers])
    one.set_weights([np.full(w.shape, i, "float32") for i, w in enumerate(one.get_weights())])
    return one


def weights(one):
    return [float(w.ravel()[0]) for w in one.get_weights()]


@pytest.mark.parametrize("writer", [L, keras], ids=["lamella", "keras"])
@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".h5"])
def test_changed_places_are_told(ending, writer, tmp_path):
    one, two = model("a", "b", "c", k=writer), model("b", "a", "c")
    two.set_weights([w * 0 + 9 for w in two.get_weights()])
    (one.save_weights if ending == ".weights.h5" else one.save)(tmp_path / f"m{ending}")
    with pytest.raises(FileError, match=r"2 of 3 parts") as caught:
        two.load_weights(tmp_path / f"m{ending}")
    assert "it is of 'a' in the file; 'b' is at" in str(caught.value)
    assert weights(two) == [9] * 6
    with pytest.warns(UserWarning, match="2 of 3 parts"):
        report = two.load_weights(tmp_path / f"m{ending}", skip_mismatch=True)
    assert len(report.loaded) == 1 and len(report.skipped) == 2
    assert weights(two) == [9, 9, 9, 9, 4, 5]


def test_in_shards(tmp_path):
    model("a", "b").save_weights(tmp_path / "m.weights.json", max_shard_size=1e-7)
    with pytest.raises(FileError, match="2 of 2 parts"):
        model("b", "a").load_weights(tmp_path / "m.weights.json")


def test_by_name_goes_by_the_names(tmp_path):
    one, two = model("a", "b"), model("b", "a")
    one.save(tmp_path / "m.h5")
    two.load_weights(tmp_path / "m.h5", by_name=True)
    assert weights(two) == [2, 3, 0, 1]


def test_addresses_are_names(tmp_path):
    one, two = model("a", "b"), model("b", "a")
    one.save_weights(tmp_path / "m.safetensors")
    two.load_weights(tmp_path / "m.safetensors")
    assert weights(two) == [2, 3, 0, 1]


@pytest.mark.parametrize("ending", [".weights.h5", ".h5"])
@pytest.mark.parametrize(
    ("there", "here"),
    [
        (("a", "b"), ("c", "d")),
        (("a", "b"), ("c", "a2")),
        ((None, None), (None, None)),
        (("dense_7", "dense_8"), ("dense_8", "dense_7")),
        (("a", None), ("a", None)),
    ],
)
def test_other_names_are_no_other_order(ending, there, here, tmp_path):
    one, two = model(*there), model(*here)
    (one.save_weights if ending == ".weights.h5" else one.save)(tmp_path / f"m{ending}")
    two.load_weights(tmp_path / f"m{ending}")
    assert weights(two) == [0, 1, 2, 3]


def test_models_inside(tmp_path):
    def twins(*names):
        one = L.Sequential([L.Input((3,)), *(L.Sequential([L.Input((3,)), L.layers.Dense(3)], name=n) for n in names)])
        one.set_weights([np.full(w.shape, i, "float32") for i, w in enumerate(one.get_weights())])
        return one

    one, two = twins("a", "b"), twins("b", "a")
    two.set_weights([w * 0 + 9 for w in two.get_weights()])
    one.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(FileError, match="is of 'a' in the file"):
        two.load_weights(tmp_path / "m.weights.h5")
    with pytest.warns(UserWarning, match="is of 'a' in the file"):
        two.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)
    assert weights(two) == [9] * 4


def test_whole_models_in_the_old_format_go_by_their_names(tmp_path):
    """Whatever the order of layers in the file."""
    import h5py

    one = model("a", "b", "c")
    one.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        names = file["model_weights"].attrs["layer_names"]
        file["model_weights"].attrs["layer_names"] = names[::-1]
    assert weights(L.saving.load_model(tmp_path / "m.h5")) == [0, 1, 2, 3, 4, 5]
