"""Published weights, on files that real Keras writes in the published layout, with random numbers in them."""

from __future__ import annotations

import hashlib
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import keras
import numpy as np
import pytest
from h5py import File
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

import lamella
from lamella.applications import MobileNetV2
from lamella.applications.card import Card
from lamella.errors import ArgumentError, FileError

NAME = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5"
OPTIONS = {"input_shape": (96, 96, 3), "alpha": 0.35, "include_top": False}


def randomized(weights):
    random = np.random.default_rng(0)
    return [random.uniform(0.1, 1, value.shape).astype(value.dtype) for value in weights]


def write(model, path):
    with File(path, "w") as file:
        save_weights_to_hdf5_group(file, model)


@pytest.fixture(scope="module", autouse=True)
def cheap_building():
    """First values are zeros on both sides: nothing is compiled."""
    with pytest.MonkeyPatch.context() as patch:
        for side in (lamella, keras):
            zeros = lambda _, shape, dtype=None: np.zeros(shape, "float32")
            patch.setattr(side.initializers.VarianceScaling, "__call__", zeros)
        yield


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Real Keras's model, and the file of its weights, as Keras publishes them."""
    model = keras.applications.MobileNetV2(**OPTIONS, weights=None)
    model.set_weights(randomized(model.get_weights()))
    path = tmp_path_factory.mktemp("published") / NAME
    write(model, path)
    return model, path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """A folder that is served on this machine only: (folder, address, paths asked for)."""
    folder, asked = tmp_path / "served", []
    folder.mkdir()

    class Handler(Quiet):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{http.server_port}", asked
        http.shutdown()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "models"


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("no network")

    monkeypatch.setattr("lamella.utils.download.urlopen", refuse)


@pytest.fixture
def from_server(monkeypatch, server):
    """Sends MobileNetV2's card to the local server; gives a function that sets the published hash."""
    _, address, _ = server

    def publish(file_hash=None):
        def load(self, model, include_top):
            stem = f"{address}/{self.stem.rpartition('/')[2]}"
            plain(Card(stem, (file_hash, file_hash), self.bare), model, include_top)

        monkeypatch.setattr(Card, "load", load)

    plain = Card.load
    return publish


