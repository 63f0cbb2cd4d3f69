"""Many steps as one program give what the same steps give one by one."""

import time

import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers, ops
from lamella.callbacks import callback_list
from lamella.train import step
from lamella.train.dispatch import Dispatch

random = np.random.default_rng(0)
X = random.normal(size=(75, 6)).astype("float32")
Y = random.integers(0, 3, 75)
SEQUENCES = random.normal(size=(75, 5, 6)).astype("float32")


@pytest.fixture(autouse=True)
def settings():
    yield
    keras.config.enable_joined_steps()


@pytest.fixture
def dispatches(monkeypatch):
    """The number of steps in each joined dispatch, as they come."""
    seen, run = [], step.Steps.run_joined

    def counted(self, kind, stack, count):
        seen.append(count)
        return run(self, kind, stack, count)

    monkeypatch.setattr(step.Steps, "run_joined", counted)
    return seen


def dense():
    return [layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")]


def build(*stack, shape=(6,), **compiled):
    model = keras.Sequential([layers.Input(shape), *(stack or dense())])
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **compiled})
    return model


def twins():
    a, b = layers.Input((6,), name="a"), layers.Input((6,), name="b")
    shared = layers.Dense(4, activation="tanh")
    outputs = {"p": layers.Dense(3, name="p")(shared(a)), "q": layers.Dense(1, name="q")(shared(b))}
    model = keras.Model({"a": a, "b": b}, outputs)
    losses = {"p": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "q": "mse"}
    model.compile("sgd", losses, loss_weights={"p": 1.0, "q": 0.5}, metrics={"p": ["accuracy"]})
    return model


class OwnStep(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)
        self.seen = keras.metrics.Sum(name="seen")

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data
        self.seen.update_state(ops.sum(x))
        return {**super().train_step((x, y)), "seen": self.seen.result()}


def own_step():
    model = OwnStep()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def schedule():
    return keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5), momentum=0.9)


MODELS = {
    "dense": build,
    "metrics": lambda: build(metrics=["accuracy"], weighted_metrics=["sparse_categorical_crossentropy"]),
    "dropout": lambda: build(layers.Dense(8), layers.Dropout(0.5), layers.Dense(3, activation="softmax")),
    "normalized": lambda: build(layers.BatchNormalization(), *dense()),
    "regularized": lambda: build(layers.Dense(3, kernel_regularizer="l2", activation="softmax")),
    "schedule": lambda: build(optimizer=schedule()),
    "accumulated": lambda: build(optimizer=keras.optimizers.Adam(gradient_accumulation_steps=2, use_ema=True)),
    "executions": lambda: build(steps_per_execution=3),
    "own step": own_step,
}
SEQUENCE_MODELS = {"lstm": lambda: build(layers.LSTM(4, dropout=0.2), *dense(), shape=(5, 6))}


def both(make, act):
    """What `act(model)` returns on either path, and the weights after it."""
    results = []
    for switch in (keras.config.enable_joined_steps, keras.config.disable_joined_steps):
        switch()
        keras.utils.set_random_seed(7)
        model = make()
        results.append((act(model), model.get_weights(), [v.numpy() for v in model.optimizer.variables]))
    return results


def assert_same(joined, alone):
    flat = [np.concatenate([np.ravel(leaf) for leaf in step.jax.tree.leaves(one)]) for one in (joined, alone)]
    np.testing.assert_allclose(*flat, rtol=1e-5, atol=1e-6)


