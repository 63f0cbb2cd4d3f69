"""Special functions, segments, ranks and distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy import special

from lamella.errors import ArgumentError, ShapeError
from lamella.graph import op
from lamella.ops.table import reduction, unary
from lamella.ops.tensors import floating, indices, tensor

rsqrt = unary("rsqrt", lax.rsqrt, "One over the square root.", floating)
erf = unary("erf", lax.erf, "The error function: 2/√π times the integral of exp(-t²) from 0 to x.", floating)
erfc = unary("erfc", special.erfc, "1 - erf(x), exact for large x.", floating)
erfinv = unary("erfinv", special.erfinv, "The inverse of erf.", floating)
logsumexp = reduction("logsumexp", special.logsumexp, "log(sum(exp(x))), without overflow.", floating)


@op
def logdet(x: Any) -> Any:
    """The logarithm of the size of a determinant."""
    return jnp.linalg.slogdet(tensor(x))[1]


@op
def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """The k largest values along the last axis, in descending order, and their indices.

    Example: >>> ops.top_k([3, 1, 2], 2)[1].tolist()
             [0, 2]
    """
    return tuple(lax.top_k(tensor(x), k))


@op
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether each target's prediction is one of the k largest of its row; NaN is not.

    Args: targets: (batch,) indices; predictions: (batch, classes).
    """
    predictions = tensor(predictions)
    own = jnp.take_along_axis(predictions, jnp.expand_dims(indices(targets), -1), -1)
    own = jnp.where(jnp.isnan(own), -jnp.inf, own)
    return jnp.sum(predictions > own, axis=-1) < k


@op(name="CDist")
def cdist(x: Any, y: Any) -> Any:
    """The distances between all rows of x and all rows of y.

    Shape:  (…, m, d), (…, n, d) → (…, m, n)
    Raises: ShapeError: a rank below 2, or rows of different lengths.
    """
    x, y = tensor(x), tensor(y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(
            "cdist() takes rows of one length.", expected="(…, m, d), (…, n, d)", received=(x.shape, y.shape)
        )
    return jnp.sqrt(jnp.sum(jnp.square(x[..., :, None, :] - y[..., None, :, :]), axis=-1))


@op
def view_as_complex(x: Any) -> Any:
    """Pairs (real, imaginary) along the last axis, as complex numbers.

    Raises: ShapeError: the last axis has not the size 2.
    """
    x = tensor(x)
    if x.shape[-1:] != (2,):
        raise ShapeError("A complex number has two parts.", expected="a last axis of size 2", received=x.shape)
    return x[..., 0].astype("complex64") + 1j * x[..., 1].astype("complex64")


@op
def view_as_real(x: Any) -> Any:
    """Complex numbers as pairs (real, imaginary) along a new last axis."""
    x = tensor(x)
    return jnp.stack((jnp.real(x), jnp.imag(x)), axis=-1)


def _segmented(reduce: Callable[..., Any], data: Any, segment_ids: Any, num_segments: int | None, sorted: bool) -> Any:
    data, segment_ids = tensor(data), tensor(segment_ids)
    if segment_ids.ndim != 1 or segment_ids.shape[0] != data.shape[0]:
        raise ShapeError("Each slice of the data needs one id.", expected=data.shape[:1], received=segment_ids.shape)
    if num_segments is None:
        raise ArgumentError("num_segments must be given: JAX needs to know the size of the result.")
    return reduce(data, segment_ids, num_segments, indices_are_sorted=sorted)


@op
def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The sum of the slices of the first axis that have one id, for each id; 0 where none has."""
    return _segmented(jax.ops.segment_sum, data, segment_ids, num_segments, sorted)


@op
def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The largest of the slices of the first axis that have one id, for each id; the lowest number where none has."""
    return _segmented(jax.ops.segment_max, data, segment_ids, num_segments, sorted)


@op
def segment_min(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The smallest of the slices of the first axis that have one id, for each id; the highest number where none has."""
    return _segmented(jax.ops.segment_min, data, segment_ids, num_segments, sorted)


@op
def segment_prod(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """The product of the slices of the first axis that have one id, for each id; 1 where none has."""
    return _segmented(jax.ops.segment_prod, data, segment_ids, num_segments, sorted)
