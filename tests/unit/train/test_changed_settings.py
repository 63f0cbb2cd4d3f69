"""Plain attributes that code reads may be set at any time: compiled steps follow at once."""

import types
import warnings

import numpy as np
import pytest

import lamella as keras
from lamella import layers, ops
from lamella.errors import ArgumentError

random = np.random.default_rng(0)
X = random.normal(size=(8, 4)).astype("float32")
Y = np.zeros((8, 3), "float32")


class Odd(layers.Layer):
    """Reads settings of every kind."""

    shift = 0.0

    def __init__(self):
        super().__init__()
        self.gain = 1.0
        self.table = {"a": 1.0, "many": [1.0, 2.0]}
        self.user = types.SimpleNamespace(tone=1.0)
        self.functions = [ops.tanh]
        self.vector = np.ones(4, "float32")
        self.calls = 0

    def build(self, input_shape):
        self.made_in_build = 1.0

    def call(self, x):
        self.calls += 1  # a result, and no setting: it changes whenever the call is traced
        self.last = x
        x = x * self.gain * self.table["a"] * self.table["many"][1] * self.user.tone * self.vector + self.shift
        for function in self.functions:
            x = function(x)
        return x * self.made_in_build


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [{"odd": Odd()}]
        self.head = layers.Dense(3, activation="relu")
        self.temperature = 1.0

    def call(self, x):
        return self.head(self.blocks[0]["odd"](x)) / self.temperature


def trained():
    model = Net()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(X, Y, verbose=0)
    model.predict(X, verbose=0)
    return model, model.blocks[0]["odd"]


CHANGES = {
    "attribute of the model": lambda model, odd: setattr(model, "temperature", 2.0),
    "attribute of a layer": lambda model, odd: setattr(odd, "gain", -1.0),
    "function of a layer": lambda model, odd: setattr(model.head, "activation", keras.activations.softmax),
    "dict": lambda model, odd: odd.table.update(a=0.5),
    "list in a dict": lambda model, odd: odd.table["many"].__setitem__(1, 0.1),
    "user's object": lambda model, odd: setattr(odd.user, "tone", 0.3),
    "list of functions": lambda model, odd: odd.functions.append(ops.sin),
    "another array": lambda model, odd: setattr(odd, "vector", np.full(4, 3.0, "float32")),
    "an array in place": lambda model, odd: odd.vector.__setitem__(0, 3.0),
    "made in build": lambda model, odd: setattr(odd, "made_in_build", 0.2),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_predict_evaluate_and_fit_follow(change):
    model, odd = trained()
    before = model.predict(X, verbose=0)
    CHANGES[change](model, odd)
    now = np.asarray(model(X))
    assert not np.allclose(before, now)
    np.testing.assert_allclose(model.predict(X, verbose=0), now, atol=1e-5)
    loss = np.mean(now**2)
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), loss, rtol=1e-4)
    np.testing.assert_allclose(model.fit(X, Y, verbose=0).history["loss"][0], loss, rtol=1e-4)
    np.testing.assert_allclose(model.train_on_batch(X, Y), loss, rtol=1e-4)


def test_attribute_of_the_class():
    model, _ = trained()
    Odd.shift = 1.0
    try:
        np.testing.assert_allclose(model.predict(X, verbose=0), np.asarray(model(X)), atol=1e-5)
    finally:
        Odd.shift = 0.0


def test_nothing_is_compiled_anew_where_nothing_changed():
    model, odd = trained()
    model.evaluate(X, Y, verbose=0)
    calls = odd.calls
    for _ in range(2):
        model.fit(X, Y, epochs=2, verbose=0)
        model.evaluate(X, Y, verbose=0)
        model.predict(X, verbose=0)
        model.train_on_batch(X, Y)
        model.head.units = model.head.units  # the same value
    assert odd.calls == calls


def test_a_call_outside_of_fit_that_keeps_results_compiles_nothing_anew():
    model, odd = trained()
    model(X)
    calls = odd.calls
    model.predict(X, verbose=0)
    assert odd.calls == calls


def test_settings_as_they_were_take_the_program_they_had():
    model, odd = trained()
    model.temperature = 2.0
    model.predict(X, verbose=0)
    calls = odd.calls
    for temperature in (1.0, 2.0, 1.0):
        model.temperature = temperature
        model.predict(X, verbose=0)
    assert odd.calls == calls


def test_loss_metric_and_optimizer():
    model = keras.Sequential([layers.Input((4,)), layers.Dense(3)])
    metric = keras.metrics.BinaryAccuracy(threshold=0.5, name="accuracy")
    model.compile(keras.optimizers.SGD(1.0), keras.losses.Huber(delta=1.0), metrics=[metric])
    weights, target = model.get_weights(), Y + 9

    def step():
        model.set_weights(weights)
        model.fit(X, target, verbose=0)
        return np.abs(model.get_weights()[0] - weights[0]).max()

    free, loss = step(), model.evaluate(X, target, verbose=0)[0]
    model.optimizer.clipnorm = 1e-3
    assert step() <= 1e-3 < free
    model.loss.delta = 0.1
    metric.threshold = -100.0
    after = model.evaluate(X, target, verbose=0, return_dict=True)
    assert after["loss"] < loss / 5
    assert after["accuracy"] == 0.0
    assert model.loss.get_config()["delta"] == 0.1


class Anneals(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.layers[0].factor = float(epoch)


class Scaled(layers.Layer):
    factor = 0.0

    def call(self, x):
        return ops.ones_like(x) * self.factor


def test_what_a_callback_sets_holds_in_its_epoch_and_is_told_where_it_changes_often():
    model = keras.Sequential([layers.Input((4,)), Scaled()])
    model.compile("sgd", "mae")
    with pytest.warns(UserWarning, match=r"factor has changed 4 times.*keras\.Variable"):
        history = model.fit(X, np.zeros_like(X), epochs=6, verbose=0, callbacks=[Anneals()]).history
    assert history["loss"] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_what_a_callback_sets_before_a_batch_holds_in_it():
    class Toggles(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.layers[0].factor = float(batch % 2)

    model = keras.Sequential([layers.Input((4,)), Scaled()])
    model.compile("sgd", "mae")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loss = model.fit(X, np.zeros_like(X), batch_size=2, verbose=0, callbacks=[Toggles()]).history["loss"]
    assert loss == [0.5]


@pytest.mark.parametrize(
    "layer", [layers.Dropout(0.0), layers.SpatialDropout1D(0.0), layers.GaussianDropout(0.0), layers.AlphaDropout(0.0)]
)
def test_a_rate_of_0_may_be_raised(layer):
    model = keras.Sequential([layers.Input((5, 4)), layer])
    model.compile("sgd", "mse")
    x = np.ones((6, 5, 4), "float32")
    assert model.train_on_batch(x, x) == 0
    layer.rate = 0.5
    assert model.train_on_batch(x, x) > 0
    with pytest.raises(ArgumentError, match="rate"):
        layer.rate = 1.5


def test_features_of_a_frozen_part_are_computed_anew():
    base = keras.Sequential([layers.Input((4,)), layers.Dense(5, activation="relu")])
    base.trainable = False
    model = keras.Sequential([layers.Input((4,)), base, layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(X, Y, epochs=2, verbose=0)

    class Switches(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            base.layers[0].activation = keras.activations.tanh

    base.layers[0].activation = keras.activations.sigmoid
    first = np.mean(np.asarray(model(X)) ** 2)
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[Switches()]).history["loss"]
    last = np.mean(np.asarray(model(X)) ** 2)
    np.testing.assert_allclose(history, [first, last, last], rtol=1e-5)
