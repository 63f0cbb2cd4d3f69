"""What is measured: one function a row, written once for both libraries.

A row gets the library as `keras` and returns seconds; set-up is not counted.
"""

import time

import numpy as np

random = np.random.default_rng(0)


def timed(function, repeats):
    """The median of several runs, after one that does not count."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def once(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def mobilenet(keras, size=160, **kwargs):
    return keras.applications.MobileNetV2(input_shape=(size, size, 3), weights=None, **kwargs)


def build_mobilenet(keras):
    return once(lambda: mobilenet(keras))


def predict_mobilenet(keras):
    model, x = mobilenet(keras), random.uniform(size=(32, 160, 160, 3)).astype("float32")
    return timed(lambda: model.predict(x, verbose=0), 5)


def predict_one(keras):
    model, x = mobilenet(keras, 224), random.uniform(size=(1, 224, 224, 3)).astype("float32")
    return timed(lambda: [model.predict(x, verbose=0) for _ in range(5)], 3) / 5


def classifier(keras):
    base = mobilenet(keras, include_top=False)
    inputs = keras.Input((160, 160, 3))
    x = keras.layers.GlobalAveragePooling2D()(base(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, random.uniform(size=(32, 160, 160, 3)).astype("float32"), random.integers(0, 2, 32)


def finetune_first_step(keras):
    model, x, y = classifier(keras)
    return once(lambda: model.train_on_batch(x, y))


def finetune_step(keras):
    model, x, y = classifier(keras)
    return timed(lambda: model.train_on_batch(x, y), 4)


def mlp(keras):
    layers = keras.layers
    model = keras.Sequential([layers.Input((64,)), layers.Dense(64, activation="relu"), layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, random.normal(size=(32000, 64)).astype("float32"), random.integers(0, 10, 32000)


def mlp_epoch(keras):
    model, x, y = mlp(keras)
    return timed(lambda: model.fit(x, y, batch_size=32, verbose=0), 3)


def predict_on_batch(keras):
    model, x, _ = mlp(keras)
    return timed(lambda: [model.predict_on_batch(x[:32]) for _ in range(200)], 3)


def eager_call(keras):
    model, x, _ = mlp(keras)
    return timed(lambda: [model(x[:32]) for _ in range(200)], 3)


def lstm(keras):
    layers = keras.layers
    model = keras.Sequential([layers.Input((80, 32)), layers.LSTM(64), layers.Dense(1)])
    model.compile("adam", "mse")
    x, y = random.normal(size=(640, 80, 32)).astype("float32"), random.normal(size=(640, 1)).astype("float32")
    return timed(lambda: model.fit(x, y, batch_size=64, verbose=0), 3)


ROWS = {
    function.__name__: function
    for function in (
        build_mobilenet,
        predict_mobilenet,
        predict_one,
        finetune_first_step,
        finetune_step,
        mlp_epoch,
        predict_on_batch,
        eager_call,
        lstm,
    )
}
