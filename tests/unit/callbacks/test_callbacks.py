"""Callbacks, with a model that only remembers what it was asked."""

import io
import json
import math
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import jax.numpy as jnp
import numpy as np
import pytest

import lamella.optimizers as opt
from lamella import ops
from lamella.callbacks import (
    BackupAndRestore,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    Progbar,
    ProgbarLogger,
    ReduceLROnPlateau,
    RemoteMonitor,
    SwapEMAWeights,
    TerminateOnNaN,
)
from lamella.config import disable_interactive_logging, enable_interactive_logging
from lamella.errors import ArgumentError, DtypeError, FileError, LamellaError, StateError, UnknownNameError
from lamella.state import Variable


class Metric:
    def __init__(self, name, direction=None, metrics=()):
        self.name, self._direction, self.metrics = name, direction, list(metrics)


class Model:
    built = True

    def __init__(self, optimizer=None, metrics=()):
        self.optimizer = optimizer or opt.SGD(0.5)
        self.metrics, self.stop_training, self.saved, self.weights = list(metrics), False, [], 0
        self.trainable_variables, self._initial_epoch = [], None

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path, overwrite=True):
        self._write(path)

    def save_weights(self, path, overwrite=True):
        self._write(path)

    def _write(self, path):
        self.saved.append(os.path.basename(path))
        with open(path, "w") as file:
            file.write(str(self.weights))

    def load_weights(self, path):
        with open(path) as file:
            text = file.read()
        if text == "broken":
            raise FileError("broken")
        self.weights = int(text)


def fit(callbacks, logs, model=None, steps=2, **params):
    """What fit does, with given logs of each epoch; returns the epochs that ran."""
    model = model or Model()
    hooks = CallbackList(callbacks, add_history=True, model=model, verbose=0, epochs=len(logs), steps=steps, **params)
    hooks.on_train_begin()
    for epoch, told in enumerate(logs):
        model.weights = epoch
        hooks.on_epoch_begin(epoch)
        for batch in range(steps):
            hooks.on_train_batch_begin(batch)
            hooks.on_train_batch_end(batch, {"loss": jnp.float32(1.0)})
        hooks.on_epoch_end(epoch, dict(told))
        if model.stop_training:
            break
    hooks.on_train_end(dict(logs[-1]))
    return model


def losses(*values):
    return [{"val_loss": value} for value in values]


# The list


def test_all_moments_reach_a_callback_in_order():
    class Recorder(Callback):
        def __init__(self):
            super().__init__()
            self.seen = []

    def recording(name):
        return lambda self, *place, logs=None: self.seen.append((name, *[p for p in place if not isinstance(p, dict)]))

    moments = [name for name in vars(Callback) if name.startswith("on_")]
    for name in moments:
        setattr(Recorder, name, recording(name))
    recorder = Recorder()
    hooks = CallbackList([[recorder]], model=Model(), epochs=1, steps=1, verbose=0)
    for name in moments:
        getattr(hooks, name)(*([3] if "batch" in name or "epoch" in name else []))
    assert [seen[0] for seen in recorder.seen] == moments
    assert recorder.params == {"epochs": 1, "steps": 1, "verbose": 0}
    assert ("on_predict_batch_end", 3) in recorder.seen


def test_train_batch_moments_fall_back_on_batch_moments():
    class Old(Callback):
        seen = ()

        def on_batch_end(self, batch, logs=None):
            self.seen = (*self.seen, (batch, logs))

    old = Old()
    hooks = CallbackList(old)
    hooks.on_train_batch_end(1, {"loss": jnp.float32(0.5)})
    assert old.seen == ((1, {"loss": 0.5}),) and type(old.seen[0][1]["loss"]) is float
    assert hooks.wants_batches("train") and not hooks.wants_batches("test")


def test_nobody_listens_to_batches():
    class Device:
        def __array__(self, *_):
            raise AssertionError("waited for the device")

    hooks = CallbackList([EarlyStopping()], add_history=True, add_progbar=True, model=Model(), verbose=0, epochs=1)
    assert not any(hooks.wants_batches(mode) for mode in ("train", "test", "predict"))
    hooks.on_train_batch_end(0, {"loss": Device()})
    assert CallbackList(LambdaCallback(on_train_batch_begin=print)).wants_batches("train")
    assert CallbackList(LambdaCallback(on_test_batch_end=print)).wants_batches("test")
    assert CallbackList(TerminateOnNaN()).wants_batches("train")


