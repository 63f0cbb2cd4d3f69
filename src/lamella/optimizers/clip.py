"""Gradient clipping: by value, by each gradient's norm, by the norm of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp


def by_value(grads: Sequence[Any], limit: float) -> list[Any]:
    """Each number into [-limit, limit]."""
    return [jnp.clip(g, -limit, limit) for g in grads]


def by_norm(grads: Sequence[Any], limit: float) -> list[Any]:
    """Each gradient scaled down to a norm of at most `limit`."""
    return [g * limit / jnp.maximum(jnp.sqrt(jnp.sum(jnp.square(g))), limit) for g in grads]


def by_global_norm(grads: Sequence[Any], limit: float) -> list[Any]:
    """All gradients scaled down by one factor, to a common norm of at most `limit`.

    An infinite or undefined norm makes every gradient NaN, so that it is seen.

    Source: Pascanu et al. 2013, https://arxiv.org/abs/1211.5063
    """
    norm = jnp.sqrt(sum(jnp.sum(jnp.square(g)) for g in grads))
    factor = limit * jnp.minimum(1 / norm, 1 / limit) + (norm - norm)
    return [g * factor for g in grads]
