"""Activation functions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import nn

from lamella.graph import op
from lamella.ops.table import unary
from lamella.ops.tensors import floating, hashable_axis, tensor

# JAX's functions with a derivative of their own take 0.1 ms a call outside of a trace; compiled, 0.01 ms.
_gelu = jax.jit(nn.gelu, static_argnums=1, inline=True)
_softmax = jax.jit(nn.softmax, static_argnums=1, inline=True)

relu = unary("relu", jax.jit(nn.relu, inline=True), "max(x, 0).")
relu6 = unary("relu6", jax.jit(nn.relu6, inline=True), "min(max(x, 0), 6).")
sigmoid = unary("sigmoid", nn.sigmoid, "1 / (1 + exp(-x)).", floating)
sparse_sigmoid = unary("sparse_sigmoid", nn.sparse_sigmoid, "(x + 1) / 2, kept within [0, 1].", floating)
hard_sigmoid = unary("hard_sigmoid", nn.hard_sigmoid, "x / 6 + 1/2, kept within [0, 1].", floating)
log_sigmoid = unary("log_sigmoid", nn.log_sigmoid, "log(sigmoid(x)).", floating)
silu = unary("silu", nn.silu, "x * sigmoid(x), also called swish.", floating)
hard_silu = unary("hard_silu", nn.hard_silu, "x * hard_sigmoid(x), also called hard swish.", floating)
tanh_shrink = unary("tanh_shrink", lambda x: x - jnp.tanh(x), "x - tanh(x).", floating)
hard_tanh = unary("hard_tanh", nn.hard_tanh, "x, kept within [-1, 1].")
softplus = unary("softplus", nn.softplus, "log(1 + exp(x)).", floating)
sparse_plus = unary("sparse_plus", nn.sparse_plus, "0 up to -1, x from 1 on, (x + 1)² / 4 between.", floating)
softsign = unary("softsign", nn.soft_sign, "x / (1 + |x|).", floating)
selu = unary("selu", nn.selu, "elu(x), scaled so that layers keep mean 0 and variance 1.", floating)
swish, hard_swish = silu, hard_silu


@op
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """x above 0, negative_slope * x below."""
    return nn.leaky_relu(tensor(x), negative_slope)


@op
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, alpha * (exp(x) - 1) below."""
    return nn.elu(floating(x), alpha)


@op
def celu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, alpha * (exp(x / alpha) - 1) below."""
    return nn.celu(floating(x), alpha)


@op
def gelu(x: Any, approximate: bool = True) -> Any:
    """x times the share of a normal distribution below x; `approximate` computes it by tanh."""
    return _gelu(floating(x), bool(approximate))


@op
def glu(x: Any, axis: int = -1) -> Any:
    """The first half times the sigmoid of the second half."""
    return nn.glu(floating(x), axis)


@op
def squareplus(x: Any, b: float = 4) -> Any:
    """(x + √(x² + b)) / 2."""
    return nn.squareplus(floating(x), b)


@op
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x moved towards 0 by `threshold`, and 0 within it."""
    x = tensor(x)
    return jnp.where(x > threshold, x - threshold, jnp.where(x < -threshold, x + threshold, 0.0))


@op
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """x, but 0 where |x| is at most `threshold`."""
    x = tensor(x)
    return jnp.where(jnp.abs(x) > threshold, x, 0.0)


@op
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """x above `threshold`, `default_value` elsewhere."""
    x = tensor(x)
    return jnp.where(x > threshold, x, default_value)


@op
def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x), divided by its sum over one or more axes.

    Example: >>> ops.softmax([0.0, 0.0]).tolist()
             [0.5, 0.5]
    """
    return _softmax(floating(x), hashable_axis(axis))


@op
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """log(softmax(x))."""
    return nn.log_softmax(floating(x), hashable_axis(axis))


@op
def sparsemax(x: Any, axis: int = -1) -> Any:
    """x less a threshold, and 0 below it: a softmax with exact zeros.

    Keras's threshold sums the running sums of the values above it, where the paper sums the values,
    so the result need not sum to 1.  Its numbers are kept.

    Source: Martins & Astudillo 2016, "From softmax to sparsemax", section 2.2.
    """
    x = jnp.moveaxis(floating(x), axis, -1)
    ranked = jnp.flip(jnp.sort(x, axis=-1), axis=-1)
    totals, place = jnp.cumsum(ranked, axis=-1), jnp.arange(1, x.shape[-1] + 1)
    above = ranked > (totals - 1) / place
    threshold = (jnp.sum(totals, axis=-1, where=above, keepdims=True) - 1) / jnp.sum(above, axis=-1, keepdims=True)
    return jnp.moveaxis(jnp.maximum(x - threshold, 0.0), -1, axis)
