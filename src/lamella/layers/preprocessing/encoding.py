"""Integers as vectors: one-hot, multi-hot and counts; and the layers whose results are such."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from lamella.errors import ArgumentError, StateError
from lamella.graph import KerasTensor
from lamella.layers.configured import Shape, Weightless
from lamella.layers.keywords import LayerKeywords

__all__ = ["CategoryEncoding", "Discretization"]

MODES = ("int", "one_hot", "multi_hot", "count")


def encoded(indices: Any, mode: str, depth: Any, dtype: Any, weights: Any = None) -> Any:
    """Indices, NumPy's or JAX's, in an output mode; what is not in range(depth) is left out.

    Example: >>> encoded(np.array([[0, 2, 2]]), "count", 4, "int32").tolist()
             [[1, 0, 2, 0]]
    """
    if mode == "int":
        return indices.astype(dtype)
    indices = indices[None] if indices.ndim == 0 else indices
    if mode == "one_hot" and indices.ndim > 1 and indices.shape[-1] == 1:
        indices = indices[..., 0]
    xp = np if isinstance(indices, np.ndarray) else jnp
    hot = (indices[..., None] == xp.arange(depth)).astype(dtype)
    axis = min(1, indices.ndim - 1)
    if mode == "multi_hot":
        return hot.max(axis)
    if mode == "count":
        return (hot if weights is None else hot * weights[..., None]).sum(axis).astype(dtype)
    return hot


def refuse_sparse(layer: Any, sparse: bool) -> None:
    """JAX has dense arrays; a layer's `sparse=True` cannot be honored."""
    if sparse:
        raise layer._refusal_("sparse", sparse, "False: results are dense arrays")
    layer.sparse = False


class CategoryEncoding(Weightless):
    """Encodes integers of a known range as one-hot, multi-hot or count vectors.

    Args:    num_tokens: inputs are from 0 to num_tokens - 1.
             output_mode: "multi_hot" (what is there), "count" (how often), or
                 "one_hot" (a vector for each integer).
    Shape:   in (batch, n) → out (batch, num_tokens); one_hot: (batch, n, num_tokens)
    Example: >>> CategoryEncoding(4)(np.array([[0, 1], [3, 3]])).tolist()
             [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """

    config_names = ("num_tokens", "output_mode")
    _convert_input_args = False
    _allow_non_tensor_positional_args = True

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        output_mode = "multi_hot" if output_mode == "binary" else output_mode
        if output_mode not in MODES[1:]:
            raise self._refusal_("output_mode", output_mode, f"one of {', '.join(MODES[1:])}")
        refuse_sparse(self, sparse)
        self.num_tokens, self.output_mode = self._positive_("num_tokens", num_tokens), output_mode

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is None:
            return encoded(jnp.asarray(inputs), self.output_mode, self.num_tokens, self.dtype)
        if self.output_mode != "count":
            raise ArgumentError(
                "count_weights are for output_mode='count'.", received=f"output_mode={self.output_mode!r}"
            )
        weights = jnp.asarray(count_weights, self.compute_dtype)
        return encoded(jnp.asarray(inputs), "count", self.num_tokens, self.compute_dtype, weights)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        keeps = self.output_mode == "one_hot" and (len(input_shape) == 1 or input_shape[-1:] != (1,))
        return (*(input_shape if keeps else input_shape[:-1]), self.num_tokens)

    def compute_output_spec(self, inputs: Any, count_weights: Any = None) -> Any:
        shape = inputs.shape or (1,)  # a single number is taken for one sample
        return KerasTensor(self.compute_output_shape(shape), self.compute_dtype)


