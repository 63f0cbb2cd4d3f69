"""HDF5 as Keras uses it: groups, plain numeric arrays, a few attributes, and nothing else.

Reader   the gate for HDF5 bytes: hard links, arrays stored as they are, no filters, no other files; without h5py
Writer   builds a file in memory, so that it is written to disk in one piece
Entry    the dict-like `store` of one object, as `save_own_variables` and `load_own_variables` see it
"""

from __future__ import annotations

import io
import itertools
import zlib
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import IO, Any

import ml_dtypes
import numpy as np

from lamella.errors import FileError, MissingExtraError, nearest
from lamella.saving.gate import guarded
from lamella.saving.hdf5_names import present_paths
from lamella.saving.hdf5_tree import MAX_NAME, Bytes, Stored

MAX_OBJECTS = 30_000  # EfficientNetB0 with Adam is 1,200
MAX_DEPTH = 64
_serial = itertools.count()  # HDF5 opens no two files of one name, not even in memory
_MAX_ATTRIBUTE = 64512  # bytes, as HDF5 limits them
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_CHECKSUM = "crc32"  # of each array, in our own files; Keras does not look at it


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("Weights files need h5py.", fix="pip install h5py") from error
    return h5py


class Reader:
    """Reads arrays and attributes of an HDF5 file, each by its path.

    Args:   file: the path that errors name.
            data: the bytes, where the HDF5 file is an entry of `file`.
    Raises: FileError: it is no HDF5 file, or holds what no weights file holds.
    """

    def __init__(self, file: Any, data: bytes | None = None, entry: str = ""):
        self.file, self._entry = Path(file), entry
        self.name = f"{self.file.name}: {entry}" if entry else self.file.name
        self._counted: set[str] = set()  # arrays whose bytes are taken off what is left
        with self._guarded():
            self._opened: IO[bytes] = io.BytesIO(data) if data is not None else self.file.open("rb")
            self._bytes = Bytes(self._opened)
            self._left = self._bytes.size
            self._arrays, self._groups = self._index()
            self._inside = _inside(self._arrays)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _guarded(self, path: str = "") -> Any:
        return guarded(self.file, " › ".join(part for part in (self._entry, path) if part))

    def _index(self) -> tuple[dict[str, Stored], dict[str, Stored]]:
        """All arrays, and all groups, by their paths."""
        arrays: dict[str, Stored] = {}
        groups: dict[str, Stored] = {}
        stack = [("", self._bytes.root, 0)]
        while stack:
            path, address, depth = stack.pop()
            with self._guarded(path[:200]):
                found = self._bytes.object(address)
            (arrays if found.is_array else groups)[path] = found
            if depth > MAX_DEPTH or len(arrays) + len(groups) > MAX_OBJECTS:
                raise FileError("There are more groups and arrays, or deeper ones, than any model has.")
            inner = [(f"{path}/{name}" if path else name, at, depth + 1) for name, at in found.names.items()]
            stack += reversed(inner)
        present = present_paths([*arrays, *groups])
        return {present[path]: found for path, found in arrays.items()}, {
            present[path]: found for path, found in groups.items()
        }

    def has_group(self, path: str) -> bool:
        return path in self._groups or path in self._inside

    def arrays(self) -> Mapping[str, Any]:
        """All arrays by their paths."""
        return self._arrays

    def layer_names(self) -> dict[str, str]:
        """The names of layers by the groups that hold their arrays."""
        found = {group: self._value(stored, "name") for group, stored in self._groups.items()}
        return {group: name.decode("utf-8", "replace") for group, name in found.items() if isinstance(name, bytes)}

    def names(self, group: str) -> list[str]:
        """The names of the arrays in a group; none if it is not there."""
        return self._inside.get(group, [])

    def shape(self, path: str) -> tuple[int, ...]:
        """The shape of an array, known without reading it."""
        return self._found(path).shape or ()

    def array(self, path: str) -> np.ndarray:
        """The array at a path, of a plain numeric dtype.

        Raises: FileError: it is not there, or stored in another way than Keras stores arrays.
        """
        found = self._found(path)
        with self._guarded(path):
            self._left -= 0 if path in self._counted else found.size
            self._counted.add(path)
            if self._left < 0:
                raise FileError("it claims more bytes than the file holds.", received=f"shape {found.shape}")
            data = self._bytes.read(found.begin, found.size) if found.inline is None and found.size else found.inline
            self._check_sum(found, data or b"")
            return np.frombuffer(data or b"", found.dtype).reshape(found.shape or ())

    def _found(self, path: str) -> Stored:
        with self._guarded(path):
            if path not in self._arrays:
                fix = nearest(path, self._arrays) if self._arrays else None
                raise FileError("the array is not in the file.", fix=fix)
            found = self._arrays[path]
            if found.refusal is not None:
                raise found.refusal
            if found.dtype == _BFLOAT16 and self._value(found, "dtype") != b"bfloat16":
                raise FileError("its dtype is not numeric.", received="opaque bytes")
            return found

    def _value(self, found: Stored, name: str) -> Any:
        """The one value of an attribute, or None."""
        attribute = found.attributes.get(name)
        values = attribute.values(self._bytes.text) if attribute else []
        return values[0] if len(values) == 1 else None

    def _check_sum(self, found: Stored, data: bytes) -> None:
        kept = self._value(found, _CHECKSUM)
        if kept is not None and kept != zlib.crc32(data):
            raise FileError("its checksum is wrong: the file is damaged.", fix="take another copy of it")

    def text(self, group: str, name: str) -> str | None:
        """A text attribute of a group, or None."""
        with self._guarded(f"{group} @{name}"):
            found = self._group(group)
            if name not in found.attributes:
                return None
            value = self._value(found, name)
            if not isinstance(value, bytes):
                raise FileError("the attribute is no text.", received=type(value).__name__)
            return value.decode("utf-8")

    def texts(self, group: str, name: str) -> list[str]:
        """A list of texts, which Keras spreads over name0, name1, … when it is long."""
        with self._guarded(f"{group} @{name}"):
            kept = self._group(group).attributes
            keys = [name] if name in kept else _numbered(name, kept)
            found = [text for key in keys for text in kept[key].values(self._bytes.text)]
            if not all(isinstance(text, bytes) and len(text) <= MAX_NAME for text in found):
                raise FileError("the attribute is no list of names.")
            return [text.decode("utf-8") for text in found]

    def has_text(self, group: str, name: str) -> bool:
        attributes = self._group(group).attributes
        return name in attributes or f"{name}0" in attributes

    def _group(self, path: str) -> Stored:
        if path not in self._groups:
            raise FileError("the group is not in the file.", fix=nearest(path, self._groups))
        return self._groups[path]


