"""Initializer: what a weight starts as."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from lamella.dtypes import standardize_dtype


class Initializer:
    """A first value: subclass it, and return an array of the shape and dtype from `__call__`."""

    numbers_later: ClassVar[Callable[..., Any] | None] = None
    """(shape, dtype) → a function that computes the value with NumPy, whenever it is called, and cannot fail."""

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "__call__" in vars(cls) and "numbers_later" not in vars(cls):
            cls.numbers_later = None  # what a class returns is no longer what the one above it says

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define __call__(shape, dtype=None).")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def clone(self) -> Any:
        """An equal initializer, which draws the numbers of the same seed."""
        return type(self).from_config(self.get_config())


def on_host(call: Callable[..., Any]) -> Callable[..., jax.Array]:
    """Wraps a `__call__` that computes with NumPy: shape and dtype made sure, the result put on the device.

    The array is a real one, also inside of a JAX transformation.  `device_put`, since
    `jnp.asarray` compiles a program for each shape (20 ms).
    """

    @wraps(call)
    def wrapped(self: Any, shape: Any, dtype: Any = None) -> jax.Array:
        with jax.ensure_compile_time_eval():
            return jax.device_put(call(self, tuple(shape), jnp.dtype(standardize_dtype(dtype))))

    return wrapped


class HostInitializer(Initializer):
    """An initializer that settles what a value will be, and computes it when it is needed."""

    def numbers_later(self, shape: tuple[int, ...], dtype: Any) -> Callable[[], np.ndarray]:
        """A function of no arguments that computes the value."""
        raise NotImplementedError(f"{type(self).__name__} does not define numbers_later(shape, dtype).")

    @on_host
    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return self.numbers_later(shape, dtype)()


def cast(value: Any, dtype: Any) -> np.ndarray:
    """A NumPy array of a dtype."""
    return np.asarray(value).astype(dtype)