class TestSameAsOneByOne:
    @pytest.mark.sample(2)
    @pytest.mark.parametrize("name", [*MODELS, *SEQUENCE_MODELS])
    def test_fit(self, name, dispatches):
        make, x = (MODELS[name], X) if name in MODELS else (SEQUENCE_MODELS[name], SEQUENCES)
        assert_same(*both(make, lambda model: model.fit(x[:72], Y[:72], batch_size=8, epochs=2, verbose=0).history))
        assert sum(dispatches) == 2 * 9

    def test_a_smaller_last_batch(self, dispatches):
        assert_same(*both(MODELS["metrics"], lambda m: m.fit(X, Y, batch_size=8, epochs=2, verbose=0).history))
        assert sum(dispatches) == 2 * 9  # the tenth batch is run on its own

    def test_weights_and_validation(self, dispatches):
        def act(model):
            weights = np.linspace(0, 1, 64)
            history = model.fit(
                X[:64],
                Y[:64],
                batch_size=8,
                epochs=2,
                verbose=0,
                sample_weight=weights,
                validation_data=(X[:64], Y[:64]),
            )
            model.fit(X[:64], Y[:64], batch_size=8, verbose=0, class_weight={0: 1.0, 1: 2.0, 2: 0.5})
            return history.history

        assert_same(*both(MODELS["metrics"], act))
        assert dispatches

    def test_dicts_of_inputs_and_outputs(self, dispatches):
        def act(model):
            data = {"a": X[:64], "b": X[:64][::-1]}
            history = model.fit(data, {"p": Y[:64], "q": X[:64, :1]}, batch_size=8, verbose=0).history
            return history, model.predict(data, batch_size=8, verbose=0)

        assert_same(*both(twins, act))
        assert len(dispatches) > 2

    def test_an_epoch_that_goes_on_in_the_data(self, dispatches):
        act = lambda model: model.fit(X, Y, batch_size=8, epochs=4, steps_per_epoch=5, verbose=0).history
        assert_same(*both(build, act))
        assert dispatches

    @pytest.mark.parametrize("ask", ["evaluate", "predict"])
    def test_evaluate_and_predict(self, ask, dispatches):
        targets = [Y] if ask == "evaluate" else []
        (joined, *_), (alone, *_) = both(build, lambda m: getattr(m, ask)(X, *targets, batch_size=8, verbose=0))
        np.testing.assert_allclose(joined, alone, rtol=1e-6)
        assert sum(dispatches) == 9

    def test_steps_per_execution_joins_batches_of_a_generator(self, dispatches):
        def act(model):
            batches = ((X[i : i + 8], Y[i : i + 8]) for i in range(0, 72, 8))
            return model.fit(batches, verbose=0).history

        assert_same(*both(MODELS["executions"], act))
        assert dispatches == [3, 3, 3]

    def test_trainability_changed_between_epochs(self, dispatches):
        def act(model):
            freeze = lambda epoch, logs: setattr(model.layers[0], "trainable", False)
            hook = keras.callbacks.LambdaCallback(on_epoch_begin=freeze)
            before = model.layers[0].get_weights()
            model.fit(X[:64], Y[:64], batch_size=8, verbose=0)
            after = model.layers[0].get_weights()
            assert not np.allclose(before[0], after[0])
            model.fit(X[:64], Y[:64], batch_size=8, verbose=0, callbacks=[hook])
            np.testing.assert_array_equal(after[0], model.layers[0].get_weights()[0])
            return after

        assert_same(*both(build, act))
        assert dispatches

    def test_losses_that_are_not_numbers_stay_so(self):
        x = X.copy()
        x[3] = np.nan
        model = build()
        assert np.isnan(model.fit(x, Y, batch_size=8, verbose=0).history["loss"][0])


