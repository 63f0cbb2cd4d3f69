"""Folders that callbacks write to."""

from __future__ import annotations

import os
from typing import Any

from lamella.errors import ArgumentError, FileError


def path_of(callback: str, argument: str, value: Any) -> str:
    """A path that was given to a callback, as text.

    Raises: ArgumentError: it is none.
    """
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise ArgumentError(f"{callback} needs a {argument}.", expected="a path", received=repr(value)[:200])
    return str(os.fspath(value))


def make_folder(callback: str, path: str) -> None:
    """Makes a folder, if it is not there.

    Raises: FileError: it cannot be made.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"{callback} cannot make the folder {path!r}: {error.strerror or error}.",
            fix="choose a folder that may be written to",
        ) from error
