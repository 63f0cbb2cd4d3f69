"""TextVectorization: texts to numbers."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from lamella.errors import ShapeError
from lamella.graph import KerasTensor
from lamella.layers.configured import Shape, Weightless
from lamella.layers.preprocessing.encoding import batches
from lamella.layers.preprocessing.lookup import StringLookup, mode_of
from lamella.layers.preprocessing.strings import SPLITTERS, STANDARDIZERS, as_tokens, ngrams, padded
from lamella.registry import deserialize_keras_object

__all__ = ["TextVectorization"]


class TextVectorization(Weightless):
    """Standardizes texts, splits them into tokens, and numbers the tokens by a vocabulary.

    0 is padding, 1 an unknown token.  Works outside of compiled code, on lists
    or arrays of strings.

    Args:    max_tokens: the most numbers there may be; None for no limit.
             standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation",
                 a function of an array of strings, or None.
             split: "whitespace", "character", a function from an array of strings
                 to a list of tokens for each, or None.
             ngrams: tokens are joined to n-grams up to so many, or of the widths in a tuple.
             output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf".
             output_sequence_length: rows of numbers are cut or padded to it.
             pad_to_max_tokens: vectors have `max_tokens` numbers, however many are used.
             vocabulary: tokens, or the path of a text file with one a line; `adapt`
                 learns them from data if None.
    Shape:   in (batch,) or (batch, 1) strings → out (batch, length), or (batch, tokens)
    Example: >>> layer = TextVectorization(output_sequence_length=4, vocabulary=["the", "cat"])
             >>> layer(["The cat sat."]).tolist()
             [[2, 3, 1, 0]]
    """

    runs_on_host = True
    supports_jit = False
    split: Any
    _allow_non_tensor_positional_args = True

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ):
        lookup = {key: kwargs.pop(key) for key in ("has_input_vocabulary", "vocabulary_size") if key in kwargs}
        super().__init__(name=name, **kwargs)
        if standardize is not None and not callable(standardize) and standardize not in STANDARDIZERS:
            raise self._refusal_("standardize", standardize, f"one of {', '.join(STANDARDIZERS)}, a function, or None")
        if split is not None and not callable(split) and split not in SPLITTERS:
            raise self._refusal_("split", split, "'whitespace', 'character', a function, or None")
        if ragged:
            raise self._refusal_("ragged", ragged, "False: rows are padded with 0")
        self.output_mode, self.encoding = mode_of(self, output_mode), encoding
        if output_sequence_length is not None and self.output_mode != "int":
            raise self._refusal_("output_sequence_length", output_sequence_length, "None, or output_mode='int'")
        self.output_sequence_length = output_sequence_length and self._positive_(
            "output_sequence_length", output_sequence_length
        )
        self.standardize, self.split, self.ngrams = standardize, split, ngrams
        self._widths = _widths(self, ngrams)
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            pad_to_max_tokens=pad_to_max_tokens,
            mask_token="",
            output_mode=self.output_mode,
            sparse=sparse,
            encoding=encoding,
            **lookup,
        )

    # Texts to tokens

    def _tokens(self, inputs: Any) -> list[list[str]]:
        """The tokens of each text."""
        texts = self._standardized(as_tokens(inputs, self.encoding))
        rows = (
            texts.reshape(texts.shape[0] if texts.ndim else 1, -1).tolist()
            if self.split is None
            else self._split(texts)
        )
        return rows if self._widths is None else [ngrams(row, self._widths) for row in rows]

    def _standardized(self, texts: np.ndarray) -> np.ndarray:
        if self.standardize is None:
            return texts
        if callable(self.standardize):
            return as_tokens(self.standardize(texts), self.encoding)
        one = STANDARDIZERS[self.standardize]
        return np.array([one(text) for text in texts.reshape(-1).tolist()]).reshape(texts.shape)

    def _split(self, texts: np.ndarray) -> list[list[str]]:
        if texts.ndim > 2 or (texts.ndim == 2 and texts.shape[1] != 1):
            raise ShapeError(
                f"{self._where_()} splits texts.", expected="(batch,) or (batch, 1) strings", received=texts.shape
            )
        texts = texts.reshape(-1)
        if isinstance(self.split, str):
            return [SPLITTERS[self.split](text) for text in texts.tolist()]
        return [as_tokens(row, self.encoding).tolist() for row in self.split(texts)]

    # Tokens to numbers

    def call(self, inputs: Any) -> Any:
        shape = np.shape(inputs)
        rows = [self._lookup_layer.numbers_of(np.array(row, str)) for row in self._tokens(inputs)]
        if self.output_mode == "int":
            unsplit = self.split is None and self._widths is None and self.output_sequence_length is None
            return np.array(rows).reshape(shape) if unsplit else self._shaped_(rows, shape)
        return self._vectors(rows, shape)

    def _shaped_(self, rows: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
        numbers = padded(rows, self.output_sequence_length)
        return numbers if shape else numbers[0]

    def _vectors(self, rows: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
        width = max(map(len, rows), default=0)
        filled = np.full((len(rows), width), -1)  # -1 is nobody's number: it counts for nothing
        for index, row in enumerate(rows):
            filled[index, : len(row)] = row
        return self._lookup_layer.vectors_of(filled if shape else filled[0])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.output_mode == "int":
            return (*input_shape[:1], self.output_sequence_length)
        if self.split is not None:
            return self._lookup_layer.compute_output_shape((*input_shape[:1], None))
        return self._lookup_layer.compute_output_shape(input_shape if len(input_shape) > 1 else (*input_shape, 1))

    def compute_output_spec(self, inputs: Any) -> Any:
        dtype = self._lookup_layer.compute_output_spec(inputs).dtype
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)

    # The vocabulary

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learns the vocabulary from texts, or from batches of texts.

        Raises: StateError: the vocabulary was given.
        """
        self.reset_state()
        for batch in batches(data, steps, whole=(list, tuple, np.ndarray, jax.Array)):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of a batch of texts."""
        self._lookup_layer.count_documents(self._tokens(data))

    def finalize_state(self) -> None:
        """Makes the vocabulary of what was counted."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forgets what was counted, not the vocabulary."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens in order of their numbers, "" and "[UNK]" first."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the tokens; see StringLookup."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights=idf_weights)

    def vocabulary_size(self) -> int:
        """How many numbers there are, those of padding and unknown tokens included."""
        return self._lookup_layer.vocabulary_size()

    # Configs and files

    def get_config(self) -> dict[str, Any]:
        of_lookup = self._lookup_layer.get_config()
        kept = ("max_tokens", "pad_to_max_tokens", "sparse", "vocabulary", "idf_weights", "encoding")
        own = ("standardize", "split", "ngrams", "output_mode", "output_sequence_length")
        return {
            **super().get_config(),
            **{name: of_lookup[name] for name in kept},
            **{name: getattr(self, name) for name in own},
            "ragged": False,
            "vocabulary_size": self.vocabulary_size(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        StringLookup.refuse_path(config)
        read = {
            key: deserialize_keras_object(config[key])
            for key in ("standardize", "split")
            if isinstance(config[key], dict)
        }
        widths = tuple(config["ngrams"]) if isinstance(config.get("ngrams"), list) else config.get("ngrams")
        return super().from_config({**config, **read, "ngrams": widths})

    def save_own_variables(self, store: Any) -> None:
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: Any) -> None:
        """Writes a learned vocabulary to `vocabulary.txt` in a folder."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: Any) -> None:
        """Reads a learned vocabulary from `vocabulary.txt` in a folder."""
        self._lookup_layer.load_assets(dir_path)


def _widths(layer: TextVectorization, widths: Any) -> tuple[int, ...] | None:
    if isinstance(widths, int):
        return tuple(range(1, widths + 1))
    if widths is None:
        return None
    if not isinstance(widths, tuple) or not all(isinstance(width, int) for width in widths):
        raise layer._refusal_("ngrams", widths, "an integer, a tuple of integers, or None")
    return widths
