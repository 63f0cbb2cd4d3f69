"""Texts as lists of word numbers: what IMDB and Reuters share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamella.datasets.origin import from_google
from lamella.errors import ArgumentError


@dataclass(frozen=True)
class Words:
    """Which words are kept.

    num_words: only the most frequent ones; all if None.
    skip_top:  without the first of these.
    maxlen:    texts of this many words, or more, are left out.
    start_char, oov_char: numbers for the begin of a text, and for a word that is left out; None: no number.
    index_from: the number of the most frequent word.
    """

    num_words: int | None
    skip_top: int
    maxlen: int | None
    start_char: int | None
    oov_char: int | None
    index_from: int

    def begun(self, texts: Iterable[Any]) -> list[list[int]]:
        """The texts with the start, and numbers counted from `index_from`."""
        start = [] if self.start_char is None else [self.start_char]
        return [[*start, *(word + self.index_from for word in text)] for text in texts]

    def short(self, texts: list[list[int]], labels: Any) -> tuple[list[list[int]], np.ndarray]:
        """The texts that are short enough, and their labels."""
        if not self.maxlen:
            return texts, np.asarray(labels)
        kept = [i for i, text in enumerate(texts) if len(text) < self.maxlen]
        if not kept:
            raise ArgumentError(f"No text is shorter than maxlen={self.maxlen}.", fix="increase maxlen")
        return [texts[i] for i in kept], np.asarray(labels)[kept]

    def limited(self, texts: list[list[int]]) -> list[list[int]]:
        """The texts with rare and skipped words replaced, or left out."""
        limit = self.num_words or max(max(text) for text in texts)
        if self.oov_char is None:
            return [[word for word in text if self.skip_top <= word < limit] for text in texts]
        return [[word if self.skip_top <= word < limit else self.oov_char for word in text] for text in texts]


def as_array(texts: list[list[int]]) -> np.ndarray:
    """An array of lists."""
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array


def word_index(path: str, file: str, file_hash: str) -> dict[str, int]:
    """{word: rank by frequency}, without the offset `index_from`."""
    with open(from_google(path, file, file_hash), encoding="utf-8") as text:
        return json.load(text)