def test_the_list_refuses_what_is_no_callback():
    with pytest.raises(DtypeError, match=r"write EarlyStopping\(\)"):
        CallbackList([EarlyStopping])
    with pytest.raises(DtypeError, match="LambdaCallback"):
        CallbackList([lambda: 1])


def test_history_is_added_once_and_kept_on_the_model():
    history = History()
    model = fit([history], losses(1.0, 0.5))
    assert model.history is history
    assert history.history == {"val_loss": [1.0, 0.5]} and history.epoch == [0, 1]
    model = fit([], losses(1.0))
    assert model.history.history == {"val_loss": [1.0]}


# Monitoring


def test_early_stopping_restores_the_best():
    stopper = EarlyStopping(patience=2, restore_best_weights=True)
    model = fit([stopper], losses(1.0, 0.5, 0.6, 0.7, 0.1))
    assert (stopper.stopped_epoch, stopper.best_epoch, model.weights) == (3, 1, 1)


def test_early_stopping_options(capsys):
    assert fit([EarlyStopping(min_delta=0.2, patience=1)], losses(1.0, 0.9, 0.1)).history.epoch == [0, 1]
    assert fit([EarlyStopping(baseline=0.5, patience=2)], losses(1.0, 0.9, 0.95, 0.1)).history.epoch == [0, 1, 2]
    assert fit([EarlyStopping(start_from_epoch=3)], losses(1, 2, 3, 4, 5, 6)).history.epoch == [0, 1, 2, 3, 4]
    fit([EarlyStopping(verbose=1, restore_best_weights=True)], losses(1.0, 2.0))
    assert capsys.readouterr().out == (
        "Epoch 2: early stopping\nRestoring model weights from the end of the best epoch: 1.\n"
    )
    with pytest.warns(UserWarning, match="did you mean 'val_loss'"):
        fit([EarlyStopping("val_los")], losses(1.0))
    with pytest.warns(UserWarning, match="no mode 'up'"):
        EarlyStopping(mode="up")


@pytest.mark.parametrize(
    ("monitor", "metrics", "rises"),
    [
        ("val_loss", [], False),
        ("val_accuracy", [], True),
        ("my_score", [Metric("my_score", "up")], True),
        ("my_score", [Metric("all", metrics=[Metric("my_score", "down")])], False),
        ("mean_squared_error", [], False),
    ],
)
def test_the_better_direction(monitor, metrics, rises):
    stopper = EarlyStopping(monitor)
    stopper.set_model(Model(metrics=metrics))
    assert stopper._is_improvement(2.0, 1.0) is rises
    with pytest.raises(ArgumentError, match="mode='max'"):
        fit([EarlyStopping("mystery")], [{"mystery": 1.0}])


def test_checkpoints(tmp_path, capsys):
    path = str(tmp_path / "deep" / "{epoch:02d}-{val_loss:.1f}.keras")
    assert fit([ModelCheckpoint(path)], losses(1.0, 0.5)).saved == ["01-1.0.keras", "02-0.5.keras"]
    best = ModelCheckpoint(tmp_path / "best.keras", save_best_only=True, verbose=1, initial_value_threshold=0.9)
    assert fit([best], losses(1.0, 0.5, 0.7)).saved == ["best.keras"]
    out = capsys.readouterr().out
    assert "Epoch 1: val_loss did not improve from 0.90000" in out
    assert "Epoch 2: val_loss improved from 0.90000 to 0.50000, saving model to " in out
    often = ModelCheckpoint(tmp_path / "b{batch}.weights.h5", save_weights_only=True, save_freq=3)
    assert fit([often], losses(1.0, 1.0, 1.0)).saved == ["b1.weights.h5", "b2.weights.h5"]
    with pytest.warns(UserWarning, match="'val_loss'"):
        assert fit([best], [{"loss": 1.0}]).saved == ["best.keras"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda path: ModelCheckpoint(path / "m.txt"), r"ending in \.keras or \.h5"),
        (lambda path: ModelCheckpoint(path / "m.keras", save_weights_only=True), r"\.weights\.h5"),
        (lambda path: ModelCheckpoint(path / "m.keras", save_freq="batch"), "save_freq"),
        (lambda path: ModelCheckpoint(path / "m.keras", save_freq=0), "save_freq"),
        (lambda path: fit([ModelCheckpoint(path / "{val_los}.keras")], losses(1.0)), "did you mean 'val_loss'"),
        (lambda path: fit([ModelCheckpoint(path / "folder.keras")], losses(1.0)), "it is a folder"),
        (lambda path: ReduceLROnPlateau(factor=1.0), "below 1"),
        (lambda path: ReduceLROnPlateau(epsilon=1.0), "does not know the argument 'epsilon'"),
        (lambda path: BackupAndRestore(""), "backup_dir"),
        (lambda path: BackupAndRestore("d", save_freq=1.5), "save_freq"),
        (lambda path: fit([LearningRateScheduler(lambda epoch: "fast")], losses(1.0)), "must return a number"),
        (lambda path: fit([SwapEMAWeights(True)], losses(1.0)), "use_ema=True"),
        (lambda path: Progbar(3, stateful_metrics=[], stateless_metrics=[]), "not both"),
    ],
)
def test_refused(tmp_path, call, words):
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(LamellaError, match=words):
        call(tmp_path)


