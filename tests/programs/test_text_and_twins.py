"""Programs 2 and 5: strings in front of a trained model; one model used twice."""

import numpy as np
import pytest

import lamella as keras
from lamella import layers

TEXTS = np.array(["what a lovely film", "a dull dull film", "lovely and clever", "dull and slow"] * 4)
LABELS = np.array([1, 0, 1, 0] * 4, "float32")


@pytest.fixture(scope="module")
def encoder():
    encode = layers.TextVectorization(max_tokens=30, output_sequence_length=5)
    encode.adapt(TEXTS)
    return encode


def classifier():
    model = keras.Sequential(
        [
            layers.Input((5,), dtype="int64"),
            layers.Embedding(30, 4),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
    return model


def test_strings_in_front_of_a_trained_model(encoder):
    trained = classifier()
    trained.fit(encoder(TEXTS), LABELS, epochs=2, verbose=0)
    extended = keras.Sequential([encoder, trained])
    np.testing.assert_allclose(
        extended.predict(TEXTS, verbose=0), trained.predict(encoder(TEXTS), verbose=0), rtol=1e-6
    )
    assert extended.layers[1] is trained
    extended.compile("adam", "binary_crossentropy")
    before = trained.get_weights()
    assert np.isfinite(extended.fit(TEXTS, LABELS, verbose=0).history["loss"][0])
    assert not np.array_equal(before[0], trained.get_weights()[0])
    assert np.isfinite(extended.evaluate(TEXTS, LABELS, verbose=0))


def test_strings_in_a_functional_model_and_nested(encoder):
    text, number = layers.Input((), dtype="string", name="text"), layers.Input((2,), name="number")
    x = layers.Flatten()(layers.Embedding(30, 4)(encoder(text)))
    model = keras.Model([text, number], layers.Dense(1)(layers.Concatenate()([x, number])))
    x = {"text": TEXTS, "number": np.ones((16, 2), "float32")}
    assert model.predict(x, batch_size=5, verbose=0).shape == (16, 1)
    inner = keras.Sequential([encoder, classifier()], name="inner")
    inner.predict(TEXTS, verbose=0)
    outer = keras.Sequential([inner, layers.Dense(1)])
    assert outer.predict(TEXTS, verbose=0).shape == (16, 1)


def test_two_inputs_of_strings(encoder):
    a, b = layers.Input((), dtype="string", name="a"), layers.Input((), dtype="string", name="b")
    x = layers.Concatenate()([encoder(a), encoder(b)])
    model = keras.Model([a, b], layers.Flatten()(layers.Embedding(30, 2)(x)))
    np.testing.assert_allclose(model.predict([TEXTS, TEXTS], verbose=0), model([TEXTS, TEXTS]), rtol=1e-6)


def test_the_compiled_part_is_traced_once(encoder):
    traced = []

    class Spy(layers.Layer):
        def call(self, x):
            traced.append(x.dtype.name)
            return x

    model = keras.Sequential([encoder, Spy(), layers.Embedding(30, 2), layers.Flatten(), layers.Dense(1)])
    model.predict(TEXTS, batch_size=8, verbose=0)
    count = len(traced)
    model.predict(TEXTS, batch_size=8, verbose=0)
    assert len(traced) == count


def test_one_model_used_twice():
    keras.utils.set_random_seed(0)
    shared = keras.Sequential(
        [layers.Input((8, 8, 1)), layers.Conv2D(3, 3), layers.GlobalAveragePooling2D()], name="shared"
    )
    left, right = layers.Input((8, 8, 1)), layers.Input((8, 8, 1))
    both = layers.concatenate([shared(left), shared(right)])
    model = keras.Model([left, right], layers.Dense(1, activation="sigmoid")(both))
    assert model.count_params() == shared.count_params() + 7 and len(model.weights) == 4
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 16, 8, 8, 1)).astype("float32")
    y = random.integers(0, 2, 16).astype("float32")
    zero = np.zeros_like(a)
    model.compile(keras.optimizers.SGD(1.0), "binary_crossentropy")

    def step(*x):
        start = model.get_weights()
        model.fit(list(x), y, verbose=0, batch_size=16)
        moved = shared.get_weights()[0] - start[0]
        model.set_weights(start)
        return moved

    only_left, only_right, together = step(a, zero), step(zero, b), step(a, b)
    assert abs(only_left).max() > 0 and abs(only_right).max() > 0
    assert not np.allclose(together, only_left) and not np.allclose(together, only_right)
