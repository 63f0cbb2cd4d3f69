"""TensorBoard: the events are read back from the files."""

import struct
import sys

import numpy as np
import pytest

import lamella as L
from lamella.callbacks import TensorBoard
from lamella.errors import ArgumentError, MissingExtraError

X, Y = np.ones((12, 3), "float32"), np.ones((12, 1), "float32")


def events(folder):
    """{tag: {step: value}} of all event files in a folder, and {plugin: text}."""
    from tensorboardX.proto.event_pb2 import Event

    found, plugins = {}, {}
    for path in sorted(folder.glob("events.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += 16 + length
            for value in event.summary.value:
                kind = value.WhichOneof("value")
                found.setdefault(value.tag, {})[event.step] = getattr(value, kind)
                if kind == "tensor":
                    plugins[value.metadata.plugin_data.plugin_name] = value.tensor.string_val[0].decode()
    return found, plugins


def fitted(folder, epochs=2, **options):
    pytest.importorskip("tensorboardX")
    model = L.Sequential([L.Input((3,)), L.layers.Dense(2, name="d"), L.layers.Dense(1, name="e")])
    model.compile(L.optimizers.SGD(0.03125), "mse", metrics=["mae"])
    board = TensorBoard(folder, **options)
    history = model.fit(X, Y, 4, epochs, validation_data=(X, Y), callbacks=[board], verbose=0).history
    return model, history, board


def test_epochs(tmp_path):
    model, history, _ = fitted(tmp_path)
    train, plugins = events(tmp_path / "train")
    validation, _ = events(tmp_path / "validation")
    names = {"epoch_loss", "epoch_mae", "epoch_learning_rate", "keras"}
    assert set(train) == names and train["epoch_learning_rate"] == {0: 0.03125, 1: 0.03125}
    assert list(train["epoch_loss"].values()) == pytest.approx(history["loss"])
    assert list(validation["epoch_mae"].values()) == pytest.approx(history["val_mae"])
    assert list(validation["evaluation_loss_vs_iterations"]) == [3, 6]
    assert L.models.model_from_json(plugins["graph_keras_model"]).count_params() == model.count_params()


def test_batches_are_heard_only_when_written(tmp_path):
    _, _, board = fitted(tmp_path, epochs=1)
    assert not L.callbacks.CallbackList([board]).wants_batches("train")
    assert L.callbacks.CallbackList([TensorBoard(tmp_path, update_freq=1)]).wants_batches("train")
    assert L.callbacks.CallbackList([TensorBoard(tmp_path, profile_batch=2)]).wants_batches("train")


@pytest.mark.parametrize(("freq", "steps"), [("batch", [1, 2, 3, 4, 5, 6]), (2, [2, 4, 6]), (4, [4])])
def test_batches(tmp_path, freq, steps):
    fitted(tmp_path, update_freq=freq, write_steps_per_second=True, write_graph=False)
    train, plugins = events(tmp_path / "train")
    assert list(train["batch_loss"]) == list(train["batch_steps_per_second"]) == steps and not plugins
    assert train["epoch_steps_per_second"][1] > 0


def test_weights(tmp_path):
    model, _, _ = fitted(tmp_path, epochs=3, histogram_freq=2, write_images=True)
    train, _ = events(tmp_path / "train")
    histograms = {tag: found for tag, found in train.items() if tag.endswith("/histogram")}
    assert set(histograms) == {f"{w.path}/histogram" for w in model.weights}
    last = histograms[f"{model.layers[0].kernel.path}/histogram"]
    assert list(last) == [0, 2] and last[2].num == 6
    assert last[2].max == pytest.approx(model.layers[0].kernel.numpy().max())
    image = train[f"{model.layers[0].kernel.path}/image/0"][2]
    assert (image.height, image.width) == (2, 3)


def test_images_of_weights():
    from lamella.callbacks.tensorboard import _images

    sizes = [[image.shape for image in _images(np.zeros(shape))] for shape in ((4,), (5, 2), (3, 3, 1, 8), (2,) * 4)]
    assert sizes == [[(4, 1)], [(2, 5)], [(3, 3)] * 3, []]


def test_a_trace(tmp_path):
    fitted(tmp_path, epochs=1, profile_batch="2,3")
    assert list((tmp_path / "train" / "plugins" / "profile").rglob("*.pb"))


def test_evaluation_alone(tmp_path):
    model, _, _ = fitted(tmp_path / "a")
    results = model.evaluate(X, Y, callbacks=[TensorBoard(tmp_path / "b", write_graph=False)], verbose=0)
    found, _ = events(tmp_path / "b" / "validation")
    assert found["evaluation_loss_vs_iterations"] == {6: pytest.approx(results[0])}


@pytest.mark.parametrize("optimizer", ["scaled", "several"])
def test_learning_rates(tmp_path, optimizer):
    pytest.importorskip("tensorboardX")
    sgd = L.optimizers.SGD(0.5, name="slow")
    board = TensorBoard(tmp_path)
    board.set_model(L.Sequential([L.Input((3,)), L.layers.Dense(1)]))
    assert board._learning_rates() == {}
    board.model.optimizer = L.optimizers.LossScaleOptimizer(sgd)
    if optimizer == "several":
        board.model.optimizer = type("Several", (), {"optimizers": [sgd]})()
    name = {"scaled": "learning_rate", "several": "learning_rate_slow"}[optimizer]
    assert board._learning_rates() == {name: 0.5}
    board._close()


@pytest.mark.parametrize(
    "options",
    [
        {"embeddings_freq": 1},
        {"embeddings_metadata": "m.tsv"},
        {"update_freq": 0},
        {"update_freq": "day"},
        {"histogram_freq": -1},
        {"profile_batch": -1},
        {"profile_batch": (3, 2)},
        {"profile_batch": "a,b"},
    ],
)
def test_refused(options):
    with pytest.raises(ArgumentError):
        TensorBoard("logs", **options)


def test_it_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtraError, match=r"lamella\[tensorboard\]"):
        TensorBoard("logs")
