"""Layers that sort things into bins by their hash: Hashing and HashedCrossing."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from lamella import config as settings
from lamella.errors import ShapeError
from lamella.graph import KerasTensor
from lamella.layers.configured import Shape, Weightless
from lamella.layers.keywords import LayerKeywords
from lamella.layers.preprocessing.encoding import MODES, encoded, refuse_sparse
from lamella.layers.preprocessing.fingerprint import bucket, farm, joined
from lamella.layers.preprocessing.strings import as_tokens

__all__ = ["HashedCrossing", "Hashing"]


class Hashing(Weightless):
    """Replaces strings or integers by the number of a bin, by their hash.

    Args:    num_bins: how many bins, bin 0 included if `mask_value` has it.
             mask_value: goes to bin 0, and nothing else does.
             salt: one or two integers; another hash for each.
             output_mode: "int", "one_hot", "multi_hot" or "count".
    Source:  FarmHash; SipHash-2-4 with a salt.
    Example: >>> Hashing(3)([["A"], ["B"], ["E"]]).tolist()
             [[1], [0], [2]]
    """

    runs_on_host = True
    config_names = ("num_bins", "salt", "mask_value", "output_mode", "sparse")
    _allow_non_tensor_positional_args = True

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Unpack[LayerKeywords],
    ):
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else settings.floatx()
        super().__init__(**kwargs)
        if output_mode not in MODES:
            raise self._refusal_("output_mode", output_mode, f"one of {', '.join(MODES)}")
        if output_mode == "int" and self.dtype not in ("int32", "int64"):
            raise self._refusal_("dtype", self.dtype, "int32 or int64 for output_mode='int'")
        refuse_sparse(self, sparse)
        self.num_bins, self.mask_value = self._positive_("num_bins", num_bins), mask_value
        self.output_mode, self.salt = output_mode, pair_of(self, salt)

    def call(self, inputs: Any) -> Any:
        tokens = as_tokens(inputs)
        return encoded(self._bins(tokens), self.output_mode, self.num_bins, self.dtype)

    def _bins(self, tokens: np.ndarray) -> np.ndarray:
        masks = self.mask_value is not None and self.num_bins > 1
        count = self.num_bins - masks
        bins = hashed(tokens, count, self.salt)
        return np.where(tokens == self.mask_value, 0, bins + 1) if masks else bins

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape) if self.output_mode == "int" else (*input_shape[:-1], self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), self.dtype)


class HashedCrossing(Weightless):
    """Sorts combinations of several features into bins, by their hash.

    Call it on a list of at least two arrays of integers or strings.

    Args:    num_bins: how many bins.
             output_mode: "int" or "one_hot".
    Shape:   in [(batch,), (batch,), ...] or (batch, 1) each → out the same, or (..., num_bins)
    Example: >>> HashedCrossing(5)([np.array([1, 2]), np.array(["a", "b"])]).shape
             (2,)
    """

    runs_on_host = True
    config_names = ("num_bins", "output_mode", "sparse")
    _allow_non_tensor_positional_args = True

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype="int64" if output_mode == "int" and dtype is None else dtype, **kwargs)
        if output_mode not in ("int", "one_hot"):
            raise self._refusal_("output_mode", output_mode, "'int' or 'one_hot'")
        refuse_sparse(self, sparse)
        self.num_bins, self.output_mode = self._positive_("num_bins", num_bins), output_mode

    def call(self, inputs: Any) -> Any:
        features = [as_tokens(each) for each in inputs] if isinstance(inputs, (list, tuple)) else []
        shapes = {each.shape for each in features}
        shape = next(iter(shapes), ())
        if len(features) < 2 or len(shapes) > 1 or len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
            raise ShapeError(
                f"{self._where_()} takes a list of features of one shape.",
                expected="at least two arrays, each (), (batch,) or (batch, 1)",
                received=[each.shape for each in features],
            )
        rows = zip(*(each.reshape(-1).tolist() for each in features), strict=True)
        bins = np.array([_crossed(row) % self.num_bins for row in rows], "int64").reshape(shape)
        return encoded(bins, self.output_mode, self.num_bins, self.dtype)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        first = tuple(input_shape[0])
        if self.output_mode == "int":
            return first
        return (*(first if first and first[-1] != 1 else first[:-1]), self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape([tensor.shape for tensor in inputs]), self.dtype)

    def get_config(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in self.config_names}
        return {**own, "name": self.name, "dtype": self.dtype}


def hashed(tokens: np.ndarray, count: int, salt: Any = None) -> np.ndarray:
    """The bucket of each token; integers are hashed as they are written."""
    if tokens.dtype.kind == "f":
        tokens = tokens.astype("int64")
    flat = [bucket(str(token).encode(), count, salt) for token in tokens.reshape(-1).tolist()]
    return np.array(flat, "int64").reshape(tokens.shape)


def pair_of(layer: Any, salt: Any) -> list[int] | None:
    """A salt as two integers; None stays None."""
    if salt is None:
        return None
    pair = [salt, salt] if isinstance(salt, int) else list(salt) if isinstance(salt, (tuple, list)) else []
    if len(pair) != 2 or not all(isinstance(part, int) for part in pair):
        raise layer._refusal_("salt", salt, "an integer, or two of them")
    return pair


def _crossed(row: tuple[Any, ...]) -> int:
    result = 0xDECAFCAFFE
    for value in row:
        result = joined(result, farm(value.encode()) if isinstance(value, str) else value & (1 << 64) - 1)
    return result