def test_learning_rates(capsys):
    model = fit([LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1)], losses(1.0, 1.0))
    assert model.history.history["learning_rate"] == [0.25, 0.125]
    assert "Epoch 2: LearningRateScheduler setting learning rate to 0.125." in capsys.readouterr().out
    model = fit([LearningRateScheduler(lambda epoch: 1.0 + epoch)], losses(1.0, 1.0))
    assert model.history.history["learning_rate"] == [1.0, 2.0]
    several = opt.MultiOptimizer(opt.OptimizerMap(opt.SGD(0.5, name="a"), {"b": opt.SGD(0.25, name="b")}))
    model = fit([LearningRateScheduler(lambda epoch, rate: rate * 2)], losses(1.0), Model(several))
    assert model.history.history["learning_rate_a"] == [1.0]
    assert model.history.history["learning_rate_b"] == [0.5]


def test_reduce_on_plateau():
    reducer = ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, min_lr=0.2)
    model = fit([reducer], losses(*[1.0] * 9))
    assert model.history.history["learning_rate"] == pytest.approx([0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.2)


# The small ones


def test_csv(tmp_path):
    path = tmp_path / "log.csv"
    fit([CSVLogger(path)], [{"b": 1.0, "a": 2.0}, {"b": 3.0, "a": 4.0, "val_a": 5.0}])
    assert path.read_text().splitlines() == ["epoch,a,b,val_a,val_b", "0,2.0,1.0,NA,NA", "1,4.0,3.0,5.0,NA"]
    fit([CSVLogger(path, append=True)], [{"b": 1.0, "a": 2.0}])
    assert path.read_text().splitlines()[-1] == "0,2.0,1.0,NA,NA" and path.read_text().count("epoch") == 1
    fit([CSVLogger(path, separator=";")], [{"b": np.arange(2), "val_b": 1.0}])
    assert path.read_text().splitlines() == ["epoch;b;val_b", "0;[0, 1];1.0"]


def test_lambda():
    seen = []
    fit([LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch), on_train_end=seen.append)], losses(1.0))
    assert seen == [0, {"val_loss": 1.0}]
    with pytest.raises(UnknownNameError, match="on_epoch_end"):
        LambdaCallback(on_epoch_ends=print)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_terminate_on_nan(loss, capsys):
    hooks = CallbackList(TerminateOnNaN(), model=(model := Model()))
    hooks.on_train_batch_end(3, {"loss": jnp.float32(1.0)})
    assert not model.stop_training
    hooks.on_train_batch_end(4, {"loss": jnp.float32(loss)})
    assert model.stop_training and "Batch 4: Invalid loss" in capsys.readouterr().out
    with pytest.raises(StateError, match="batch 4"):
        CallbackList(TerminateOnNaN(raise_error=True), model=model).on_train_batch_end(4, {"loss": loss})


