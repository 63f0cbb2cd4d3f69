"""Data without a sample, for validation and in later epochs: training goes on, or ends, and says so."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import lamella
from lamella.errors import DataError

X, Y = np.ones((8, 3), "float32"), np.ones((8, 2), "float32")


class Batches(lamella.utils.PyDataset):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return X[:4], Y[:4]


def batches(count):
    for _ in range(count):
        yield X[:4], Y[:4]


@pytest.fixture
def model():
    model = lamella.Sequential([lamella.Input((3,)), lamella.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


EMPTY = {
    "arrays": lambda: (X[:0], Y[:0]),
    "dicts": lambda: ({"x": X[:0]}, Y[:0]),
    "weights too": lambda: [X[:0], Y[:0], Y[:0, 0]],
    "PyDataset": lambda: Batches(0),
    "iterable": lambda: _Iterable(),
}


class _Iterable:
    def __iter__(self):
        return batches(0)


@pytest.mark.parametrize("kind", EMPTY)
def test_empty_validation_data_are_left_out(model, kind):
    with pytest.warns(UserWarning, match="No validation"):
        logs = model.fit(X, Y, validation_data=EMPTY[kind](), epochs=2, verbose=0).history
    assert {name: len(values) for name, values in logs.items()} == {"loss": 2, "mae": 2}


def test_an_empty_generator_is_refused(model):
    with pytest.warns(UserWarning), pytest.raises(DataError, match="not one batch"):
        model.fit(X, Y, validation_data=batches(0), verbose=0)


@pytest.mark.parametrize("data", [(), [], (X, Y, None, None)])
def test_other_than_one_to_three_parts_are_refused(model, data):
    with pytest.raises(DataError, match="`validation_data` cannot be used"):
        model.fit(X, Y, validation_data=data, verbose=0)


def test_a_split_leaves_at_least_one_sample_on_each_side(model):
    assert "val_loss" in model.fit(X, Y, validation_split=0.01, verbose=0).history
    with pytest.raises(DataError, match="leaves none to train on"):
        model.fit(X[:1], Y[:1], validation_split=0.2, verbose=0)


@pytest.mark.parametrize("steps", [None, 2])
def test_fit_ends_with_its_generator(model, steps):
    ended = []
    callback = lamella.callbacks.LambdaCallback(on_train_end=lambda logs: ended.append(logs))
    with pytest.warns(UserWarning, match=r"no more batches|ended after 0"):
        history = model.fit(batches(2), epochs=3, steps_per_epoch=steps, verbose=0, callbacks=[callback])
    assert len(history.history["loss"]) == len(ended) == 1
    assert "loss" in ended[0]


def test_training_data_without_a_sample_are_refused(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for data in ((X[:0], Y[:0]), (Batches(0),), (batches(0),)):
            with pytest.raises(DataError, match=r"empty|not one batch"):
                model.fit(*data, verbose=0)
            with pytest.raises(DataError, match=r"empty|not one batch"):
                model.evaluate(*data, verbose=0)
