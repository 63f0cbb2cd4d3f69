"""The one gate: every entry of a file that nobody vouches for comes in through here.

Nothing is unpickled, nothing is imported, no path in a file is followed, and
whatever the bytes are, the only error is FileError, which names file and entry.
"""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from lamella.errors import FileError, LamellaError, nearest

MEBI = 1 << 20
MAX_JSON_BYTES = 64 * MEBI
MAX_JSON_DEPTH = 200
MAX_JSON_VALUES = 4_000_000  # a vocabulary of millions of words; half a second
MAX_JSON_MEMORY = 60 * MEBI  # of the values, beyond four times the text
MAX_DIGITS = 40
MAX_OBJECTS = 40_000  # EfficientNetV2L is written of 8,000
MAX_KEYS = 600_000
MAX_LAYERS = 10_000
MAX_MEMBERS = 10_000
MAX_DIRECTORY = 4 * MEBI  # of the list of an archive's members
MAX_EXPANSION = 8 * MEBI  # of a whole archive, beyond twice its size
_METHODS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}


@contextmanager
def guarded(file: Any, entry: str = "") -> Iterator[None]:
    """Turns every error inside into a FileError that names the file and the entry."""
    where = f"{Path(file).name}: {entry} › " if entry else f"{Path(file).name}: "
    try:
        yield
    except LamellaError as error:
        told = isinstance(error, FileError) and error.what.startswith(Path(file).name)
        what = error.what if told else where + error.what
        if type(error) is not FileError:
            raise FileError(what, expected=error.expected, received=error.received, fix=error.fix) from error
        error.what = what
        raise
    except (MemoryError, RecursionError) as error:
        raise FileError(f"{where}it needs too much memory or is nested too deeply.") from error
    except Exception as error:
        raise FileError(f"{where}{' '.join(str(error).split())[:500] or type(error).__name__}") from error


def existing(path: Any) -> Path:
    """The path of a plain file (or a folder) that is there.

    Raises: FileError: nothing is there, or it is a pipe or a device.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        fix = nearest(path.name, beside) if beside else None
        raise FileError(f"{path}: File not found or not readable.", fix=fix) from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FileError(f"{path}: this is no plain file.", expected="a file on disk")
    return path


# JSON


def parse_json(text: bytes | str) -> Any:
    """The value that JSON text stands for.

    Raises: FileError: too long, too deep, NaN or infinity, a key that stands twice, overlong numbers or names.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    _check_cost(data)
    odd = _may_hold_odd_numbers(data)  # else there is no need to look at each
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_integer if odd else None,
            parse_float=_number if odd else None,
        )
    except RecursionError:
        raise FileError(f"The JSON text is nested deeper than {MAX_JSON_DEPTH} levels.") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise error if isinstance(error, FileError) else FileError(f"This is no JSON text: {error}.") from None
    _check_tree(value)
    return value


_ALIKE = bytes.maketrans(b"123456789E", b"000000000e")
_ODD = (b"0" * (MAX_DIGITS + 1), b"0e000", b"0e+000")


def _may_hold_odd_numbers(data: bytes) -> bool:
    """Whether there are numbers with many digits, or large exponents; said too often rather than too rarely."""
    alike = data.translate(_ALIKE)
    return any(odd in alike for odd in _ODD)


def _check_cost(data: bytes) -> None:
    """What a text costs to read is known from counting some of its signs."""
    lists, dicts, values, texts = (data.count(sign) for sign in (b"[", b"{", b",", b'"'))
    memory = 232 * dicts + 112 * lists + 40 * values + 8 * texts + len(data) * (1 if data.isascii() else 4)
    most = MAX_JSON_MEMORY + 4 * len(data)
    if len(data) > MAX_JSON_BYTES or values > MAX_JSON_VALUES or memory > most:
        raise FileError(
            "The JSON text is too long.",
            expected=f"at most {MAX_JSON_BYTES} bytes and {MAX_JSON_VALUES:,} values, that take {most:,} bytes",
            received=f"{len(data)} bytes and {values:,} values ({lists:,} lists, {dicts:,} objects): {memory:,} bytes",
            fix="keep a long vocabulary out of the config: give it by adapt() or set_vocabulary()",
        )
    if data.count(b'"class_name"') > MAX_OBJECTS or data.count(b":") > MAX_KEYS:
        raise FileError("The JSON text describes more objects than any model has.", expected=f"at most {MAX_OBJECTS}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise FileError(f"The key {next(k for k in keys if keys.count(k) > 1)!r} stands twice in a JSON object.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise FileError(f"The JSON text holds {name}, which is no JSON number.")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise FileError(f"The JSON text holds a number of {len(digits)} digits.", expected=f"at most {MAX_DIGITS}")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), -float("inf")):
        raise FileError(f"The JSON text holds a number that is too large: {digits[:40]}.")
    return number


def _check_tree(value: Any) -> None:
    stack: list[tuple[Any, int]] = [(value, 0)] if isinstance(value, (dict, list)) else []
    while stack:
        node, depth = stack.pop()
        if depth > MAX_JSON_DEPTH:
            raise FileError(f"The JSON text is nested deeper than {MAX_JSON_DEPTH} levels.")
        if isinstance(node, dict):
            _check_object(node)
            node = node.values()
        stack += [(child, depth + 1) for child in node if isinstance(child, (dict, list))]


