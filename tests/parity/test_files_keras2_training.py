"""How models of Keras 1 and 2 were trained: old names, and states of optimizers told by positions."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from keras2_files import dense, dense_weights, sequential, write

import lamella
from lamella import layers as L
from lamella.errors import FileError

X, Y = (np.random.default_rng(1).normal(size=(5, width)).astype("float32") for width in (4, 2))
CONFIG = sequential([dense("d0", 3, batch_input_shape=[None, 4]), dense("d1", 2)])
SAID = {  # {optimizer: what its config said besides the rate, before 2.3}
    "SGD": {"momentum": 0.9, "nesterov": False},
    "RMSprop": {"rho": 0.9, "epsilon": 1e-7},
    "Adagrad": {"epsilon": 1e-7},
    "Adadelta": {"rho": 0.95, "epsilon": 1e-7},
    "Adam": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": None, "amsgrad": False},
    "Adamax": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
}
SLOTS = {
    "SGD": ("momentum",),
    "RMSprop": ("velocity",),
    "Adagrad": ("accumulator",),
    "Adadelta": ("accumulated_grad", "accumulated_delta_var"),
    "Adam": ("momentum", "velocity"),
    "Adamax": ("momentum", "norm"),
}
COUNTED = ("SGD", "Adam", "Adamax")  # the others did not write the steps


def training(kind, loss="mse", metrics=(), **said):
    config = {"class_name": kind, "config": {"lr": 0.01, "decay": 0.0, **said}}
    return {
        "loss": loss,
        "metrics": list(metrics),
        "sample_weight_mode": None,
        "loss_weights": None,
        "optimizer_config": config,
    }


def saved(tmp_path, training, optimizer=None, weights=None):
    weights = weights or {"d0": dense_weights("d0", 4, 3), "d1": dense_weights("d1", 3, 2)}
    return write(tmp_path / "m.h5", weights, CONFIG, training, optimizer, version="2.2.4")


def positions(kind, model):
    """The state as it was written: the slots one after the other, under names that say nothing."""
    optimizer = model.optimizer
    arrays = [np.asarray(optimizer.slot(v, slot)) for slot in SLOTS[kind] for v in model.trainable_variables]
    arrays += [np.zeros(1, "float32")] * (4 if kind == "Adam" else 0)  # of an amsgrad that is not used
    names = [f"training/{kind}/Variable{f'_{number}' if number else ''}:0" for number in range(len(arrays))]
    steps = {f"{kind}/iterations:0": np.float32(optimizer.iterations)} if kind in COUNTED else {}
    return {**steps, **dict(zip(names, arrays, strict=True))}


@pytest.mark.parametrize("kind", SLOTS)
def test_states_by_their_positions(tmp_path, kind):
    model = lamella.Sequential([lamella.Input((4,)), L.Dense(3, name="d0"), L.Dense(2, name="d1")])
    said = {key: value for key, value in SAID[kind].items() if value is not None}
    model.compile(getattr(lamella.optimizers, kind)(0.01, **said), "mse")
    model.fit(X, Y, epochs=3, shuffle=False, verbose=0)
    parts = ("kernel", "bias")
    weights = {
        one.name: {f"{one.name}/{part}:0": w for part, w in zip(parts, one.get_weights(), strict=True)}
        for one in model.layers
    }
    path = saved(tmp_path, training(kind, **SAID[kind]), positions(kind, model), weights)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copy = lamella.saving.load_model(path)
    assert int(copy.optimizer.iterations) == (3 if kind in COUNTED else 0)
    histories = [one.fit(X, Y, epochs=3, shuffle=False, verbose=0).history["loss"] for one in (model, copy)]
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-6)


def test_positions_that_do_not_fit(tmp_path):
    state = {"Adam/iterations:0": np.float32(3), "training/Adam/Variable:0": np.ones((4, 3), "float32")}
    with pytest.warns(UserWarning, match="the optimizer's state does not fit; it starts anew"):
        model = lamella.saving.load_model(saved(tmp_path, training("Adam"), state))
    assert int(model.optimizer.iterations) == 0


def test_nadam_with_its_schedule(tmp_path):
    model = lamella.saving.load_model(saved(tmp_path, training("Nadam", schedule_decay=0.004, epsilon=1e-8)))
    assert type(model.optimizer).__name__ == "Nadam" and float(model.optimizer.learning_rate) == pytest.approx(0.01)
    model.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cosine_proximity", "cosine_similarity"),
        ("huber_loss", "huber"),
        ("kullback_leibler_divergence", "kl_divergence"),
        ("logcosh", "log_cosh"),
    ],
)
def test_losses_by_their_old_names(tmp_path, old, new):
    metrics = ["acc", *([] if old == "huber_loss" else [old])]
    model = lamella.saving.load_model(saved(tmp_path, training("SGD", {"d1": old}, metrics)))
    assert model.loss == {"d1": new}
    assert np.isfinite(model.evaluate(X, Y, verbose=0)).all()


def test_a_scale_of_the_loss_before_2_4(tmp_path):
    scale = {"class_name": "DynamicLossScale", "config": {"initial_loss_scale": 1024.0, "increment_period": 100}}
    inner = {"class_name": "Adam", "config": {"learning_rate": 0.5, "decay": 0.0}}
    told = training("SGD")
    told["optimizer_config"] = {"class_name": "LossScaleOptimizer", "config": {"optimizer": inner, "loss_scale": scale}}
    optimizer = lamella.saving.load_model(saved(tmp_path, told)).optimizer
    assert (optimizer.initial_scale, optimizer.dynamic_growth_steps) == (1024.0, 100)
    assert float(optimizer.inner_optimizer.learning_rate) == 0.5


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (training("TFOptimizer"), r"optimizer of TensorFlow 1(.|\n)*pass compile=False, and compile"),
        (training("Mine"), r"'Mine'(.|\n)*custom_objects=\{'Mine': Mine\}; or pass compile=False"),
        (training("SGD", "my_loss"), r"'my_loss'(.|\n)*pass compile=False"),
    ],
)
def test_what_cannot_be_compiled_says_how_to_do_without(tmp_path, told, words):
    path = saved(tmp_path, told)
    with pytest.raises(FileError, match=words):
        lamella.saving.load_model(path)
    assert not lamella.saving.load_model(path, compile=False).compiled
