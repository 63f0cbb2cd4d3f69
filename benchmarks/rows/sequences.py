"""Recurrent networks and a small transformer, ten steps of 64 each."""

from __future__ import annotations

from typing import Any

from benchmarks.data import normal, same_weights
from benchmarks.row import Work, row

COUNT = 640


def _epoch(model: Any, *shape: int) -> Work:
    """One epoch of regression to one number."""
    same_weights(model).compile("adam", "mse")
    x, y = normal(COUNT, *shape), normal(COUNT, 1)
    return lambda: model.fit(x, y, batch_size=64, shuffle=False, verbose=0).history["loss"]


@row("LSTM(64) on 80 steps of 32, an epoch of 10 × 64", plain=("jax",))
def lstm(keras: Any) -> Work:
    layers = keras.layers
    return _epoch(keras.Sequential([layers.Input((80, 32)), layers.LSTM(64), layers.Dense(1)]), 80, 32)


@row("GRU(64) on 80 steps of 32, an epoch of 10 × 64")
def gru(keras: Any) -> Work:
    layers = keras.layers
    return _epoch(keras.Sequential([layers.Input((80, 32)), layers.GRU(64), layers.Dense(1)]), 80, 32)


@row("transformer, 2 blocks of 64, on 64 steps, an epoch of 10 × 64")
def transformer(keras: Any) -> Work:
    layers, inputs = keras.layers, keras.Input((64, 64))
    x = inputs
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.add([x, layers.MultiHeadAttention(4, 16)(y, y)])
        y = layers.Dense(256, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.add([x, layers.Dense(64)(y)])
    outputs = layers.Dense(1)(layers.GlobalAveragePooling1D()(x))
    return _epoch(keras.Model(inputs, outputs), 64, 64)
