"""A whole model out of a file: made without arrays, then compared with the file, then filled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lamella.errors import FileError
from lamella.registry import budget
from lamella.saving.gate import MEBI
from lamella.state import frame, untouched, walk

SPARE = 64 * MEBI  # bytes of first values that the file need not account for


@contextmanager
def reading() -> Iterator[None]:
    """Variables have shapes and no values yet; names, seeds and counts outside of the model stay as they were."""
    with untouched(), frame(deferred=True), budget():
        yield


def settle(model: Any, path: Path) -> None:
    """Computes the first values of what the file does not hold.

    Raises: FileError: that would take far more memory than the file accounts for.
    """
    found = [item for owner in _owners(model) for item in walk(owner)]
    left = {variable: (address, variable.nbytes) for address, variable in found if variable.is_deferred}
    address, _ = max(left.values(), key=lambda item: item[1], default=("", 0))
    wanted = sum(size for _, size in left.values())
    if wanted > SPARE + 3 * _size(path):
        raise FileError(f"{address}: the file holds no values for it.", received=f"{wanted} bytes to be made up")
    with frame(deferred=False):
        for variable in left:
            _ = variable.raw


def _owners(model: Any) -> list[Any]:
    """The model, and what it is trained with."""
    optimizer = getattr(model, "optimizer", None)
    return [model, *([] if optimizer is None else [optimizer]), *getattr(model, "metrics", ())]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