class TestWhatIsJoined:
    def test_callbacks_that_want_batches_get_each_with_its_logs(self, dispatches):
        def act(model):
            seen = []
            hook = keras.callbacks.LambdaCallback(on_train_batch_end=lambda n, logs: seen.append((n, logs["loss"])))
            model.fit(X, Y, batch_size=8, verbose=0, callbacks=[hook])
            return seen

        assert_same(*both(build, act))
        assert not dispatches

    def test_callbacks_with_steps_per_execution_are_called_for_each_group(self, dispatches):
        def act(model):
            seen = []
            hook = keras.callbacks.LambdaCallback(on_train_batch_end=lambda n, logs: seen.append((n, logs["loss"])))
            model.fit(X, Y, batch_size=8, verbose=0, callbacks=[hook])
            assert [n for n, _ in seen] == [2, 5, 8, 9]
            return seen

        assert_same(*both(MODELS["executions"], act))
        assert dispatches == [3, 3, 3]

    def test_a_callback_may_stop_after_a_batch(self):
        model = build()
        stop = lambda n, logs: setattr(model, "stop_training", n == 2)
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=stop)])
        assert int(model.optimizer.iterations) == 3

    def test_callbacks_for_epochs_cost_no_batches(self, dispatches, tmp_path):
        hooks = [
            keras.callbacks.ModelCheckpoint(tmp_path / "model.keras"),
            keras.callbacks.EarlyStopping("loss"),
            keras.callbacks.LearningRateScheduler(lambda epoch: 0.01),
        ]
        build().fit(X, Y, batch_size=8, verbose=1, callbacks=hooks)
        assert sum(dispatches) == 9 and (tmp_path / "model.keras").exists()

    def test_checkpoints_by_batches_get_batches(self, dispatches, tmp_path):
        hook = keras.callbacks.ModelCheckpoint(tmp_path / "{batch}.weights.h5", save_weights_only=True, save_freq=4)
        build().fit(X, Y, batch_size=8, verbose=0, callbacks=[hook])
        assert not dispatches and len(list(tmp_path.iterdir())) == 2

    @pytest.mark.sample(3)
    @pytest.mark.parametrize("why", ["convolution", "generator", "few", "switched off", "host", "effects"])
    def test_what_is_not(self, why, dispatches):
        x, fit = X, {"batch_size": 8}
        stacks = {
            "convolution": [layers.Reshape((6, 1)), layers.Conv1D(2, 3), layers.Flatten(), *dense()],
            "host": [layers.Hashing(5), layers.Embedding(5, 2), layers.Flatten(), *dense()],
            "effects": [layers.Lambda(_told), *dense()],
        }
        if why == "switched off":
            keras.config.disable_joined_steps()
        model = build(*stacks.get(why, []))
        if why == "few":
            fit = {"batch_size": 40}
        if why == "host":
            x = X.astype("int32")
        if why == "generator":
            model.fit(((X[i : i + 8], Y[i : i + 8]) for i in range(0, 72, 8)), verbose=0)
        else:
            model.fit(x[:40], Y[:40], **fit, verbose=0)
        assert not dispatches

    def test_a_model_run_eagerly_is_not(self):
        assert not build(run_eagerly=True)._steps_.joins("predict", (X[:8], None, None))
        assert build()._steps_.joins("predict", (X[:8], None, None))

    def test_a_generator_is_asked_for_one_batch_at_a_time(self):
        model, seen = build(), []

        def batches():
            for i in range(0, 72, 8):
                seen.append(int(model.optimizer.iterations))
                yield X[i : i + 8], Y[i : i + 8]

        model.fit(batches(), verbose=0)
        assert seen[-1] >= 7

    def test_compiles_once_for_data_of_like_length(self):
        traced = []

        class Counts(layers.Layer):
            def call(self, x):
                traced.append(1)
                return x

        model = build(Counts(), *dense())
        model.fit(X, Y, batch_size=8, epochs=3, verbose=0)
        first = len(traced)
        model.fit(X[:70], Y[:70], batch_size=8, epochs=2, verbose=0)
        assert len(traced) <= first + 1  # the last batch has another length

    def test_an_interrupt_loses_nothing(self, monkeypatch):
        model, run = build(), step.Steps.run_joined

        def interrupted(self, kind, stack, count):
            run(self, kind, stack, count)
            raise KeyboardInterrupt

        monkeypatch.setattr(step.Steps, "run_joined", interrupted)
        before = model.get_weights()
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, Y, batch_size=8, verbose=0)
        assert int(model.optimizer.iterations) == 1
        assert np.isfinite(model.get_weights()[0]).all() and not np.allclose(before[0], model.get_weights()[0])


def _told(x):
    import jax

    jax.debug.callback(lambda: None)
    return x


class TestPace:
    def test_a_dispatch_takes_about_a_tenth_of_a_second(self):
        class Slow(step.Steps):
            def joins(self, kind, batch):
                return True

            def run_joined(self, kind, stack, count):
                time.sleep(0.03 * count)
                return jnp.zeros(())

        data = keras.train.feed.feed(np.zeros((64, 2), "float32"), batch_size=2)
        dispatch = Dispatch(Slow(build()), "train", data, 1, False)
        sizes = []
        for group in dispatch.groups(data.batches()):
            sizes.append(len(group))
            dispatch.run(group)
        assert sizes[0] == 1 and max(sizes) <= 32 and sum(sizes) == 32


def test_marked_callbacks_follow_their_setting(tmp_path):
    listens = lambda **chosen: callback_list.CallbackList(
        [keras.callbacks.ModelCheckpoint(tmp_path / "model.keras", **chosen)]
    ).wants_batches("train")
    assert listens(save_freq=2) and not listens()

    class Own(keras.callbacks.ModelCheckpoint):
        def on_train_batch_end(self, batch, logs=None): ...

    assert callback_list.CallbackList([Own(tmp_path / "model.keras")]).wants_batches("train")
