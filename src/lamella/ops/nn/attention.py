"""Attention: each query's mean of the values, weighted by how it matches the keys."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.errors import ArgumentError, ShapeError
from lamella.graph import op
from lamella.ops.tensors import tensor


@op
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """softmax(query · key * scale + bias) · value, for each head.

    Args:   bias, mask: broadcast to (batch, heads, target, source); False in the mask hides a source.
            scale: 1 / √depth if None.
            is_causal: sources behind the target are hidden.
            flash_attention: True insists on the fused kernel of cuDNN, False and None leave it.
    Shape:  (batch, target, heads, depth), (batch, source, heads, depth) twice → (batch, target, heads, depth)
    Raises: ShapeError: an argument has another rank than 4.  ArgumentError: a soft cap, which only TPUs do.
    """
    if attn_logits_soft_cap is not None:
        raise ArgumentError("attn_logits_soft_cap is for TPUs only.", received=attn_logits_soft_cap)
    query, key, value = tensor(query), tensor(key), tensor(value)
    for array in (query, key, value):
        if array.ndim != 4:
            raise ShapeError("Attention takes (batch, length, heads, depth).", expected="rank 4", received=array.shape)
    dtype = jnp.result_type(query, key, value)
    query, key, value = (array.astype(dtype) for array in (query, key, value))
    bias = None if bias is None else tensor(bias, dtype)
    mask = None if mask is None else tensor(mask, "bool")
    alike = key.shape == value.shape == (query.shape[0], key.shape[1], *query.shape[2:])
    if dtype == jnp.float32 and alike and not flash_attention:
        scale = query.shape[-1] ** -0.5 if scale is None else scale
        return _by_heads(query * scale, key, value, bias, _causal(query, key, mask) if is_causal else mask)
    implementation = "cudnn" if flash_attention else "xla"
    return jax.nn.dot_product_attention(
        query, key, value, bias, mask, scale=scale, is_causal=is_causal, implementation=implementation
    )


def _by_heads(query: Any, key: Any, value: Any, bias: Any, mask: Any) -> Any:
    """What `jax.nn.dot_product_attention` computes; on a CPU its gradient takes 0.7 times as long."""
    query, key, value = (jnp.moveaxis(array, 2, 1) for array in (query, key, value))
    scores = query @ key.swapaxes(-1, -2)
    if bias is not None:
        scores += jnp.broadcast_to(bias, scores.shape)
    if mask is not None:
        scores = jnp.where(jnp.broadcast_to(mask, scores.shape), scores, 0.7 * jnp.finfo(scores.dtype).min)
    return jnp.moveaxis(jax.nn.softmax(scores) @ value, 1, 2)


def _causal(query: Any, key: Any, mask: Any) -> Any:
    before = jnp.tri(query.shape[1], key.shape[1], dtype=bool)
    return before if mask is None else mask & before
