"""Means and variances, and what is normalised by them."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from lamella.config import epsilon as default_epsilon
from lamella.errors import ArgumentError, parameters_of, unknown_arguments
from lamella.graph import op
from lamella.ops.tensors import hashable_axis, tensor, wide


@op
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """The mean and the variance over some axes.

    Raises: ArgumentError: `synchronized`; JAX sees the whole batch anyway.
    """
    if synchronized:
        raise ArgumentError(
            "moments() takes no synchronized=True.", fix="leave it out: JAX sees the whole batch anyway"
        )
    return _moments(tensor(x), hashable_axis(axes), keepdims)


@partial(jax.jit, static_argnums=(1, 2))
def _moments(x: Any, axes: Any, keepdims: bool) -> tuple[Any, Any]:
    wider = x.astype(wide(x.dtype))
    mean, variance = _mean_and_variance(wider, axes, keepdims)
    return (mean, variance) if wider.dtype == x.dtype else (_narrowed(mean, x.dtype), _narrowed(variance, x.dtype))


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _mean_and_variance(x: Any, axes: Any, keepdims: bool) -> tuple[Any, Any]:
    return jnp.mean(x, axes, keepdims=keepdims), jnp.var(x, axes, keepdims=keepdims)


@_mean_and_variance.defjvp
def _slopes_of_mean_and_variance(axes: Any, keepdims: bool, x: Any, dx: Any) -> Any:
    """Without the sum of x - mean, which is zero, and which a derivative of the formulas computes."""
    (x,), (dx,) = x, dx
    far = x - jnp.mean(x, axes, keepdims=True)
    slopes = jnp.mean(dx, axes, keepdims=keepdims), 2 * jnp.mean((far.conj() * dx).real, axes, keepdims=keepdims)
    return _mean_and_variance(x, axes, keepdims), slopes


def _narrowed(value: Any, dtype: Any) -> Any:
    """In a half-sized float, kept within float16's range."""
    limits = jnp.finfo(jnp.float16)
    return jnp.clip(value, limits.min, limits.max).astype(dtype)


@op(name="BatchNorm")
def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    """(x - mean) / √(variance + epsilon) * scale + offset, each a vector along `axis`."""
    x = tensor(x)
    mean, variance, offset, scale = (None if v is None else tensor(v) for v in (mean, variance, offset, scale))
    return _normalized(x, mean, variance, axis % x.ndim, offset, scale, epsilon)


@partial(jax.jit, static_argnums=(3, 6))
def _normalized(x: Any, mean: Any, variance: Any, axis: int, offset: Any, scale: Any, epsilon: float) -> Any:
    def along(vector: Any) -> Any:
        return jnp.reshape(vector, [-1 if i == axis else 1 for i in range(x.ndim)])

    factor = lax.rsqrt(along(variance) + epsilon)
    if scale is not None:
        factor = factor * along(scale)
    shift = -along(mean) * factor
    if offset is not None:
        shift = shift + along(offset)
    return x * factor + shift


@op(name="LayerNorm")
def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None, **kwargs: Any
) -> Any:
    """(x - mean) / √(variance + epsilon) * gamma + beta, over each sample's own `axis` or axes.

    Source: Ba et al. 2016, "Layer normalization".
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise unknown_arguments("layer_normalization()", kwargs, parameters_of(layer_normalization))
    x = tensor(x)
    axes, wider = _axes(axis), x.astype(wide(x.dtype))
    gamma, beta = (None if v is None else _beside(tensor(v, wider.dtype), wider, axes) for v in (gamma, beta))
    mean, variance = moments(wider, axes, keepdims=True)
    factor = lax.rsqrt(variance + (default_epsilon() if epsilon is None else epsilon))
    if rms_scaling:
        warnings.warn(
            "rms_scaling scales by the variance; use rms_normalization for the root mean square.", stacklevel=2
        )
    out = (wider if rms_scaling else wider - mean) * factor  # factors of one number a sample stay that small
    out = out if gamma is None else out * gamma
    return (out if beta is None or rms_scaling else out + beta).astype(x.dtype)


def _axes(axis: Any) -> tuple[int, ...]:
    return (axis,) if isinstance(axis, int) else tuple(sorted(axis))


def _beside(vector: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """A weight over the normalised axes, shaped so that it broadcasts with x."""
    places = [axis % x.ndim for axis in axes]
    if vector.ndim == x.ndim or places == [x.ndim - 1]:
        return vector
    return vector.reshape([size if i in places else 1 for i, size in enumerate(x.shape)])


@op(name="RMSNorm")
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Any:
    """x / √(mean(x²) + epsilon) * scale, over each sample's own `axis` or axes.

    Source: Zhang & Sennrich 2019, "Root mean square layer normalization".
    """
    x = jnp.atleast_1d(tensor(x))
    wider = x.astype(wide(x.dtype))
    mean_square = jnp.mean(jnp.square(wider), hashable_axis(axis), keepdims=True)
    out = wider * lax.rsqrt(mean_square + (default_epsilon() if epsilon is None else epsilon))
    return (out if scale is None else out * tensor(scale, out.dtype)).astype(x.dtype)


@op
def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Any:
    """x / |x|, with the norm of some order along an axis, and at least `epsilon`.

    Raises:  ArgumentError: `order` is no positive integer.
    Example: >>> ops.normalize([3.0, 1.0], order=1).tolist()
             [0.75, 0.25]
    """
    if not isinstance(order, int) or order < 1:
        raise ArgumentError("The order of a norm is a positive integer.", received=repr(order))
    x, least = jnp.atleast_1d(tensor(x)), default_epsilon() if epsilon is None else epsilon
    if order == 2:
        square_sum = jnp.sum(jnp.square(x), axis=hashable_axis(axis), keepdims=True)
        return x * jnp.minimum(lax.rsqrt(square_sum), 1.0 / least)
    return x / jnp.maximum(jnp.linalg.norm(x, order, hashable_axis(axis), keepdims=True), least)
