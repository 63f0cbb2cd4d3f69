"""Embeddings: a learned vector for every number of a vocabulary, and the way back."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import ops
from lamella.graph import KerasTensor
from lamella.layers.configured import Shape, rules
from lamella.layers.keywords import NamedKeywords
from lamella.layers.lora import LowRank
from lamella.state import set_mask

__all__ = ["Embedding", "ReversibleEmbedding"]


class _EmbeddingKeywords(NamedKeywords, total=False):
    input_length: Any


class Embedding(LowRank):
    """Looks up a learned vector for every integer: embeddings[x].

    Args:    input_dim: size of the vocabulary; inputs are from 0 to input_dim - 1.
             mask_zero: 0 is padding, and what follows is told so.
             weights: an initial matrix (input_dim, output_dim).
    Shape:   in (batch, ...) integers → out (batch, ..., output_dim)
    State:   embeddings (input_dim, output_dim)
    Example: >>> Embedding(100, 8)(np.array([[1, 2, 3]])).shape
             (1, 3, 8)
    """

    adapted = "embeddings"
    embeddings_initializer: Any
    config_names = (
        *("input_dim", "output_dim", *rules("embeddings")),
        *("activity_regularizer", "mask_zero", "quantization_config"),
    )

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Unpack[_EmbeddingKeywords],
    ):
        kwargs.pop("input_length", None)  # Keras 2's; the length is free
        super().__init__(**kwargs)
        self.input_dim = self._positive_("input_dim", input_dim)
        self.output_dim = self._positive_("output_dim", output_dim)
        self._rule_("embeddings", embeddings_initializer, embeddings_regularizer, embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        self.autocast = False  # floats that stand for integers must not lose digits
        self._keep_lora_(lora_rank, lora_alpha)
        self._refuse_quantization_(quantization_config)
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape: Any = None) -> None:
        if not self.built:
            self._embeddings = self._add_ruled_("embeddings", (self.input_dim, self.output_dim))
            self._adapt_()

    @property
    def embeddings(self) -> Any:
        """The matrix (input_dim, output_dim), with its adaptation where there is one."""
        return self._adapted_kernel_()

    def call(self, inputs: Any) -> Any:
        indices = inputs if inputs.dtype in ("int32", "int64") else ops.cast(inputs, "int32")
        return ops.cast(ops.take(self.embeddings, indices, axis=0), self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)


class ReversibleEmbedding(Embedding):
    """An embedding that also goes back: with `reverse=True`, x @ embeddingsᵀ.

    Args:    tie_weights: the way back uses the same matrix, transposed.
             reverse_dtype: the way back is computed in this dtype.
             logit_soft_cap: c bounds what comes back: c · tanh(logits / c).
    Shape:   in (batch, ...) → out (batch, ..., output_dim);
             reverse: in (batch, ..., output_dim) → out (batch, ..., input_dim)
    State:   embeddings (input_dim, output_dim);
             reverse_embeddings (output_dim, input_dim) unless tied
    Example: >>> layer = ReversibleEmbedding(100, 8)
             >>> layer(layer(np.array([[1, 2]])), reverse=True).shape
             (1, 2, 100)
    """

    config_names = (*Embedding.config_names, "tie_weights", "reverse_dtype", "logit_soft_cap")

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Unpack[NamedKeywords],
    ):
        how = (embeddings_initializer, embeddings_regularizer, embeddings_constraint)
        super().__init__(input_dim, output_dim, *how, mask_zero=mask_zero, **kwargs)
        self.tie_weights = tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            shape, name = (self.output_dim, self.input_dim), "reverse_embeddings"
            self.reverse_embeddings = self.add_weight(shape, self.embeddings_initializer, name=name)

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        return self._back(inputs) if reverse else self._forth(inputs)

    def _forth(self, inputs: Any) -> Any:
        vectors = super().call(inputs)
        set_mask(vectors, super().compute_mask(inputs))
        return vectors

    def _back(self, vectors: Any) -> Any:
        matrix = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        if self.reverse_dtype is not None:
            vectors, matrix = ops.cast(vectors, self.reverse_dtype), ops.cast(matrix, self.reverse_dtype)
        logits, cap = ops.matmul(vectors, matrix), self.logit_soft_cap
        return logits if cap is None else ops.tanh(logits / cap) * cap

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def compute_output_shape(self, input_shape: Shape, reverse: bool = False) -> Shape:
        return (*input_shape[:-1], self.input_dim) if reverse else (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: Any, reverse: bool = False) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape, reverse), self.compute_dtype)
