"""What steps of one's own are given, and return, in Keras's JAX form."""

import jax
import keras as real
import numpy as np
import pytest

import lamella as ours

random = np.random.default_rng(0)
X = random.normal(size=(8, 2)).astype("float32")
Y = random.normal(size=(8, 1)).astype("float32")
W = np.ones(8, "float32")


def form(data):
    """A picture of nested data: A stands for an array."""
    if isinstance(data, dict):
        return {key: form(value) for key, value in data.items()}
    if isinstance(data, (tuple, list)):
        return type(data)(form(value) for value in data)
    return None if data is None else "A"


def seen(keras, run):
    """The data that the steps of a model are given while something runs it."""
    found = []

    class Watched(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def test_step(self, state, data):
            found.append(form(data))
            return {"loss": 0.0}, state

        def predict_step(self, state, data):
            found.append(form(data))
            return np.zeros((8, 1), "float32"), state[1]

    model = Watched()
    model.compile("sgd")
    model(X)
    run(keras, model)
    return found[-1]


def dataset(keras, batch):
    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return batch

    return Data()


ARRAYS = {"x": (X,), "list": ([X, X],), "dict": ({"a": X},), "xy": (X, Y), "tuple": ((X,),)}
BATCHES = {
    "x": X,
    "(x,)": (X,),
    "(x, y)": (X, Y),
    "(x, y, w)": (X, Y, W),
    "[x, y]": [X, Y],
    "dict": {"a": X},
    "(dict, y)": ({"a": X}, Y),
    "((x, x), y)": ((X, X), Y),
    "(x, y, None)": (X, Y, None),
    "(x, None, w)": (X, None, W),
}


@pytest.mark.parametrize("case", list(ARRAYS))
def test_arrays(case):
    def evaluate(keras, model):
        model.evaluate(*ARRAYS[case], verbose=0)

    def predict(keras, model):
        model.predict(ARRAYS[case][0], verbose=0)

    for run in (evaluate, predict):
        assert seen(ours, run) == seen(real, run)


@pytest.mark.parametrize("case", list(BATCHES))
def test_batches_of_a_dataset_and_of_a_generator(case):
    batch = BATCHES[case]

    def evaluate(keras, model):
        model.evaluate(dataset(keras, batch), verbose=0)

    def predict(keras, model):
        model.predict(dataset(keras, batch), verbose=0)

    def generator(keras, model):
        model.evaluate((one for one in [batch, batch]), steps=1, verbose=0)

    for run in (evaluate, predict, *([generator] if isinstance(batch, tuple) else [])):
        assert seen(ours, run) == seen(real, run)


def test_one_batch():
    runs = (
        lambda keras, model: model.test_on_batch(X),
        lambda keras, model: model.test_on_batch(X, Y),
        lambda keras, model: model.predict_on_batch(X),
    )
    for run in runs:
        assert seen(ours, run) == seen(real, run)


def guided(keras):
    """A step as Keras's guide for JAX writes it."""

    class Guided(keras.Model):
        def loss_and_updates(self, trainable, others, x, y):
            y_pred, others = self.stateless_call(trainable, others, x, training=True)
            return self.compute_loss(x, y, y_pred), (y_pred, others)

        def train_step(self, state, data):
            trainable, others, slots, metrics = state
            x, y = data
            function = jax.value_and_grad(self.loss_and_updates, has_aux=True)
            (loss, (y_pred, others)), gradients = function(trainable, others, x, y)
            trainable, slots = self.optimizer.stateless_apply(slots, gradients, trainable)
            after, logs = [], {}
            for metric in self.metrics:
                own = metrics[len(after) : len(after) + len(metric.variables)]
                seen = (loss,) if metric.name == "loss" else (y, y_pred)
                own = metric.stateless_update_state(own, *seen)
                logs[metric.name] = metric.stateless_result(own)
                after += own
            return logs, (trainable, others, slots, after)

    return Guided


def halved(keras):
    """A step that changes the gradients of `compute_loss_and_updates`."""

    class Halved(keras.Model):
        def train_step(self, state, data):
            trainable, others, slots, metrics = state
            x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
            function = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
            (_, aux), gradients = function(
                trainable, others, metrics, x, y, weight, training=True, optimizer_variables=slots
            )
            loss, y_pred, others, metrics = aux
            trainable, slots = self.optimizer.stateless_apply(slots, [0.5 * g for g in gradients], trainable)
            logs, metrics = self._update_metrics_variables(metrics, loss, x, y, y_pred, weight)
            return logs, (trainable, others, slots, metrics)

    return Halved


@pytest.mark.parametrize("kind", [guided, halved])
def test_steps_of_the_guide(kind):
    def trains(keras):
        x = keras.Input((2,))
        hidden = keras.layers.BatchNormalization()(keras.layers.Dense(3, use_bias=False)(x))
        model = kind(keras)(x, keras.layers.Dense(1)(hidden))
        model.set_weights([np.cos(np.arange(np.prod(w.shape)).reshape(w.shape)) for w in model.get_weights()])
        model.compile("adam", "mse", metrics=["mae"])
        history = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
        return history["loss"], model.get_weights()

    (loss, weights), (their_loss, their_weights) = trains(ours), trains(real)
    np.testing.assert_allclose(loss, their_loss, rtol=1e-4)
    for one, other in zip(weights, their_weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_stateless_methods_of_metrics_take_variables():
    def values(keras):
        metric = keras.metrics.Mean()
        after = metric.stateless_update_state(metric.variables, 3.0)
        return [*map(float, after), float(metric.stateless_result(metric.variables)), float(metric.result())]

    assert values(ours) == values(real)
