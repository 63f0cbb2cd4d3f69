"""A folder of numbered checkpoints.  Each takes its number in one step, when all of it is on the disk.

    run/7            a whole one
    run/.8.partial   one that is being written, or was when the process was killed
    run/.7.old       what stood under a number while another took its place

Whatever the moment of a kill, the old checkpoint of a number or the new one can be read.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
from pathlib import Path
from typing import Any

from lamella.saving.atomic import sync_folder, sync_tree

_NUMBER = r"(0|[1-9][0-9]{0,17})"
_WHOLE, _OLD = re.compile(_NUMBER), re.compile(rf"\.{_NUMBER}\.old")
_LEFT = re.compile(rf"\.{_NUMBER}\.(?:partial.*|gone)")
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


class Numbered:
    """The checkpoints in a folder, by number."""

    def __init__(self, path: Any):
        self.path = Path(os.path.abspath(path))

    def numbers(self) -> list[int]:
        """The numbers of the whole ones, the last one last."""
        names = os.listdir(self.path) if self.path.is_dir() else []
        found = (_WHOLE.fullmatch(name) or _OLD.fullmatch(name) for name in names)
        return sorted({int(match[1]) for match in found if match and (self.path / match[0]).is_dir()})

    def at(self, number: int) -> Path:
        """Where a checkpoint is."""
        path = self.path / str(number)
        return path if path.exists() else self._old(number)

    def latest(self) -> Path | None:
        """Where the last one is, or None."""
        numbers = self.numbers()
        return self.at(numbers[-1]) if numbers else None

    def partial(self, number: int) -> Path:
        """Where a checkpoint is written."""
        return self.path / f".{number}.partial"

    def _old(self, number: int) -> Path:
        return self.path / f".{number}.old"

    def clear(self) -> None:
        """Makes the folder, or removes what a killed process left in it."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name in os.listdir(self.path):
            old = _OLD.fullmatch(name)
            if _LEFT.fullmatch(name) or (old and (self.path / old[1]).exists()):
                shutil.rmtree(self.path / name, ignore_errors=True)

    def commit(self, number: int) -> None:
        """Gives what was written its number, in place of what stood there."""
        new, path, old = self.partial(number), self.path / str(number), self._old(number)
        sync_tree(new)
        if not path.exists():
            os.rename(new, path)
        elif not _exchange(new, path):
            os.rename(path, old)
            os.rename(new, path)
        sync_folder(self.path)
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)

    def abandon(self, number: int) -> None:
        """Leaves nothing of what was being written."""
        for path in self.path.glob(f".{number}.partial*"):
            shutil.rmtree(path, ignore_errors=True)

    def keep(self, most: int | None) -> None:
        """Removes all but the last ones."""
        for number in self.numbers()[:-most] if most else []:
            gone = self.path / f".{number}.gone"
            os.rename(self.at(number), gone)
            shutil.rmtree(gone, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Gives two folders each other's name in one step; whether the system can."""
    if os.name == "nt":
        return False
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    return call is not None and call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0
