"""Callbacks find a built model when training, evaluation or prediction begins, and no batch is lost for it."""

import numpy as np
import pytest

import lamella as keras
from lamella import layers

X, Y = np.ones((6, 3), "float32"), np.zeros((6, 2), "float32")


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


class OwnStep(Own):
    def train_step(self, data):
        return super().train_step(data)


MODELS = {"sequential": lambda: keras.Sequential([layers.Dense(2)]), "subclass": Own, "own step": OwnStep}


class Look(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = {}

    def look(self, when):
        optimizer = self.model.optimizer
        slots = len(optimizer.variables) if optimizer is not None else None
        self.seen[when] = self.model.built, len(self.model.weights), slots

    def on_train_begin(self, logs=None):
        self.look("train")

    def on_test_begin(self, logs=None):
        self.look("test")

    def on_predict_begin(self, logs=None):
        self.look("predict")


def compiled(name):
    model = MODELS[name]()
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("name", MODELS)
def test_weights_and_slots_are_there(name):
    look = Look()
    compiled(name).fit(X, Y, validation_data=(X, Y), callbacks=[look], verbose=0)
    compiled(name).evaluate(X, Y, callbacks=[train := Look()], verbose=0)
    compiled(name).predict(X, callbacks=[asked := Look()], verbose=0)
    MODELS[name]().predict(X, callbacks=[uncompiled := Look()], verbose=0)
    assert look.seen == {"train": (True, 2, 6), "test": (True, 2, 6)}
    assert train.seen == {"test": (True, 2, 6)}
    assert asked.seen["predict"][:2] == uncompiled.seen["predict"][:2] == (True, 2)


def test_slots_of_a_model_that_was_built_before():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(X, Y, callbacks=[look := Look()], verbose=0)
    assert look.seen["train"] == (True, 2, 6)


def test_backup_and_restore_of_a_model_without_input(tmp_path):
    backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
    assert len(compiled("sequential").fit(X, Y, epochs=2, callbacks=[backup], verbose=0).epoch) == 2


@pytest.mark.parametrize("epochs,steps", [(1, None), (2, 2), (3, 1)])
def test_a_generator_loses_no_batch(epochs, steps):
    count = 4 if steps is None else epochs * steps
    model = keras.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(1.0), lambda y_true, y_pred: y_pred)  # the kernel becomes -Σx
    model.fit(
        ((np.full((2, 1), 2.0**n), Y[:2, :1]) for n in range(count)), epochs=epochs, steps_per_epoch=steps, verbose=0
    )
    assert float(model.weights[0].value[0, 0]) == 1 - 2**count


def test_a_dataset_begins_its_epoch_before_the_first_look():
    class Data(keras.utils.PyDataset):
        events = ()

        def __len__(self):
            return 2

        def __getitem__(self, index):
            self.events += (index,)
            return X, Y

        def on_epoch_begin(self):
            self.events += ("begin",)

        def on_epoch_end(self):
            self.events += ("end",)

    data = Data()
    compiled("sequential").fit(data, epochs=2, shuffle=False, verbose=0)
    assert data.events == ("begin", 0, 1, "end") * 2


def test_what_does_not_fit_is_told_before_training_begins():
    model = keras.Sequential([layers.Conv2D(2, 3)])
    model.compile("sgd", "mse")
    look = Look()
    with pytest.raises(ValueError, match="Conv2D"):
        model.fit(X, Y, callbacks=[look], verbose=0)
    assert look.seen == {}
