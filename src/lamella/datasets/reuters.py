"""Reuters: newswires by topic."""

from __future__ import annotations

from numpy.random import RandomState

from lamella.datasets.origin import Split, check_test_split, from_google, npz, shuffled, split
from lamella.datasets.words import Words, as_array, word_index

_HASH = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass "
    "crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi "
    "iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead"
)


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Split:
    """11,228 newswires of 46 topics as lists of word numbers.

    Args:   as for `imdb.load_data`.
    Shape:  x (n,) of lists; y (n,) int64, 0 … 45
    Source: D. Lewis, Reuters-21578
    Raises: FileError: it is not in the cache, and there is no network.
    """
    check_test_split(test_split)
    words = Words(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    x, y = shuffled(RandomState(seed), *npz(from_google(path, "reuters.npz", _HASH), "x", "y"))
    texts, labels = words.short(words.begun(x), y)
    return split(as_array(words.limited(texts)), labels, test_split)


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """{word: rank by frequency}, without the offset `index_from`."""
    return word_index(path, "reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")


def get_label_names() -> tuple[str, ...]:
    """The topics, in the order of their numbers.

    Example: >>> get_label_names()[3]
             'earn'
    """
    return tuple(_TOPICS.split())


__all__ = ["get_label_names", "get_word_index", "load_data"]
