"""Callbacks that decide something, against Keras's on the same logs."""

import itertools

import keras
import numpy as np
import pytest

import lamella.callbacks as L
import lamella.optimizers as opt

RNG = np.random.default_rng(0)
CURVES = [RNG.integers(0, 6, size=12).astype(float) / 5 for _ in range(8)]
STOPPING = [
    {},
    {"patience": 2, "min_delta": 0.2},
    {"patience": 1, "mode": "max", "baseline": 0.5},
    {"patience": 3, "start_from_epoch": 4, "restore_best_weights": True},
]
REDUCING = [
    {"patience": 1, "factor": 0.5},
    {"patience": 2, "cooldown": 2, "min_lr": 0.1, "mode": "max"},
    {"patience": 1, "min_delta": 0.3},
]


class Model:
    def __init__(self, module):
        self.optimizer, self.metrics, self.stop_training = module.SGD(1.0), [], False
        self.weights, self.saved = None, []

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path, overwrite=True):
        self.saved.append(path)


def run(callback, module, curve):
    model = Model(module)
    callback.set_model(model)
    callback.set_params({"epochs": len(curve), "steps": 1, "verbose": 0})
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(curve):
        model.weights = epoch
        callback.on_epoch_begin(epoch)
        callback.on_train_batch_end(0, {"val_loss": float(value)})
        callback.on_epoch_end(epoch, logs := {"val_loss": float(value)})
        rates.append(logs.get("learning_rate"))
        if model.stop_training:
            break
    callback.on_train_end()
    return len(rates), rates, model.weights, model.saved, float(np.asarray(model.optimizer.learning_rate))


def compare(name, options, curve):
    theirs = run(getattr(keras.callbacks, name)(**options), keras.optimizers, curve)
    ours = run(getattr(L, name)(**options), opt, curve)
    assert ours == theirs


@pytest.mark.parametrize(("options", "index"), list(itertools.product(STOPPING, range(8))))
def test_early_stopping(options, index):
    compare("EarlyStopping", options, CURVES[index])


@pytest.mark.parametrize(("options", "index"), list(itertools.product(REDUCING, range(8))))
def test_reduce_on_plateau(options, index):
    compare("ReduceLROnPlateau", options, CURVES[index])


@pytest.mark.parametrize(
    "options",
    [
        {"filepath": "a-{epoch:03d}-{val_loss:.2f}.keras"},
        {"filepath": "a.keras", "save_best_only": True},
        {"filepath": "a.keras", "save_best_only": True, "mode": "max", "initial_value_threshold": 0.5},
        {"filepath": "{epoch}-{batch}.keras", "save_freq": 3},
    ],
)
def test_checkpoint(options):
    for curve in CURVES[:3]:
        compare("ModelCheckpoint", options, curve)


def test_scheduler():
    compare("LearningRateScheduler", {"schedule": lambda epoch, rate: rate * 0.5}, CURVES[0])
    compare("LearningRateScheduler", {"schedule": lambda epoch: 1.0 / (epoch + 1)}, CURVES[0])
