"""MultiHeadAttention: several attentions side by side."""

from __future__ import annotations

from typing import Any, Unpack

from lamella.layers.attention.heads import HeadedAttention
from lamella.layers.configured import rules
from lamella.layers.keywords import RegularizedKeywords
from lamella.state import aliases

__all__ = ["MultiHeadAttention"]


@aliases(_num_heads="num_heads", _key_dim="key_dim", _value_dim="value_dim", _use_bias="use_bias", _dropout="dropout")
class MultiHeadAttention(HeadedAttention):
    """softmax(query @ keyᵀ / √key_dim) @ value in each head, on learned projections.

    Args:    num_heads: number of heads.
             key_dim, value_dim: size of each head's queries and keys, and values.
             output_shape: features that come out; as many as in the query if None.
             attention_axes: axes that attend to each other; all but batch and
                 features if None.
             sliding_window: how far a query sees.
             use_gate: multiplies the output by sigmoid(query @ gate).
    Shape:   query (batch, T, d), value and key (batch, S, d) → (batch, T, d)
    State:   query, key, value (d, heads, size); attention_output (heads, size, d); each with a bias
    Source:  Vaswani et al. 2017, arXiv:1706.03762.
    Example: >>> x = np.ones((2, 5, 16))
             >>> MultiHeadAttention(num_heads=2, key_dim=8)(x, x, use_causal_mask=True).shape
             (2, 5, 16)
    """

    config_names = (
        *("num_heads", "key_dim", "value_dim", "dropout", "use_bias", "use_gate", "attention_axes", "sliding_window"),
        *(*rules("kernel", "bias"), "activity_regularizer", "seed"),
    )

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
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
        self.num_heads = self._positive_("num_heads", num_heads)
        self.key_dim = self._positive_("key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else self._positive_("value_dim", value_dim)
        if isinstance(output_shape, int):
            output_shape = (output_shape,)
        if output_shape is not None and not isinstance(output_shape, (tuple, list)):
            raise self._refusal_("output_shape", output_shape, "an integer, or a tuple of integers")
        self._output_shape = tuple(output_shape) if output_shape else None
        self.attention_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        self._check_shapes_(value_shape, key_shape)
        heads = self.num_heads
        self._query_dense = self._projected_("query", query_shape, heads, self.key_dim)
        self._key_dense = self._projected_("key", key_shape or value_shape, heads, self.key_dim)
        if self.use_gate:
            self._gate_dense = self._projected_("gate", query_shape, heads, self.value_dim, activation="sigmoid")
        self._value_dense = self._projected_("value", value_shape, heads, self.value_dim)
        rank = len(value_shape) + 1
        axes = tuple(range(1, rank - 2)) if self.attention_axes is None else self.attention_axes
        self.attention_axes = tuple(axis if axis >= 0 else rank - 1 + axis for axis in axes)
        self._build_attention(rank, self.attention_axes, self.key_dim)
        output = self._output_shape or (query_shape[-1],)
        self._output_dense = self._combined_(query_shape, heads, self.value_dim, output)

    # What public code reads of Keras's layer, though it is private there
    _num_heads = property(lambda self: self.num_heads)
    _key_dim = property(lambda self: self.key_dim)
    _value_dim = property(lambda self: self.value_dim)
    _dropout = property(lambda self: self.dropout)
    _use_bias = property(lambda self: self.use_bias)

    query_dense = property(lambda self: self._query_dense, doc="The layer that projects queries.")
    key_dense = property(lambda self: self._key_dense, doc="The layer that projects keys.")
    value_dense = property(lambda self: self._value_dense, doc="The layer that projects values.")
    output_dense = property(lambda self: self._output_dense, doc="The layer that joins the heads.")

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> Any:
        self._check_shapes_(value_shape, key_shape)
        return (*query_shape[:-1], *(self._output_shape or query_shape[-1:]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_shape": self._output_shape}
