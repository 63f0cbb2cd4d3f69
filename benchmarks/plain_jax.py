"""The same work in JAX without Keras: a compiled step in a plain loop.  One function a row, named as the row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.data import integers, normal
from benchmarks.row import Work

tree_map = jax.tree_util.tree_map


def _drawn(*shape: int) -> Any:
    return jnp.asarray(normal(*shape)) / shape[0] ** 0.5


def _adam(loss: Callable[..., Any], rate: float = 1e-3) -> Callable[..., Any]:
    """A compiled Adam step: (state, x, y) → (state, loss)."""

    def step(state: Any, x: Any, y: Any) -> Any:
        weights, mean, square, count = state
        value, gradient = jax.value_and_grad(loss)(weights, x, y)
        count = count + 1
        mean = tree_map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = tree_map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradient)
        scale = rate * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        weights = tree_map(lambda w, m, s: w - scale * m / (jnp.sqrt(s) + 1e-7), weights, mean, square)
        return (weights, mean, square, count), value

    return jax.jit(step, donate_argnums=0)


def _epoch(loss: Callable[..., Any], weights: Any, x: Any, y: Any, batch_size: int) -> Work:
    """A pass over NumPy arrays; weights carry over from run to run."""
    zeros = tree_map(jnp.zeros_like, weights)
    held, step = [(weights, zeros, tree_map(jnp.zeros_like, weights), 0.0)], _adam(loss)

    def work() -> Any:
        state, value = held.pop(), None
        for start in range(0, len(x), batch_size):
            state, value = step(state, x[start : start + batch_size], y[start : start + batch_size])
        held.append(state)
        return value

    return work


def _mlp(weights: Any, x: Any) -> Any:
    kernel_1, bias_1, kernel_2, bias_2 = weights
    return jax.nn.relu(x @ kernel_1 + bias_1) @ kernel_2 + bias_2


def _mlp_weights() -> Any:
    return _drawn(64, 64), jnp.zeros(64), _drawn(64, 10), jnp.zeros(10)


def mlp_epoch() -> Work:
    def loss(weights: Any, x: Any, y: Any) -> Any:
        logits = jax.nn.log_softmax(_mlp(weights, x))
        return -jnp.take_along_axis(logits, y[:, None], 1).mean()

    return _epoch(loss, _mlp_weights(), normal(32_000, 64), integers(10, 32_000), 32)


def predict_on_batch() -> Work:
    predict, weights, x = jax.jit(_mlp), _mlp_weights(), normal(32, 64)
    return lambda: [predict(weights, x).block_until_ready() for _ in range(200)]


def lstm() -> Work:
    def loss(weights: Any, x: Any, y: Any) -> Any:
        kernel, recurrent, bias, head, head_bias = weights

        def cell(state: Any, gates: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(gates + h @ recurrent, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zero = jnp.zeros((len(x), 64))
        (h, _), _ = jax.lax.scan(cell, (zero, zero), jnp.swapaxes(x @ kernel + bias, 0, 1))
        return ((h @ head + head_bias - y) ** 2).mean()

    weights = _drawn(32, 256), _drawn(64, 256), jnp.zeros(256), _drawn(64, 1), jnp.zeros(1)
    return _epoch(loss, weights, normal(640, 80, 32), normal(640, 1), 64)