def assert_same_weights(ours, theirs):
    for one, two in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def put(path, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(path.read_bytes())


def test_a_file_in_keras_own_cache_is_used(published, cache, no_network):
    model, path = published
    put(path, cache / NAME)
    ours = MobileNetV2(**OPTIONS, weights="imagenet")
    assert_same_weights(ours, model)


@pytest.mark.parametrize("algorithm", [None, "md5", "sha256"])
def test_downloads_checks_and_keeps(published, cache, server, from_server, algorithm):
    (model, path), (folder, _, asked) = published, server
    put(path, folder / NAME)
    from_server(algorithm and hashlib.new(algorithm, path.read_bytes()).hexdigest())
    assert_same_weights(MobileNetV2(**OPTIONS), model)
    assert os.listdir(cache) == [NAME]
    assert_same_weights(MobileNetV2(**OPTIONS), model)
    assert asked == [f"/{NAME}"]  # once


def test_a_wrong_hash_leaves_nothing(published, cache, server, from_server):
    put(published[1], server[0] / NAME)
    from_server("0" * 32)
    with pytest.raises(FileError, match="hash") as caught:
        MobileNetV2(**OPTIONS)
    assert os.listdir(cache) == [] and str(cache / NAME) in str(caught.value)


def test_a_file_that_is_cut_off_leaves_nothing(published, cache, server, from_server):
    (server[0] / NAME).write_bytes(published[1].read_bytes()[:5000])
    from_server()
    with pytest.raises(FileError, match=NAME):
        MobileNetV2(**OPTIONS)
    assert os.listdir(cache) == []


def test_a_page_in_place_of_the_file_leaves_nothing(cache, server, from_server):
    (server[0] / NAME).write_text("<html>Please log in.</html>")
    from_server()
    with pytest.raises(FileError, match=NAME):
        MobileNetV2(**OPTIONS)
    assert os.listdir(cache) == []


def test_other_shapes_leave_nothing(cache, server, from_server):
    other = keras.applications.MobileNetV2(input_shape=(96, 96, 3), alpha=0.5, include_top=False, weights=None)
    write(other, server[0] / NAME)
    from_server()
    with pytest.raises(FileError, match="parts of the model could not be loaded"):
        MobileNetV2(**OPTIONS)
    assert os.listdir(cache) == []


def test_a_cached_file_that_is_damaged_is_fetched_again(published, cache, server, from_server):
    model, path = published
    put(path, server[0] / NAME)
    put(path, cache / NAME)
    (cache / NAME).write_bytes(path.read_bytes()[:5000])
    from_server(hashlib.md5(path.read_bytes()).hexdigest())
    assert_same_weights(MobileNetV2(**OPTIONS), model)


def test_a_cached_file_that_is_damaged_and_has_no_hash_is_named(cache, no_network):
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(b"half a file")
    with pytest.raises(FileError) as caught:
        MobileNetV2(**OPTIONS)
    assert f"remove {cache / NAME}" in str(caught.value)


def test_without_a_network_the_place_is_named(cache, no_network):
    with pytest.raises(FileError, match="no network") as caught:
        MobileNetV2(**OPTIONS)
    assert f"put the file at {cache / NAME} by hand" in str(caught.value)
    assert os.listdir(cache) == []


def test_a_file_that_the_server_lacks(cache, from_server):
    from_server()
    with pytest.raises(FileError, match="File not found") as caught:
        MobileNetV2(**OPTIONS)
    assert f"put the file at {cache / NAME} by hand" in str(caught.value)


@pytest.mark.parametrize("ending", [".h5", ".weights.h5", ".keras"])
def test_from_a_path_that_keras_wrote(published, tmp_path, ending):
    model, path = published
    if ending == ".h5":
        put(path, tmp_path / "mine.h5")
    elif ending == ".keras":
        model.save(tmp_path / "mine.keras")
    else:
        model.save_weights(tmp_path / "mine.weights.h5")
    assert_same_weights(MobileNetV2(**OPTIONS, weights=tmp_path / f"mine{ending}"), model)


def test_a_path_that_fits_another_model(published):
    with pytest.raises(FileError, match=r"could not be loaded|Layer count"):
        MobileNetV2(**(OPTIONS | {"alpha": 0.5}), weights=published[1])
    with pytest.raises(ArgumentError, match="path of a file that exists"):
        MobileNetV2(**OPTIONS, weights="nowhere.h5")


@pytest.mark.filterwarnings("ignore:Skipping loading weights:UserWarning")  # Keras's own
def test_by_name_and_skip_mismatch_on_the_published_layout(published):
    """A network of another width takes the layers that fit, and says what it left."""
    model, path = published
    ours = MobileNetV2(**(OPTIONS | {"alpha": 0.5}), weights=None)
    with pytest.warns(UserWarning, match="parts of the model could not be loaded"):
        report = ours.load_weights(path, skip_mismatch=True, by_name=True)
    fitting = [one.name for one in ours.layers if one.weights and _shapes(one) == _shapes(model.get_layer(one.name))]
    assert fitting and report.loaded == fitting
    assert all("shape" in reason for reason in report.skipped.values())
    for name in fitting:
        assert_same_weights(ours.get_layer(name), model.get_layer(name))
    theirs = keras.applications.MobileNetV2(**(OPTIONS | {"alpha": 0.5}), weights=None)
    theirs.set_weights([w * 0 for w in theirs.get_weights()])
    theirs.load_weights(path, skip_mismatch=True, by_name=True)
    changed = [one.name for one in theirs.layers if one.weights and any(np.any(w) for w in one.get_weights())]
    assert changed == fitting


def _shapes(layer):
    return [tuple(weight.shape) for weight in layer.weights]


def test_by_name_takes_a_part(published):
    """A head of one's own on top: layers the file lacks are reported, not refused."""
    model, path = published
    base = MobileNetV2(**OPTIONS, weights=None)
    ours = lamella.Model(base.input, lamella.layers.Dense(3, name="mine")(base.output))
    report = ours.load_weights(path, by_name=True)
    assert list(report.skipped) == ["mine"] and not report.unused
    assert_same_weights(base, model)
