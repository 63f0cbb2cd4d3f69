"""What code written for Keras relies on in training: seeds, orders of results, names in the logs."""

import jax
import keras as real
import numpy as np
import pytest

import lamella as ours
from lamella.errors import DataError

random = np.random.default_rng(0)
X = random.normal(size=(24, 4)).astype("float32")
Y = random.integers(0, 3, 24)


def classifier(keras, *extra):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), *extra])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    return model


def two_outputs(keras, **compiled):
    x = keras.Input((4,))
    outputs = [keras.layers.Dense(1, name=name, kernel_initializer="ones")(x) for name in ("o1", "o2")]
    model = keras.Model(x, outputs)
    model.compile("sgd", **compiled)
    return model


def both(function):
    return function(ours), function(real)


def test_shuffled_fits_of_the_same_seed_are_equal():
    def fits(keras):
        keras.utils.set_random_seed(1)
        model = classifier(keras)
        fit = [model.fit(X, Y, batch_size=5, epochs=2, verbose=0).history["loss"] for _ in range(2)]
        again = classifier(keras).get_weights()[0]  # a fit takes no seed from those that follow
        return [*fit, again.tolist(), np.random.rand()]

    for mine, theirs in zip(*both(fits), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4)


def test_a_draw_without_a_seed_is_new_in_every_step():
    class Noise(ours.layers.Layer):
        def call(self, x):
            return x + ours.random.normal(x.shape)

    ours.utils.set_random_seed(1)
    model = classifier(ours, Noise())
    first, second = (model.predict(X, batch_size=12, verbose=0) for _ in range(2))
    assert not np.allclose(first, second)
    noise = first - model.layers[0](X)
    assert not np.allclose(noise[:12], noise[12:])


@pytest.mark.parametrize(
    "compiled", [{"loss": ["mse", "mae"], "metrics": [["mae"], ["mse"]]}, {"loss": ["mse", "mae"]}]
)
def test_evaluate_lists_results_in_keras_order(compiled):
    y = [X[:, :1], X[:, 1:2]]
    mine, theirs = both(lambda keras: two_outputs(keras, **compiled).evaluate(X, y, verbose=0))
    np.testing.assert_allclose(mine, theirs, rtol=1e-5)


def test_history_has_names_in_keras_order():
    def names(keras):
        return list(classifier(keras).fit(X, Y, validation_split=0.5, verbose=0).history)

    mine, theirs = both(names)
    assert mine == theirs == ["accuracy", "loss", "val_accuracy", "val_loss"]


def test_functions_as_metrics_are_named_in_snake_case():
    def LargestError(y_true, y_pred):
        return abs(y_true - y_pred).max()

    model = classifier(ours)
    model.compile("sgd", "mse", metrics=[LargestError, lambda y_true, y_pred: y_pred.mean()])
    assert list(model.fit(X, X[:, :3], verbose=0).history) == ["lambda", "largest_error", "loss"]


def test_train_step_of_the_keras_guide_with_compiled_metrics():
    class Guide(ours.Model):
        def train_step(self, state, data):
            trainable, others, slots, metric_values = state
            x, y, _ = ours.utils.unpack_x_y_sample_weight(data)  # train_on_batch() gives three, as Keras does

            def loss_of(trainable, others):
                y_pred, others = self.stateless_call(trainable, others, x, training=True)
                return self.compute_loss(x, y, y_pred), (y_pred, others)

            (loss, (y_pred, others)), grads = jax.value_and_grad(loss_of, has_aux=True)(trainable, others)
            trainable, slots = self.optimizer.stateless_apply(slots, grads, trainable)
            new, logs = [], {}
            for metric in self.metrics:
                held = metric_values[len(new) : len(new) + len(metric.variables)]
                seen = (loss,) if metric.name == "loss" else (y, y_pred)
                held = metric.stateless_update_state(held, *seen)
                logs[metric.name] = metric.stateless_result(held)
                new += held
            return logs, (trainable, others, slots, new)

    x = ours.Input((4,))
    model = Guide(x, ours.layers.Dense(1)(x))
    model.compile("adam", "mse", metrics=["mae"])
    history = model.fit(X, X[:, :1], epochs=2, verbose=0).history
    assert set(history) == {"loss", "mae"} and history["loss"][1] < history["loss"][0]
    assert set(model.train_on_batch(X, X[:, :1], return_dict=True)) == {"loss", "mae"}


def test_losses_in_the_structure_of_the_outputs():
    x = ours.Input((4,))
    outputs = {"a": ours.layers.Dense(1)(x), "b": [ours.layers.Dense(1)(x), ours.layers.Dense(1)(x)]}
    model = ours.Model(x, outputs)
    model.compile("sgd", {"a": "mse", "b": ["mse", "mae"]})
    y = {"a": X[:, :1], "b": [X[:, 1:2], X[:, 2:3]]}
    assert np.isfinite(model.evaluate(X, y, verbose=0)).all()


def test_targets_missing_after_the_loss_was_built():
    model = classifier(ours)
    model.fit(X, Y, verbose=0)
    with pytest.raises(DataError, match="There is a loss, but no targets"):
        model.fit(X, Y, validation_data=X, verbose=0)


def test_strings_for_a_model_of_numbers():
    with pytest.raises(DataError, match="x holds strings, and no layer of the model turns them into numbers"):
        classifier(ours).predict(np.array([["a"] * 4]), verbose=0)


def test_weights_of_a_sequential_are_named_under_it():
    def paths(keras):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="d")], name="inner")
        return [weight.path for weight in model.weights]

    mine, theirs = both(paths)
    assert mine == theirs == ["inner/d/kernel", "inner/d/bias"]


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_recurrent_layers_begin_with_the_weights_of_the_same_seed(name):
    def weights(keras):
        keras.utils.set_random_seed(5)
        layer = getattr(keras.layers, name)(3)
        layer.build((2, 4, 5))
        return layer.get_weights()

    for mine, theirs in zip(*both(weights), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)


def test_stacked_cells_of_one_state_return_it_bare():
    class Cell(ours.layers.Layer):
        state_size = 3

        def call(self, x, states):
            return x + states[0], [x + states[0]]

    output, first, second = ours.layers.RNN([Cell(), Cell()], return_state=True)(np.ones((2, 4, 3)))
    assert output.shape == first.shape == second.shape == (2, 3)


def test_draws_without_a_seed_are_those_of_keras():
    drawn = []
    for library in (real, ours):
        library.utils.set_random_seed(1)
        drawn.append([np.asarray(library.random.normal((2,))) for _ in range(3)])
    np.testing.assert_allclose(*drawn, rtol=1e-6)
