"""IMDB: film reviews, good or bad."""

from __future__ import annotations

from numpy.random import RandomState

from lamella.datasets.origin import Split, from_google, npz, shuffled
from lamella.datasets.words import Words, as_array, word_index
from lamella.errors import parameters_of, unknown_arguments

_HASH = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: object,
) -> Split:
    """25,000 and 25,000 reviews as lists of word numbers, 1 being the most frequent word before `index_from`.

    Args:   num_words: keep the most frequent ones; the others become `oov_char` (or go, if that is None).
            maxlen: leave out longer reviews.
            start_char: begins each review.
    Shape:  x (n,) of lists; y (n,) int64: 1 good, 0 bad
    Source: A. Maas et al., "Learning word vectors for sentiment analysis", ACL 2011
    Raises: FileError: it is not in the cache, and there is no network.
    """
    if kwargs:
        raise unknown_arguments("load_data()", kwargs, parameters_of(load_data))
    words = Words(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    parts = npz(from_google(path, "imdb.npz", _HASH), "x_train", "y_train", "x_test", "y_test")
    generator = RandomState(seed)
    halves = [shuffled(generator, *half) for half in (parts[:2], parts[2:])]
    train, test = (words.short(words.begun(x), y) for x, y in halves)
    texts = words.limited(train[0] + test[0])
    cut = len(train[0])
    return (as_array(texts[:cut]), train[1]), (as_array(texts[cut:]), test[1])


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """{word: rank by frequency}, without the offset `index_from`."""
    return word_index(path, "imdb_word_index.json", "bfafd718b763782e994055a2d397834f")


__all__ = ["get_word_index", "load_data"]
