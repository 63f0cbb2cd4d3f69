"""Frozen features computed once: the same training as without, and never stale."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.errors import ArgumentError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(26, 8, 8, 3)).astype("float32")
Y = RANDOM.integers(0, 3, 26)


def base():
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="c1")(x)
    x = layers.BatchNormalization(name="bn")(x)
    return keras.Model(inputs, layers.Conv2D(5, 3, name="c2")(x), name="base")


def model(before=(), between=(), frozen=True, **call):
    keras.utils.set_random_seed(3)
    bottom = base()
    bottom.trainable = not frozen
    x = inputs = keras.Input((8, 8, 3))
    for layer in before:
        x = layer(x)
    x = bottom(x, **call)
    for layer in between:
        x = layer(x)
    x = layers.GlobalAveragePooling2D()(x)
    return compiled(keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x)))


def compiled(made):
    made.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


def both(make, x=X, y=Y, **options):
    """The histories and weights of two trainings, with and without features."""
    ends = []
    for features in ("auto", False):
        keras.utils.set_random_seed(3)  # before the random layers, which draw their seeds when they are made
        one = make()
        keras.utils.set_random_seed(4)
        extra = {name: value() if callable(value) else value for name, value in options.items()}
        chosen = {"epochs": 4, "batch_size": 8, "verbose": 0, **extra, "frozen_features": features}
        ends.append((one, one.fit(x, y, **chosen).history))
    (one, mine), (other, theirs) = ends
    for name in theirs:
        np.testing.assert_allclose(mine[name], theirs[name], rtol=2e-5, atol=2e-6, err_msg=name)
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-4, atol=2e-6, err_msg=a.path)
    return one._features_.report


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"validation_data": (X[:10] + 1, Y[:10])},
        {"validation_split": 0.3},
        {"sample_weight": np.linspace(0, 1, 26)},
        {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}},
        {"shuffle": False},
        {"shuffle": "batch"},
        {"batch_size": 64},
        {"batch_size": 1, "epochs": 2},
        {"steps_per_epoch": 2},
        {"callbacks": lambda: [keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)]},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_the_same_training(options):
    assert both(model, **options)["training"]["cached"]


def test_what_is_kept():
    report = both(model, validation_data=(X[:10], Y[:10]))
    assert report["training"] == {**report["training"], "layers": 3, "samples": 26, "bytes": 26 * 5 * 4}
    assert report["validation"]["samples"] == 10 and report["validation"]["cached"]


def test_random_layers_end_the_frozen_part():
    report = both(lambda: model(before=[layers.RandomFlip()]), validation_data=(X[:10], Y[:10]))
    assert not report["training"]["cached"] and "random" in report["training"]["why"]
    assert report["validation"]["cached"], "in inference the flip passes its input on"
    report = both(lambda: model(between=[layers.Dropout(0.5)]))
    assert report["training"]["cached"] and report["training"]["bytes"] == 26 * 4 * 4 * 5 * 4


def test_moving_statistics_end_it():
    def make():
        made = model(frozen=False)
        for name in ("c1", "c2"):
            made.get_layer("base").get_layer(name).trainable = False
        return compiled(made)

    report = both(make, validation_data=(X[:10], Y[:10]))
    assert report["training"]["layers"] == report["validation"]["layers"] == 1, "c1 comes before the statistics"

    def still():
        made = model(frozen=False, training=False)
        made.get_layer("base").trainable = True
        for layer in made.get_layer("base").layers[:3]:
            layer.trainable = False
        return compiled(made)

    assert both(still)["training"]["layers"] == 2, "with training=False they stand still; c2 trains"


def test_part_of_a_nested_model():
    def make():
        made = model()
        made.get_layer("base").trainable = True
        made.get_layer("base").get_layer("c1").trainable = False
        return compiled(made)

    assert both(make)["training"]["layers"] == 1


def test_inputs_that_go_around():
    def make():
        keras.utils.set_random_seed(3)
        bottom = base()
        bottom.trainable = False
        inputs = keras.Input((8, 8, 3))
        x = layers.Concatenate()([layers.Flatten()(bottom(inputs)), layers.Flatten()(inputs)])
        return compiled(keras.Model(inputs, layers.Dense(3, activation="softmax")(x)))

    assert both(make)["training"]["cached"]


def test_several_inputs_by_name():
    def make():
        keras.utils.set_random_seed(3)
        a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
        frozen = layers.Dense(6, activation="tanh", trainable=False, name="frozen")
        x = layers.Concatenate()([frozen(a), frozen(b)])
        return compiled(keras.Model({"a": a, "b": b}, layers.Dense(3, activation="softmax")(x)))

    data = {"a": X[:, 0, 0, :1].repeat(4, 1), "b": X[:, 1, 1, :1].repeat(4, 1)}
    assert both(make, x=data)["training"]["bytes"] == 26 * 2 * 6 * 4


def test_subclassed():
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.bottom, self.head = base(), layers.Dense(3, activation="softmax")
            self.pool, self.bottom.trainable = layers.GlobalAveragePooling2D(), False

        def call(self, x):
            return self.head(self.pool(self.bottom(x * 2.0)) + 1.0)

    def make():
        keras.utils.set_random_seed(3)
        return compiled(Mine())

    report = both(make)
    assert not report["training"]["cached"], "plain code at the front is not looked into"


class At(keras.callbacks.Callback):
    """Does something at the beginning of an epoch, or of a batch of it."""

    def __init__(self, what, epoch=2, batch=None):
        super().__init__()
        self.what, self.epoch, self.batch, self.now = what, epoch, batch, -1

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch
        if epoch == self.epoch and self.batch is None:
            self.what(self.model)

    def on_train_batch_begin(self, batch, logs=None):
        if (self.now, batch) == (self.epoch, self.batch):
            self.what(self.model)


def _thaw(made):
    made.get_layer("base").get_layer("c2").trainable = True
    made.get_layer("base")._trainable = True


def _assign(made):
    kernel = made.get_layer("base").get_layer("c1").kernel
    kernel.assign(kernel.numpy() * 2)


def _freeze_head(made):
    made.get_layer("head").bias.trainable = False


@pytest.mark.parametrize("batch", [None, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("what", [_thaw, _assign, _freeze_head])
def test_never_stale(what, batch):
    both(model, callbacks=lambda: [At(what, batch=batch)], validation_data=(X[:10], Y[:10]))


def test_kept_from_fit_to_fit_while_weights_and_data_are_the_same():
    made = model()
    fit = {"epochs": 2, "batch_size": 8, "verbose": 0}
    made.fit(X, Y, **fit)
    assert not made._features_.report["training"]["reused"]
    made.fit(X.copy(), Y, **fit)
    assert made._features_.report["training"]["reused"]
    made.fit(X + 1, Y, **fit)
    assert not made._features_.report["training"]["reused"]
    _assign(made)
    made.fit(X + 1, Y, **fit)
    assert not made._features_.report["training"]["reused"]


def test_budget_and_disk():
    made = model(between=[layers.Dropout(0.1)])
    fit = {"epochs": 2, "batch_size": 8, "verbose": 0}
    made.fit(X, Y, frozen_features={"memory": 100}, **fit)
    assert "budget" in made._features_.report["training"]["why"]
    made.fit(X, Y, frozen_features={"disk": 1 << 20}, **fit)
    assert made._features_.report["training"]["on_disk"]
    for wrong in ("yes", {"memory": "big"}, {"disk": -1}, {"ram": 1}):
        with pytest.raises(ArgumentError, match="frozen_features"):
            made.fit(X, Y, frozen_features=wrong, **fit)


@pytest.mark.parametrize(
    "options, why",
    [
        ({"x": lambda: ((X[:8], Y[:8]) for _ in range(9)), "y": None, "steps_per_epoch": 2}, "no arrays"),
        ({"epochs": 1}, "one epoch"),
        ({"frozen_features": False}, "frozen_features=False"),
    ],
    ids=["generator", "one epoch", "off"],
)
def test_refusals_say_why(options, why):
    made = model()
    x, y = options.pop("x", lambda: X)(), options.pop("y", Y)
    made.fit(x, y, **{"epochs": 2, "batch_size": None if y is None else 8, "verbose": 0, **options})
    assert why in made._features_.report["training"]["why"]


def test_a_step_of_ones_own_is_left_alone():
    class Own(keras.Model):
        def train_step(self, data):
            return super().train_step(data)

    made = model()
    own = compiled(Own(made.inputs[0], made.outputs[0]))
    own.fit(X, Y, epochs=2, verbose=0)
    assert "train_step" in own._features_.report["training"]["why"]


def test_it_is_told(capsys):
    made = model()
    made.fit(X, Y, epochs=2, batch_size=8, verbose=2)
    assert "Frozen features: 3 frozen layers on 26 samples for training" in capsys.readouterr().out
    made = model(before=[layers.RandomFlip()])
    made.fit(X, Y, epochs=2, batch_size=8, verbose=2)
    assert "none kept for training" in capsys.readouterr().out


def test_copies_and_pickles_leave_them_out():
    made = model()
    made.fit(X, Y, epochs=2, batch_size=8, verbose=0)
    assert copy.deepcopy(made)._features_._held == {}
    assert pickle.loads(pickle.dumps(made))._features_._held == {}
