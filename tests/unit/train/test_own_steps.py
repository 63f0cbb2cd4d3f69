"""Steps that users write: in either form, without compile, on batches of any form."""

import jax
import numpy as np
import pytest

import lamella as keras
from lamella import layers, ops
from lamella.errors import ArgumentError, StateError

random = np.random.default_rng(0)
X = random.normal(size=(12, 3)).astype("float32")
Y = random.normal(size=(12, 1)).astype("float32")


def net(cls):
    x = keras.Input((3,))
    model = cls(x, layers.Dense(1, kernel_initializer="ones")(x))
    return model


def trained(cls, **options):
    model = net(cls)
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"], **options)
    history = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    return history, model.get_weights()


def test_a_pass_through_of_any_signature_changes_nothing():
    class Any(keras.Model):
        def train_step(self, *args, **kwargs):
            assert len(args) == 2  # (state, data), as Keras calls it on JAX
            return super().train_step(*args, **kwargs)

    class State(keras.Model):
        def train_step(self, state, data):
            return super().train_step(state, data)

    class Named(keras.Model):
        def train_step(self, state, data):
            return super().train_step(state=state, data=data)

    class Data(keras.Model):
        def train_step(self, data):
            return super().train_step(data)

    class More(keras.Model):
        def train_step(self, data, extra=None):
            assert extra is None
            return super().train_step(data)

    history, weights = trained(keras.Model)
    for cls in (Any, State, Named, Data, More):
        other, others = trained(cls)
        np.testing.assert_allclose(other["loss"], history["loss"], rtol=1e-5)
        np.testing.assert_allclose(other["mae"], history["mae"], rtol=1e-5)
        for ours, theirs in zip(weights, others, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_a_state_of_another_length_is_refused():
    model = net(keras.Model)
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match="another state than the model has"):
        model.test_step(([], [], []), (X, Y))


class TwoOptimizers(keras.Model):
    """Its own `compile`, no loss, and two parts that learn in turn."""

    def __init__(self):
        super().__init__()
        self.first = keras.Sequential([layers.Input((3,)), layers.Dense(1)])
        self.second = keras.Sequential([layers.Input((3,)), layers.Dense(1)])

    def compile(self, first_optimizer, second_optimizer):
        super().compile()
        self.optimizers = {self.first: first_optimizer, self.second: second_optimizer}
        self.first_optimizer, self.second_optimizer = first_optimizer, second_optimizer
        self.tracker = keras.metrics.Mean(name="distance")

    @property
    def metrics(self):
        return [self.tracker]

    def call(self, x):
        return self.first(x)

    def train_step(self, x):  # x alone comes as it is
        for part, optimizer in ((self.first, self.first_optimizer), (self.second, self.second_optimizer)):
            variables = part.trainable_variables

            def loss_of(values, part=part):
                return ops.mean(part.stateless_call(values, [], x)[0] ** 2)

            loss, gradients = jax.value_and_grad(loss_of)([variable.value for variable in variables])
            optimizer.apply(gradients, variables)
        self.tracker.update_state(loss)
        return {"distance": self.tracker.result()}


def test_two_optimizers_and_x_alone():
    model = TwoOptimizers()
    model.compile(keras.optimizers.Adam(0.1), keras.optimizers.SGD(0.1))
    history = model.fit(X, epochs=3, verbose=0).history["distance"]
    assert history[2] < history[0]


class Uncompiled(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)
        self.sgd = keras.optimizers.SGD(0.1)

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data
        variables = self.trainable_variables
        loss, gradients = jax.value_and_grad(lambda v: ops.mean((self.stateless_call(v, [], x)[0] - y) ** 2))(
            [variable.value for variable in variables]
        )
        self.sgd.apply(gradients, variables)
        return {"loss": loss}


def test_fit_without_compile_where_the_step_is_the_users():
    model = Uncompiled()
    model(X)
    history = model.fit(X, Y, epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert not model.compiled
    with pytest.raises(StateError, match="evaluate"):  # whose step is not
        model.evaluate(X, Y, verbose=0)
    with pytest.raises(StateError, match="fit"):
        net(keras.Model).fit(X, Y)


class Spends(keras.Model):
    def compute_loss(self, y, y_pred):
        return ops.mean(ops.abs(y - y_pred))

    def compute_metrics(self, x, y_pred):
        return {"size": ops.mean(y_pred)}


def test_losses_and_metrics_take_what_they_name():
    model = net(Spends)
    model.compile("sgd")
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(logs) == ["size"]
    loss = model.stateless_compute_loss(
        model.trainable_variables, model.non_trainable_variables, model.metrics_variables, X, Y, np.asarray(model(X))
    )[0]
    np.testing.assert_allclose(loss, np.mean(np.abs(Y - np.asarray(model(X)))), rtol=1e-6)


def test_a_function_of_the_users_runs_the_steps():
    calls = []

    class Function(keras.Model):
        def make_train_function(self, force=False):
            step = jax.jit(self.train_step)

            def train_function(state, iterator):
                calls.append(1)
                return step(state, next(iterator))

            self.train_function = train_function

    history, weights = trained(keras.Model)
    other, others = trained(Function)
    assert len(calls) == 6
    np.testing.assert_allclose(other["loss"], history["loss"], rtol=1e-5)
    np.testing.assert_allclose(others[0], weights[0], rtol=1e-5)


def test_functions_as_keras_calls_them():
    model = net(keras.Model)
    model.compile("sgd", "mse")
    assert model.train_function is model.test_function is model.predict_function is None
    model.fit(X, Y, verbose=0)
    state = [list(model.trainable_variables), [], list(model.optimizer.variables), list(model.metrics_variables)]
    values = tuple([variable.value for variable in one] for one in state)
    before = model.get_weights()[0]
    logs, after = model.train_function(values, iter([(X, Y)]))
    assert float(logs["loss"]) > 0
    assert not np.allclose(after[0][0], before)
    np.testing.assert_array_equal(model.get_weights()[0], before)
    outputs, _ = model.make_predict_function()((values[0], []), iter([(X,)]))
    np.testing.assert_allclose(outputs, model.predict(X, verbose=0), rtol=1e-5)
    model.jax_state_sync()


class Convolution(layers.Layer):
    """Sums what comes over the edges of a graph."""

    def build(self, shapes):
        self.kernel = self.add_weight(shape=(3, 2))

    def call(self, inputs):
        nodes, edges = inputs
        return ops.segment_sum(ops.take(ops.matmul(nodes, self.kernel), edges[0], axis=0), edges[1], num_segments=8)


class Graphs(keras.Model):
    def __init__(self):
        super().__init__()
        self.convolution = Convolution()

    def call(self, inputs):
        return self.convolution(inputs)


class GraphData(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        nodes, edges = X[:8], np.stack([np.arange(10) % 8, (np.arange(10) + index) % 8])
        return (nodes, edges), np.ones((8, 2), "float32")


def test_arrays_of_unequal_size_in_one_batch():
    model = Graphs()
    model.compile("sgd", "mse", metrics=["mae"])
    assert model.fit(GraphData(), verbose=0).history["loss"][0] > 0
    assert model.evaluate(GraphData(), verbose=0)[0] > 0
    assert model.train_on_batch(*GraphData()[0])[0] > 0
    assert model.predict_on_batch(GraphData()[0][0]).shape == (8, 2)


def test_a_mixin_is_not_called():
    class Mixin:
        def __init__(self, needed):
            self.needed = needed

    class Mixed(keras.Model, Mixin):
        def __init__(self):
            super().__init__()
            Mixin.__init__(self, 5)

    assert Mixed().needed == 5