def _check_object(node: dict[str, Any]) -> None:
    name, layers = node.get("name"), node.get("layers")
    if isinstance(name, str) and (len(name) > 1000 or not name.isprintable()):
        raise FileError("The JSON text holds a name that is overlong or not printable.", received=repr(name[:60]))
    if isinstance(layers, list) and len(layers) > MAX_LAYERS:
        raise FileError("A model has more layers than any has.", expected=f"at most {MAX_LAYERS}", received=len(layers))
    for key in _LARGEST.keys() & node.keys():
        if isinstance(node[key], (int, float)) and node[key] > _LARGEST[key]:
            raise FileError(f"{key} is larger than in any model.", expected=_LARGEST[key], received=node[key])


_LARGEST = {"ngrams": 1000, "num_oov_indices": MEBI, "num_thresholds": MEBI, "max_tokens": 1 << 30}


# Archives and folders


class Entries:
    """The named parts of a saved model: members of a zip, or files in a folder.

    Only names that Keras writes are let in, each checked before anything is read.

    Raises: FileError: another name, one name twice, links, parts that overlap or unpack to too much.
    """

    KNOWN = ("config.json", "metadata.json", "model.weights.h5", "model.weights.npz")
    ASSETS = "assets/"

    def __init__(self, path: Any):
        self.path = existing(path)
        self._folder = self.path.is_dir()
        with guarded(self.path):
            self._archive = None if self._folder else _opened(self.path)
            self._members = {} if self._archive is None else _checked_members(self._archive, self.path)
            self.names = self._names_in_folder() if self._archive is None else [*self._members]

    def __enter__(self) -> Entries:
        return self

    def __exit__(self, *_: object) -> None:
        if self._archive is not None:
            self._archive.close()

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def read(self, name: str) -> bytes:
        """All of one entry; the checksum of a zip is verified by that.

        Raises: FileError: it is not there, or damaged.
        """
        with guarded(self.path, name):
            if name not in self.names:
                raise FileError(
                    "the entry is missing.", received=self.names[:12], fix="is this a file that Keras saved?"
                )
            if name.endswith(".json") and self._size(name) > MAX_JSON_BYTES:
                raise FileError("The JSON text is too long.", expected=f"at most {MAX_JSON_BYTES} bytes")
            return (self.path / name).read_bytes() if self._archive is None else self._archive.read(self._members[name])

    def _size(self, name: str) -> int:
        return (self.path / name).stat().st_size if self._archive is None else self._members[name].file_size

    def assets(self, folder: str) -> list[str]:
        """The names of the entries below `assets/<folder>`."""
        prefix = f"{self.ASSETS}{folder}/" if folder else self.ASSETS
        return [name for name in self.names if name.startswith(prefix)]

    def _names_in_folder(self) -> list[str]:
        found = [name for name in self.KNOWN if os.path.lexists(self.path / name)]
        for file in sorted((self.path / "assets").rglob("*")):
            if not file.is_dir():
                found.append(file.relative_to(self.path).as_posix())
        for name in found:
            if not stat.S_ISREG((self.path / name).lstat().st_mode):
                raise FileError(f"{name} is no plain file.")
        return found


def _opened(path: Path) -> zipfile.ZipFile:
    with _Directory(path) as file:
        zipfile.ZipFile(file)
    return zipfile.ZipFile(path)


class _Directory(io.FileIO):
    """An archive of which no more is read than its directory, if that is not overlong."""

    def read(self, size: int | None = -1, /) -> bytes:
        if (size or 0) > MAX_DIRECTORY:
            raise FileError(f"The archive has far more than {MAX_MEMBERS} members.", received=f"a list of {size} bytes")
        return super().read(size)


def _checked_members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The members by name, with the slashes of Windows turned."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise FileError(f"The archive has {len(members)} members.", expected=f"at most {MAX_MEMBERS}")
    _check_sizes(members, path.stat().st_size)
    found: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        name = member.filename.replace("\\", "/")
        if name in found:
            raise FileError(f"{name!r} stands twice in the archive.")
        if not name.endswith("/"):
            found[name] = member
        _check_member(name, member)
    return found


def _check_member(name: str, member: zipfile.ZipInfo) -> None:
    mode = member.external_attr >> 16
    if not (name in Entries.KNOWN or (name.startswith(Entries.ASSETS) and is_safe_path(name.rstrip("/")))):
        raise FileError(f"The archive holds {name[:100]!r}, which no saved model has.", expected=Entries.KNOWN)
    if member.compress_type not in _METHODS or member.flag_bits & 0x1:
        raise FileError(f"{name!r} is encrypted or packed by a method that Keras does not use.")
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
        raise FileError(f"{name!r} is a link or a device, not a file.")


def _check_sizes(members: list[zipfile.ZipInfo], size: int) -> None:
    """Members lie one after the other, and do not unpack to much more than the archive."""
    end = 0
    for member in sorted(members, key=lambda m: m.header_offset):
        if member.header_offset < end:
            raise FileError(f"{member.filename!r} overlaps another member of the archive.")
        end = member.header_offset + 30 + len(member.filename) + member.compress_size
    unpacked = sum(member.file_size for member in members)
    if end > size or unpacked > 2 * size + MAX_EXPANSION:
        raise FileError(
            "The archive claims to unpack to far more than it holds.", received=f"{unpacked} bytes of {size}"
        )


def is_safe_path(name: str) -> bool:
    """Whether a name in an archive is a plain relative path, on any system.

    Example: >>> is_safe_path("assets/words.txt"), is_safe_path("../words.txt"), is_safe_path("C:\\\\words.txt")
             (True, False, False)
    """
    parts = PurePosixPath(name).parts
    plain = name.isprintable() and not set(name) & set('\\:*?"<>|') and "//" not in name
    return (
        plain and bool(parts) and not name.startswith("/") and all(p not in (".", "..") and len(p) < 256 for p in parts)
    )
