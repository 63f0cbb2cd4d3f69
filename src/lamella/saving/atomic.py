"""Writing a file so that at every moment the old one or the new one is there, whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from lamella.errors import FileError


@contextmanager
def atomic_write(path: Any) -> Iterator[IO[bytes]]:
    """A binary file to write to, which takes its name only when all of it is on the disk.

    On any error the file that was there stays as it was, and nothing new is left.

    Raises: FileError: the folder is missing, full or may not be written to.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.partial")
    try:
        with _opened(temporary) as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), _mode(path))
            os.fsync(file.fileno())
            _name(file.fileno(), temporary)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}.", fix=_fix(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _opened(path: Path) -> IO[bytes]:
    """A new file; where the system can, one without a name, of which nothing is left if this process is killed."""
    try:
        handle = os.open(path.parent, os.O_TMPFILE | os.O_RDWR, 0o600)  # Linux only
    except (AttributeError, OSError):
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o600)
    return os.fdopen(handle, "wb")


def _name(handle: int, path: Path) -> None:
    """Gives a file without a name its first one."""
    if not path.exists():
        # src_dir_fd plays no part beside a whole path; it has Python make the call that follows /proc's link
        os.link(f"/proc/self/fd/{handle}", path, src_dir_fd=handle, follow_symlinks=True)


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, else those of a new one."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last through a power cut."""
    if os.name != "nt":  # a folder cannot be opened there
        _sync(folder, os.O_RDONLY)


def sync_tree(folder: Path) -> None:
    """Makes all that is in a folder, and below it, last through a power cut."""
    for above, _, files in os.walk(folder, topdown=False):
        for name in files:
            _sync(Path(above, name), os.O_RDWR)
        sync_folder(Path(above))


def _sync(path: Path, mode: int) -> None:
    handle = os.open(path, mode)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fix(path: Path) -> str | None:
    return None if path.parent.is_dir() else f"make the folder {path.parent} first"
