"""Initial values that are computed when they are first read.

`Later` is for files, which are checked before memory is taken: even its random key is drawn only then.  `Drawn` is for
all models: what it will be is settled, and a model whose weights are loaded never computes it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from lamella.dtypes import standardize_dtype
from lamella.errors import StateError
from lamella.state.frame import frame


class Later:
    """A value that is not made yet; its shape and dtype are known.

    Args: make: computes it.
    """

    def __init__(self, make: Callable[[], Any], shape: Any, dtype: Any):
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


class Drawn(Later):
    """A value that NumPy computes: `make` gives the same whenever it is called.

    Args: owner: the path of the variable, for errors.
    """

    _host: np.ndarray | None = None

    def __init__(self, make: Callable[[], np.ndarray], shape: Any, dtype: Any, owner: str):
        super().__init__(make, shape, dtype)
        self._owner = owner

    def host(self) -> np.ndarray:
        """The value, in the host's memory.

        Raises: StateError: there is not so much.
        """
        if self._host is None:
            try:
                self._host = self._make()
            except MemoryError as error:
                raise StateError(
                    f"There is no memory for the first value of the variable {self._owner!r}.",
                    received=f"shape {self.shape}, {self.dtype.name}: {self.nbytes:,} bytes",
                    fix="make its layer smaller",
                ) from error
        return np.asarray(self._host)

    def made(self) -> jax.Array:
        with jax.ensure_compile_time_eval():
            return jax.device_put(self.host())


_replacing = Lock()


def settle(variable: Any, later: Later, value: jax.Array) -> None:
    """Puts a value in the place of one that was to come, unless another thread did so meanwhile."""
    with _replacing:
        if variable._value is later:
            variable._value = value


def settle_all(variables: Iterable[Any]) -> None:
    """Computes what is to come, and brings it to the device at once: three times as fast as one by one."""
    found = [(variable, variable._value) for variable in variables if type(variable._value) is Drawn]
    with jax.ensure_compile_time_eval():
        values = jax.device_put([later.host() for _, later in found])
    for (variable, later), value in zip(found, values, strict=True):
        settle(variable, later, value)


def is_traced() -> bool:
    """Whether this runs inside of a JAX transformation."""
    return isinstance(jnp.zeros((), "int32") + 0, jax.core.Tracer)
