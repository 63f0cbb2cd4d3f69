"""Files as other systems and other versions of Keras wrote them."""

import io
import zipfile

import h5py
import numpy as np
import pytest

import lamella as L
from lamella.errors import FileError
from lamella.saving.hdf5 import Reader
from lamella.saving.hdf5_names import present_paths

X = np.ones((2, 3), "float32")


def model():
    inner = L.Sequential([L.Input((4,)), L.layers.Dense(4), L.layers.Dense(4)], name="inner")
    x = L.Input((3,))
    one = L.Model(x, L.layers.Dense(2)(inner(L.layers.Dropout(0.1)(L.layers.Dense(4)(x)))))
    one.compile("adam", "mse")
    one.fit(X, np.ones((2, 2)), verbose=0)
    return one


def renamed(data, name):
    """The arrays of an HDF5 file under the names that `name(path)` gives: (group, …, array)."""
    target = io.BytesIO()
    with h5py.File(io.BytesIO(data)) as old, h5py.File(target, "w") as new:

        def copy(path, node):
            place = new
            *groups, last = name(path)
            for group in groups:
                place = place.require_group(group)
            if isinstance(node, h5py.Dataset):
                place[last] = node[()]
            else:
                place = place.require_group(last)
                for key, value in node.attrs.items():
                    place.attrs[key] = value

        old.visititems(copy)
    return target.getvalue()


def windows(path):
    """One group for the path of a layer, as Keras made it from a path with backslashes."""
    above, found, rest = path.partition("/vars")
    return [above.replace("/", "\\"), *(found + rest).strip("/").split("/")] if found else [path.replace("/", "\\")]


def flat(path):
    return [path.replace("/", "\\")]


def rewrite(path, name):
    with zipfile.ZipFile(path) as archive:
        entries = {member: archive.read(member) for member in archive.namelist()}
    entries["model.weights.h5"] = renamed(entries["model.weights.h5"], name)
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in entries.items():
            archive.writestr(member, data)


@pytest.mark.parametrize("name", [windows, flat])
def test_whole_models_written_on_windows(name, tmp_path):
    one = model()
    one.save(tmp_path / "m.keras")
    rewrite(tmp_path / "m.keras", name)
    copy = L.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(copy.predict(X, verbose=0), one.predict(X, verbose=0))
    assert int(copy.optimizer.iterations) == 1


@pytest.mark.parametrize("name", [windows, flat])
def test_weights_written_on_windows(name, tmp_path):
    one, two = model(), model()
    one.save_weights(tmp_path / "m.weights.h5")
    (tmp_path / "w.weights.h5").write_bytes(renamed((tmp_path / "m.weights.h5").read_bytes(), name))
    report = two.load_weights(tmp_path / "w.weights.h5")
    assert "layers/sequential/layers/dense_1" in report.loaded and not report.unused
    np.testing.assert_array_equal(one.predict(X, verbose=0), two.predict(X, verbose=0))


def test_lists_in_lists_written_on_windows(tmp_path):
    class Rows(L.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.rows = [[L.layers.Dense(2), L.layers.Dense(2)], [L.layers.Dense(2)]]

        def call(self, x):
            for row in self.rows:
                for layer in row:
                    x = layer(x)
            return x

    one, two = (L.Sequential([L.Input((3,)), Rows()]) for _ in range(2))
    one.save_weights(tmp_path / "m.weights.h5")
    (tmp_path / "w.weights.h5").write_bytes(renamed((tmp_path / "m.weights.h5").read_bytes(), windows))
    two.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(one.predict(X, verbose=0), two.predict(X, verbose=0))


def test_vocabularies_in_archives_packed_on_windows(tmp_path):
    lookup = L.layers.StringLookup(name="words")
    lookup.adapt(["b", "a", "b"])
    one = L.Sequential([L.Input((1,), dtype="string"), lookup])
    one.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive, zipfile.ZipFile(tmp_path / "w.keras", "w") as other:
        for name in archive.namelist():
            member = zipfile.ZipInfo("x")
            member.filename = name.replace("/", "\\")
            other.writestr(member, archive.read(name))
    copy = L.saving.load_model(tmp_path / "w.keras")
    assert copy.layers[0].get_vocabulary() == ["[UNK]", "b", "a"]


@pytest.mark.parametrize("name", ["assets\\..\\..\\x", "\\assets\\x", "assets\\\\x", "C:\\x", "assets\\a\\..\\x"])
def test_backslashes_open_no_way_out(name, tmp_path):
    model().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras", "a") as archive:
        member = zipfile.ZipInfo("x")
        member.filename = name
        archive.writestr(member, b"x")
    with pytest.raises(FileError, match="which no saved model has"):
        L.saving.load_model(tmp_path / "m.keras")


@pytest.mark.parametrize("gaps", [1, 2])
def test_layers_below_their_old_name(gaps, tmp_path):
    """TensorFlow 2.12 numbered layers with weights 0, 2, 4 …; 2.13 as now."""

    def old(path):
        parts = path.replace("layers", "_layer_checkpoint_dependencies").split("/")
        for depth, part in enumerate(parts):
            if part.startswith("dense"):
                number = int(part.partition("_")[2] or 0) * gaps
                parts[depth] = f"dense_{number}" if number else "dense"
        return parts

    one = model()
    one.save(tmp_path / "m.keras")
    rewrite(tmp_path / "m.keras", old)
    copy = L.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(copy.predict(X, verbose=0), one.predict(X, verbose=0))


def test_old_numbers_are_counted_in_their_order():
    names = [f"_layer_checkpoint_dependencies/dense_{number}" for number in (10, 2, 4)]
    assert [*present_paths(names).values()] == ["layers/dense_2", "layers/dense", "layers/dense_1"]


def test_two_paths_that_become_one(tmp_path):
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        file["layers/dense/vars/0"] = np.ones(2)
        file.create_group("layers\\dense").create_group("vars")["0"] = np.zeros(2)
    with pytest.raises(FileError, match=r"m\.weights\.h5: .*the same path"):
        Reader(tmp_path / "m.weights.h5")


def test_an_optimizer_that_lost_arrays_starts_anew(tmp_path):
    """Keras writes a .h5 file of Adafactor so: it lists arrays of equal names, and keeps one of them."""
    one = model()
    one.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        names = file["optimizer_weights"].attrs["weight_names"]
        del file["optimizer_weights"][names[-1]]
    with pytest.warns(UserWarning, match="starts anew"):
        copy = L.saving.load_model(tmp_path / "m.h5")
    assert int(copy.optimizer.iterations) == 0
    np.testing.assert_array_equal(copy.predict(X, verbose=0), one.predict(X, verbose=0))


@L.saving.register_keras_serializable("other writers")
class Plain(L.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = L.layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def test_models_without_shapes_in_the_old_format(tmp_path):
    one = Plain()
    one(X)
    one.save(tmp_path / "m.h5")
    with pytest.raises(FileError, match=r"(?s)keeps no input shapes.*call it on data.*load_weights\(\)"):
        L.saving.load_model(tmp_path / "m.h5")
    two = Plain()
    two(X)
    two.load_weights(tmp_path / "m.h5")
    np.testing.assert_array_equal(two(X), one(X))
