"""Attention without projections: each query takes a weighted mean of the values."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp

from lamella import random
from lamella.errors import ArgumentError, ShapeError
from lamella.graph import output_spec
from lamella.layers.configured import Configured
from lamella.layers.dropout_rate import Share
from lamella.layers.keywords import LayerKeywords
from lamella.state import SeedGenerator

__all__ = ["AdditiveAttention", "Attention"]


class Attention(Configured):
    """Luong's attention: softmax(query @ keyᵀ) @ value.

    Call it on [query, value] or [query, value, key]; key is value if not given.

    Args:    use_scale: multiplies the scores by a learned number.
             score_mode: "dot", or "concat" for sum(tanh(query + key)).
             dropout: fraction of the weights to drop.
    Shape:   in [(batch, Tq, d), (batch, Tv, d)] → out (batch, Tq, d)
    State:   scale () if use_scale; concat_score_weight () for "concat"
    Source:  Luong et al. 2015, arXiv:1508.04025.
    Example: >>> Attention()([np.ones((2, 4, 8)), np.ones((2, 6, 8))]).shape
             (2, 4, 8)
    """

    config_names = ("use_scale", "score_mode", "dropout", "seed")

    dropout = Share()
    seed_generator: SeedGenerator

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise self._refusal_("score_mode", score_mode, "'dot' or 'concat'")
        self.use_scale, self.score_mode, self.seed = use_scale, score_mode, seed
        self.dropout = dropout

    def build(self, input_shape: Any) -> None:
        self._check_list(input_shape)
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        concat = self.score_mode == "concat"
        self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight") if concat else None

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check_list(inputs)
        self._check_masks(mask)
        query, value = inputs[:2]
        query_mask, value_mask = mask[:2] if mask else (None, None)
        scores = self._calculate_scores(query, inputs[-1])
        scores_mask = self._calculate_score_mask(scores, value_mask, use_causal_mask)
        output, weights = self._apply_scores(scores, value, scores_mask, training)
        if query_mask is not None:
            output = jnp.where(query_mask[..., None], output, 0)
        return (output, weights) if return_attention_scores else output

    # The steps, for layers of one's own that are derived from this one

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        scale = 1 if self.scale is None else self.scale.value
        if self.concat_score_weight is None:
            return scale * jnp.matmul(query, jnp.swapaxes(key, -2, -1))
        return self.concat_score_weight.value * jnp.sum(jnp.tanh(scale * _each_pair(query, key)), axis=-1)

    def _calculate_score_mask(self, scores: Any, v_mask: Any, use_causal_mask: bool) -> Any:
        """Where a query may look, in a shape that goes with the scores; None if it is everywhere."""
        if not use_causal_mask:
            return v_mask
        causal = jnp.tril(jnp.ones((1, *scores.shape[-2:]), bool))
        return causal if v_mask is None else causal & jnp.asarray(v_mask, bool)[..., None, :]

    def _apply_scores(self, scores: Any, value: Any, scores_mask: Any = None, training: bool = False) -> Any:
        """The output, and the weights: softmax(scores) where they may look."""
        if scores_mask is not None:
            allowed = jnp.asarray(scores_mask, bool)
            allowed = allowed[..., None, :] if allowed.ndim == 2 else allowed
            scores = jnp.where(allowed, scores, scores - (65504.0 if scores.dtype == jnp.float16 else 1e9))
        weights = jax.nn.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        return jnp.matmul(weights, value), weights

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        self._check_list(inputs)
        self._check_masks(mask)
        return None if mask is None or mask[0] is None else jnp.asarray(mask[0])

    def compute_output_shape(self, input_shape: Any) -> Any:
        self._check_list(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(self, inputs: Any, *args: Any, return_attention_scores: bool = False, **kwargs: Any) -> Any:
        if return_attention_scores:
            return output_spec(self.call, inputs, *args, return_attention_scores=True, **kwargs)
        return super().compute_output_spec(inputs, *args, **kwargs)

    def _check_list(self, inputs: Any) -> None:
        if not isinstance(inputs, list) or len(inputs) not in (2, 3):
            raise ShapeError(
                f"{self._where_()} takes a list of two or three tensors.",
                expected="[query, value] or [query, value, key]",
                received=f"{type(inputs).__name__} of {len(inputs)}" if isinstance(inputs, (list, tuple)) else None,
            )

    def _check_masks(self, mask: Any) -> None:
        if mask is not None and (not isinstance(mask, list) or len(mask) not in (2, 3)):
            raise ArgumentError(
                f"{self._where_()} takes a list of masks.",
                expected="[query_mask, value_mask]",
                received=f"{type(mask).__name__} of {len(mask)}" if isinstance(mask, (list, tuple)) else repr(mask),
            )


class AdditiveAttention(Attention):
    """Bahdanau's attention: softmax(sum(scale · tanh(query + key))) @ value.

    Call it on [query, value] or [query, value, key]; key is value if not given.

    Args:    use_scale: a learned number for each feature.
             dropout: fraction of the weights to drop.
    Shape:   in [(batch, Tq, d), (batch, Tv, d)] → out (batch, Tq, d)
    State:   scale (d,) if use_scale
    Source:  Bahdanau et al. 2014, arXiv:1409.0473.
    Example: >>> AdditiveAttention()([np.ones((2, 4, 8)), np.ones((2, 6, 8))]).shape
             (2, 4, 8)
    """

    config_names = ("use_scale", "dropout", "seed")

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Unpack[LayerKeywords]):
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check_list(input_shape)
        features = (self._known_size_(input_shape[0], -1),)
        self.scale = self.add_weight(features, "glorot_uniform", name="scale") if self.use_scale else None

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        return jnp.sum((1 if self.scale is None else self.scale.value) * jnp.tanh(_each_pair(query, key)), axis=-1)


def _each_pair(query: Any, key: Any) -> Any:
    """query + key for each pair of a query and a key: (batch, Tq, Tv, d)."""
    return query[..., :, None, :] + key[..., None, :, :]
