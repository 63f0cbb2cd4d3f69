"""A whole model out of a file: made without arrays, then compared with the file, then filled."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lamella.errors import ConfigError, FileError
from lamella.registry import budget
from lamella.saving.gate import MEBI
from lamella.state import Variable, frame, untouched, walk

SPARE = 64 * MEBI  # bytes of first values that the file need not account for


@contextmanager
def reading() -> Iterator[None]:
    """Variables have shapes and no values yet; names, seeds and counts outside of the model stay as they were."""
    with untouched(), frame(deferred=True), budget():
        yield


@contextmanager
def reading_text() -> Iterator[None]:
    """As `reading`, for a model that is new: its names and seeds count."""
    with frame(deferred=True), budget():
        yield


def begin(model: Any) -> None:
    """Computes the first values of a new model.

    Raises: ConfigError: they do not go into the memory of this machine.
    """
    left, address, wanted = _without_values(model)
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if wanted > there:
        raise ConfigError(
            f"{address}: the model needs more memory than there is.",
            expected=f"at most {there} bytes",
            received=f"{wanted} bytes",
        )
    _make(left)


def settle(model: Any, path: Path) -> None:
    """Computes the first values of what the file does not hold.

    Raises: FileError: that would take far more memory than the file accounts for.
    """
    left, address, wanted = _without_values(model)
    if wanted > SPARE + 3 * _size(path):
        raise FileError(f"{address}: the file holds no values for it.", received=f"{wanted} bytes to be made up")
    _make(left)


def _without_values(model: Any) -> tuple[list[Variable], str, int]:
    """The variables that have no values yet, the address of the largest, and the bytes of all."""
    found = [item for owner in _owners(model) for item in walk(owner)]
    left = {variable: (variable.nbytes, address) for address, variable in found if variable.is_deferred}
    _, address = max(left.values(), key=lambda item: item[0], default=(0, ""))
    return list(left), address, sum(size for size, _ in left.values())


def _make(variables: Iterable[Variable]) -> None:
    with frame(deferred=False):
        for variable in variables:
            _ = variable.raw


def _owners(model: Any) -> list[Any]:
    """The model, and what it is trained with."""
    optimizer = getattr(model, "optimizer", None)
    return [model, *([] if optimizer is None else [optimizer]), *getattr(model, "metrics", ())]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
