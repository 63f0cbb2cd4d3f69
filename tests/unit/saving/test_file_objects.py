"""Open files in place of paths."""

import io
import warnings

import numpy as np
import pytest

import lamella as L
from lamella.errors import ArgumentError, FileError, LamellaError

X = np.ones((2, 3), "float32")


def model():
    one = L.Sequential([L.Input((3,)), L.layers.Dense(4), L.layers.Dense(2)])
    one.compile("adam", "mse")
    one.fit(X, np.ones((2, 2)), verbose=0)
    return one


@pytest.fixture
def data(tmp_path):
    """The bytes of each kind of file of one model, with what that predicts."""
    one = model()
    for name in ("m.keras", "m.h5"):
        one.save(tmp_path / name)
    for name in ("m.weights.h5", "m.safetensors"):
        one.save_weights(tmp_path / name)
    return {path.name: path.read_bytes() for path in tmp_path.iterdir()}, one.predict(X, verbose=0)


@pytest.mark.parametrize("keywords", [{}, {"zipped": False}, {"overwrite": False}])
def test_models_go_through_memory(keywords):
    one, file = model(), io.BytesIO()
    one.save(file, **keywords)
    assert file.tell() == len(file.getvalue()) > 0
    file.seek(0)
    copy = L.saving.load_model(file)
    np.testing.assert_array_equal(copy.predict(X, verbose=0), one.predict(X, verbose=0))
    assert int(copy.optimizer.iterations) == 1


def test_options_hold():
    one, file = model(), io.BytesIO()
    L.saving.save_model(one, file, include_optimizer=False)
    assert int(L.saving.load_model(io.BytesIO(file.getvalue())).optimizer.iterations) == 0
    assert not L.saving.load_model(io.BytesIO(file.getvalue()), compile=False).compiled


def test_weights_go_through_memory():
    one, two, file = model(), model(), io.BytesIO()
    one.save_weights(file)
    file.seek(0)
    report = two.load_weights(file)
    assert "layers/dense" in report.loaded
    np.testing.assert_array_equal(two.predict(X, verbose=0), one.predict(X, verbose=0))


def test_open_files_on_disk(tmp_path):
    one = model()
    with open(tmp_path / "any name", "wb") as file:
        one.save(file)
    with open(tmp_path / "any name", "rb") as file:
        np.testing.assert_array_equal(L.saving.load_model(file).predict(X, verbose=0), one.predict(X, verbose=0))


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_what_is_in_it_tells_the_format_of_a_model(data, name):
    files, expected = data
    np.testing.assert_array_equal(L.saving.load_model(io.BytesIO(files[name])).predict(X, verbose=0), expected)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5", "m.safetensors"])
def test_what_is_in_it_tells_the_format_of_weights(data, name):
    files, expected = data
    two = model()
    two.load_weights(io.BytesIO(files[name]))
    np.testing.assert_array_equal(two.predict(X, verbose=0), expected)


def test_it_is_read_from_where_it_stands(data):
    file = io.BytesIO(b"before" + data[0]["m.keras"])
    file.seek(6)
    np.testing.assert_array_equal(L.saving.load_model(file).predict(X, verbose=0), data[1])


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda one: L.saving.load_model(io.BytesIO()), FileError, r"nothing to read(?s:.*)seek\(0\)"),
        (lambda one: one.load_weights(io.BytesIO()), FileError, "nothing to read"),
        (lambda one: L.saving.load_model(io.StringIO("text")), ArgumentError, '"rb"'),
        (lambda one: one.save(io.StringIO()), ArgumentError, '"wb"'),
        (lambda one: one.save_weights(io.StringIO()), ArgumentError, '"wb"'),
        (lambda one: L.saving.load_model(io.BytesIO(b"no model at all")), FileError, "^file object.keras: "),
        (lambda one: one.load_weights(io.BytesIO(b"no weights at all")), FileError, "^file object.safetensors: "),
        (lambda one: L.saving.load_model(io.BytesIO(b"PK and no more")), FileError, "^file object.keras: "),
        (lambda one: one.load_weights(io.BytesIO(b"\x89HDF and no more")), FileError, "^file object"),
        (lambda one: one.save_weights(io.BytesIO(), max_shard_size=1), ArgumentError, "named by a path"),
        (lambda one: one.save(io.BytesIO(), other=1), ArgumentError, "other"),
        (lambda one: L.saving.load_model(3), ArgumentError, "named by a path"),
    ],
)
def test_refusals(act, error, words):
    one = model()
    with pytest.raises(error, match=words):
        act(one)


def test_a_full_disk_or_a_closed_file():
    file = io.BytesIO()
    file.close()
    with pytest.raises(ArgumentError, match="closed"):
        model().save(file)


def test_lambdas_are_refused_here_too():
    one, file = model(), io.BytesIO()
    one.compile("sgd", lambda y, p: L.ops.mean(y - p))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one.save(file)
    with pytest.raises(FileError, match="lambda"):
        L.saving.load_model(io.BytesIO(file.getvalue()))


def test_only_models_are_saved(tmp_path):
    for thing in (3, None, L.layers.Dense, L.optimizers.Adam()):
        with pytest.raises(LamellaError, match="no model"):
            L.saving.save_model(thing, tmp_path / "m.keras")


def test_a_model_without_weights_is_saved_with_a_warning(tmp_path):
    with pytest.warns(UserWarning, match="has not yet been built"):
        L.Sequential([L.layers.Dense(2)]).save(tmp_path / "m.keras")
    assert not L.saving.load_model(tmp_path / "m.keras").built
