"""The safetensors format: a JSON header that says where each array lies, then the arrays.

    8 bytes                 the length of the header, little-endian
    header                  {address: {"dtype": "F32", "shape": [3, 2], "data_offsets": [begin, end]}, …}
    arrays                  one after the other, without gaps, little-endian

Ours also hold a checksum of each array, with its address, dtype and shape, in the header's `__metadata__`.

Source: https://github.com/huggingface/safetensors (the format's description).
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np

from lamella.errors import FileError
from lamella.saving.atomic import atomic_write
from lamella.saving.gate import existing, guarded, parse_json

MAX_HEADER_BYTES = 4 << 20  # some 20,000 arrays
_ABOUT, _SUM = "__metadata__", "crc32 "
_DTYPES = {
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
    **{f"I{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
    "BOOL": np.dtype("?"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "C64": np.dtype("<c8"),
}
_LABELS = {dtype: label for label, dtype in _DTYPES.items()}


def write_safetensors(path: Any, arrays: Mapping[str, Any]) -> None:
    """Writes arrays by name.

    Raises: FileError: a dtype that the format lacks, more arrays than a header may list, or the disk says no.
    """
    header: dict[str, Any] = {_ABOUT: {"format": "lamella"}}
    end = 0
    for name, value in arrays.items():
        label = _LABELS.get(value.dtype)
        if label is None:
            raise FileError(f"{path}: {name} has a dtype that safetensors lacks.", received=str(value.dtype))
        begin, end = end, end + value.nbytes
        header[name] = {"dtype": label, "shape": list(value.shape), "data_offsets": [begin, end]}
        header[_ABOUT][_SUM + name] = _checksum(name, label, np.asarray(value))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the arrays start aligned
    if len(text) > MAX_HEADER_BYTES:
        raise FileError(f"{path}: a safetensors file cannot list {len(arrays)} arrays.", fix="save as .weights.h5")
    with atomic_write(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for value in arrays.values():
            file.write(_bytes(np.asarray(value)))


def _bytes(value: np.ndarray) -> bytes:
    return np.ascontiguousarray(value).tobytes()


def _checksum(name: str, label: str, value: np.ndarray) -> str:
    about = f"{name} {label} {list(value.shape)} ".encode()
    return f"{zlib.crc32(_bytes(value), zlib.crc32(about)):08x}"


class Safetensors(Mapping[str, Any]):
    """The arrays of a file by name: `file[name]` reads one; `shapes` and `dtypes` are known before.

    Raises: FileError: the header is overlong, names one array twice, or points outside of the file, at gaps,
            or at one place twice; a checksum is wrong.
    """

    def __init__(self, path: Any):
        self.path = existing(path)
        with guarded(self.path):
            self._start, header = self._header()
            self._sums = _sums(header.pop(_ABOUT, {}))
            self._places: dict[str, tuple[int, int]] = {}
            self.shapes: dict[str, tuple[int, ...]] = {}
            self.dtypes: dict[str, np.dtype] = {}
            for name, entry in header.items():
                self._add(name, entry)
            self._check_places()

    def _header(self) -> tuple[int, dict[str, Any]]:
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(MAX_HEADER_BYTES, size - 8):
                raise FileError(
                    "this is no safetensors file: its header is longer than the file, or than any header.",
                    received=f"{length} bytes",
                )
            header = parse_json(file.read(length))
        if not isinstance(header, dict):
            raise FileError("the header is no JSON object.")
        return 8 + length, header

    def _add(self, name: str, entry: Any) -> None:
        with guarded(self.path, name[:200]):
            if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
                raise FileError("the entry needs dtype, shape and data_offsets.", received=repr(entry)[:200])
            shape, offsets = _sizes(entry["shape"]), _sizes(entry["data_offsets"])
            dtype = _DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
            if dtype is None or len(shape) > 32 or len(offsets) != 2:
                raise FileError("the entry describes no array.", received=repr(entry)[:200])
            if offsets[1] - offsets[0] != dtype.itemsize * math.prod(shape):
                raise FileError("shape and data_offsets do not agree.", received=repr(entry)[:200])
            if self._sums and name not in self._sums:
                raise FileError("its checksum is missing: the file is damaged.", fix="take another copy of it")
        self._places[name] = (offsets[0], offsets[1])
        self.shapes[name], self.dtypes[name] = shape, dtype

    def _check_places(self) -> None:
        """The arrays fill the rest of the file, one after the other."""
        end = 0
        for name, (begin, after) in sorted(self._places.items(), key=lambda item: item[1]):
            if begin != end:
                raise FileError(f"{name} overlaps another array, or leaves a gap.", received=f"offset {begin}")
            end = after
        if (size := self.path.stat().st_size) != self._start + end:
            raise FileError("the file is cut off, or has more in it than arrays.", received=f"{size} bytes")

    def __getitem__(self, name: str) -> np.ndarray:
        begin, end = self._places[name]
        with guarded(self.path, name), self.path.open("rb") as file:
            file.seek(self._start + begin)
            value = np.frombuffer(file.read(end - begin), self.dtypes[name]).reshape(self.shapes[name])
            kept = self._sums.get(name)
            if kept is not None and kept != _checksum(name, _LABELS[value.dtype], value):
                raise FileError("its checksum is wrong: the file is damaged.", fix="take another copy of it")
            return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _sums(about: Any) -> dict[str, str]:
    if not isinstance(about, dict) or not all(isinstance(text, str) for text in about.values()):
        raise FileError(f"{_ABOUT} holds more than texts.")
    return {key.removeprefix(_SUM): text for key, text in about.items() if key.startswith(_SUM)}


def _sizes(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(size) is int and 0 <= size < 1 << 63 for size in value):
        raise FileError("shape and data_offsets are lists of sizes.", received=repr(value)[:200])
    return tuple(value)
