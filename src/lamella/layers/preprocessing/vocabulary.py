"""A vocabulary: tokens in order, and the number of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lamella.errors import ArgumentError


class Vocabulary:
    """Tokens, strings or integers, each once; not searched for variables, so it may be large.

    Raises:  ArgumentError: a token stands there twice.
    Example: >>> Vocabulary(["a", "b"]).find(np.array(["b", "x"])).tolist()
             [1, -1]
    """

    __slots__ = ("_index", "tokens")

    def __init__(self, tokens: Any = ()):
        self.tokens = np.asarray(tokens)
        self._index = {token: index for index, token in enumerate(self.tokens.tolist())}
        if len(self._index) < len(self.tokens):
            repeated = [token for token, count in Counter(self.tokens.tolist()).items() if count > 1]
            raise ArgumentError("A vocabulary holds each token once.", received=f"repeated: {repeated[:8]}")

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: Any) -> bool:
        return token in self._index

    def find(self, tokens: np.ndarray) -> np.ndarray:
        """The number of each token, -1 for those that are not in it."""
        found = [self._index.get(token, -1) for token in tokens.reshape(-1).tolist()]
        return np.array(found, "int64").reshape(tokens.shape)

    def at(self, numbers: np.ndarray, default: Any) -> np.ndarray:
        """The token of each number, `default` for those that have none."""
        known = (numbers >= 0) & (numbers < len(self.tokens))
        found = np.full(numbers.shape, default, dtype=object)
        found[known] = self.tokens[numbers[known]]
        return found if default is None else np.array(found.tolist())


class TokenCounts:
    """How often tokens were seen, and in how many documents."""

    __slots__ = ("documents", "in_documents", "tokens")

    def __init__(self) -> None:
        self.tokens: Counter[Any] = Counter()
        self.in_documents: Counter[Any] = Counter()
        self.documents = 0

    def add(self, documents: Iterable[Sequence[Any]]) -> None:
        """Counts the tokens of documents."""
        for document in documents:
            self.tokens.update(document)
            self.in_documents.update(set(document))
            self.documents += 1

    def most_common(self, most: int | None, without: tuple[Any, ...]) -> list[Any]:
        """Tokens by how often they were seen; of equally many, the last in the alphabet first."""
        kept = [token for token in self.tokens if token not in without]
        kept.sort(key=lambda token: (self.tokens[token], _bytewise(token)), reverse=True)
        return kept[:most]

    def idf(self, tokens: Sequence[Any]) -> np.ndarray:
        """log(1 + documents / (1 + documents with the token)), for each token."""
        seen = np.array([self.in_documents[token] for token in tokens])
        return np.log(1 + self.documents / (1 + seen))


def _bytewise(token: Any) -> Any:
    return token.encode() if isinstance(token, str) else token