def test_remote_monitor():
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        root = f"http://127.0.0.1:{server.server_port}"
        fit([RemoteMonitor(root, send_as_json=True)], [{"loss": np.float32(0.5)}])
        thread.join()
    assert got[0][0] == "/publish/epoch/end/" and json.loads(got[0][1]) == {"epoch": 0, "loss": 0.5}
    with pytest.warns(UserWarning, match="could not reach"):
        fit([RemoteMonitor(root)], losses(1.0))


def test_swap_ema():
    variable = Variable(np.array([1.0], "float32"), name="w")
    optimizer = opt.SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        optimizer.apply([np.array([1.0], "float32")], [variable])
    assert float(variable[0]) == -1.0
    hooks = CallbackList(SwapEMAWeights(), model=Model(opt.LossScaleOptimizer(optimizer)), epochs=2)
    hooks.on_test_begin()
    assert float(variable[0]) == -0.5
    hooks.on_test_end()
    assert float(variable[0]) == -1.0
    hooks = CallbackList(SwapEMAWeights(swap_on_epoch=True), model=Model(optimizer), epochs=2)
    hooks.on_epoch_begin(1)
    hooks.on_epoch_end(1)
    optimizer.finalize_variable_values([variable])
    assert float(variable[0]) == -0.5


def test_backup_and_restore(tmp_path):
    folder = tmp_path / "backup"

    def crash(epoch, logs):
        if epoch == 1:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fit([BackupAndRestore(folder, double_checkpoint=True), LambdaCallback(on_epoch_end=crash)], losses(1, 1, 1))
    model = Model()
    again = BackupAndRestore(folder)
    CallbackList(again, model=model).on_train_begin()
    assert (model.weights, model._initial_epoch) == (1, 2)
    (folder / "latest.weights.h5").write_text("broken")
    CallbackList(again, model=(model := Model())).on_train_begin()
    assert (model.weights, model._initial_epoch) == (0, 1)
    CallbackList(again, model=model).on_train_end()
    assert not folder.exists()
    model.built = False
    with pytest.raises(StateError, match="built"):
        CallbackList(again, model=model).on_train_begin()


# The progress bar


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def shown(monkeypatch, stream, run, columns="80"):
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERM", "xterm")
    run()
    return stream.getvalue()


def training(verbose=1, epochs=3, steps=5, logs=None):
    def run():
        hooks = CallbackList(add_progbar=True, model=Model(), verbose=verbose, epochs=epochs, steps=steps)
        hooks.on_train_begin()
        for epoch in range(epochs):
            hooks.on_epoch_begin(epoch)
            for batch in range(steps or 5):
                hooks.on_train_batch_end(batch, {"loss": jnp.float32(0.5)})
            hooks.on_epoch_end(epoch, logs or {"accuracy": 0.91, "loss": 0.31, "val_loss": 0.00001})
        hooks.on_train_end()

    return run


@pytest.mark.parametrize("verbose", [1, "auto", 2])
def test_piped_output_is_one_line_an_epoch(monkeypatch, verbose):
    out = shown(monkeypatch, io.StringIO(), training(verbose))
    lines = out.splitlines()
    assert len(lines) == 3 and "\r" not in out and "\x1b" not in out
    assert lines[0].startswith("Epoch 1/3 - 5/5 - 0s ")
    assert lines[0].endswith("/step - accuracy: 0.9100 - loss: 0.3100 - val_loss: 1.0000e-05")


def test_verbose_0_is_silent(monkeypatch):
    assert shown(monkeypatch, Terminal(), training(0)) == ""


