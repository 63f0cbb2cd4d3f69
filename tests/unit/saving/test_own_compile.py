"""Models whose class has a `compile` of its own: what of it a file and a clone bring back."""

import numpy as np
import pytest

import lamella as keras
from lamella import layers


@keras.saving.register_keras_serializable("own_compile")
class Adversarial(keras.Model):
    """Compiled with two optimizers, as generative pairs are."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.critic = layers.Dense(2), layers.Dense(1)

    def call(self, x):
        return self.critic(self.generator(x))

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn

    def train_step(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        return {"loss": self.loss_fn(y, self(x))}


@keras.saving.register_keras_serializable("own_compile")
class Watching(keras.Model):
    """Compiled as any model, with something of its own added."""

    def compile(self, optimizer, loss, **kwargs):
        super().compile(optimizer=optimizer, loss=loss, **kwargs)
        self.tracker = keras.metrics.Mean(name="tracker")


@keras.saving.register_keras_serializable("own_compile")
class Complete(Adversarial):
    """Says how it is compiled again."""

    def get_compile_config(self):
        parts = (self.d_optimizer, self.g_optimizer, self.loss_fn)
        return {"parts": [keras.saving.serialize_keras_object(part) for part in parts]}

    def compile_from_config(self, config):
        self.compile(*map(keras.saving.deserialize_keras_object, config["parts"]))


def adversarial(cls):
    model = cls()
    model(np.ones((1, 3)))
    model.compile(keras.optimizers.Adam(), keras.optimizers.SGD(), keras.losses.MeanSquaredError())
    return model


def saved_and_loaded(model, folder):
    model.save(folder / "m.keras")
    return keras.models.load_model(folder / "m.keras")


def test_a_compile_with_other_arguments_is_left_to_the_user(tmp_path):
    model = adversarial(Adversarial)
    with pytest.warns(UserWarning, match=r"is not compiled: its own compile\(\) takes other arguments .*d_optimizer"):
        again = saved_and_loaded(model, tmp_path)
    assert not again.compiled
    np.testing.assert_allclose(again(np.ones((1, 3))), model(np.ones((1, 3))))


def test_a_compile_that_takes_the_usual_arguments_is_called(tmp_path):
    x = keras.Input((3,))
    model = Watching(x, layers.Dense(1)(x))
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    again = saved_and_loaded(model, tmp_path)
    assert again.compiled and again.tracker.name == "tracker" and int(again.optimizer.iterations) == 1
    assert keras.models.clone_model(model).tracker.name == "tracker"


def test_a_config_of_ones_own_is_used(tmp_path):
    again = saved_and_loaded(adversarial(Complete), tmp_path)
    assert type(again.g_optimizer) is keras.optimizers.SGD
    assert np.isfinite(again.train_on_batch(np.ones((2, 3)), np.ones((2, 1)), return_dict=True)["loss"])
