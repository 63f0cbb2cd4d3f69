"""Text taken apart: arrays of strings, standardized, split into tokens, joined to n-grams."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import numpy as np

from lamella.errors import DataError

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_STRIP = str.maketrans("", "", string.punctuation)
STANDARDIZERS: dict[str, Callable[[str], str]] = {
    "lower": lambda text: text.translate(_LOWER),
    "strip_punctuation": lambda text: text.translate(_STRIP),
    "lower_and_strip_punctuation": lambda text: text.translate(_LOWER).translate(_STRIP),
}
"""By name.  Only ASCII letters are lowered, as Keras does it."""

SPLITTERS: dict[str, Callable[[str], list[str]]] = {
    "whitespace": lambda text: [token.decode() for token in text.encode().split()],
    "character": list,
}
"""By name.  Only ASCII whitespace separates, as Keras does it."""


def as_tokens(values: Any, encoding: str = "utf-8") -> np.ndarray:
    """Strings or integers, in whatever they come, as a NumPy array; bytes are decoded.

    Raises:  DataError: rows of unequal lengths.
    Example: >>> as_tokens([b"a", "b"]).tolist()
             ['a', 'b']
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise DataError(
            "Rows of unequal lengths are not an array.", fix="pad them, or give texts to TextVectorization"
        ) from None
    if array.dtype.kind == "S":
        return np.char.decode(array, encoding)
    if array.dtype.kind == "O":
        decoded = [v.decode(encoding) if isinstance(v, bytes) else v for v in array.reshape(-1).tolist()]
        return np.array(decoded).reshape(array.shape)
    return array


def ngrams(tokens: list[str], widths: tuple[int, ...]) -> list[str]:
    """All n-grams of the widths asked for, those of the first width first.

    Example: >>> ngrams(["a", "b", "c"], (1, 2))
             ['a', 'b', 'c', 'a b', 'b c']
    """
    return [" ".join(tokens[i : i + width]) for width in widths for i in range(len(tokens) - width + 1)]


def padded(rows: list[np.ndarray], length: int | None) -> np.ndarray:
    """Rows of numbers cut or filled with 0 to one length; that of the longest if None."""
    length = max(map(len, rows), default=0) if length is None else length
    result = np.zeros((len(rows), length), "int64")
    for index, row in enumerate(rows):
        result[index, : len(row)] = row[:length]
    return result
