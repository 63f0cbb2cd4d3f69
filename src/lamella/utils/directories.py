"""Files in folders as samples: the folder's name is the class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lamella.errors import ArgumentError, DataError, FileError, unknown

_LABEL_MODES = ("int", "categorical", "binary", None)
_SUBSETS = ("training", "validation", "both", None)


@dataclass(frozen=True)
class Choice:
    """The arguments that all `…_dataset_from_directory` functions share, checked."""

    directory: Any
    labels: Any
    label_mode: str | None
    class_names: Sequence[str] | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool

    def __post_init__(self) -> None:
        if self.label_mode not in _LABEL_MODES:
            raise unknown("label_mode", self.label_mode, map(str, _LABEL_MODES))
        if self.subset not in _SUBSETS:
            raise unknown("subset", self.subset, map(str, _SUBSETS))
        if self.labels not in ("inferred", None) and not isinstance(self.labels, (list, tuple)):
            raise ArgumentError("`labels` is 'inferred', None, or a list of numbers.", received=repr(self.labels))
        if self.labels != "inferred" and self.class_names:
            raise ArgumentError("`class_names` goes with labels='inferred' only.", received=list(self.class_names))
        self._check_split()

    def _check_split(self) -> None:
        share = self.validation_split
        if bool(share) != bool(self.subset):
            raise ArgumentError("`validation_split` and `subset` go together.", received=f"{share}, {self.subset!r}")
        if share and not 0 < share < 1:
            raise ArgumentError("`validation_split` is a fraction between 0 and 1.", received=share)
        if share and self.shuffle and self.seed is None:
            raise ArgumentError(
                "A shuffled split needs a `seed`: without it, training and validation files overlap.", fix="pass seed=0"
            )

    @property
    def shuffle_seed(self) -> int:
        return int(np.random.randint(1_000_000)) if self.seed is None else self.seed


@dataclass(frozen=True)
class Listed:
    """The files found, their classes (None without labels) and the classes' names."""

    paths: list[str]
    labels: np.ndarray | None
    class_names: list[str] | None

    def part(self, choice: Choice, subset: str | None) -> Listed:
        """The files of the training or validation part; the validation part is at the end."""
        if subset is None:
            return self
        held_out = int((choice.validation_split or 0) * len(self.paths))
        cut = len(self.paths) - held_out
        place = slice(None, cut) if subset == "training" else slice(cut, None)
        if choice.verbose:
            print(f"Using {len(self.paths[place])} files for {subset}.")
        return Listed(self.paths[place], None if self.labels is None else self.labels[place], self.class_names)

    def encoded(self, label_mode: str | None) -> np.ndarray | None:
        """The labels as training wants them: whole numbers, rows of zeros with a one, or 0.0 and 1.0."""
        if self.labels is None or label_mode is None:
            return None
        if label_mode == "categorical":
            return np.eye(len(self.class_names or ()), dtype="float32")[self.labels]
        return self.labels.astype("float32")[:, None] if label_mode == "binary" else self.labels


def list_files(choice: Choice, endings: tuple[str, ...]) -> Listed:
    """The files below a folder, in order or shuffled.

    Raises: FileError: no such folder, or no such files.  DataError: labels that do not fit the files.
    """
    root = Path(choice.directory)
    if not root.is_dir():
        raise FileError(f"{root}: there is no such folder.")
    folders, names = _folders(root, choice)
    found = [(path, number) for number, folder in enumerate(folders) for path in _files(folder, endings, choice)]
    if not found:
        raise FileError(f"{root}: there are no files that end in {', '.join(endings)}.")
    labels, names = _labels(choice, [number for _, number in found], names)
    if choice.verbose:
        print(f"Found {len(found)} files" + ("." if names is None else f" belonging to {len(names)} classes."))
    if choice.label_mode == "binary" and labels is not None and len(names or ()) != 2:
        raise DataError("label_mode='binary' needs two classes.", received=names)
    paths = [path for path, _ in found]
    if not choice.shuffle:
        return Listed(paths, labels, names)
    order = np.arange(len(paths))
    np.random.RandomState(choice.shuffle_seed).shuffle(order)
    return Listed([paths[i] for i in order], None if labels is None else labels[order], names)


def _folders(root: Path, choice: Choice) -> tuple[list[Path], list[str] | None]:
    if choice.labels != "inferred":
        return [root], None
    there = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    names = list(choice.class_names or there)
    if not set(names) <= set(there):
        raise ArgumentError("`class_names` must be names of the folders.", expected=there, received=names)
    return [root / name for name in names], names


def _files(folder: Path, endings: tuple[str, ...], choice: Choice) -> Iterator[str]:
    for place, _, names in sorted(os.walk(folder, followlinks=choice.follow_links)):
        yield from (os.path.join(place, name) for name in sorted(names) if name.lower().endswith(endings))


def _labels(choice: Choice, numbers: list[int], names: list[str] | None) -> tuple[np.ndarray | None, list[str] | None]:
    if choice.labels is None or choice.label_mode is None:
        return None, names
    if choice.labels == "inferred":
        return np.array(numbers, "int32"), names
    if len(choice.labels) != len(numbers):
        raise DataError("`labels` needs one number for each file.", expected=len(numbers), received=len(choice.labels))
    return np.array(choice.labels, "int32"), [str(label) for label in sorted(set(choice.labels))]
