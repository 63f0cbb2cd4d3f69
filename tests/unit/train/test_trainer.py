import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lamella as keras
from lamella import layers, ops
from lamella.errors import ArgumentError, DataError, ShapeError, StateError

random = np.random.default_rng(0)
X = random.normal(size=(40, 4)).astype("float32")
Y = (X.sum(1, keepdims=True) > 0).astype("float32")


def mlp(**compiled):
    model = keras.Sequential(
        [layers.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")]
    )
    model.compile(**{"optimizer": keras.optimizers.Adam(0.05), "loss": "binary_crossentropy", **compiled})
    return model


def readable(model):
    return all(np.isfinite(w).all() for w in model.get_weights())


class Counts(layers.Layer):
    """Counts how often its call is traced."""

    def __init__(self):
        super().__init__()
        self.traced = 0

    def call(self, x):
        self.traced += 1
        return x


class TestFit:
    def test_learns(self):
        model = mlp(metrics=["accuracy"])
        history = model.fit(X, Y, epochs=30, verbose=0)
        assert history.history["accuracy"][-1] > 0.9
        assert set(history.history) == {"loss", "accuracy"} and len(history.history["loss"]) == 30
        assert model.evaluate(X, Y, verbose=0)[1] == pytest.approx(
            model.evaluate(X, Y, verbose=0, return_dict=True)["accuracy"]
        )

    def test_validation_split_and_data(self):
        model = mlp(metrics=["accuracy"])
        history = model.fit(X, Y, validation_split=0.25, epochs=2, verbose=0)
        assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
        history = model.fit(X, Y, validation_data=(X[:8], Y[:8]), validation_freq=2, epochs=4, verbose=0)
        assert len(history.history["val_loss"]) == 2

    def test_no_retracing_in_a_steady_loop(self):
        counter = Counts()
        model = keras.Sequential([layers.Input((4,)), counter, layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(X, Y, batch_size=8, epochs=1, verbose=0)
        once = counter.traced
        model.fit(X, Y, batch_size=8, epochs=3, verbose=0)
        model.fit(X, Y, batch_size=8, epochs=1, verbose=0)
        assert counter.traced == once
        model.predict(X, batch_size=8, verbose=0)
        twice = counter.traced
        model.predict(X, batch_size=8, verbose=0)
        assert counter.traced == twice

    def test_several_outputs_with_names(self):
        x = layers.Input((4,))
        model = keras.Model(
            x, {"a": layers.Dense(1, name="a")(x), "b": layers.Dense(3, activation="softmax", name="b")(x)}
        )
        model.compile(
            "adam",
            {"a": "mse", "b": "sparse_categorical_crossentropy"},
            loss_weights={"a": 2.0, "b": 0.5},
            metrics={"b": ["accuracy"]},
        )
        logs = model.fit(X, {"a": Y, "b": random.integers(0, 3, 40)}, verbose=0).history
        assert set(logs) == {"loss", "a_loss", "b_loss", "b_accuracy"}
        assert logs["loss"][0] == pytest.approx(2 * logs["a_loss"][0] + 0.5 * logs["b_loss"][0], rel=1e-5)

    def test_sample_and_class_weight(self):
        def first_loss(**weights):
            model = mlp()
            for w in model.weights:
                w.assign(np.full(w.shape, 0.1))
            return model.fit(X, Y, batch_size=40, verbose=0, **weights).history["loss"][0]

        plain = first_loss()
        assert first_loss(sample_weight=np.full(40, 2.0)) == pytest.approx(2 * plain, rel=1e-5)
        assert first_loss(class_weight={0: 3.0, 1: 3.0}) == pytest.approx(3 * plain, rel=1e-5)

    def test_generator_and_steps(self):
        def batches():
            while True:
                yield X[:8], Y[:8]

        assert len(mlp().fit(batches(), steps_per_epoch=3, epochs=2, verbose=0).history["loss"]) == 2

    def test_a_validation_generator_that_ends_does_not_end_the_fit(self):
        def three():
            for _ in range(3):
                yield X[:8], Y[:8]

        with pytest.warns(UserWarning):
            logs = mlp().fit(X, Y, epochs=4, verbose=0, validation_data=three(), validation_steps=2).history
        assert len(logs["loss"]) == 4 and 1 <= len(logs["val_loss"]) < 4

    def test_a_fitted_model_can_be_pickled(self):
        model = mlp()
        model.fit(X, Y, verbose=0)
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0))
        assert np.isfinite(again.fit(X, Y, verbose=0).history["loss"][0])

    def test_optax_transformation_as_it_is(self):
        model = mlp(optimizer=optax.adam(0.05))
        losses = model.fit(X, Y, epochs=10, verbose=0).history["loss"]
        assert losses[-1] < losses[0]

    def test_run_eagerly_gives_the_same(self):
        keras.utils.set_random_seed(0)
        fast = mlp()
        slow = keras.models.clone_model(fast)
        slow.set_weights(fast.get_weights())
        slow.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", run_eagerly=True)
        kwargs = {"batch_size": 20, "shuffle": False, "epochs": 2, "verbose": 0}
        np.testing.assert_allclose(
            fast.fit(X, Y, **kwargs).history["loss"], slow.fit(X, Y, **kwargs).history["loss"], rtol=1e-5
        )

    def test_without_compiling_steps_are_plain_calls(self):
        traced, model = [], mlp()
        model.compile("sgd", lambda y, p: traced.append(isinstance(p, jax.core.Tracer)) or (p - y) ** 2)
        model.compile("sgd", model.loss, jit_compile=False)
        traced.clear()
        model.fit(X[:40], Y[:40], batch_size=20, verbose=0)
        assert traced[-1:] == [True] and not model.run_eagerly and not model.jit_compile, "traced for the gradient"
        traced.clear()
        model.evaluate(X[:40], Y[:40], batch_size=20, verbose=0)
        assert traced[-2:] == [False, False]

    def test_stop_training_and_epoch_limit(self):
        class Stop(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                self.model.stop_training = epoch == 1

        assert len(mlp().fit(X, Y, epochs=9, verbose=0, callbacks=[Stop()]).history["loss"]) == 2

    def test_random_layers_draw_anew_in_every_step(self):
        class Noise(layers.Layer):
            def call(self, x, training=False):
                return x + keras.random.normal((1,)) if training else x

        model = keras.Sequential(
            [layers.Input((4,)), Noise(), layers.Dense(1, kernel_initializer="zeros", trainable=False)]
        )
        seen = []

        class Loss(keras.losses.Loss):
            def call(self, y_true, y_pred):
                return jnp.mean(y_pred)

        noise = keras.Sequential([layers.Input((4,)), Noise()])
        noise.compile("sgd", Loss())
        for _ in range(3):
            seen.append(float(noise.train_on_batch(X[:1] * 0, X[:1])))
        assert len(set(seen)) == 3 and model.built


class TestTrouble:
    def test_a_wrong_shape_in_predict_loses_no_weight(self):
        model = mlp()
        model.fit(X, Y, verbose=0)
        before = model.get_weights()
        for wrong in (np.ones((3, 5)), np.ones((2, 2, 2, 2))):
            with pytest.raises(ShapeError, match="Sequential"):
                model.predict(wrong, verbose=0)
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
        model.fit(X, Y, verbose=0)

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_an_error_in_a_callback_loses_no_weight(self, error):
        class Bad(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if batch == 1:
                    raise error("now")

        model = mlp()
        with pytest.raises(error):
            model.fit(X, Y, batch_size=8, callbacks=[Bad()], verbose=0)
        assert readable(model) and int(model.optimizer.iterations.value) == 2
        assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"][0])

    def test_an_error_in_the_data_loses_no_weight(self):
        def batches():
            yield X[:8], Y[:8]
            raise OSError("disk gone")

        model = mlp()
        with pytest.raises(OSError, match="disk gone"):
            model.fit(batches(), verbose=0)
        assert readable(model)

    def test_changed_trainability_keeps_weights_and_slots(self):
        model = mlp()
        model.fit(X, Y, verbose=0)
        model.layers[0].trainable = False
        frozen = model.layers[0].get_weights()
        model.fit(X, Y, epochs=2, verbose=0)
        assert all(np.array_equal(a, b) for a, b in zip(frozen, model.layers[0].get_weights(), strict=True))
        model.layers[0].trainable = True
        model.fit(X, Y, verbose=0)
        assert not np.array_equal(frozen[0], model.layers[0].get_weights()[0])

    def test_references_taken_in_a_callback_stay_valid(self):
        taken = []

        class Take(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                taken.append(self.model.layers[0].kernel.value)

        mlp().fit(X, Y, batch_size=8, callbacks=[Take()], verbose=0)
        assert len({float(jnp.sum(t)) for t in taken}) == 5

    def test_not_compiled(self):
        model = keras.Sequential([layers.Input((4,)), layers.Dense(1)])
        for method in (model.fit, model.evaluate, model.train_on_batch):
            with pytest.raises(StateError, match="compile"):
                method(X, Y)

    @pytest.mark.parametrize("epochs", ["3", 1.5, -1])
    def test_wrong_epochs(self, epochs):
        with pytest.raises(ArgumentError, match="epochs"):
            mlp().fit(X, Y, epochs=epochs, verbose=0)

    def test_unknown_names(self):
        model = keras.Sequential([layers.Dense(1)])
        with pytest.raises(ValueError, match="adma"):
            model.compile("adma", "mse")
        with pytest.raises(ValueError, match="mean_sq"):
            model.compile("adam", "mean_sq")

    def test_no_targets(self):
        with pytest.raises(DataError, match="y"):
            mlp().fit(X, verbose=0)

    def test_loss_that_fits_no_output(self):
        model = mlp(loss={"nowhere": "mse", "else": "mse"})
        with pytest.raises((ArgumentError, DataError)):
            model.fit(X, Y, verbose=0)


class TestOwnSteps:
    def test_compute_loss(self):
        class Mine(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = layers.Dense(1)
                self.seen = keras.metrics.Mean(name="seen")

            def call(self, x):
                return self.dense(x)

            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
                loss = ops.mean((y_pred - y) ** 2) + 1.0
                self.seen.update_state(loss)
                return loss

        model = Mine()
        model.compile("sgd")
        logs = model.fit(X, Y, verbose=0).history
        assert logs["loss"][0] > 1 and logs["seen"][0] > 1

    def test_train_step_with_objects(self):
        class Mine(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = layers.Dense(1)

            def call(self, x):
                return self.dense(x)

            def train_step(self, data):
                x, y = data
                loss, gradients = keras.value_and_grad(
                    lambda: ops.mean((self(x, training=True) - y) ** 2), self.trainable_variables
                )()
                self.optimizer.apply(gradients, self.trainable_variables)
                return {"loss": loss, "twice": 2 * loss}

        model = Mine()
        model.compile(keras.optimizers.SGD(0.1))
        logs = model.fit(X, Y, epochs=5, verbose=0).history
        assert logs["loss"][-1] < logs["loss"][0] and logs["twice"][0] == pytest.approx(2 * logs["loss"][0])

    def test_train_step_as_keras_on_jax_writes_it(self):
        class Mine(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = layers.Dense(1)

            def call(self, x):
                return self.dense(x)

            def train_step(self, state, data):
                trainable, non_trainable, optimizer, metrics = state
                x, y = data
                grad_fn = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
                (loss, (_, _, non_trainable, metrics)), grads = grad_fn(
                    trainable, non_trainable, metrics, x, y, None, training=True, optimizer_variables=optimizer
                )
                trainable, optimizer = self.optimizer.stateless_apply(optimizer, grads, trainable)
                return {"loss": loss}, (trainable, non_trainable, optimizer, metrics)

        model = Mine()
        model.compile(keras.optimizers.SGD(0.1), "mse")
        logs = model.fit(X, Y, epochs=5, verbose=0).history
        assert logs["loss"][-1] < logs["loss"][0] and int(model.optimizer.iterations.value) == 10


class TestOneBatch:
    def test_train_test_predict_on_batch(self):
        model = mlp(metrics=["accuracy"])
        first = model.train_on_batch(X, Y)
        assert len(first) == 2 and isinstance(model.train_on_batch(X, Y, return_dict=True), dict)
        assert model.test_on_batch(X, Y)[0] < first[0]
        assert model.predict_on_batch(X).shape == (40, 1)

    def test_predict_structures(self):
        x = layers.Input((4,))
        model = keras.Model(x, {"a": x * 2, "b": [x, x + 1.0]})
        out = model.predict(X, batch_size=16, verbose=0)
        np.testing.assert_allclose(out["a"], X * 2, rtol=1e-6)
        assert out["b"][1].shape == X.shape
