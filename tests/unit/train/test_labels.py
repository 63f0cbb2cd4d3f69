"""Class numbers out of range are refused before the first step, where no one said that they do not count."""

import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.errors import DataError

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
RIGHT = np.arange(40) % 3
WRONG = RIGHT.copy()
WRONG[17], WRONG[20] = 3, -1


def build(loss="sparse_categorical_crossentropy", cls=keras.Sequential):
    model = cls([layers.Input((4,)), layers.Dense(3, activation="softmax", name="kinds")])
    model.compile("sgd", loss, metrics=["accuracy"])
    return model


@pytest.mark.parametrize("labels", [WRONG, WRONG[:, None], WRONG.astype("float32"), WRONG.tolist()])
def test_arrays(labels):
    model = build()
    before = model.get_weights()
    with pytest.raises(DataError, match=r"fit\(\): y has label 3 at sample 17 \(2 of 40 .* 3 classes") as told:
        model.fit(X, labels, verbose=0)
    assert told.value.expected == "labels from 0 to 2" and "4 units" in told.value.fix
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


@pytest.mark.parametrize("method", ["evaluate", "train_on_batch", "test_on_batch"])
def test_other_methods(method):
    with pytest.raises(DataError, match=rf"{method}\(\): y has label 3"):
        getattr(build(), method)(X, WRONG)


def test_validation_and_first_batches():
    with pytest.raises(DataError, match=r"^fit\(validation_data=…\): y has label 3"):
        build().fit(X, RIGHT, validation_data=(X, WRONG), verbose=0)
    with pytest.raises(DataError, match="label -1 at sample 0") as told:
        build().fit(((X, RIGHT - 1) for _ in range(2)), verbose=0)
    assert "units" not in told.value.fix


def test_nan_is_no_class():
    with pytest.raises(DataError, match="label nan at sample 2"):
        build().fit(X, np.where(np.arange(40) == 2, np.nan, RIGHT), verbose=0)


def test_several_outputs():
    x = layers.Input((4,))
    model = keras.Model(x, {"a": layers.Dense(3, name="a")(x), "b": layers.Dense(5, name="b")(x)})
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", {"a": loss, "b": loss})
    model.fit(X, {"a": RIGHT, "b": RIGHT + 2}, verbose=0)
    with pytest.raises(DataError, match=r"label 5 .* output 'b' has 5 classes"):
        model.fit(X, {"a": RIGHT, "b": RIGHT + 3}, verbose=0)


def test_what_does_not_count():
    weights = np.where(RIGHT == WRONG, 1.0, 0.0)
    build().fit(X, WRONG, sample_weight=weights, verbose=0)
    ignoring = keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    build(ignoring).fit(X, np.where(WRONG == 3, -1, WRONG), verbose=0)
    with pytest.raises(DataError, match="1 of 40"):
        build(ignoring).fit(X, WRONG, verbose=0)


def test_masked_steps_may_have_any_label():
    def sequences(mask_zero):
        tokens = layers.Input((5,), dtype="int32")
        model = keras.Model(tokens, layers.Dense(3)(layers.Embedding(7, 4, mask_zero=mask_zero)(tokens)))
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    tokens, labels = np.array([[1, 2, 3, 0, 0]] * 4), np.array([[0, 1, 2, -1, -1]] * 4)
    sequences(mask_zero=True).fit(tokens, labels, verbose=0)
    with pytest.raises(DataError, match="label -1"):
        sequences(mask_zero=False).fit(tokens, labels, verbose=0)


class Own(keras.Sequential):
    """Makes something else of the targets."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x, y % 3, y_pred, sample_weight, training)


def test_a_loss_of_the_users():
    build(cls=Own).fit(X, WRONG, verbose=0)
    build(lambda y, p: keras.losses.sparse_categorical_crossentropy(y, p)).fit(X, WRONG, verbose=0)
