"""Products of vectors, matrices and tensors."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import jax.numpy as jnp

from lamella import lower
from lamella.errors import ArgumentError
from lamella.graph import op
from lamella.ops.table import binary, unary
from lamella.ops.tensors import tensor

dot = binary("dot", jnp.dot, "The sum over the last axis of x1 and the last but one of x2.")
vdot = binary("vdot", jnp.vdot, "The sum of the products of all elements, those of x1 conjugated.")
inner = binary("inner", jnp.inner, "The sum over the last axes of both.")
outer = binary("outer", jnp.outer, "Every element of x1 times every element of x2.")
kron = binary("kron", jnp.kron, "The Kronecker product: blocks of x2, each times an element of x1.")
corrcoef = unary("corrcoef", jnp.corrcoef, "The correlations between the rows of a matrix.")


def _accumulated(*arrays: Any) -> Any:
    """Products of int8 are summed in int32."""
    return jnp.int32 if all(array.dtype == jnp.int8 for array in arrays) else None


@op
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product over the last two axes; the others broadcast.

    Example: >>> ops.matmul([[1, 2]], [[3], [4]]).tolist()
             [[11]]
    """
    x1, x2 = tensor(x1), tensor(x2)
    return lower.matmul(x1, x2, _accumulated(x1, x2))


@op
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Sums products as a subscript tells: "ij,jk->ik" is the matrix product.

    Example: >>> ops.einsum("i,i->", [1, 2], [3, 4]).tolist()
             11
    """
    arrays = [tensor(operand) for operand in operands]
    return jnp.einsum(subscripts, *arrays, preferred_element_type=_accumulated(*arrays), **kwargs)


@op
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """Sums products over the named axes of both, or over the last and first `axes` ones."""
    return jnp.tensordot(tensor(x1), tensor(x2), axes)


@op
def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The vector at right angles to both, as long as the area they span.

    Args: axisa, axisb, axisc: the vectors' axis in x1, x2 and the result; `axis` names all three.
    """
    return jnp.cross(tensor(x1), tensor(x2), axisa, axisb, axisc, axis)


@op
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """Slides x2 along x1 and sums the products; "valid", "same" or "full" overlaps."""
    return jnp.correlate(tensor(x1), tensor(x2), mode)


@op
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of a diagonal."""
    return jnp.trace(tensor(x), offset, axis1, axis2)


@op
def slogdet(x: Any) -> Any:
    """The sign of a determinant, and the logarithm of its size."""
    return tuple(jnp.linalg.slogdet(tensor(x)))


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Collection[Any] | None = None, signature: str | None = None
) -> Callable[..., Any]:
    """A function of single elements (or of the core axes in `signature`), made one of whole tensors.

    Raises: ArgumentError: `pyfunc` cannot be called.
    """
    if not callable(pyfunc):
        raise ArgumentError("vectorize() takes a function.", received=repr(pyfunc))
    return jnp.vectorize(pyfunc, excluded=excluded or set(), signature=signature)