class Discretization(Weightless):
    """Replaces numbers by the index of the bin they fall into.

    Args:    bin_boundaries: sorted; n of them make n + 1 bins.
             num_bins: that many bins, with boundaries that `adapt` learns, such
                 that all are equally full.
             epsilon: how far the learned quantiles may be off.
             output_mode: "int", "one_hot", "multi_hot" or "count".
    Example: >>> Discretization([0.0, 1.0])(np.array([-5.0, 0.5, 3.0])).tolist()
             [0, 1, 2]
    """

    config_names = ("bin_boundaries", "num_bins", "epsilon", "output_mode", "sparse")
    _convert_input_args = False
    _allow_non_tensor_positional_args = True

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ):
        super().__init__(name=name, dtype=dtype)
        if output_mode not in MODES:
            raise self._refusal_("output_mode", output_mode, f"one of {', '.join(MODES)}")
        refuse_sparse(self, sparse)
        if (num_bins is None) == (bin_boundaries is None):
            raise self._refusal_("num_bins", num_bins, "either `num_bins` or `bin_boundaries`")
        self.bin_boundaries = bin_boundaries
        self.num_bins = num_bins if num_bins is None else self._positive_("num_bins", num_bins)
        self.epsilon, self.output_mode = epsilon, output_mode
        self.reset_state()

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise StateError(
                f"Discretization {self.name!r} has no bins yet.", fix="call adapt(data), or give bin_boundaries"
            )
        bins = jnp.digitize(jnp.asarray(inputs), jnp.asarray(self.bin_boundaries, "float32"))
        return encoded(bins, self.output_mode, self._depth(), self.output_dtype)

    def _depth(self) -> int | None:
        return self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1

    @property
    def output_dtype(self) -> str:
        """int32 for bin numbers, the compute dtype for vectors."""
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.output_mode == "int":
            return input_shape
        if self.output_mode == "one_hot":
            squeezed = len(input_shape) > 1 and input_shape[-1] == 1
            return (*(input_shape[:-1] if squeezed else input_shape), self._depth())
        return (*input_shape[:1], *input_shape[2:], self._depth()) if len(input_shape) > 1 else (self._depth(),)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), self.output_dtype)

    # Learning

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns boundaries from an array, or from batches of arrays (`steps` of them at most)."""
        if self.num_bins is None:
            raise StateError("adapt() has nothing to learn: bin_boundaries were given.", fix="give num_bins instead")
        self.reset_state()
        for batch in batches(data, steps, whole=(np.ndarray, jax.Array)):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Takes a batch into the quantile summary."""
        merged = np.concatenate((_summary(np.asarray(data, "float32"), self.epsilon), self.summary), axis=1)
        self.summary = _compressed(merged[:, np.argsort(merged[0])], self.epsilon)

    def finalize_state(self) -> None:
        """Sets the boundaries from the summary."""
        if self.num_bins is not None:
            self.bin_boundaries = _compressed(self.summary, 1 / self.num_bins)[0, :-1].tolist()

    def reset_state(self) -> None:
        """Forgets the summary."""
        self.summary = np.zeros((2, 0), "float32")

    def load_own_variables(self, store: Any) -> None:
        if len(store) == 1:
            self.summary = np.asarray(store["0"])

    def get_config(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in self.config_names}
        return {**own, "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        learned = config.get("bin_boundaries") if config.get("num_bins") is not None else None
        layer = super().from_config({**config, "bin_boundaries": None} if learned is not None else config)
        layer.bin_boundaries = layer.bin_boundaries if learned is None else learned
        return layer


def batches(data: Any, steps: int | None, whole: tuple[type, ...]) -> Iterable[Any]:
    """What `adapt` goes through: the data itself if of a type in `whole`, else its items."""
    if isinstance(data, whole) or not hasattr(data, "__iter__"):
        return [data]
    return (batch for _, batch in zip(range(steps), data, strict=False)) if steps is not None else data


def _summary(values: np.ndarray, epsilon: float) -> np.ndarray:
    """(boundaries, weights): every so many-th of the sorted values stands for those below it."""
    values = np.sort(values.reshape(-1))
    step = max(values.size * epsilon, 1)
    boundaries = values[int(step - 1) :: int(step)]
    return np.stack([boundaries, np.full_like(boundaries, step)])


def _compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """A summary with about 1 / epsilon boundaries at equal shares of the weight."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    weights = summary[1].cumsum()
    known = weights / weights[-1]
    boundaries, weights = np.interp(shares, known, summary[0]), np.interp(shares, known, weights)
    return np.stack((boundaries, np.diff(weights, prepend=0))).astype("float32")
