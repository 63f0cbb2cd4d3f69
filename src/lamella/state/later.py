"""Initial values that are computed when they are first read: how files are checked before memory is taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.core
import jax.numpy as jnp

from lamella.dtypes import standardize_dtype
from lamella.state.frame import frame


class Later:
    """A value that is not made yet; its shape and dtype are known.

    Args: make: computes it.
    """

    def __init__(self, make: Callable[[], jax.Array], shape: Any, dtype: Any):
        self._make = make
        self.shape, self.dtype = tuple(map(int, shape)), jnp.dtype(standardize_dtype(dtype))
        self.ndim, self.size = len(self.shape), math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def stand_in(self) -> jax.Array:
        """What a trace for shapes sees of it: nothing is allocated."""
        return jnp.zeros(self.shape, self.dtype)

    def made(self) -> jax.Array:
        with frame(overlay=None, autocast=None):
            return self._make()


def is_traced() -> bool:
    """Whether this runs inside of a JAX transformation."""
    return isinstance(jnp.zeros((), "int32") + 0, jax.core.Tracer)
