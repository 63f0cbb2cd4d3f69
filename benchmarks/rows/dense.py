"""A small MLP, where the loop around the model is what costs, and a model that is nearly all embeddings."""

from __future__ import annotations

from typing import Any

from benchmarks.data import integers, normal, same_weights
from benchmarks.row import Work, row

CALLS = 200


def mlp(keras: Any, steps: int = 1000) -> tuple[Any, Any, Any]:
    """64-64-10, compiled, and data for so many steps of 32."""
    layers = keras.layers
    model = keras.Sequential([layers.Input((64,)), layers.Dense(64, activation="relu"), layers.Dense(10)])
    same_weights(model).compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model, normal(32 * steps, 64), integers(10, 32 * steps)


@row("MLP 64-64-10, an epoch of 1,000 × 32", tolerance=2e-2, plain=("jax",))
def mlp_epoch(keras: Any) -> Work:
    model, x, y = mlp(keras)
    return lambda: model.fit(x, y, batch_size=32, verbose=0).history["loss"]


@row("evaluate, MLP, 1,000 × 32")
def evaluate(keras: Any) -> Work:
    model, x, y = mlp(keras)
    return lambda: model.evaluate(x, y, batch_size=32, verbose=0)


@row("predict_on_batch, MLP, 32", calls=CALLS, plain=("jax",))
def predict_on_batch(keras: Any) -> Work:
    model, x, _ = mlp(keras, 1)
    return lambda: [model.predict_on_batch(x) for _ in range(CALLS)]


@row("model(x) called eagerly, MLP, 32", calls=CALLS)
def eager_call(keras: Any) -> Work:
    model, x, _ = mlp(keras, 1)
    return lambda: [model(x) for _ in range(CALLS)]


@row("recommender, 150,000 embeddings of 64, an epoch of 10 × 1,024")
def recommender(keras: Any) -> Work:
    layers, count = keras.layers, 10 * 1024
    user, item = keras.Input((), dtype="int32", name="user"), keras.Input((), dtype="int32", name="item")
    pair = layers.concatenate([layers.Embedding(100_000, 64)(user), layers.Embedding(50_000, 64)(item)])
    model = keras.Model([user, item], layers.Dense(1)(layers.Dense(128, activation="relu")(pair)))
    same_weights(model).compile("adam", "mse")
    x, y = [integers(100_000, count), integers(50_000, count)], normal(count, 1)
    return lambda: model.fit(x, y, batch_size=1024, shuffle=False, verbose=0).history["loss"]
