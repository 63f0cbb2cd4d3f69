"""get_file: whole, checked, or not there at all; and what it unpacks stays in its folder."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import tarfile
import zipfile

import h5py
import numpy as np
import pytest

import lamella
from lamella.errors import ArgumentError, FileError
from lamella.utils import get_file

DATA = b"some data" * 100
SHA, MD5 = hashlib.sha256(DATA).hexdigest(), hashlib.md5(DATA).hexdigest()


@pytest.fixture
def origin(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    (tmp_path / "data.bin").write_bytes(DATA)
    return (tmp_path / "data.bin").as_uri()


def cached(tmp_path):
    folder = tmp_path / "cache" / "datasets"
    return sorted(os.listdir(folder)) if folder.exists() else []


@pytest.mark.parametrize("check", [{}, {"file_hash": SHA}, {"file_hash": MD5}, {"md5_hash": MD5}])
def test_downloads_once(origin, tmp_path, check):
    path = get_file(origin=origin, **check)
    assert path == str(tmp_path / "cache" / "datasets" / "data.bin")
    (tmp_path / "data.bin").unlink()
    assert get_file(origin=origin, **check) == path
    with open(path, "rb") as file:
        assert file.read() == DATA
    assert cached(tmp_path) == ["data.bin"]


def test_a_wrong_hash_leaves_nothing(origin, tmp_path):
    with pytest.raises(FileError, match="not the expected one"):
        get_file(origin=origin, file_hash="0" * 64)
    assert cached(tmp_path) == []


def test_a_damaged_copy_is_fetched_again(origin, tmp_path):
    path = get_file(origin=origin, file_hash=SHA)
    with open(path, "wb") as file:
        file.write(DATA[:10])
    get_file(origin=origin, file_hash=SHA)
    with open(path, "rb") as file:
        assert file.read() == DATA


def test_a_wrong_hash_never_replaces_a_good_copy(origin, tmp_path):
    path = get_file(origin=origin, file_hash=SHA)
    (tmp_path / "data.bin").write_bytes(b"other")
    with pytest.raises(FileError, match="not the expected one"):
        get_file(origin=origin, file_hash=SHA, force_download=True)
    with open(path, "rb") as file:
        assert file.read() == DATA
    assert cached(tmp_path) == ["data.bin"]


@pytest.mark.parametrize("kept", [0, 40])
def test_a_cut_copy_without_a_hash_is_fetched_again(origin, tmp_path, kept):
    np.savez(tmp_path / "a.npz", x=np.arange(100))
    whole = (tmp_path / "a.npz").read_bytes()
    path = get_file(origin=(tmp_path / "a.npz").as_uri())
    with open(path, "wb") as file:
        file.write(whole[:kept])
    with open(get_file(origin=(tmp_path / "a.npz").as_uri()), "rb") as file:
        assert file.read() == whole


@pytest.mark.parametrize("kept", [5, 60, 300, -1])
@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_cut_weights_without_a_hash_are_fetched_again(origin, tmp_path, kept, libver):
    with h5py.File(tmp_path / "w.h5", "w", libver=libver) as file:
        file.create_dataset("layer/kernel:0", data=np.arange(100.0), chunks=(10,), compression="gzip")
    whole, origin = (tmp_path / "w.h5").read_bytes(), (tmp_path / "w.h5").as_uri()
    path = get_file(origin=origin)
    with open(path, "wb") as file:
        file.write(whole[:kept])
    get_file(origin=origin)
    with open(path, "rb") as file:
        assert file.read() == whole
    (tmp_path / "w.h5").unlink()
    assert get_file(origin=origin) == path  # a whole one is not fetched again


def test_a_damaged_archive_is_fetched_again(origin, tmp_path):
    tar_of(tmp_path / "a.tgz", ("one.txt", b"1" * 5000, tarfile.REGTYPE))
    whole = (tmp_path / "a.tgz").read_bytes()
    copy = tmp_path / "cache" / "datasets" / "words_archive"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(whole[:-30])
    folder = get_file(fname="words", origin=(tmp_path / "a.tgz").as_uri(), extract=True)
    assert os.listdir(folder) == ["one.txt"] and copy.read_bytes() == whole
    (tmp_path / "a.tgz").write_bytes(whole[:-30])
    with pytest.raises(FileError):
        get_file(fname="words", origin=(tmp_path / "a.tgz").as_uri(), extract=True, force_download=True)


def test_without_a_network_the_file_and_folder_are_named(tmp_path):
    with pytest.raises(FileError, match="could not be downloaded") as caught:
        get_file(origin="http://127.0.0.1:9/words.txt", cache_dir=tmp_path)
    assert str(tmp_path / "datasets" / "words.txt") in str(caught.value)
    assert os.listdir(tmp_path / "datasets") == []


@pytest.mark.parametrize("wrong", [{"fname": "a/b"}, {"fname": ".."}, {"hash_algorithm": "crc", "file_hash": "0"}])
def test_arguments(origin, wrong):
    with pytest.raises(ArgumentError):
        get_file(**{"origin": origin, **wrong})


def tar_of(path, *members):
    with tarfile.open(path, "w:gz") as tar:
        for name, data, kind in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(data), kind, "/etc/passwd"
            tar.addfile(info, io.BytesIO(data))


def test_unpacks(origin, tmp_path):
    tar_of(tmp_path / "a.tgz", ("in/one.txt", b"1", tarfile.REGTYPE), ("two.txt", b"2", tarfile.REGTYPE))
    folder = get_file(fname="words", origin=(tmp_path / "a.tgz").as_uri(), extract=True)
    assert sorted(os.listdir(folder)) == ["in", "two.txt"]
    assert cached(tmp_path) == ["words", "words_archive"]
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("three.txt", "3")
    folder = get_file(fname="b.zip", origin=(tmp_path / "b.zip").as_uri(), extract=True)
    assert os.listdir(folder) == ["three.txt"] and folder.endswith("b_extracted")


@pytest.mark.parametrize(
    "member",
    [
        ("../evil", b"x", tarfile.REGTYPE),
        ("/evil", b"x", tarfile.REGTYPE),
        ("link", b"", tarfile.SYMTYPE),
        ("link", b"", tarfile.LNKTYPE),
        ("device", b"", tarfile.CHRTYPE),
    ],
    ids=lambda member: member[0],
)
def test_hostile_archives_leave_nothing(origin, tmp_path, member):
    tar_of(tmp_path / "a.tgz", ("good", b"1", tarfile.REGTYPE), member)
    with pytest.raises(FileError, match=r"refused|link or a device"):
        get_file(fname="words", origin=(tmp_path / "a.tgz").as_uri(), extract=True)
    assert cached(tmp_path) == ["words_archive"] and not (tmp_path / "cache" / "evil").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "names", [["../evil"], ["/evil"], ["a/../../evil"], ["C:\\evil"], ["one", "one"], ["one", "one/b"]]
)
def test_hostile_zips_leave_nothing(origin, tmp_path, names):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with pytest.raises(FileError):
        get_file(fname="words", origin=(tmp_path / "a.zip").as_uri(), extract=True)
    assert cached(tmp_path) == ["words_archive"] and not list(tmp_path.rglob("evil"))


def test_bombs_are_not_unpacked(origin, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(10 << 20))
    with pytest.raises(FileError, match="refused"):
        get_file(fname="words", origin=(tmp_path / "a.zip").as_uri(), extract=True)


# Data sets, from files put into the cache by hand


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """The folder of downloads; what is in it is taken as it is."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("lamella.utils.download._is_right", lambda *_: True)
    (tmp_path / "datasets").mkdir()
    return tmp_path / "datasets"


