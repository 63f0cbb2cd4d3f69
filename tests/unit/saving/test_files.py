"""Saving and loading: what is kept, what is refused, and what is said."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

import lamella
from lamella.errors import ArgumentError, FileError, StateError


def model(*widths):
    return lamella.Sequential([lamella.Input((3,)), *(lamella.layers.Dense(width) for width in widths or (4, 2))])


def fitted():
    one = model()
    one.compile("adam", "mse", metrics=["mae"])
    one.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    return one


def assert_same_weights(a, b):
    for left, right in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_folder_holds_the_same_entries(tmp_path):
    one = fitted()
    one.save(tmp_path / "folder", zipped=False)
    assert sorted(os.listdir(tmp_path / "folder")) == ["config.json", "metadata.json", "model.weights.h5"]
    assert_same_weights(one, lamella.saving.load_model(tmp_path / "folder"))


def test_compile_false_leaves_the_optimizer_alone(tmp_path):
    fitted().save(tmp_path / "m.keras")
    assert not lamella.saving.load_model(tmp_path / "m.keras", compile=False).compiled


def test_compiled_but_never_trained_loads_without_a_warning(tmp_path):
    one = model()
    one.compile("adam", "mse")
    one.save(tmp_path / "m.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copy = lamella.saving.load_model(tmp_path / "m.keras")
    assert copy.compiled


def test_without_the_optimizer(tmp_path):
    fitted().save(tmp_path / "m.keras", include_optimizer=False)
    assert int(lamella.saving.load_model(tmp_path / "m.keras").optimizer.iterations) == 0


def test_weights_out_of_a_whole_model(tmp_path):
    one, two = fitted(), model()
    one.save(tmp_path / "m.keras")
    report = two.load_weights(tmp_path / "m.keras")
    assert report.loaded == ["layers/dense", "layers/dense_1"]
    assert report.unused == ["optimizer"]
    assert_same_weights(one, two)


def test_weights_that_do_not_fit_change_nothing(tmp_path):
    one, other = model(4, 2), model(4, 5)
    before = other.get_weights()
    one.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(FileError, match=r"1 of 2 parts of the model could not be loaded") as caught:
        other.load_weights(tmp_path / "m.weights.h5")
    assert "layers/dense_1" in str(caught.value) and "(4, 5)" in str(caught.value) and "(4, 2)" in str(caught.value)
    for left, right in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_skip_mismatch_reports(tmp_path):
    one, other = model(4, 2), model(4, 5)
    one.save_weights(tmp_path / "m.weights.h5")
    with pytest.warns(UserWarning, match="1 of 2 parts"):
        report = other.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)
    assert report.loaded == ["layers/dense"] and list(report.skipped) == ["layers/dense_1"]
    np.testing.assert_array_equal(one.get_weights()[0], other.get_weights()[0])


def test_a_layer_that_the_file_lacks_is_named(tmp_path):
    model(4).save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(FileError, match="it is not in the file") as caught:
        model(4, 2).load_weights(tmp_path / "m.weights.h5")
    assert "layers/dense_1" in str(caught.value)


def test_objects_to_skip(tmp_path):
    one, two = model(), model()
    before = two.layers[1].get_weights()
    one.save_weights(tmp_path / "m.weights.h5", objects_to_skip=[one.layers[1]])
    two.load_weights(tmp_path / "m.weights.h5", objects_to_skip=[two.layers[1]])
    np.testing.assert_array_equal(one.layers[0].get_weights()[0], two.layers[0].get_weights()[0])
    np.testing.assert_array_equal(before[0], two.layers[1].get_weights()[0])


def test_by_name(tmp_path):
    def named(*names):
        layers = [lamella.layers.Dense(3, name=name) for name in names]
        return lamella.Sequential([lamella.Input((3,)), *layers])

    one, two = named("a", "b"), named("b", "c")
    one.save(tmp_path / "m.h5")
    report = two.load_weights(tmp_path / "m.h5", by_name=True)
    assert report.loaded == ["b"] and report.unused == ["a"] and list(report.skipped) == ["c"]
    np.testing.assert_array_equal(one.layers[1].get_weights()[0], two.layers[0].get_weights()[0])
    with pytest.raises(FileError, match="number of layers with weights"):
        model(3).load_weights(tmp_path / "m.h5")


def test_own_variables_of_a_users_layer(tmp_path):
    class Kept(lamella.layers.Layer):
        def build(self, input_shape):
            self.total = self.add_weight(shape=(), initializer="zeros", trainable=False, name="total")

        def call(self, x):
            return x + self.total

        def save_own_variables(self, store):
            store["sum"] = self.total.numpy()
            store["ids"] = np.arange(3)

        def load_own_variables(self, store):
            assert set(store.keys()) == {"sum", "ids"} and "sum" in store and len(store) == 2
            self.total.assign(store["sum"])

    one = lamella.Sequential([lamella.Input((3,)), Kept()])
    one.layers[0].total.assign(7.0)
    one.save(tmp_path / "m.keras")
    copy = lamella.saving.load_model(tmp_path / "m.keras", custom_objects={"Kept": Kept})
    assert float(copy.layers[0].total) == 7.0


def test_bfloat16_weights(tmp_path):
    one, two = (lamella.Sequential([lamella.Input((3,)), lamella.layers.Dense(2, dtype="bfloat16")]) for _ in range(2))
    one.save_weights(tmp_path / "m.weights.h5")
    two.load_weights(tmp_path / "m.weights.h5")
    assert_same_weights(one, two)


def test_a_vocabulary_goes_with_the_model(tmp_path):
    lookup = lamella.layers.StringLookup(name="words")
    lookup.adapt(["b", "a", "b"])
    one = lamella.Sequential([lamella.Input((1,), dtype="string"), lookup])
    one.save(tmp_path / "m.keras")
    copy = lamella.saving.load_model(tmp_path / "m.keras")
    assert copy.layers[0].get_vocabulary() == lookup.get_vocabulary() == ["[UNK]", "b", "a"]


@pytest.mark.parametrize("name", ["m.weights.h5", "m.keras", "m.h5"])
def test_a_missing_file_is_named(tmp_path, name):
    (tmp_path / "model.keras").touch()
    with pytest.raises(FileError, match="File not found"):
        model().load_weights(tmp_path / name)


def test_wrong_names_and_states(tmp_path):
    one = model()
    with pytest.raises(ArgumentError, match="cannot be saved as"):
        one.save(tmp_path / "m.txt")
    with pytest.raises(ArgumentError, match=r"must end in `\.weights\.h5`"):
        one.save_weights(tmp_path / "m.h5")
    with pytest.raises(FileError, match="format not supported"):
        lamella.saving.load_model(tmp_path)
    with pytest.raises(StateError, match="not yet been built"):
        lamella.Sequential([lamella.layers.Dense(2)]).save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ArgumentError, match="does not know the argument"):
        one.save(tmp_path / "m.keras", compress=True)


def test_overwrite_false(tmp_path):
    one = model()
    one.save(tmp_path / "m.keras")
    with pytest.raises(FileError, match="there already"):
        one.save(tmp_path / "m.keras", overwrite=False)


def test_model_from_json():
    one = model()
    assert lamella.saving.model_from_json(one.to_json()).count_params() == one.count_params()
