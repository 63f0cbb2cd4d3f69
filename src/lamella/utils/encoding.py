"""Arrays brought into the form that training wants: one-hot classes, unit norms, equal lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from lamella import ops
from lamella.errors import ArgumentError, DataError


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers as rows of zeros with a one.

    Args:    x: whole numbers from 0; a last axis of size 1 is dropped.
             num_classes: the largest number plus one if None.
    Shape:   in (...) or (..., 1) → out (..., num_classes), float64 from NumPy, float32 from JAX
    Raises:  DataError: a class outside of 0 … num_classes - 1.
    Example: >>> to_categorical([0, 2]).tolist()
             [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if isinstance(x, jax.Array):
        squeezed = x.reshape(x.shape[:-1]) if x.ndim > 1 and x.shape[-1] == 1 else x
        return ops.one_hot(squeezed, int(squeezed.max()) + 1 if num_classes is None else num_classes)
    x = np.array(x, dtype="int64")
    x = x.reshape(x.shape[:-1]) if x.ndim > 1 and x.shape[-1] == 1 else x
    count = num_classes or int(x.max(initial=-1)) + 1
    if x.size and (x.min() < -count or x.max() >= count):
        raise DataError(
            "to_categorical() got a class that is out of range.", expected=f"0 … {count - 1}", received=x.max()
        )
    return np.eye(count)[x]


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """Divides by the norm along an axis; where that is 0, nothing changes.

    Args:    order: 2 for the Euclidean norm, 1 for the sum of magnitudes.
    Example: >>> normalize(np.array([[3.0, 4.0]])).tolist()
             [[0.6, 0.8]]
    """
    if not isinstance(x, np.ndarray):
        return ops.normalize(x, axis=axis, order=order)
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return x / np.expand_dims(norm, axis or -1)


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences of different lengths as one array, padded and cut to the same length.

    Args:    maxlen: the length of the longest if None.
             padding, truncating: "pre" or "post": where to add, and where to cut.
    Shape:   out (len(sequences), maxlen, ...)
    Raises:  ArgumentError, DataError: an unknown side, or samples that do not go together.
    Example: >>> pad_sequences([[1], [2, 3]]).tolist()
             [[0, 1], [2, 3]]
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ArgumentError(f"pad_sequences() cannot take {name}={side!r}.", expected="'pre' or 'post'")
    lengths = _lengths(sequences)
    maxlen = int(np.max(lengths)) if maxlen is None else maxlen
    if isinstance(value, str) and dtype is not object and np.dtype(dtype).kind not in "US":
        raise ArgumentError("A text as `value` needs a dtype of texts.", received=dtype, fix="pass dtype=object")
    shape = next((np.asarray(s).shape[1:] for s, length in zip(sequences, lengths, strict=True) if length), ())
    padded = np.full((len(lengths), maxlen, *shape), value, dtype=dtype)
    for index, sequence in enumerate(sequences):
        if not lengths[index]:
            continue
        kept = np.asarray(sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen], dtype=dtype)
        if kept.shape[1:] != shape:
            raise DataError(
                f"The sequence at {index} has steps of another shape.", expected=shape, received=kept.shape[1:]
            )
        place = slice(None, len(kept)) if padding == "post" else slice(-len(kept), None)
        padded[index, place] = kept
    return padded


def _lengths(sequences: Any) -> list[int]:
    try:
        return [len(sequence) for sequence in sequences]
    except TypeError as error:
        raise DataError("pad_sequences() takes a list of sequences.", received=repr(sequences)[:100]) from error
