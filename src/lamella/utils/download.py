"""get_file: a file from the network, kept in a folder and checked."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from lamella.callbacks import Progbar
from lamella.errors import ArgumentError, FileError
from lamella.saving import atomic_write, looks_whole
from lamella.utils.archives import extract_archive

_CHUNK = 1 << 20
_TIMEOUT = 30  # seconds without a byte


def get_file(
    fname: str | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """The path of a file, downloaded unless it is there already and whole.

    It is written under another name first, and takes its own once size and hash are right.

    Args:    fname: its name on disk; the last part of `origin` if None.
             origin: its address.
             file_hash: its sha256 or md5; told apart by length unless `hash_algorithm` says which.
             extract: unpacks an archive; the path is then that of the folder.
             cache_dir: KERAS_HOME, or ~/.keras, if None; the file goes into its `cache_subdir`.
    Raises:  FileError: no network, no such file, a wrong size or hash; nothing is left on the disk.
    """
    if origin is None:
        raise ArgumentError("get_file() needs `origin`, the address of the file.")
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    folder = _folder(cache_dir, cache_subdir)
    target, unpacked = _places(folder, fname, origin, extract or untar)
    known = not force_download and target.exists() and _is_right(target, file_hash, hash_algorithm)
    if not known:
        _download(origin, target, file_hash, hash_algorithm)
    if not (extract or untar):
        return str(target)
    if not (known and unpacked.exists()):
        kind = "tar" if untar else archive_format
        try:
            found = extract_archive(target, unpacked, kind)
        except FileError:
            if not known:
                raise
            _download(origin, target, file_hash, hash_algorithm)  # the copy that was there is damaged
            found = extract_archive(target, unpacked, kind)
        if not found:
            warnings.warn(f"{target} is no archive, and was not unpacked.", stacklevel=2)
    return str(unpacked)


def cache_folder() -> Path:
    """Where downloads are kept: KERAS_HOME, or ~/.keras."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser()


def cache_path(fname: str, cache_subdir: str = "datasets") -> Path:
    """Where `get_file` keeps a file of this name."""
    return _folder(None, cache_subdir) / fname


def _folder(cache_dir: Any, subdir: str) -> Path:
    base = cache_folder() if cache_dir is None else Path(cache_dir).expanduser()
    existing = next((place for place in (base, *base.parents) if place.exists()), base)
    if not os.access(existing, os.W_OK):
        base = Path(tempfile.gettempdir(), ".keras")
    folder = base / subdir
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _places(folder: Path, fname: str | None, origin: str, extract: bool) -> tuple[Path, Path]:
    """Where the file goes, and where it is unpacked."""
    name = os.fspath(fname) if fname else os.path.basename(urlsplit(origin).path)
    if not name or os.sep in name or name in (".", ".."):
        raise ArgumentError(
            "get_file() needs a plain file name, without folders.",
            received=repr(name),
            fix="pass fname=, and cache_dir=",
        )
    if not extract:
        return folder / name, folder / name
    if fname and "." in name:
        return folder / name, folder / f"{name[: name.find('.')]}_extracted"
    return folder / f"{name}_archive", folder / name


def _is_right(path: Path, file_hash: str | None, algorithm: str) -> bool:
    if file_hash is None:
        return looks_whole(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: _digest(file_hash, algorithm)).hexdigest() == file_hash


def _digest(file_hash: str | None, algorithm: str) -> Any:
    """The kind of hash that is meant; "auto" tells sha256 from md5 by length."""
    if algorithm not in ("auto", "md5", "sha256"):
        raise ArgumentError("Unknown hash_algorithm.", expected="auto, md5 or sha256", received=repr(algorithm))
    chosen = ("sha256" if len(file_hash or "") == 64 else "md5") if algorithm == "auto" else algorithm
    return hashlib.new(chosen)


def _download(origin: str, target: Path, file_hash: str | None, algorithm: str) -> None:
    digest = _digest(file_hash, algorithm)
    print(f"Downloading data from {origin}")
    try:
        source = urlopen(origin, timeout=_TIMEOUT)
    except OSError as error:  # HTTPError and URLError are among these
        raise _failed(origin, target, error) from error
    with source, atomic_write(target) as file:
        expected, received = int(source.headers.get("Content-Length") or -1), 0
        bar = Progbar(expected if expected > 0 else None, unit_name="byte")
        for chunk in _chunks(source, origin, target):
            file.write(chunk)
            digest.update(chunk)
            received += len(chunk)
            bar.update(received)
        if expected >= 0 and received != expected:
            raise FileError(f"The download of {origin} broke off.", expected=f"{expected} bytes", received=received)
        if file_hash is not None and (found := digest.hexdigest()) != file_hash:
            raise FileError(f"The hash of {origin} is not the expected one.", expected=file_hash, received=found)


def _chunks(source: Any, origin: str, target: Path) -> Iterator[bytes]:
    try:
        while chunk := source.read(_CHUNK):
            yield chunk
    except (OSError, HTTPException) as error:
        raise _failed(origin, target, error) from error


def _failed(origin: str, target: Path, error: Exception) -> FileError:
    return FileError(
        f"{target.name} could not be downloaded from {origin}: {getattr(error, 'reason', error) or error}.",
        fix=f"without a network, put the file at {target} by hand",
    )
