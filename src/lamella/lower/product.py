"""Matrix products, phrased for the device at hand."""

from __future__ import annotations

from math import prod
from typing import Any

import jax
import jax.numpy as jnp


def matmul(x1: Any, x2: Any, accumulated: Any = None) -> Any:
    """x1 @ x2; on a CPU, rows of many axes by one matrix are one long matrix of rows.

    Otherwise the gradient that XLA's CPU backend makes copies both factors, and computes
    an activation before it anew inside of the copy.

    Args: accumulated: the dtype of sums and result; chosen by jax if None.
    """
    if not (x1.ndim > 2 == x2.ndim and jax.default_backend() == "cpu"):
        return jnp.matmul(x1, x2, preferred_element_type=accumulated)
    rows = x1.reshape(prod(x1.shape[:-1]), x1.shape[-1])
    return jnp.matmul(rows, x2, preferred_element_type=accumulated).reshape(*x1.shape[:-1], x2.shape[-1])