def _inside(paths: Iterable[str]) -> dict[str, list[str]]:
    """The names of the arrays in each group; of groups around these, none."""
    found: dict[str, list[str]] = {}
    for path in paths:
        group, _, name = path.rpartition("/")
        found.setdefault(group, []).append(name)
        while group:
            group = group.rpartition("/")[0]
            found.setdefault(group, [])
    return found


def _numbered(name: str, attributes: Any) -> Iterator[str]:
    number = 0
    while f"{name}{number}" in attributes:
        yield f"{name}{number}"
        number += 1


class Writer:
    """Builds an HDF5 file in memory.

    Example: >>> writer = Writer(); writer.put("dense/vars/0", np.ones(2))
             >>> Reader("x.weights.h5", writer.bytes()).array("dense/vars/0").tolist()
             [1.0, 1.0]
    """

    def __init__(self) -> None:
        self._root = _h5py().File(f"in memory {next(_serial)}", "w", driver="core", backing_store=False)

    def group(self, path: str) -> Any:
        """The group at a path, made where it is not there."""
        return self._root.require_group(path) if path else self._root

    def put(self, path: str, value: Any) -> None:
        """Stores one array."""
        value = np.asarray(getattr(value, "raw", value))
        if value.dtype.kind in "OUS":
            raise FileError(f"{path}: only numbers can be stored in a weights file.", received=f"dtype {value.dtype}")
        stored = self._root.create_dataset(path, data=value)
        stored.attrs[_CHECKSUM] = np.uint32(zlib.crc32(np.ascontiguousarray(value).view(f"V{value.itemsize}").data))
        if value.dtype.name == "bfloat16":
            stored.attrs["dtype"] = "bfloat16"

    def texts(self, group: str, texts: Mapping[str, str]) -> None:
        """Keeps texts as attributes of a group."""
        for name, text in texts.items():
            self.group(group).attrs[name] = text

    def list_of_texts(self, group: str, name: str, texts: list[str]) -> None:
        """Keeps a list of texts as an attribute, spread over several where it is too long for one."""
        attributes, array = self.group(group).attrs, np.array([text.encode("utf-8") for text in texts])
        if array.nbytes <= _MAX_ATTRIBUTE:
            attributes[name] = array
            return
        parts = -(-array.nbytes // (_MAX_ATTRIBUTE - array.itemsize))
        for number, part in enumerate(np.array_split(array, parts)):
            attributes[f"{name}{number}"] = part

    def bytes(self) -> bytes:
        """The whole file; the writer is closed by that."""
        self._root.flush()
        image = self._root.id.get_file_image()
        self._root.close()
        return image


class Entry(MutableMapping[str, Any]):
    """What one object keeps in a file being written, under `<path>/vars`."""

    def __init__(self, writer: Writer, path: str, name: str | None = None):
        self._writer, self._path = writer, f"{path}/vars" if path else "vars"
        self._kept: dict[str, Any] = {}
        if name is not None:
            writer.texts(self._path, {"name": name})

    def __setitem__(self, key: str, value: Any) -> None:
        self._writer.put(f"{self._path}/{key}", value)
        self._kept[key] = value

    def __getitem__(self, key: str) -> Any:
        return self._kept[key]

    def __delitem__(self, key: str) -> None:
        del self._kept[key]
        del self._writer.group(self._path)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


class StoredEntry(Mapping[str, np.ndarray]):
    """What one object kept in a file; each array is read when it is asked for."""

    def __init__(self, reader: Reader, path: str):
        self._reader, self.path = reader, f"{path}/vars" if path else "vars"
        self._names = reader.names(self.path)

    def __getitem__(self, key: str) -> np.ndarray:
        if key not in self:
            raise KeyError(key)
        return self._reader.array(f"{self.path}/{key}")

    def __contains__(self, key: object) -> bool:
        return key in self._names or f"{self.path}/{key}" in self._reader.arrays()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
