"""GroupQueryAttention: heads that share their keys and values."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from lamella.errors import ShapeError
from lamella.layers.attention.heads import HeadedAttention
from lamella.layers.configured import rules
from lamella.layers.keywords import RegularizedKeywords

__all__ = ["GroupQueryAttention"]


class GroupedQueryAttention(HeadedAttention):
    """MultiHeadAttention in which groups of query heads share one head of keys and values.

    Args:    head_dim: size of each head.
             num_query_heads: a multiple of `num_key_value_heads`.
             sliding_window: how far a query sees.
             use_gate: multiplies the output by sigmoid(query @ gate).
    Shape:   query (batch, T, d), value and key (batch, S, d) → (batch, T, d)
    State:   query (d, query heads, size); key, value (d, shared heads, size);
             attention_output (query heads, size, d); each with a bias
    Source:  Ainslie et al. 2023, arXiv:2305.13245.
    Example: >>> x = np.ones((2, 5, 16))
             >>> GroupQueryAttention(head_dim=8, num_query_heads=4, num_key_value_heads=2)(x, x).shape
             (2, 5, 16)
    """

    config_names = (
        *("head_dim", "num_query_heads", "num_key_value_heads", "use_bias", "use_gate", "sliding_window", "dropout"),
        *(*rules("kernel", "bias"), "activity_regularizer", "seed"),
    )

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Unpack[RegularizedKeywords],
    ):
        super().__init__(locals(), **kwargs)
        self.head_dim = self._positive_("head_dim", head_dim)
        self.num_query_heads = self._positive_("num_query_heads", num_query_heads)
        self.num_key_value_heads = self._positive_("num_key_value_heads", num_key_value_heads)
        if num_query_heads % num_key_value_heads:
            raise self._refusal_("num_query_heads", num_query_heads, f"a multiple of {num_key_value_heads=}")

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        self._check_shapes_(value_shape, key_shape)
        heads, shared, size = self.num_query_heads, self.num_key_value_heads, self.head_dim
        self._query_dense = self._projected_("query", query_shape, heads, size)
        self._key_dense = self._projected_("key", key_shape or value_shape, shared, size)
        if self.use_gate:
            self._gate_dense = self._projected_("gate", query_shape, heads, size, activation="sigmoid")
        self._value_dense = self._projected_("value", value_shape, shared, size)
        self._build_attention(4, (1,), size)
        self._output_dense = self._combined_(query_shape, heads, size, (query_shape[-1],))

    def _shared_heads_(self, projected: Any) -> Any:
        return jnp.repeat(projected, self.num_query_heads // self.num_key_value_heads, axis=2)

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> Any:
        self._check_shapes_(value_shape, key_shape)
        if query_shape[-1] != value_shape[-1]:
            raise ShapeError(
                f"{self._where_()} needs as many features in `query` as in `value`.",
                received=f"query {query_shape}, value {value_shape}",
            )
        return query_shape


GroupQueryAttention = GroupedQueryAttention  # its public name; the class names its layers as Keras does
