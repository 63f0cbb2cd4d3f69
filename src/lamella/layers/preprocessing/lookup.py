"""Tokens to numbers and back, by a vocabulary: StringLookup and IntegerLookup."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Unpack

import jax
import numpy as np

from lamella import config as settings
from lamella.errors import ArgumentError, ConfigError, DataError, FileError, StateError
from lamella.graph import KerasTensor
from lamella.layers.configured import Shape, Weightless
from lamella.layers.keywords import NamelessKeywords
from lamella.layers.preprocessing.encoding import batches, encoded, refuse_sparse
from lamella.layers.preprocessing.hashing import hashed, pair_of
from lamella.layers.preprocessing.strings import as_tokens
from lamella.layers.preprocessing.vocabulary import TokenCounts, Vocabulary

__all__ = ["IntegerLookup", "StringLookup"]

_OLD_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}
LOOKUP_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


def mode_of(layer: Any, output_mode: Any) -> str:
    """A checked output mode, old names included."""
    mode = _OLD_MODES.get(output_mode, output_mode)
    if mode not in LOOKUP_MODES:
        raise layer._refusal_("output_mode", output_mode, f"one of {', '.join(LOOKUP_MODES)}")
    return mode


class IndexLookup(Weightless):
    """A vocabulary as a layer: [mask,] unknown tokens' numbers, then those of the vocabulary."""

    runs_on_host = True
    supports_jit = False
    config_names = (
        *("invert", "max_tokens", "num_oov_indices", "oov_token", "mask_token", "output_mode", "sparse"),
        *("pad_to_max_tokens", "vocabulary_dtype", "oov_method", "salt"),
    )
    vocabulary_dtype = "string"
    invert: bool
    max_tokens: int | None
    num_oov_indices: int
    mask_token: Any
    oov_token: Any
    pad_to_max_tokens: bool
    _allow_non_tensor_positional_args = True

    def __init__(self, arguments: dict[str, Any], *, name: str | None = None, **kwargs: Any):
        self._size_when_made = kwargs.pop("vocabulary_size", None)
        fixed = kwargs.pop("has_input_vocabulary", arguments["vocabulary"] is not None)
        super().__init__(
            name=name, **{key: value for key, value in kwargs.items() if key not in ("trainable", "dtype")}
        )
        for key in ("invert", "max_tokens", "num_oov_indices", "mask_token", "oov_token", "pad_to_max_tokens"):
            setattr(self, key, arguments[key])
        self.output_mode, self.salt = mode_of(self, arguments["output_mode"]), pair_of(self, arguments["salt"])
        self.oov_method = arguments.get("oov_method", "floormod")
        refuse_sparse(self, arguments["sparse"])
        self._check_arguments(arguments["idf_weights"])
        given = arguments["vocabulary"]
        self._given = None if given is None or isinstance(given, str) else np.asarray(given)
        self._given_idf = arguments["idf_weights"]
        self._fixed, self._counts = fixed, TokenCounts()
        self._vocabulary, self.idf_weights = Vocabulary(), None
        if given is not None:
            self.set_vocabulary(given, self._given_idf)

    def _check_arguments(self, idf_weights: Any) -> None:
        wrong = self._refusal_
        if self.max_tokens is not None and self.max_tokens <= 1:
            raise wrong("max_tokens", self.max_tokens, "an integer above 1, or None")
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise wrong("pad_to_max_tokens", True, "a `max_tokens` to pad to")
        if not isinstance(self.num_oov_indices, int) or self.num_oov_indices < 0:
            raise wrong("num_oov_indices", self.num_oov_indices, "an integer of at least 0")
        if self.oov_method not in ("floormod", "farmhash"):
            raise wrong("oov_method", self.oov_method, "'floormod' or 'farmhash'")
        if self.salt and self.vocabulary_dtype != "string" and self.oov_method != "farmhash":
            raise wrong("salt", self.salt, "None, or oov_method='farmhash'")
        if self.invert and self.output_mode != "int":
            raise wrong("output_mode", self.output_mode, "'int' where invert=True")
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise wrong("idf_weights", "…", "None, or output_mode='tf_idf'")

    # The vocabulary

    def _first_oov(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    def _first_token(self) -> int:
        return self._first_oov() + self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in order of their numbers, the mask and unknown tokens first."""
        special = [self.mask_token] * self._first_oov() + [self.oov_token] * self.num_oov_indices
        return (special if include_special_tokens else []) + self._vocabulary.tokens.tolist()

    def vocabulary_size(self) -> int:
        """How many numbers there are, those of the mask and unknown tokens included."""
        return len(self._vocabulary) + self._first_token()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the tokens: a list, an array, or the path of a text file with one a line.

        Args:   idf_weights: a number for each token, for output_mode="tf_idf" only.
        Raises: ArgumentError: the vocabulary is empty, too long, has a token twice,
                    or holds special tokens anywhere but at its start.
        """
        if (idf_weights is None) == (self.output_mode == "tf_idf"):
            raise self._refusal_("idf_weights", idf_weights, "one for each token for output_mode='tf_idf', else None")
        tokens = _lines(vocabulary) if isinstance(vocabulary, (str, os.PathLike)) else as_tokens(vocabulary)
        if len(tokens) == 0:
            raise self._refusal_("vocabulary", vocabulary, "some tokens")
        special = self.get_vocabulary()[: self._first_token()]
        with_special = bool(special) and tokens[: len(special)].tolist() == special
        self._learn(tokens[len(special) :] if with_special else tokens, special)
        if idf_weights is not None:
            self._set_idf(np.asarray(idf_weights, settings.floatx()), len(tokens), with_special)

    def _learn(self, tokens: Any, special: Sequence[Any] = ()) -> None:
        vocabulary = Vocabulary(tokens)
        for token in (self.mask_token, self.oov_token if self.invert else None):
            if token is not None and token in vocabulary:
                raise ArgumentError(
                    f"The vocabulary of {self.name!r} has the special token {token!r} among the others.",
                    fix=f"leave special tokens out, or begin with exactly {list(special)}",
                )
        size = len(vocabulary) + self._first_token()
        if self.max_tokens is not None and size > self.max_tokens:
            raise ArgumentError(
                f"The vocabulary of {self.name!r} is too long.", expected=self.max_tokens, received=size
            )
        fixed_size = self.output_mode != "int" and not self.pad_to_max_tokens
        if fixed_size and self._size_when_made not in (None, size) and len(self._vocabulary):
            raise StateError(
                f"The vocabulary of {self.name!r} cannot change its size: its output has one number for each token.",
                expected=self._size_when_made,
                received=size,
                fix="use pad_to_max_tokens=True",
            )
        self._vocabulary, self._size_when_made = vocabulary, size

    def _set_idf(self, idf: np.ndarray, count: int, with_special: bool) -> None:
        if idf.shape != (count,):
            raise self._refusal_("idf_weights", f"… of shape {idf.shape}", f"{count} numbers, one for each token")
        front = 0 if with_special else self._first_token()
        self.idf_weights = self._padded_idf(np.pad(idf, (front, 0), constant_values=idf.mean()))

    def _padded_idf(self, idf: np.ndarray) -> np.ndarray:
        back = self.max_tokens - len(idf) if self.pad_to_max_tokens and self.max_tokens else 0
        return np.pad(idf, (0, back)).astype(settings.floatx())

    # Learning it

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns the vocabulary: the most frequent tokens of an array, or of batches of arrays.

        Raises: StateError: the vocabulary was given.
        """
        self.reset_state()
        for batch in batches(data, steps, whole=(list, tuple, np.ndarray, jax.Array)):
            tokens = as_tokens(batch)
            is_whole = batch is data and tokens.ndim == 1
            self.update_state(tokens[:, None] if is_whole else tokens)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of a batch; each row is a document."""
        tokens = as_tokens(data)
        rows = tokens.reshape(1 if tokens.ndim < 2 else len(tokens), -1)
        self.count_documents(rows.tolist())

    def count_documents(self, documents: Iterable[Sequence[Any]]) -> None:
        """Counts the tokens of documents, each a list of tokens."""
        if self._fixed:
            raise StateError(
                f"{type(self).__name__} {self.name!r} has a given vocabulary, which adapt() cannot change.",
                fix="leave `vocabulary` out to learn one",
            )
        self._counts.add(documents)

    def finalize_state(self) -> None:
        """Makes the vocabulary of what was counted."""
        if self._fixed or not self._counts.tokens:
            return
        most = self.max_tokens - self._first_token() if self.max_tokens else None
        tokens = self._counts.most_common(most, without=(self.mask_token, self.oov_token))
        self._learn(tokens)
        if self.output_mode == "tf_idf":
            idf = self._counts.idf(tokens)
            self.idf_weights = self._padded_idf(np.pad(idf, (self._first_token(), 0), constant_values=idf.mean()))
        self.reset_state()

    def reset_state(self) -> None:
        """Forgets what was counted, not the vocabulary."""
        self._counts = TokenCounts()

    # The call

    def call(self, inputs: Any) -> Any:
        tokens = as_tokens(inputs)
        if self.invert:
            return self._tokens_of(tokens)
        numbers = self.numbers_of(tokens)
        return numbers if self.output_mode == "int" else self.vectors_of(numbers)

    def vectors_of(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers as one-hot, multi-hot, count or tf-idf vectors."""
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        vectors = encoded(numbers, mode, self._depth(), settings.floatx())
        return vectors * self.idf_weights if self.output_mode == "tf_idf" else vectors

    def numbers_of(self, tokens: np.ndarray) -> np.ndarray:
        """The number of each token, unknown and mask tokens included; -1 for a mask that has none."""
        if tokens.size == 0:
            return np.zeros(tokens.shape, "int64")
        found = self._vocabulary.find(tokens)
        masks = tokens == self.mask_token if self.mask_token is not None else np.zeros(tokens.shape, bool)
        unknown = (found < 0) & ~masks
        if self.num_oov_indices == 0 and unknown.any():
            raise DataError(
                f"{type(self).__name__} {self.name!r} met tokens that are not in its vocabulary.",
                received=sorted(set(tokens[unknown].tolist()), key=str)[:8],
                fix="give num_oov_indices=1 to have a number for them",
            )
        numbers = np.where(unknown, self._oov_numbers(tokens, unknown), found + self._first_token())
        return np.where(masks, 0 if self.output_mode == "int" else -1, numbers)

    def _oov_numbers(self, tokens: np.ndarray, unknown: np.ndarray) -> Any:
        count = self.num_oov_indices
        if count <= 1 or not unknown.any():
            return self._first_oov()
        if tokens.dtype.kind in "iu" and self.oov_method == "floormod":
            return self._first_oov() + tokens % count
        numbers = np.zeros(tokens.shape, "int64")
        numbers[unknown] = self._first_oov() + hashed(tokens[unknown], count, self.salt)
        return numbers

    def _tokens_of(self, numbers: np.ndarray) -> np.ndarray:
        found = self._vocabulary.at(numbers - self._first_token(), self.oov_token)
        return np.where(numbers == 0, self.mask_token, found) if self.mask_token is not None else found

    def _depth(self) -> int | None:
        depth = self.max_tokens if self.pad_to_max_tokens else self._size_when_made
        if depth is None:
            raise StateError(
                f"{type(self).__name__} {self.name!r} has no vocabulary yet.",
                fix="give `vocabulary`, or call adapt(data)",
            )
        return depth

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.output_mode == "int":
            return input_shape
        squeezes = self.output_mode != "one_hot" or (len(input_shape) > 1 and input_shape[-1] == 1)
        return (*(input_shape[:-1] if squeezes else input_shape), self._depth())

    def compute_output_spec(self, inputs: Any) -> Any:
        dtype = settings.floatx() if self.output_mode != "int" else self.vocabulary_dtype if self.invert else "int64"
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)

    # Configs and files

    def get_config(self) -> dict[str, Any]:
        given, idf = self._given, self._given_idf
        return {
            **super().get_config(),
            "vocabulary": None if given is None else given.tolist(),
            "idf_weights": None if idf is None else np.asarray(idf).tolist(),
            "vocabulary_size": self._size_when_made,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        cls.refuse_path(config)
        return super().from_config(config)

    @classmethod
    def refuse_path(cls, config: dict[str, Any]) -> None:
        """Raises a `ConfigError` for a config that names a file: whoever wrote it must not choose what is read."""
        if isinstance(config.get("vocabulary"), str):
            raise ConfigError(
                f"A config of {cls.__name__} names a vocabulary file, which is not read.",
                received=config["vocabulary"],
                fix=f"make the layer yourself: {cls.__name__}(vocabulary=path)",
            )

    def save_own_variables(self, store: Any) -> None:
        if self.idf_weights is not None:
            store["idf_weights"] = self.idf_weights

    def load_own_variables(self, store: Any) -> None:
        if self.output_mode == "tf_idf":
            self.idf_weights = np.asarray(store["idf_weights"])

    def save_assets(self, dir_path: Any) -> None:
        """Writes a learned vocabulary to `vocabulary.txt` in a folder."""
        if self._given is None:
            lines = "\n".join(str(token) for token in self.get_vocabulary())
            _vocabulary_file(dir_path).write_text(lines, encoding="utf-8")

    def load_assets(self, dir_path: Any) -> None:
        """Reads a learned vocabulary from `vocabulary.txt` in a folder."""
        if self._given is None:
            tokens = _lines(_vocabulary_file(dir_path))
            tokens = tokens if self.vocabulary_dtype == "string" else tokens.astype("int64")
            self.set_vocabulary(tokens, self.idf_weights)


class StringLookup(IndexLookup):
    """Replaces strings by their numbers in a vocabulary.

    0 is the mask (if there is a `mask_token`), then come `num_oov_indices`
    numbers for unknown strings, then the vocabulary.  Works outside of compiled
    code, on lists or arrays of strings.

    Args:    max_tokens: the most numbers there may be; None for no limit.
             vocabulary: strings, or the path of a text file with one a line;
                 `adapt` learns them from data if None.
             invert: numbers to strings.
             output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf".
             idf_weights: a number for each string, for "tf_idf".
             pad_to_max_tokens: vectors have `max_tokens` numbers, however many are used.
             salt: hashes unknown strings differently, where several numbers are for them.
    Example: >>> StringLookup(vocabulary=["a", "b"])([["b", "x"]]).tolist()
             [[2, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ):
        oov_method = kwargs.pop("oov_method", "floormod")
        super().__init__({**locals(), "oov_method": oov_method}, name=name, **kwargs)
        self.encoding = encoding

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "encoding": self.encoding}
        return {key: value for key, value in config.items() if key != "vocabulary_dtype"}


class IntegerLookup(IndexLookup):
    """Replaces integers by their numbers in a vocabulary of integers.

    Args:    max_tokens: the most numbers there may be; None for no limit.
             num_oov_indices: how many numbers are for unknown integers.
             vocabulary: integers, or the path of a text file with one a line;
                 `adapt` learns them from data if None.
             invert: numbers back to integers.
             output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf".
             oov_method: "floormod" or "farmhash": which of several such numbers.
    Example: >>> IntegerLookup(vocabulary=[12, 36])(np.array([[36, 7]])).tolist()
             [[2, 0]]
    """

    vocabulary_dtype = "int64"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Unpack[NamelessKeywords],
    ):
        if vocabulary_dtype != "int64":
            raise self._refusal_("vocabulary_dtype", vocabulary_dtype, "'int64'")
        if isinstance(vocabulary, (str, os.PathLike)):
            vocabulary = _lines(vocabulary).astype("int64")
        super().__init__(locals(), name=name, **kwargs)


def _vocabulary_file(folder: Any) -> Path:
    return Path(folder) / "vocabulary.txt"


def _lines(path: Any) -> np.ndarray:
    if not Path(path).is_file():
        raise FileError(f"There is no vocabulary file {str(path)!r}.")
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    while lines and not lines[-1]:
        lines.pop()
    return np.array(lines)
