"""keras.activations: the functions that layers apply to their outputs, and their names."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import nn

from lamella import ops, registry
from lamella.errors import ConfigError
from lamella.graph import op
from lamella.ops import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh,
    tanh_shrink,
    threshold,
)

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]


_relu = jax.jit(nn.relu, inline=True)  # as it is, JAX takes 0.1 ms for a call outside of a trace


@op(name="ReLU")
def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """x above `threshold` (at most `max_value`), negative_slope * (x - threshold) below.

    Example: >>> activations.relu(jnp.array([-1.0, 2.0, 9.0]), negative_slope=0.5, max_value=6.0).tolist()
             [-0.5, 2.0, 6.0]
    """
    x = ops.convert_to_tensor(x)
    above = jnp.where(x > threshold, x, 0) if threshold else _relu(x)
    if max_value is not None:
        above = jnp.clip(above, 0, jnp.asarray(max_value, x.dtype))
    return above - negative_slope * _relu(threshold - x) if negative_slope else above


def gelu(x: Any, approximate: bool = False) -> Any:
    """x times the share of a normal distribution below x; exact unless `approximate`."""
    return ops.gelu(x, approximate=approximate)


def exponential(x: Any) -> Any:
    """e to the power of x."""
    return ops.exp(x)


def linear(x: Any) -> Any:
    """x as it is."""
    return x


@op
def mish(x: Any) -> Any:
    """x * tanh(softplus(x)).

    Source: Misra 2019, "Mish: a self regularized non-monotonic activation function".
    """
    return nn.mish(ops.convert_to_tensor(x))


_FUNCTIONS = {name: globals()[name] for name in __all__ if name not in ("get", "serialize", "deserialize")}
_CATALOG = registry.Catalog("activation function", (), _FUNCTIONS, rooms=("layers",))


def get(identifier: Any) -> Any:
    """An activation function from its name, its config, or itself; `linear` for None.

    Raises:  UnknownNameError: no function has that name.  ArgumentError: it cannot be called.
    Example: >>> activations.get("tanh") is activations.tanh
             True
    """
    return linear if identifier is None else _CATALOG.get(identifier)


def serialize(activation: Any) -> Any:
    """The name of a built-in function or of the op of the same name, or the config of another function.

    Raises:  ConfigError: a function that no config can name (not registered, or a lambda).
    Example: >>> activations.serialize(activations.swish)
             'silu'
    """
    name = getattr(activation, "__name__", None)
    if name in _FUNCTIONS and activation in (_FUNCTIONS[name], getattr(ops, name, None)):
        return name
    config = registry.serialize_keras_object(activation)
    if "config" not in config:
        raise ConfigError(
            f"The activation function {name!r} cannot be written as a config.",
            fix="decorate it with @lamella.saving.register_keras_serializable()",
        )
    return config


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The activation function that a name or config stands for."""
    return _CATALOG.deserialize(config, custom_objects)
