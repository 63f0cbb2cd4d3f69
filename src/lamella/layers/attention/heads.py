"""What attention with several heads shares: projections, masks, and the attention itself."""

from __future__ import annotations

import math
from string import ascii_lowercase as letters
from typing import Any

import jax.numpy as jnp

from lamella import config as settings
from lamella import ops
from lamella.errors import ArgumentError, ShapeError
from lamella.graph import output_spec
from lamella.layers.activation import Softmax
from lamella.layers.configured import Configured, rules
from lamella.layers.core.einsum_dense import EinsumDense
from lamella.layers.regularization.dropout import Dropout


def projection(free: int, bound: int, new: int) -> tuple[str, str]:
    """The einsum that turns the last `bound` axes into `new` ones, and the letters of these.

    Example: >>> projection(2, 1, 2)
             ('abc,cde->abde', 'de')
    """
    a, b, c = letters[:free], letters[free : free + bound], letters[free + bound : free + bound + new]
    return f"{a}{b},{b}{c}->{a}{c}", c


def score_equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str]:
    """The einsums key, query → scores and scores, value → output.

    Example: >>> score_equations(4, (1,))
             ('aecd,abcd->acbe', 'acbe,aecd->abcd')
    """
    fresh = iter(letters[rank:])
    query = letters[:rank]
    key = "".join(next(fresh) if axis in axes else query[axis] for axis in range(rank))
    batch = "".join(query[axis] for axis in range(rank - 1) if axis not in axes)
    scores = batch + "".join(query[axis] for axis in axes) + "".join(key[axis] for axis in axes)
    return f"{key},{query}->{scores}", f"{scores},{key}->{query}"


