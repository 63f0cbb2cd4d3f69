"""Unpacking archives from the network: plain files below one folder, and nothing else."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from lamella.errors import ArgumentError, FileError
from lamella.saving import guarded, is_safe_path

MAX_EXPANSION = 200  # times the archive's size; gzip packs text about 10 times
_FORMATS = ("tar", "zip")


def extract_archive(file_path: Any, path: Any = ".", archive_format: Any = "auto") -> bool:
    """Unpacks a tar (also .gz, .bz2, .xz) or zip archive into a folder, all of it or nothing.

    Args:    archive_format: "tar", "zip", a list of these, or "auto" for both.
    Returns: whether it was an archive of that format.
    Raises:  FileError: it is damaged, or holds links, devices, names that lead out of the folder, or far too much.
    """
    formats = _FORMATS if archive_format == "auto" else archive_format or ()
    for kind in [formats] if isinstance(formats, str) else formats:
        if kind not in _FORMATS:
            raise ArgumentError("Unknown archive_format.", expected=_FORMATS, received=repr(kind))
        with guarded(file_path):
            if (tarfile.is_tarfile if kind == "tar" else zipfile.is_zipfile)(file_path):
                _unpack(Path(file_path), Path(path), _tar_files if kind == "tar" else _zip_files)
                return True
    return False


def _unpack(archive: Path, folder: Path, files: Any) -> None:
    """Unpacks beside the folder and then moves into it, so that a half-unpacked archive is never seen."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    left = archive.stat().st_size * MAX_EXPANSION
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder.parent) as temporary:
        for name, size, source in files(archive):
            left -= size
            if not is_safe_path(name) or left < 0:
                raise FileError("the archive holds a name or a size that is refused.", received=repr(name[:100]))
            target = Path(temporary, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                shutil.copyfileobj(source, file)
        shutil.copytree(temporary, folder, dirs_exist_ok=True)


def _tar_files(archive: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            source = tar.extractfile(member) if member.isreg() else None
            if source is not None:
                yield member.name.removeprefix("./"), member.size, source
            elif not member.isdir():
                raise FileError("the archive holds a link or a device.", received=repr(member.name[:100]))


def _zip_files(archive: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    with zipfile.ZipFile(archive) as zipped:
        for member in zipped.infolist():
            if not member.is_dir():
                with zipped.open(member) as source:
                    yield member.filename, member.file_size, source
