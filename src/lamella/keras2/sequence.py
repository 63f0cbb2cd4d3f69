"""`keras.preprocessing.sequence` of Keras 2, apart from `pad_sequences`."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np

from lamella.errors import ArgumentError, DataError
from lamella.utils import PyDataset


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a series and the target after each; `timeseries_dataset_from_array` takes its place."""

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if len(data) != len(targets):
            raise DataError("Data and targets differ in length.", received=f"{len(data)} and {len(targets)}")
        self.data, self.targets, self.length, self.sampling_rate = data, targets, length, sampling_rate
        self.stride, self.shuffle, self.reverse, self.batch_size = stride, shuffle, reverse, batch_size
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        if self.start_index > self.end_index:
            raise ArgumentError(
                "No window fits.", received=f"start_index + length = {self.start_index}, end_index = {self.end_index}"
            )

    def __len__(self) -> int:
        step = self.batch_size * self.stride
        return (self.end_index - self.start_index + step) // step

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            rows = np.arange(first, min(first + self.batch_size * self.stride, self.end_index + 1), self.stride)
        windows = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        return windows[:, ::-1] if self.reverse else windows, np.array([self.targets[row] for row in rows])

    def get_config(self) -> dict[str, Any]:
        """The settings, and data and targets as JSON."""
        names = ("length", "sampling_rate", "stride", "start_index", "end_index", "shuffle", "reverse", "batch_size")
        texts = {name: json.dumps(np.asarray(getattr(self, name)).tolist()) for name in ("data", "targets")}
        return texts | {name: getattr(self, name) for name in names}

    def to_json(self, **kwargs: Any) -> str:
        """The generator as text."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """How likely `skipgrams` takes the word of each rank, where frequencies follow Zipf's law.

    Source:  Mikolov et al., Distributed Representations of Words and Phrases (arXiv:1310.4546).
    """
    rank = np.maximum(np.arange(size), 1)
    inverse_frequency = rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank)
    ratio = sampling_factor * inverse_frequency
    return np.minimum(1.0, ratio / np.sqrt(ratio))


def skipgrams(
    sequence: Any,
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs of words that stand near each other (label 1), and pairs with random words (label 0); 0 is no word.

    Example: >>> skipgrams([1, 2], 3, negative_samples=0, shuffle=False)
             ([[1, 2], [2, 1]], [1, 1])
    """
    couples: list[list[int]] = []
    for place, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        for other in range(max(0, place - window_size), min(len(sequence), place + window_size + 1)):
            if other != place and sequence[other]:
                couples.append([word, sequence[other]])
    labels: list[Any] = [[0, 1] if categorical else 1 for _ in couples]
    count = int(len(couples) * negative_samples)
    if count:
        words = [couple[0] for couple in couples]
        random.shuffle(words)
        couples += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)]
        labels += [[1, 0] if categorical else 0 for _ in range(count)]
    if shuffle:
        order = random.randint(0, 10_000_000) if seed is None else seed
        random.Random(order).shuffle(couples)
        random.Random(order).shuffle(labels)
    return couples, labels