def test_on_a_terminal_it_is_drawn_in_place(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    out = shown(monkeypatch, Terminal(), training(epochs=2))
    assert out.startswith("Epoch 1/2\n\r1/5 ━━━━")
    last = out.splitlines()[-1].split("\r")[-1]
    assert last.startswith("5/5 ━━━━━━━━━━━━━━━━━━━━ 0s ") and "val_loss: 1.0000e-05" in last
    assert "\x1b[1m" not in out
    assert out.count("\n") == 4


def test_colour_only_where_it_is_wanted(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m" in shown(monkeypatch, Terminal(), training())


def test_it_fits_the_terminal(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    def run():
        bar = Progbar(1000, interval=0)
        for step in range(3):
            bar.update(step, [(f"a_metric_with_a_long_name_{i}", 0.5) for i in range(9)])

    out = shown(monkeypatch, Terminal(), run, columns="60")
    drawn = [part.removesuffix("\x1b[K") for part in out.split("\r") if part]
    assert len(drawn) == 3 and all(len(part) < 60 for part in drawn)
    assert drawn[-1].endswith("…")


def test_it_draws_at_most_so_often(monkeypatch):
    def run():
        bar = Progbar(10_000, interval=10)
        for step in range(1, 10_000):
            bar.update(step)

    assert shown(monkeypatch, Terminal(), run).count("\r") == 1


def test_unknown_length(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    out = shown(monkeypatch, Terminal(), training(steps=None, epochs=2))
    assert "1/Unknown" in out and "5/5 ━" in out
    assert "5/5" in shown(monkeypatch, io.StringIO(), training(steps=None, epochs=1))


def test_averages(monkeypatch):
    def run():
        bar = Progbar(3, stateful_metrics=["last"])
        for step, value in ((1, 1.0), (3, 4.0)):
            bar.update(step, [("mean", value), ("last", value)], finalize=False)
        bar.add(0)

    out = shown(monkeypatch, io.StringIO(), run)
    assert "mean: 3.0000 - last: 4.0000" in out


def test_a_message_does_not_break_the_bar(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_COLOR", "1")

    def run():
        checkpoint = ModelCheckpoint(tmp_path / "m.keras", verbose=1)
        hooks = CallbackList([checkpoint], add_progbar=True, model=Model(), verbose=1, epochs=1, steps=1)
        hooks.on_epoch_begin(0)
        hooks.on_train_batch_end(0, {"loss": 1.0})
        hooks.on_epoch_end(0, {"loss": 1.0})

    lines = shown(monkeypatch, Terminal(), run, "200").split("\n")
    assert [line.split("\r")[-1][:12] for line in lines] == ["1/1 ━━━━━━━━", "Epoch 1: sav", "1/1 ━━━━━━━━", ""]


def test_evaluate_and_predict_have_bars(monkeypatch):
    def run():
        hooks = CallbackList(add_progbar=True, model=Model(), verbose=1, epochs=1, steps=2)
        for mode in ("test", "predict"):
            getattr(hooks, f"on_{mode}_begin")()
            for batch in range(2):
                getattr(hooks, f"on_{mode}_batch_end")(batch, {"loss": 1.0})
            getattr(hooks, f"on_{mode}_end")({"loss": 0.5})

    lines = shown(monkeypatch, io.StringIO(), run).splitlines()
    assert len(lines) == 2 and "loss: 0.5000" in lines[0] and "loss" not in lines[1]


def test_without_interactive_logging_it_goes_to_the_logger(monkeypatch, caplog):
    disable_interactive_logging()
    try:
        with caplog.at_level("INFO", "lamella"):
            assert shown(monkeypatch, Terminal(), training(epochs=2)) == ""
    finally:
        enable_interactive_logging()
    assert len(caplog.messages) == 2 and caplog.messages[0].startswith("Epoch 1/2 - 5/5")


def test_ascii_terminals(monkeypatch):
    class Ascii(Terminal):
        encoding = "ascii"

    monkeypatch.setenv("NO_COLOR", "1")
    out = shown(monkeypatch, Ascii(), training(epochs=1))
    out.encode("ascii")
    assert "5/5 ====================" in out


def test_progbar_logger_is_found_among_callbacks():
    logger = ProgbarLogger()
    hooks = CallbackList([logger], add_progbar=True, verbose=2, epochs=1, steps=3)
    assert [c for c in hooks.callbacks if isinstance(c, ProgbarLogger)] == [logger]
    assert (logger.verbose, logger.target) == (2, 3)


@pytest.mark.parametrize(("mode", "better", "sign"), [("min", ops.less, -1), ("max", ops.greater, 1)])
def test_which_way_is_better_can_be_read_and_changed(mode, better, sign):
    callback = EarlyStopping("loss", mode=mode, min_delta=0.5)
    assert callback.monitor_op is None and callback.min_delta == 0.5
    assert callback._is_improvement(1.0, 2.0) == (mode == "min")
    assert callback.monitor_op is better and callback.min_delta == sign * 0.5
    callback.monitor_op = lambda value, best: True
    assert callback._is_improvement(5.0, 5.0)
