"""Program 1: a base found among the layers, frozen, then partly unfrozen."""

import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.applications.mobilenet_v2 import MobileNetV2, preprocess_input

SIZE = 32


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(1)
    augmentation = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.2)])
    base = MobileNetV2(input_shape=(SIZE, SIZE, 3), include_top=False, weights=None, alpha=0.35)
    for layer in base.layers:
        if isinstance(layer, layers.BatchNormalization):  # untrained, signals would die out on the way
            layer.moving_variance.assign(np.full(layer.moving_variance.shape, 0.2))
    base.trainable = False
    inputs = keras.Input((SIZE, SIZE, 3))
    x = preprocess_input(augmentation(inputs))
    x = base(x, training=False)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="head")(x))
    random = np.random.default_rng(0)
    data = random.uniform(0, 255, (16, SIZE, SIZE, 3)).astype("float32"), random.integers(0, 2, 16).astype("float32")
    return model, base, data


def changed(before, layer):
    return any(not np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


def test_the_whole_story(trained):
    model, base, (x, y) = trained
    assert base in model.layers and isinstance(base, keras.Model) and isinstance(base, keras.Layer)
    assert len(base.layers) == 154
    assert [type(o).__name__ for o in model.operations] == [
        "InputLayer",
        "Sequential",
        "TrueDivide",
        "Subtract",
        "Functional",
        "GlobalAveragePooling2D",
        "Dropout",
        "Dense",
    ]
    model.compile("sgd", "binary_crossentropy")
    before = base.get_weights()
    model.fit(x, y, batch_size=8, verbose=0)
    assert not changed(before, base)

    base.trainable = True
    for layer in base.layers[:120]:
        layer.trainable = False
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    before = [layer.get_weights() for layer in base.layers]
    model.fit(x, y, batch_size=8, verbose=0)
    for index, (layer, old) in enumerate(zip(base.layers, before, strict=True)):
        if index < 120:
            assert not changed(old, layer), layer.name
        elif isinstance(layer, layers.BatchNormalization):
            _, beta, mean, variance = layer.get_weights()
            assert not np.array_equal(beta, old[1]), layer.name
            np.testing.assert_array_equal(mean, old[2])  # the call site says training=False
            np.testing.assert_array_equal(variance, old[3])
        elif layer.weights:
            assert changed(old, layer), layer.name


@pytest.mark.slow
def test_trainability_may_change_without_compile(trained):
    model, base, (x, y) = trained
    base.trainable = False
    model.compile("adam", "binary_crossentropy")
    model.fit(x, y, batch_size=8, verbose=0)
    head = model.get_layer("head")
    slots = len(model.optimizer.variables)
    base.layers[-2].trainable = True  # inside of a frozen base: stays frozen
    before = base.get_weights()
    model.fit(x, y, batch_size=8, verbose=0)
    assert not changed(before, base) and len(model.optimizer.variables) == slots

    class Unfreeze(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                base.trainable = True

    head_before = head.get_weights()
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[Unfreeze()])
    assert changed(before, base) and changed(head_before, head) and len(model.optimizer.variables) > slots
