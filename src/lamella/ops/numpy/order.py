"""Sorting, counting, and sets of values."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from lamella.errors import ArgumentError, ShapeError
from lamella.graph import KerasTensor, op
from lamella.ops.tensors import tensor


@op
def sort(x: Any, axis: int | None = -1) -> Any:
    """The elements in ascending order."""
    return jnp.sort(tensor(x), axis)


@op
def argsort(x: Any, axis: int | None = -1) -> Any:
    """The indices that put the elements in ascending order."""
    x = tensor(x)
    return jnp.argsort(x, axis if x.ndim else None)


@op
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Any:
    """Indices that put the k-th smallest at its place, with smaller ones before and larger ones behind."""
    x = tensor(x)
    return jnp.argpartition(x.reshape(-1) if axis is None else x, kth, 0 if axis is None else axis)


@op(name="IsIn")
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each element of x1 is one of x2 (or is not, if `invert`)."""
    return jnp.isin(tensor(x1), tensor(x2), assume_unique=assume_unique, invert=invert)


@op
def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different values, in ascending order.

    Args:    return_index, return_inverse, return_counts: also give where each stands first, which
             one each element is, how often each occurs.
             size: how many to return; needed inside of compiled code.
             fill_value: what stands in places left over by `size`.
    Example: >>> ops.unique([3, 1, 3]).tolist()
             [1, 3]
    """
    return jnp.unique(
        tensor(x),
        return_index,
        return_inverse,
        return_counts,
        axis,
        equal_nan=False,
        size=size,
        fill_value=fill_value,
        sorted=sorted,
    )


def _unique_spec(self: Any, x: KerasTensor, sorted: bool = True, *args: Any, **kwargs: Any) -> Any:
    names = ("return_index", "return_inverse", "return_counts", "axis", "size")
    given = {**self.fixed, **dict(zip(names, args, strict=False)), **kwargs}
    axis, size = given.get("axis"), given.get("size")
    along = None if axis is None else axis % len(x.shape)
    values = (size,) if along is None else (*x.shape[:along], size, *x.shape[along + 1 :])
    more = {
        "return_index": (size,),
        "return_inverse": x.shape if along is None else (x.shape[along],),
        "return_counts": (size,),
    }
    wanted = [KerasTensor(shape, "int32") for name, shape in more.items() if given.get(name)]
    return (KerasTensor(values, x.dtype), *wanted) if wanted else KerasTensor(values, x.dtype)


unique.operation.compute_output_spec = _unique_spec  # type: ignore[attr-defined]


@op
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """How often each number 0, 1, 2, … occurs (or the sum of its weights); row by row for a matrix.

    Raises: ArgumentError: `sparse`.
    """
    if sparse:
        raise ArgumentError("Sparse tensors are not supported; JAX has dense arrays.", fix="leave out sparse=True")
    x, weights = tensor(x), None if weights is None else tensor(weights)
    length = max(minlength, int(x.max()) + 1 if x.size else 0)
    if x.ndim < 2:
        return jnp.bincount(x, weights, length=length)
    return jnp.stack(
        [jnp.bincount(row, None if weights is None else weights[i], length=length) for i, row in enumerate(x)]
    )


def _bincount_spec(
    self: Any, x: KerasTensor, weights: Any = None, minlength: int = 0, sparse: bool = False
) -> KerasTensor:
    weights = self.fixed.get("weights", weights)
    dtype = "int32" if weights is None else jnp.result_type(x.dtype, getattr(weights, "dtype", jnp.asarray(weights)))
    return KerasTensor((*x.shape[:-1], None), dtype)


bincount.operation.compute_output_spec = _bincount_spec  # type: ignore[attr-defined]


@op
def histogram(x: Any, bins: int = 10, range: tuple[float, float] | None = None) -> Any:
    """How many elements fall in each of `bins` equal bins, and the edges of the bins.

    Args:   range: the outermost edges; None takes the smallest and largest element.
    Raises: ArgumentError, ShapeError: no whole number of bins, a range backwards, more than one axis.
    """
    x = tensor(x)
    if not isinstance(bins, int) or bins < 0:
        raise ArgumentError("A histogram has a whole number of bins.", received=f"bins={bins!r}")
    if range and (not isinstance(range, tuple) or len(range) != 2 or range[1] < range[0]):
        raise ArgumentError("The range of a histogram is a pair (low, high).", received=repr(range))
    if x.ndim > 1:
        raise ShapeError("A histogram is of one row.", expected="rank 1", received=x.shape, fix="use ops.ravel")
    return jnp.histogram(x, bins, range)
