"""What every op does first: arguments become arrays, dtypes become definite."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.dtypes import default_float, standardize_dtype
from lamella.state import Variable


def tensor(x: Any, dtype: Any = None) -> jax.Array:
    """An array from an array, Variable, number or nested list; Python numbers stay weakly typed.

    Example: >>> from lamella.ops.tensors import tensor
             >>> tensor([1, 2]).dtype, tensor(1.5, "bfloat16").dtype
             (dtype('int32'), dtype(bfloat16))
    """
    if isinstance(x, Variable):
        x = x.value
    return x if dtype is None and isinstance(x, jax.Array) else jnp.asarray(x, dtype=definite(dtype))


def floating(x: Any) -> jax.Array:
    """`tensor(x)`, integers and booleans as floatx."""
    x = tensor(x)
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(default_float())


def indices(x: Any) -> Any:
    """`tensor(x)` as whole numbers: floats, which symbolic tensors are unless told, are cut off."""
    x = tensor(x)
    return x.astype("int32") if jnp.issubdtype(x.dtype, jnp.floating) else x


def tensors(xs: Any) -> list[jax.Array]:
    """Each of several as an array; an array gives its rows."""
    return [tensor(x) for x in xs]


def definite(dtype: Any) -> Any:
    """The dtype that JAX computes in for a dtype's name (float32 for float64), or None for None."""
    return None if dtype is None else jax.dtypes.canonicalize_dtype(standardize_dtype(dtype))


def wide(dtype: Any) -> Any:
    """The dtype that sums are safe in: float32 for the half-sized floats."""
    return jnp.promote_types(dtype, jnp.float32)


def hashable_axis(axis: Any) -> Any:
    """An axis argument, a list as a tuple."""
    return tuple(axis) if isinstance(axis, list) else axis