class HeadedAttention(Configured):
    """softmax(query @ keyᵀ / √size) @ value in each head, on learned projections.

    A subclass makes the projections in `build`.
    """

    _query_dense: EinsumDense
    _key_dense: EinsumDense
    _value_dense: EinsumDense
    _output_dense: EinsumDense
    _gate_dense: EinsumDense
    _attention_axes: tuple[int, ...]

    def __init__(self, arguments: dict[str, Any], **kwargs: Any):
        super().__init__(**kwargs, activity_regularizer=arguments["activity_regularizer"])
        self.supports_masking = True
        for weight in ("kernel", "bias"):
            given = (arguments[f"{weight}_{rule}"] for rule in ("initializer", "regularizer", "constraint"))
            self._rule_(weight, *given)
        self.dropout, self.use_bias, self.use_gate = (arguments[name] for name in ("dropout", "use_bias", "use_gate"))
        self.sliding_window, self.seed = arguments["sliding_window"], arguments["seed"]
        if self.sliding_window is not None:
            self._positive_("sliding_window", self.sliding_window)
        self._flash_attention = arguments["flash_attention"] or settings.is_flash_attention_enabled()
        if self._flash_attention and self.dropout > 0:
            raise self._refusal_(
                "dropout", self.dropout, "0 where flash attention is used", "leave flash_attention=False"
            )

    # Building

    def _projected_(self, name: str, shape: Any, heads: int, size: int, **options: Any) -> EinsumDense:
        equation, bias_axes = projection(len(shape) - 1, 1, 2)
        return self._dense_(name, equation, (*[None] * (len(shape) - 2), heads, size), bias_axes, shape, **options)

    def _combined_(self, query_shape: Any, heads: int, size: int, output: tuple[int, ...]) -> EinsumDense:
        equation, bias_axes = projection(len(query_shape) - 1, 2, len(output))
        inputs = (*query_shape[:-1], heads, size)
        return self._dense_(
            "attention_output", equation, (*[None] * (len(query_shape) - 2), *output), bias_axes, inputs
        )

    def _dense_(self, name: str, equation: str, output: Any, bias_axes: str, shape: Any, **options: Any) -> EinsumDense:
        kept: dict[str, Any] = {rule: getattr(self, rule) for rule in rules("kernel", "bias")}
        for rule in ("kernel_initializer", "bias_initializer"):
            kept[rule] = _fresh(kept[rule])
        bias_axes = bias_axes if self.use_bias else None  # type: ignore[assignment]
        own = {"name": name, "dtype": self.dtype_policy, "activity_regularizer": self.activity_regularizer}
        dense = EinsumDense(equation, output_shape=output, bias_axes=bias_axes, **kept, **own, **options)
        dense.supports_masking = True  # masks are this layer's business
        dense.build(shape)
        return dense

    def _build_attention(self, rank: int, axes: tuple[int, ...], size: int) -> None:
        self._attention_axes = axes
        self._dot_product_equation, self._combine_equation = score_equations(rank, axes)
        self._inverse_sqrt_size_ = 1 / math.sqrt(size)
        over = tuple(range(rank - 1, rank - 1 + len(axes)))
        self._softmax = Softmax(axis=over, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(rate=self.dropout, dtype=self.dtype_policy, seed=self.seed)

    # The call

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        key = value if key is None else key
        given = (query_mask, value_mask, key_mask, attention_mask, self.sliding_window)
        own = type(self)._compute_attention is not HeadedAttention._compute_attention  # it may not know the flag
        causal_only = use_causal_mask and not own and all(mask is None for mask in given)
        mask = None
        if not causal_only:
            mask = self._compute_attention_mask(
                query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask
            )
        gate = self._gate_dense(query) if self.use_gate else 1
        query, key, value = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        key, value = self._shared_heads_(key), self._shared_heads_(value)
        causal = {"use_causal_mask": True} if causal_only else {}
        output, scores = self._compute_attention(query, key, value, mask, training, return_attention_scores, **causal)
        output = self._output_dense(output * gate)
        return (output, scores) if return_attention_scores else output

    def _shared_heads_(self, projected: Any) -> Any:
        return projected

    def _compute_attention(
        self,
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tuple[Any, Any]:
        """The attention's output, and its scores where they were computed."""
        if self._flash_attention and return_attention_scores:
            raise ArgumentError("Flash attention computes no scores.", fix="leave flash_attention=False to see them")
        rank = query.ndim + len(self._attention_axes) - 1
        if attention_mask is not None and use_causal_mask:
            attention_mask, use_causal_mask = attention_mask & _causal(query, key), False
        if attention_mask is not None:
            heads = rank - attention_mask.ndim  # the mask is the same in every head
            axis = -2 * len(self._attention_axes)
            attention_mask = jnp.expand_dims(attention_mask, tuple(axis - 1 - i for i in range(heads)))
        fused = query.ndim == 4 and query.shape[-1] == value.shape[-1]
        if fused and not self.dropout and not return_attention_scores:
            options = {"is_causal": use_causal_mask, "flash_attention": self._flash_attention}
            scale = self._inverse_sqrt_size_
            return ops.dot_product_attention(query, key, value, mask=attention_mask, scale=scale, **options), None
        if use_causal_mask:
            attention_mask = _causal(query, key)[:, None]
        scores = jnp.einsum(self._dot_product_equation, key, query * self._inverse_sqrt_size_)
        scores = self._softmax(scores, mask=attention_mask)
        weights = self._dropout_layer(scores, training=training)
        return jnp.einsum(self._combine_equation, weights, value), scores

    # Masks

    def _compute_attention_mask(
        self,
        query: Any,
        value: Any,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """Who may look at whom, (batch, Tq, Tv); None if everyone may look at everything."""
        masks = [
            mask if mask is None else jnp.expand_dims(jnp.asarray(mask, bool), -2) for mask in (value_mask, key_mask)
        ]
        if query_mask is not None:
            masks.append(jnp.asarray(query_mask, bool)[..., None])
        if attention_mask is not None:
            masks.append(jnp.asarray(attention_mask, bool))
        if use_causal_mask:
            masks.append(_causal(query, value))
        if self.sliding_window is not None:
            distance = jnp.arange(query.shape[1])[:, None] - jnp.arange(value.shape[1])
            masks.append(jnp.abs(distance)[None] < self.sliding_window)
        allowed = None
        for mask in masks:
            allowed = mask if allowed is None else allowed if mask is None else allowed & mask
        return allowed

    # Shapes

    def compute_output_spec(self, *args: Any, return_attention_scores: bool = False, **kwargs: Any) -> Any:
        if return_attention_scores:
            return output_spec(self.call, *args, return_attention_scores=True, **kwargs)
        return super().compute_output_spec(*args, **kwargs)

    def _check_shapes_(self, value_shape: Any, key_shape: Any) -> None:
        if key_shape is not None and value_shape[1:-1] != key_shape[1:-1]:
            raise ShapeError(
                f"{self._where_()} needs `value` and `key` of the same length.",
                received=f"value {value_shape}, key {key_shape}",
            )


def _causal(query: Any, value: Any) -> Any:
    return jnp.tril(jnp.ones((1, query.shape[1], value.shape[1]), bool))


def _fresh(initializer: Any) -> Any:
    """An initializer like this one that draws its own numbers."""
    return (
        type(initializer).from_config(initializer.get_config()) if hasattr(initializer, "get_config") else initializer
    )
