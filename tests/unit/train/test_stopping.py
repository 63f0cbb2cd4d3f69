"""Loops that a callback ends, and the batches it is called for."""

import numpy as np
import pytest

import lamella as keras

X, Y = np.ones((100, 4), "float32"), np.ones((100, 1), "float32")


def model(**options):
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    made.compile("sgd", "mse", **options)
    return made


class StopAfter(keras.callbacks.Callback):
    def __init__(self, flag, moment, steps):
        super().__init__()
        self.flag, self.steps, self.count = flag, steps, 0
        setattr(self, moment, self.ended)

    def ended(self, batch, logs=None):
        self.count += 1
        if self.count == self.steps:
            setattr(self.model, self.flag, True)


def endless(with_targets):
    while True:
        yield (X[:2], Y[:2]) if with_targets else (X[:2],)


@pytest.mark.parametrize(
    ("method", "flag", "moment"),
    [
        ("fit", "stop_training", "on_train_batch_end"),
        ("evaluate", "stop_evaluating", "on_test_batch_end"),
        ("predict", "stop_predicting", "on_predict_batch_end"),
    ],
)
def test_a_callback_ends_the_loop(method, flag, moment):
    callback, made = StopAfter(flag, moment, 5), model()
    result = getattr(made, method)(endless(method != "predict"), callbacks=[callback], verbose=0)
    assert callback.count == 5 and getattr(made, flag)
    if method == "predict":
        assert result.shape == (10, 1)
        assert made.predict(X, verbose=0).shape == (100, 1), "the next one begins anew"


def test_an_evaluation_that_was_ended_leaves_the_next_whole():
    made = model()
    callback = StopAfter("stop_evaluating", "on_test_batch_end", 1)
    made.evaluate(X, Y, batch_size=10, callbacks=[callback], verbose=0)
    later = StopAfter("stop_evaluating", "on_test_batch_end", 1000)
    made.evaluate(X, Y, batch_size=10, callbacks=[later], verbose=0)
    assert (callback.count, later.count) == (1, 10)


@pytest.mark.parametrize(
    ("every", "begins", "rows"), [(1, list(range(7)), [16] * 6 + [4]), (3, [0, 3, 6], [48, 48, 4])]
)
def test_predict_calls_back_for_each_group_of_steps(every, begins, rows):
    class Seen(keras.callbacks.Callback):
        begins, rows = [], []

        def on_predict_batch_begin(self, batch, logs=None):
            self.begins.append(batch)

        def on_predict_batch_end(self, batch, logs=None):
            self.rows.append(logs["outputs"])

    Seen.begins, Seen.rows, made = [], [], model(steps_per_execution=every)
    predicted = made.predict(X, batch_size=16, callbacks=[Seen()], verbose=0)
    assert Seen.begins == begins and [len(part) for part in Seen.rows] == rows
    np.testing.assert_array_equal(np.concatenate(Seen.rows), predicted)
    np.testing.assert_allclose(predicted, made(X), rtol=1e-6)


def test_each_batch_of_a_prediction_draws_anew():
    x = keras.Input((20,))
    made = keras.Model(x, keras.layers.Dropout(0.5, seed=1)(x, training=True))
    out = made.predict(np.ones((4, 20), "float32"), batch_size=2, verbose=0)
    assert np.abs(out[:2] - out[2:]).sum() > 5


def test_an_epoch_has_the_steps_that_were_asked_for():
    made = model(steps_per_execution=2)
    made.fit(X, Y, batch_size=5, epochs=2, steps_per_epoch=5, verbose=0)
    assert made.optimizer.iterations.numpy() == 10


def test_no_steps_mean_all_of_the_data_as_in_keras():
    made = model()
    with pytest.warns(UserWarning, match="0 steps are taken for None"):
        logs = made.fit(X, Y, steps_per_epoch=0, validation_data=(X, Y), validation_steps=0, verbose=0).history
    assert {*logs} == {"loss", "val_loss"} and made.optimizer.iterations.numpy() == 4
    with pytest.warns(UserWarning, match="0 steps"):
        assert made.predict(X, steps=0, verbose=0).shape == (100, 1)
    with pytest.raises(ValueError, match="number of steps"):
        made.predict(X, steps=-1, verbose=0)
