"""New tensors: filled, counted, spaced, shaped as a window."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from lamella.config import floatx
from lamella.errors import DtypeError
from lamella.graph import op
from lamella.ops.tensors import definite, tensor


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Zeros, in floatx if no dtype is given."""
    return jnp.zeros(shape, definite(dtype or floatx()))


def ones(shape: Any, dtype: Any = None) -> Any:
    """Ones, in floatx if no dtype is given."""
    return jnp.ones(shape, definite(dtype or floatx()))


def empty(shape: Any, dtype: Any = None) -> Any:
    """Values of no meaning (zeros in fact), in floatx if no dtype is given."""
    return jnp.empty(shape, definite(dtype or floatx()))


@op
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value everywhere, in floatx if no dtype is given."""
    return jnp.full(shape, tensor(fill_value), definite(dtype or floatx()))


@op
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros of the shape (and dtype) of x."""
    return jnp.zeros_like(tensor(x), definite(dtype))


@op
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones of the shape (and dtype) of x."""
    return jnp.ones_like(tensor(x), definite(dtype))


@op
def empty_like(x: Any, dtype: Any = None) -> Any:
    """Values of no meaning, of the shape (and dtype) of x."""
    return jnp.empty_like(tensor(x), definite(dtype))


@op
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value everywhere, of the shape (and dtype) of x."""
    return jnp.full_like(tensor(x), tensor(fill_value), definite(dtype))


@op
def array(x: Any, dtype: Any = None) -> Any:
    """A new array of these values."""
    return jnp.array(tensor(x), definite(dtype))


@op
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """The numbers from `start` up to, not including, `stop`; from 0 if only one is given.

    Example: >>> ops.arange(1, 7, 2).tolist()
             [1, 3, 5]
    """
    limits = [limit for limit in (start, stop, step) if limit is not None]
    if dtype is None and any(isinstance(limit, float) for limit in limits):
        limits.append(jnp.zeros((), floatx()))  # Python floats count as floatx
    return jnp.arange(start, stop, step, definite(dtype or jnp.result_type(*limits)))


def identity(n: int, dtype: Any = None) -> Any:
    """A square matrix with ones on its diagonal."""
    return eye(n, dtype=dtype)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:  # noqa: N803 - Keras's names
    """An (N, M) matrix with ones on its k-th diagonal.

    Raises: DtypeError: a size is no integer.
    """
    for size in (N, M):
        if size is not None and not jnp.issubdtype(jnp.result_type(size), jnp.integer):
            raise DtypeError("The sizes of eye() are integers.", received=f"N={N!r}, M={M!r}")
    return jnp.eye(N, M, k, definite(dtype or floatx()))


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:  # noqa: N803 - Keras's names
    """An (N, M) matrix with ones on its k-th diagonal and below."""
    return jnp.tri(N, M, k, definite(dtype or floatx()))


@op
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """`num` numbers from `start` to `stop`, evenly spaced; with their distance too, if `retstep`.

    Example: >>> ops.linspace(0, 1, 3).tolist()
             [0.0, 0.5, 1.0]
    """
    return jnp.linspace(tensor(start), tensor(stop), num, endpoint, retstep, definite(dtype), axis)


@op
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None, axis: int = 0
) -> Any:
    """`num` numbers from base**start to base**stop, each the same multiple of the one before."""
    return jnp.logspace(tensor(start), tensor(stop), num, endpoint, base, definite(dtype), axis)


@op
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """`num` numbers from `start` to `stop`, each the same multiple of the one before."""
    return jnp.geomspace(tensor(start), tensor(stop), num, endpoint, definite(dtype), axis)


@op
def meshgrid(*x: Any, indexing: str = "xy") -> Any:
    """The coordinates of a grid, from the ticks of each axis.

    Args: indexing: "xy" (the first two axes swapped, as in a plot) or "ij" (in order).
    """
    return jnp.meshgrid(*map(tensor, x), indexing=indexing)


@op
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803 - Keras's names
    """The powers of each number in a row: a Vandermonde matrix with N columns."""
    return jnp.vander(tensor(x), N, increasing)


def _window(length: int, function: Any) -> Any:
    return function(int(length)).astype(floatx())


def bartlett(x: int) -> Any:
    """A triangular window of x points, 0 at both ends."""
    return _window(x, jnp.bartlett)


def blackman(x: int) -> Any:
    """The Blackman window of x points, a sum of three cosines."""
    return _window(x, jnp.blackman)


def hamming(x: int) -> Any:
    """The Hamming window of x points, a raised cosine, 0.08 at both ends."""
    return _window(x, jnp.hamming)


def hanning(x: int) -> Any:
    """The Hann window of x points, a raised cosine, 0 at both ends."""
    return _window(x, jnp.hanning)


def kaiser(x: int, beta: float) -> Any:
    """The Kaiser window of x points; the larger `beta`, the narrower."""
    return _window(x, lambda length: jnp.kaiser(length, beta))
