"""Conversion, shapes, and writing into tensors."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax import lax
from jax.core import Tracer

from lamella.dtypes import standardize_dtype
from lamella.errors import ArgumentError, ShapeError, UnknownSizeError
from lamella.graph import KerasTensor, op
from lamella.ops.tensors import definite, tensor
from lamella.ops.tensors import indices as whole
from lamella.state import Variable, current


@op
def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Any:
    """An array from an array, Variable, number or nested list.

    Raises: ArgumentError: a sparse or ragged one is asked for.
    """
    if sparse or ragged:
        raise ArgumentError("Sparse and ragged tensors are not supported; JAX has dense arrays.")
    return tensor(x, dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """A NumPy array of its own with these values."""
    return np.array(x.value if isinstance(x, Variable) else x)


def is_tensor(x: Any) -> bool:
    """Whether x is an array of the engine (jax.Array)."""
    return isinstance(x, jax.Array)


@op
def cast(x: Any, dtype: Any) -> Any:
    """The values in another dtype.

    Example: >>> ops.cast([1.7, -1.7], "int32").tolist()
             [1, -1]
    """
    return tensor(x, standardize_dtype(dtype))


@op
def saturate_cast(x: Any, dtype: Any) -> Any:
    """The values in another dtype, those outside of its range at its end.

    Example: >>> ops.saturate_cast([-5, 300], "uint8").tolist()
             [0, 255]
    """
    x, target = tensor(x), definite(dtype)
    return jnp.clip(x, *_common_limits(x.dtype, target)).astype(target)


def _common_limits(source: Any, target: Any) -> list[Any]:
    """The smallest and largest value of `source` that `target` has too."""
    limits = []
    for most, pick, (own, other) in zip(
        (np.greater, np.less), (max, min), zip(_limits(source), _limits(target), strict=True), strict=True
    ):
        limit = np.asarray(pick(own, other)).astype(source)
        limits.append(np.nextafter(limit, limit.dtype.type(0)) if most(other, float(limit)) else limit)
    return limits


def _limits(dtype: Any) -> tuple[Any, Any]:
    if jnp.issubdtype(dtype, jnp.bool_):
        return 0, 1
    info = ml_dtypes.iinfo(dtype) if jnp.issubdtype(dtype, jnp.integer) else ml_dtypes.finfo(dtype)
    return (int(info.min), int(info.max)) if jnp.issubdtype(dtype, jnp.integer) else (float(info.min), float(info.max))


def shape(x: Any) -> tuple[Any, ...]:
    """The sizes of the axes; None for those not known yet."""
    return tuple(x.shape) if isinstance(x, (KerasTensor, Variable)) else jnp.shape(x)


def dtype(x: Any) -> str:
    """The name of the dtype."""
    return standardize_dtype(x.dtype)


@op
def stop_gradient(variable: Any) -> Any:
    """The value itself, which gradients take for a constant."""
    return lax.stop_gradient(tensor(variable))


# Reading and writing at places


@op
def slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """A block of this shape, cut out from these indices on; -1 takes all that is left.

    Raises:  ShapeError: not one index and one size for each axis.  ArgumentError: -1 beside an index not known yet.
    Example: >>> ops.slice([1, 2, 3, 4], [1], [2]).tolist()
             [2, 3]
    """
    x, starts = tensor(inputs), _starts(start_indices)
    if not len(starts) == x.ndim == len(shape):
        raise ShapeError(
            "slice() takes one start index and one size for each axis.",
            expected=x.ndim,
            received=f"{len(starts)} start_indices, {len(shape)} sizes in shape",
        )
    if -1 in shape and any(isinstance(start, Tracer) for start in starts):
        raise ArgumentError(
            "The size of the block that is left depends on start indices whose values are not known.",
            received=f"shape {tuple(shape)}",
            fix="give the sizes in place of -1, or start indices that are integers",
        )
    sizes = [x.shape[i] - start_indices[i] if s == -1 else s for i, s in enumerate(shape)]
    return lax.dynamic_slice(x, starts, sizes)


@op
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """A copy with a block of values written in from these indices on."""
    x = tensor(inputs)
    return lax.dynamic_update_slice(x, tensor(updates).astype(x.dtype), _starts(start_indices))


def _starts(start_indices: Any) -> list[Any]:
    return [whole(start) for start in start_indices]


@op
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Zeros of a shape, with values added at places.

    Args:    indices: (…, axes): the place of each value.
    Example: >>> ops.scatter([[0], [2]], [5, 6], (3,)).tolist()
             [5, 0, 6]
    """
    values = tensor(values)
    return jnp.zeros(tuple(shape), values.dtype).at[_places(indices)].add(values)


_WRITES = {None: "set", "add": "add", "max": "max", "min": "min", "mul": "multiply"}


@op
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """A copy with values written at places, or combined with what is there.

    Args:   indices: (n, axes): the place of each value.
            reduction: None (replace), "add", "max", "min" or "mul".
    Raises: ArgumentError: any other reduction.
    """
    kind = reduction.lower() if isinstance(reduction, str) else reduction
    if kind not in _WRITES:
        raise ArgumentError("Unknown reduction.", expected=list(_WRITES), received=repr(reduction))
    return getattr(tensor(inputs).at[_places(indices)], _WRITES[kind])(tensor(updates))


def _places(indices: Any) -> tuple[Any, ...]:
    return tuple(jnp.moveaxis(whole(indices), -1, 0))


@op
def unstack(x: Any, num: int | None = None, axis: int = 0) -> Any:
    """The list of slices along an axis.

    Args:    num: the size of the axis, where it is not known yet.
    Raises:  ArgumentError: there is no such axis, it has another size, or its size is not known and `num` not given.
    Example: >>> [float(x) for x in ops.unstack([1.0, 2.0])]
             [1.0, 2.0]
    """
    x = tensor(x)
    if not -x.ndim <= axis < x.ndim:
        raise ArgumentError(f"axis {axis} is out of bounds for array of dimension {x.ndim}.")
    count = _known_size(x, axis) if num is None else num
    if not isinstance(x, Tracer) and count != x.shape[axis]:
        raise ArgumentError(f"Axis {axis} has another size than `num`.", expected=num, received=x.shape)
    return [lax.index_in_dim(x, i, axis, keepdims=False) for i in range(count)]


def _known_size(x: Any, axis: int) -> int:
    """The size of an axis, in the graph too.

    Raises: UnknownSizeError: the graph does not know it.
    """
    trial = current().trial
    shape = x.shape if trial is None else trial.with_unknown(x.shape)
    if (size := shape[axis]) is None:
        raise UnknownSizeError(
            "unstack() returns one tensor for each index, and their number is not known.",
            received=f"shape {shape}, axis {axis}",
            fix="pass num=, the size of the axis",
        )
    return size
