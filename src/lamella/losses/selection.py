"""What weighs 0 means nothing: it is taken out before anything is computed from it.

NaN times 0 is NaN, in values and in gradients.  So targets and predictions that do not count are replaced first, and
the values computed from them are replaced too.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.losses.reduction import same_rank

_HUGE = 1e18  # its square is near the end of float32


def counted(weights: Any, mask: Any) -> jax.Array | None:
    """Where samples (or steps) count: their weight is not 0, and the mask shows them.  None: all do."""
    where = None if weights is None else jnp.asarray(weights) != 0
    if mask is None:
        return where
    mask = jnp.asarray(mask).astype("bool")
    if where is None:
        return mask
    mask, where = same_rank(mask, where)
    return mask & where.reshape(where.shape + (1,) * (mask.ndim - where.ndim))


def without_uncounted(values: Any, where: jax.Array | None, stand_in: float, only_bad: bool = False) -> Any:
    """Values (arrays in any structure) with a number in place of all that does not count.

    Args: where: of the shape of the first axes of the values.
          only_bad: replaces only NaN, infinities and huge numbers, for functions that look at several samples at once.
    """
    if where is None:
        return values

    def replaced(value: Any) -> Any:
        here = _over(value, where)
        if here is None or not jnp.issubdtype(value.dtype, jnp.inexact):
            return value
        return jnp.where(
            here | (jnp.abs(value) < _HUGE) if only_bad else here, value, jnp.asarray(stand_in, value.dtype)
        )

    return jax.tree.map(replaced, values)


def _over(value: Any, where: jax.Array) -> jax.Array | None:
    """`where` with the axes of a value; None if it fits none of its first ones."""
    while where.ndim > 1 and where.shape != value.shape[: where.ndim] and where.shape[-1] == 1:
        where = where[..., 0]
    if where.shape != value.shape[: where.ndim]:
        return None
    return where.reshape(where.shape + (1,) * (value.ndim - where.ndim))
