"""Open files in place of paths: what is read or written goes through a file of its own, by the same gate."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lamella.errors import ArgumentError, FileError


def is_file_object(file: Any) -> bool:
    """Whether something is an open file, `io.BytesIO` or the like, and not a path."""
    return not isinstance(file, (str, bytes, os.PathLike)) and (hasattr(file, "read") or hasattr(file, "write"))


@contextmanager
def written_path(file: Any, ending: str) -> Iterator[str]:
    """A path to write to; what is there at the end goes into an open file, in one piece.

    Raises: ArgumentError: the file takes no bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"file object{ending}")
        yield str(path)
        with path.open("rb") as data:
            try:
                shutil.copyfileobj(data, file)
            except (TypeError, AttributeError, ValueError) as error:
                raise ArgumentError(
                    "Bytes cannot be written into this file object.",
                    received=f"{type(file).__name__}: {error}",
                    fix='open it with mode "wb", or use io.BytesIO()',
                ) from error


@contextmanager
def read_path(file: Any, ending: Callable[[str], str]) -> Iterator[str]:
    """A path with the bytes from where an open file stands to its end.

    Args:   ending: what the name of a file with these bytes is to end in.
    Raises: ArgumentError: the file gives no bytes.  FileError: there is nothing to read.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file object")
        with path.open("wb") as data:
            try:
                shutil.copyfileobj(file, data)
            except (TypeError, AttributeError, ValueError) as error:
                raise ArgumentError(
                    "Bytes cannot be read out of this file object.",
                    received=f"{type(file).__name__}: {error}",
                    fix='open it with mode "rb"',
                ) from error
        if not path.stat().st_size:
            raise FileError("file object: there is nothing to read.", fix="call seek(0) after writing")
        yield str(path.rename(path.with_name(path.name + ending(str(path)))))
