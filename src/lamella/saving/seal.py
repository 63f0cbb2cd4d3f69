"""A checkpoint's folder: what may lie in it, and the list of its files by which damage is noticed.

    lamella.json   {"files": {name: {"size": bytes, "sha256": digest}}, …}

Orbax and Keras write no such list, and take no notice of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lamella.errors import FileError
from lamella.saving.atomic import atomic_write
from lamella.saving.gate import MAX_JSON_BYTES, guarded, is_safe_path, parse_json

SEAL = "lamella.json"
MAX_FILES = 100_000
MAX_DEPTH = 32


def seal(folder: Path, about: Mapping[str, Any]) -> None:
    """Lists the files of a checkpoint that was written, with what else there is to say about it."""
    files = {name: {"size": path.stat().st_size, "sha256": _digest(path)} for name, path in files_in(folder).items()}
    with atomic_write(folder / SEAL) as file:
        file.write(json.dumps({**about, "files": files}).encode())


def unsealed(found: Mapping[str, Path]) -> dict[str, Any]:
    """What the list says besides, once every file was compared with it; nothing if there is no list.

    Raises: FileError: a file is missing or damaged.
    """
    if SEAL not in found:
        return {}
    about = read_json(found[SEAL])
    files = about.pop("files", None)
    if not isinstance(files, dict):
        raise FileError(f"{SEAL} lists no files.")
    for name, listed in files.items():
        _check(name, listed, found.get(name))
    return about


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a checkpoint."""
    with guarded(path), path.open("rb") as file:
        value = parse_json(file.read(MAX_JSON_BYTES + 1))
        if not isinstance(value, dict):
            raise FileError("this is no JSON object.")
        return value


def files_in(folder: Path) -> dict[str, Path]:
    """All files in a folder and below it, by their names from there.

    Raises: FileError: links, devices, strange names, more files or deeper ones than a checkpoint has.
    """
    found: dict[str, Path] = {}
    waiting = [(folder, "")]
    while waiting:
        above, prefix = waiting.pop()
        for entry in os.scandir(above):
            name = f"{prefix}{entry.name}"
            _check_entry(name, entry)
            if entry.is_dir():
                waiting.append((Path(entry), f"{name}/"))
            else:
                found[name] = Path(entry)
            if len(found) + len(waiting) > MAX_FILES:
                raise FileError("the folder holds more files than any checkpoint does.", expected=MAX_FILES)
    return found


def _check_entry(name: str, entry: os.DirEntry[str]) -> None:
    mode = entry.stat(follow_symlinks=False).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FileError(f"{name!r} is a link or a device, no plain file.")
    if not is_safe_path(name) or name.count("/") > MAX_DEPTH:
        raise FileError(f"{name[:100]!r} is no name that a checkpoint has.")


def _check(name: str, listed: Any, path: Path | None) -> None:
    if path is None:
        raise FileError(f"{name[:100]!r} is missing from the folder.", fix="take another copy of it")
    if listed != {"size": path.stat().st_size, "sha256": _digest(path)}:
        raise FileError(f"{name}: its checksum is wrong: the file is damaged.", fix="take another copy of it")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