def texts(*lists):
    array = np.empty(len(lists), dtype=object)
    array[:] = lists
    return array


def test_mnist(sets):
    arrays = {"x_train": np.ones((3, 28, 28), "u1"), "y_train": np.arange(3), "x_test": np.ones((1, 28, 28), "u1")}
    np.savez(sets / "mnist.npz", **arrays, y_test=np.arange(1))
    (x, y), (x_test, _) = lamella.datasets.mnist.load_data()
    assert x.shape == (3, 28, 28) and y.tolist() == [0, 1, 2] and x_test.shape == (1, 28, 28)


def test_imdb_is_as_in_keras(sets, monkeypatch):
    parts = texts([1, 5, 9], [2, 3], [4]), np.array([1, 0, 1])
    np.savez(sets / "imdb.npz", x_train=parts[0], y_train=parts[1], x_test=parts[0], y_test=parts[1])
    monkeypatch.setattr("keras.src.datasets.imdb.get_file", lambda *_, **__: str(sets / "imdb.npz"))
    import keras

    for choice in ({}, {"num_words": 6}, {"num_words": 8, "oov_char": None, "start_char": None}, {"maxlen": 4}):
        ours = lamella.datasets.imdb.load_data(**choice)
        theirs = keras.datasets.imdb.load_data(**choice)
        for (x, y), (x_keras, y_keras) in zip(ours, theirs, strict=True):
            assert [list(text) for text in x] == [list(text) for text in x_keras] and y.tolist() == list(y_keras)


def test_a_pickle_that_is_no_array_is_refused(sets):
    np.savez(sets / "imdb.npz", x_train=np.array([os.system], object), y_train=0, x_test=0, y_test=0)
    with pytest.raises(FileError, match="no array"):
        lamella.datasets.imdb.load_data()


def test_fashion_mnist(sets):
    (sets / "fashion-mnist").mkdir()
    for part in ("train", "t10k"):
        for name, data in (("images-idx3", bytes(16) + bytes(2 * 784)), ("labels-idx1", bytes(8) + b"\1\2")):
            (sets / "fashion-mnist" / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(data))
    (x, y), _ = lamella.datasets.fashion_mnist.load_data()
    assert x.shape == (2, 28, 28) and y.tolist() == [1, 2]


def test_cifar10(sets):
    (sets / "cifar-10-batches-py-target_archive").touch()
    folder = sets / "cifar-10-batches-py-target" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    batch = {b"data": np.zeros((2, 3072), "u1"), b"labels": [3, 4]}
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        (folder / name).write_bytes(pickle.dumps(batch))
    (x, y), (x_test, _) = lamella.datasets.cifar10.load_data()
    assert x.shape == (10, 32, 32, 3) and y.shape == (10, 1) and x_test.shape == (2, 32, 32, 3)


def test_housing(sets):
    np.savez(sets / "boston_housing.npz", x=np.arange(20).reshape(10, 2), y=np.arange(10))
    (x, y), (x_test, _) = lamella.datasets.boston_housing.load_data()
    assert x.shape == (8, 2) and x_test.shape == (2, 2) and (x[:, 0] // 2).tolist() == y.tolist()
    np.savez(sets / "california_housing.npz", x=np.ones((700, 8)), y=np.ones(700))
    assert len(lamella.datasets.california_housing.load_data("small")[0][1]) == 480


def test_reuters_words(sets):
    (sets / "reuters_word_index.json").write_text(json.dumps({"the": 1}))
    assert lamella.datasets.reuters.get_word_index() == {"the": 1}
    assert len(lamella.datasets.reuters.get_label_names()) == 46
