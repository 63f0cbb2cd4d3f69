"""`tf.keras` with TensorFlow installed."""

from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed")

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}


def test_tf_keras_is_lamella(run):
    text = """
        import tensorflow as tf
        import tensorflow.keras.backend as K
        from tensorflow import keras
        from tensorflow.keras.layers import Dense
        import importlib.util, lamella
        assert tf.keras.layers.Dense is Dense is lamella.layers.Dense and K.floatx() == "float32"
        assert tf.keras.__version__ == "3.15.1" and tf.losses.MeanSquaredError is lamella.losses.MeanSquaredError
        assert importlib.util.find_spec("tensorflow").origin.endswith("__init__.py")
        model = tf.keras.Sequential([tf.keras.Input((3,)), Dense(1)])
        model.compile("sgd", "mse")
        model.fit(tf.ones((4, 3)), tf.zeros((4, 1)), verbose=0)
        data = tf.data.Dataset.from_tensor_slices((tf.ones((4, 3)), tf.zeros((4, 1)))).batch(2)
        model.fit(data, verbose=0)
        assert model(tf.ones((2, 3))).numpy().shape == model.predict(tf.ones((2, 3)), verbose=0).shape == (2, 1)
    """
    for env in (QUIET, {**QUIET, "TF_USE_LEGACY_KERAS": "1"}):
        done = run(text.replace("tf.losses", "tf.keras.losses"), env=env)
        assert done.code == 0, done.err


def test_its_functions_take_lamellas_tensors_inside_of_models(run):
    done = run(
        """
        import numpy as np
        import tensorflow as tf

        class Scaled(tf.keras.layers.Layer):
            def build(self, shape):
                self.kernel = self.add_weight(shape=(shape[-1], 2))

            def call(self, x):
                return tf.nn.relu(tf.matmul(x, self.kernel))

        def loss(y, p):
            return tf.reduce_mean(tf.square(tf.cast(y, tf.float32) - p), axis=-1)

        inputs = tf.keras.Input((3,))
        x = tf.concat([Scaled()(inputs), inputs], axis=-1)
        model = tf.keras.Model(inputs, tf.keras.layers.Dense(1, activation=tf.nn.sigmoid)(x))
        model.compile("sgd", loss)
        before = model.get_weights()
        model.fit(tf.ones((4, 3)), tf.zeros((4, 1)), verbose=0)
        assert all((a != b).any() for a, b in zip(before[1:], model.get_weights()[1:]))
        model.save("model.keras")
        again = tf.keras.models.load_model("model.keras", custom_objects={"Scaled": Scaled, "loss": loss})
        np.testing.assert_allclose(again.predict(np.ones((2, 3)), verbose=0), model.predict(np.ones((2, 3)), verbose=0))
        """,
        env=QUIET,
    )
    assert done.code == 0, done.err


def test_what_has_no_counterpart_is_refused_with_the_way(run):
    done = run(
        """
        import tensorflow as tf
        model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(tf.ones((2, 3))))
        for target in (loss, model(tf.ones((2, 3)))):
            try:
                tape.gradient(target, model.trainable_variables)
            except RuntimeError as error:
                assert "value_and_grad" in str(error)
            else:
                raise AssertionError
        x = tf.Variable(3.0)
        with tf.GradientTape() as tape:
            y = x * x
        assert float(tape.gradient(y, x)) == 6
        try:
            tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Lambda(lambda x: tf.linalg.expm(x))])
        except Exception as error:
            assert "TensorFlow's tensors" in str(error), error
        else:
            raise AssertionError
        """,
        env=QUIET,
    )
    assert done.code == 0, done.err
