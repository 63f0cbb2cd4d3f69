"""Small convolutional networks, an epoch each."""

from __future__ import annotations

from typing import Any

from benchmarks.data import images, integers, normal, same_weights
from benchmarks.row import Work, row


def _block(layers: Any, x: Any, filters: int, strides: int) -> Any:
    """Two 3×3 convolutions and a way around them."""
    y = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization()(y)
    if strides > 1:
        x = layers.BatchNormalization()(layers.Conv2D(filters, 1, strides, use_bias=False)(x))
    return layers.ReLU()(layers.add([x, y]))


def _resnet_8(keras: Any) -> Any:
    layers, inputs = keras.layers, keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        x = _block(layers, x, filters, strides)
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def _epoch(keras: Any, model: Any, x: Any, batch_size: int) -> Work:
    """One epoch of classification into ten classes."""
    y = integers(10, len(x))
    same_weights(model).compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return lambda: model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0).history["loss"]


@row("ResNet-8 on 32×32, an epoch of 10 × 128", tolerance=1e-2, plain=("torch",))
def resnet_8(keras: Any) -> Work:
    return _epoch(keras, _resnet_8(keras), images(1280, 32), 128)


@row("Conv1D on 128 steps, an epoch of 20 × 64")
def conv_1d(keras: Any) -> Work:
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((128, 16)),
            layers.Conv1D(32, 5, activation="relu"),
            layers.MaxPooling1D(),
            layers.Conv1D(64, 5, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(10),
        ]
    )
    return _epoch(keras, model, normal(1280, 128, 16), 64)


@row("Conv3D on 16×16×16, an epoch of 4 × 16")
def conv_3d(keras: Any) -> Work:
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((16, 16, 16, 1)),
            layers.Conv3D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling3D(),
            layers.Conv3D(32, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling3D(),
            layers.Dense(10),
        ]
    )
    return _epoch(keras, model, normal(64, 16, 16, 16, 1), 16)
