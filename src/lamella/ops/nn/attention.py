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
    return jax.nn.dot_product_attention(
        *(array.astype(dtype) for array in (query, key, value)),
        bias=None if bias is None else tensor(bias, dtype),
        mask=None if mask is None else tensor(mask, "bool"),
        scale=scale,
        is_causal=is_causal,
        implementation="cudnn" if flash_attention else "xla",
    )
