"""Choosing elements: by index, by condition, by diagonal, by value."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from lamella.errors import ArgumentError, ShapeError
from lamella.graph import KerasTensor, op
from lamella.ops.tensors import tensor


@op
def get_item(x: Any, key: Any) -> Any:
    """x[key]; a list stands for a tuple, as it comes out of files.

    Example: >>> ops.get_item([[1, 2], [3, 4]], (slice(None), 1)).tolist()
             [2, 4]
    """
    return tensor(x)[tuple(key) if isinstance(key, list) else key]


@op
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements (or slices along `axis`) with these indices; NaN for indices that are too large.

    Example: >>> ops.take([10, 20, 30], [2, 0]).tolist()
             [30, 10]
    """
    return jnp.take(tensor(x), tensor(indices), axis=axis)


@op
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Chooses along one axis, with indices of their own for every place on the other axes."""
    return jnp.take_along_axis(tensor(x), tensor(indices), axis)


@op
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition holds, x2 elsewhere; without both, the indices where it holds.

    Raises:  ArgumentError: only one of x1 and x2 is given.
    Example: >>> ops.where([True, False], 1, 2).tolist()
             [1, 2]
    """
    if (x1 is None) != (x2 is None):
        raise ArgumentError("where() takes both x1 and x2, or neither.")
    if x1 is None:
        return jnp.where(tensor(condition))
    return jnp.where(tensor(condition), tensor(x1), tensor(x2))


@op
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The choice that belongs to the first condition that holds, else `default`.

    Raises: ArgumentError: the conditions and choices are no lists, or empty ones.
    """
    for given in (condlist, choicelist):
        if not isinstance(given, (list, tuple)) or not given:
            raise ArgumentError("select() takes a list of conditions and one of choices.", received=repr(given))
    return jnp.select([tensor(c) for c in condlist], [tensor(c) for c in choicelist], default)


@op
def nonzero(x: Any) -> Any:
    """The indices, axis by axis, of what is not 0."""
    return jnp.nonzero(tensor(x))


def _nonzero_spec(self: Any, x: KerasTensor) -> tuple[KerasTensor, ...]:
    return tuple(KerasTensor((None,), "int32") for _ in x.shape)


nonzero.operation.compute_output_spec = _nonzero_spec  # type: ignore[attr-defined]


@op
def diag(x: Any, k: int = 0) -> Any:
    """The k-th diagonal of a matrix; of a row, the matrix that has it as k-th diagonal."""
    return jnp.diag(tensor(x), k)


@op
def diagflat(x: Any, k: int = 0) -> Any:
    """A matrix with all elements of x on its k-th diagonal."""
    return jnp.diagflat(tensor(x), k)


@op
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of the planes of two axes, along a new last axis.

    Raises: ArgumentError: both axes are the same.
    """
    x = tensor(x)
    if axis1 % x.ndim == axis2 % x.ndim:
        raise ArgumentError("diagonal() needs two different axes.", received=f"axis1={axis1}, axis2={axis2}")
    return jnp.diagonal(x, offset, axis1, axis2)


@op
def tril(x: Any, k: int = 0) -> Any:
    """A matrix with zeros above its k-th diagonal."""
    return jnp.tril(tensor(x), k)


@op
def triu(x: Any, k: int = 0) -> Any:
    """A matrix with zeros below its k-th diagonal."""
    return jnp.triu(tensor(x), k)


@op
def unravel_index(indices: Any, shape: Any) -> Any:
    """Indices into a flat array, as one index for each axis of the shape."""
    return jnp.unravel_index(tensor(indices), tuple(shape))


@op
def digitize(x: Any, bins: Any) -> Any:
    """The number of the bin, between these ascending edges, that each element falls in."""
    return jnp.digitize(tensor(x), tensor(bins))


@op(name="SearchSorted")
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Where in an ascending row values would be put in, before ("left") or behind equal ones.

    Raises: ShapeError: the sequence has more than one axis.
    """
    sorted_sequence = tensor(sorted_sequence)
    if sorted_sequence.ndim != 1:
        raise ShapeError(
            "searchsorted() looks in one row.",
            expected="rank 1",
            received=sorted_sequence.shape,
            fix="use lamella.ops.vectorized_map",
        )
    return jnp.searchsorted(sorted_sequence, tensor(values), side)
