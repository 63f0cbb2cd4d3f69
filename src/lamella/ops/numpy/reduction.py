"""Many numbers to one: sums, means, extremes, quantiles, and their running forms."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from lamella.graph import op
from lamella.ops.table import Function, reduction
from lamella.ops.tensors import definite, floating, hashable_axis, tensor, wide


def _in_float32(function: Function) -> Function:
    """The function computed in at least float32; the result has the argument's dtype."""

    def call(x: Any, axis: Any, keepdims: bool) -> Any:
        return function(x, axis=axis, keepdims=keepdims, dtype=wide(x.dtype)).astype(x.dtype)

    return call


def _ordering_zeros(function: Function) -> Function:
    """The index function with -0.0 below 0.0."""

    @partial(jax.jit, static_argnames=("axis", "keepdims"))
    def call(x: Any, axis: Any, keepdims: bool) -> Any:
        if jnp.issubdtype(x.dtype, jnp.floating):
            x = jnp.where((x == 0) & jnp.signbit(x), -jnp.finfo(x.dtype).tiny, x)
        return function(x, axis=axis, keepdims=keepdims)

    return call


sum = reduction("sum", jnp.sum, "The sum.")
mean = reduction("mean", _in_float32(jnp.mean), "The mean.", floating)
var = reduction("var", _in_float32(jnp.var), "The variance: the mean squared distance from the mean.", floating)
std = reduction("std", jnp.std, "The standard deviation.", floating)
median = reduction("median", jnp.median, "The value in the middle.", floating)
ptp = reduction("ptp", jnp.ptp, "The largest value minus the smallest one.")
all = reduction("all", jnp.all, "Whether all are true.")
any = reduction("any", jnp.any, "Whether one or more are true.")
amax = reduction("amax", jnp.amax, "The largest value.")
amin = reduction("amin", jnp.amin, "The smallest value.")
argmax = reduction("argmax", _ordering_zeros(jnp.argmax), "The index of the (first) largest value; -0.0 is below 0.0.")
argmin = reduction("argmin", _ordering_zeros(jnp.argmin), "The index of the (first) smallest value; -0.0 is below 0.0.")

nansum = reduction("nansum", jnp.nansum, "The sum, with NaN as 0.")
nanprod = reduction("nanprod", jnp.nanprod, "The product, with NaN as 1.")
nanmean = reduction("nanmean", jnp.nanmean, "The mean of what is not NaN.")
nanvar = reduction("nanvar", jnp.nanvar, "The variance of what is not NaN.")
nanstd = reduction("nanstd", jnp.nanstd, "The standard deviation of what is not NaN.")
nanmedian = reduction("nanmedian", jnp.nanmedian, "The middle value of what is not NaN.")
nanmax = reduction("nanmax", jnp.nanmax, "The largest value that is not NaN.")
nanmin = reduction("nanmin", jnp.nanmin, "The smallest value that is not NaN.")
nanargmax = reduction("nanargmax", jnp.nanargmax, "The index of the largest value that is not NaN.")
nanargmin = reduction("nanargmin", jnp.nanargmin, "The index of the smallest value that is not NaN.")


@op
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The largest value, at least `initial`.

    Example: >>> ops.max([[1, 5], [7, 2]], axis=1).tolist()
             [5, 7]
    """
    return jnp.max(tensor(x), axis=hashable_axis(axis), keepdims=keepdims, initial=initial)


@op
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """The smallest value, at most `initial`."""
    return jnp.min(tensor(x), axis=hashable_axis(axis), keepdims=keepdims, initial=initial)


@op
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """The product."""
    return jnp.prod(tensor(x), axis=hashable_axis(axis), keepdims=keepdims, dtype=definite(dtype))


@op
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """How many are not 0, as int32."""
    return jnp.count_nonzero(tensor(x), axis=hashable_axis(axis)).astype("int32")


@op
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """The mean, with a weight for each value if given."""
    x = floating(x)
    return jnp.average(x, axis=hashable_axis(axis), weights=None if weights is None else floating(weights))


@op
def quantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """The value below which the share `q` of all values lies.

    Args:    q: one or more numbers in [0, 1]; the results for several stand along a new first axis.
             method: "linear", "lower", "higher", "midpoint" or "nearest".
    Example: >>> float(ops.quantile([0.0, 10.0], 0.25))
             2.5
    """
    return jnp.quantile(floating(x), floating(q), axis=hashable_axis(axis), method=method, keepdims=keepdims)


@op
def percentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """The value below which `q` of 100 values lie."""
    return jnp.percentile(floating(x), floating(q), axis=hashable_axis(axis), method=method, keepdims=keepdims)


@op
def nanquantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """`quantile` of what is not NaN."""
    return jnp.nanquantile(floating(x), floating(q), axis=hashable_axis(axis), method=method, keepdims=keepdims)


@op
def nanpercentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """`percentile` of what is not NaN."""
    return jnp.nanpercentile(floating(x), floating(q), axis=hashable_axis(axis), method=method, keepdims=keepdims)


@op
def cumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """The sum of each value and all before it.

    Example: >>> ops.cumsum([1, 2, 3]).tolist()
             [1, 3, 6]
    """
    return jnp.cumsum(tensor(x), axis=axis, dtype=definite(dtype))


@op
def cumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """The product of each value and all before it."""
    return jnp.cumprod(tensor(x), axis=axis, dtype=definite(dtype))


@op
def nancumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """`cumsum` with NaN as 0."""
    return jnp.nancumsum(tensor(x), axis=axis, dtype=definite(dtype))


@op
def nancumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """`cumprod` with NaN as 1."""
    return jnp.nancumprod(tensor(x), axis=axis, dtype=definite(dtype))


@op
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """The differences between neighbours, taken `n` times."""
    return jnp.diff(tensor(a), n=n, axis=axis)


@op
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The area under the points `y`, joined by straight lines.

    Args: x: where the points are; None: `dx` apart.
    """
    return jnp.trapezoid(tensor(y), None if x is None else tensor(x), dx=tensor(dx), axis=axis)
