"""Linear algebra: decompositions, inverses, norms, solutions.  Leading axes are batches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jax.scipy import linalg

from lamella.errors import ArgumentError, ShapeError
from lamella.graph import op
from lamella.ops.tensors import floating, hashable_axis, tensor

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eig",
    "eigh",
    "inv",
    "jvp",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "solve",
    "solve_triangular",
    "svd",
]


def _matrix(x: Any) -> jax.Array:
    x = floating(x)
    if x.ndim < 2:
        raise ShapeError("A matrix is needed.", expected="rank 2 or more", received=x.shape)
    return x


def _square(x: Any) -> jax.Array:
    x = _matrix(x)
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError("A square matrix is needed.", expected="(…, n, n)", received=x.shape)
    return x


@op
def cholesky(x: Any, upper: bool = False) -> Any:
    """The triangular L with x = L Lᵀ (or U with x = Uᵀ U, if `upper`).

    Raises: ArgumentError: x is not positive definite (seen only outside of compiled code).
    """
    root = jnp.linalg.cholesky(_square(x), upper=upper)
    if not isinstance(root, Tracer) and bool(jnp.any(jnp.isnan(root))):
        raise ArgumentError("A matrix without a Cholesky decomposition: it is not positive definite.")
    return root


@op
def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """The inverse of the matrix whose Cholesky factor is x."""
    x = _square(x)
    identity = jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), x.shape)
    inverse = linalg.solve_triangular(x, identity, lower=not upper)
    return inverse @ jnp.matrix_transpose(inverse) if upper else jnp.matrix_transpose(inverse) @ inverse


@op
def det(x: Any) -> Any:
    """The determinant."""
    return jnp.linalg.det(_square(x))


@op
def eig(x: Any) -> Any:
    """The eigenvalues and right eigenvectors (columns); complex, and on the CPU only."""
    return tuple(jnp.linalg.eig(_square(x)))


@op
def eigh(x: Any) -> Any:
    """The eigenvalues and eigenvectors (columns) of a symmetric or Hermitian matrix."""
    return tuple(jnp.linalg.eigh(_square(x)))


@op
def inv(x: Any) -> Any:
    """The inverse.

    Example: >>> ops.inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
             [[0.5, 0.0], [0.0, 0.25]]
    """
    return jnp.linalg.inv(_square(x))


@op
def lu_factor(x: Any) -> Any:
    """L and U (without L's unit diagonal) in one matrix, and the row exchanges."""
    return tuple(linalg.lu_factor(_matrix(x)))


@op
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of vectors (one axis) or matrices (two axes); of all elements if `axis` is None.

    Args: ord: None, 1, 2, np.inf, "fro", "nuc", … as in numpy.linalg.norm.
    """
    return jnp.linalg.norm(floating(x), ord, hashable_axis(axis), keepdims)


@op
def qr(x: Any, mode: str = "reduced") -> Any:
    """Q with orthogonal columns and the upper triangular R with x = Q R.

    Raises: ArgumentError: `mode` is neither "reduced" nor "complete".
    """
    if mode not in ("reduced", "complete"):
        raise ArgumentError("Unknown mode.", expected="'reduced' or 'complete'", received=repr(mode))
    return tuple(jnp.linalg.qr(_matrix(x), mode))


def _right_side(a: jax.Array, b: Any) -> jax.Array:
    b = floating(b)
    size = b.shape[-2] if b.ndim == a.ndim else b.shape[-1] if b.ndim else None
    if size != a.shape[-1]:
        raise ShapeError("The sides of a x = b do not go together.", expected=a.shape[:-1], received=b.shape)
    return b


@op
def solve(a: Any, b: Any) -> Any:
    """The x with a x = b, for vectors or matrices b."""
    a = _square(a)
    return _solved(jnp.linalg.solve, a, _right_side(a, b))


@op
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """The x with a x = b, for a triangular a."""
    a = _square(a)
    return _solved(partial(linalg.solve_triangular, lower=lower), a, _right_side(a, b))


def _solved(solver: Callable[..., jax.Array], a: jax.Array, b: jax.Array) -> jax.Array:
    """Each vector of a batch of them is solved for as a matrix of one column."""
    return solver(a, b[..., None])[..., 0] if b.ndim < a.ndim else solver(a, b)


@op
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The x that makes |a x - b| smallest.

    Args: rcond: singular values below rcond * the largest count as 0.
    """
    return jnp.linalg.lstsq(tensor(a), tensor(b), rcond)[0]


@op(name="SVD")
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U, the singular values, and Vᵀ; only the singular values without `compute_uv`."""
    out = jnp.linalg.svd(_matrix(x), full_matrices, compute_uv)
    return tuple(out) if compute_uv else out


@op
def pinv(x: Any, rcond: float | None = None) -> Any:
    """The pseudo-inverse."""
    return jnp.linalg.pinv(_matrix(x), rcond)


@op
def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """The number of singular values above `tol`, as int32."""
    return jnp.linalg.matrix_rank(_matrix(x), tol).astype("int32")


@op(name="JVP")
def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """What a function returns, and how it changes along the tangents.

    Example: >>> ops.jvp(lambda x: x**2, (jnp.array(3.0),), (jnp.array(1.0),))[1].tolist()
             6.0
    """
    return jax.jvp(fun, tuple(primals), tuple(tangents), has_aux=has_aux)
