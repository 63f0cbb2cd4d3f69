"""Checkpoints and SavedModels of TensorFlow, read without it: numbers and the config, never the programs.

    NAME.index                 a sorted table: {key: dtype, shape, shard, place}
    NAME.data-00000-of-00001   the bytes
    saved_model folder         variables/variables.index and .data-…, keras_metadata.pb: the config as JSON text

Source: tensorflow/core/util/tensor_bundle, tensorflow/core/protobuf; LevelDB's table_format.md
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from lamella.errors import FileError
from lamella.saving.gate import MEBI, guarded, parse_json

INDEX, METADATA, VARIABLES = ".index", "keras_metadata.pb", "variables/variables"
MAX_INDEX, MAX_ENTRIES, MAX_KEY = 64 * MEBI, 100_000, 4096
_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER, _TRAILER = 48, 5  # bytes: of the table, and of each block (compression, checksum)
_DTYPES: dict[int, Any] = {
    1: np.float32,
    2: np.float64,
    3: np.int32,
    4: np.uint8,
    5: np.int16,
    6: np.int8,
    9: np.int64,
    10: np.bool_,
    14: ml_dtypes.bfloat16,
    17: np.uint16,
    19: np.float16,
    22: np.uint32,
    23: np.uint64,
}


class Checkpoint:
    """The arrays of a checkpoint by key; each is read when it is asked for.

    Args:   prefix: the path without `.index`.
    Raises: FileError: it is no checkpoint, or claims what is not there.
    """

    def __init__(self, prefix: str):
        self.path = Path(prefix + INDEX)
        self._prefix = prefix
        with guarded(self.path):
            if self.path.stat().st_size > MAX_INDEX:
                raise FileError("its index is longer than that of any model.", expected=f"{MAX_INDEX} bytes")
            entries = dict(_table(self.path.read_bytes()))
            self._shards = _number(_fields(entries.pop(b"", b"")), 1)
            self._entries = {key.decode("utf-8"): _fields(value) for key, value in entries.items()}

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def keys(self) -> list[str]:
        return list(self._entries)

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of an array, known without reading it."""
        with guarded(self.path, key):
            return _shape(self._entries[key])

    def array(self, key: str) -> np.ndarray:
        """The array of a key, of a plain numeric dtype."""
        entry = self._entries[key]
        shard, begin, size = (_number(entry, field) for field in (3, 4, 5))
        file = Path(f"{self._prefix}.data-{shard:05d}-of-{self._shards:05d}")
        with guarded(file, key):
            dtype, shape = _DTYPES.get(_number(entry, 1)), _shape(entry)
            if dtype is None or size != np.dtype(dtype).itemsize * math.prod(shape):
                raise FileError("it is no plain array of numbers.", received=f"shape {shape}, {size} bytes")
            if not file.is_file() or begin + size > file.stat().st_size:
                raise FileError("the file is not there, or is cut off.", expected=f"{begin + size} bytes")
            with file.open("rb") as opened:
                opened.seek(begin)
                return np.frombuffer(opened.read(size), dtype).reshape(shape)


def metadata(folder: str) -> dict[str, Any]:
    """What Keras kept about the model in a SavedModel folder: `class_name`, `config`, `training_config` …

    Raises: FileError: it is not there, as in folders that other programs than Keras wrote.
    """
    path = Path(folder, METADATA)
    with guarded(path):
        if not path.is_file():
            raise FileError(
                "the folder is a SavedModel of TensorFlow without the config of a Keras model.",
                fix="build the model anew, and pass the folder to its load_weights()",
            )
        if path.stat().st_size > MAX_INDEX:
            raise FileError("it is longer than that of any model.", expected=f"{MAX_INDEX} bytes")
        for node in _fields(path.read_bytes()).get(1, ()):
            fields = _fields(node)
            if fields.get(3, [b""])[0] == b"root":
                return parse_json(fields.get(5, [b"{}"])[0])
        raise FileError("it describes no model.")


# Tables


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields (key, value) of a sorted table."""
    if len(data) < _FOOTER or data[-8:] != _MAGIC:
        raise FileError("this is no checkpoint of TensorFlow.")
    footer = data[-_FOOTER:]
    _, at = _varint(footer, 0)
    _, at = _varint(footer, at)  # where further tables are: there are none
    count = 0
    for _, handle in _block(data, *_place(footer, at)):
        for entry in _block(data, *_place(handle, 0)):
            count += 1
            if count > MAX_ENTRIES:
                raise FileError("it has more entries than any model.")
            yield entry


def _place(handle: bytes, at: int) -> tuple[int, int]:
    """Where a block begins, and its size."""
    begin, at = _varint(handle, at)
    return begin, _varint(handle, at)[0]


def _block(data: bytes, begin: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yields (key, value) of one block: keys share their beginnings."""
    if begin + size + _TRAILER > len(data) or size < 4 or data[begin + size]:
        raise FileError("a block of its index is compressed, or beyond the file.")
    block = data[begin : begin + size]
    end = size - 4 * (int.from_bytes(block[-4:], "little") + 1)
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared + own > MAX_KEY:
            raise FileError("a name is overlong.", expected=f"at most {MAX_KEY} bytes")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + length]
        at += own + length


# Messages


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        number |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            return number, at
    raise FileError("it is damaged: a number does not end.")


def _fields(data: bytes) -> dict[int, list[Any]]:
    """{number of a field: its values}; texts and messages as bytes."""
    found: dict[int, list[Any]] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at)
        elif kind in (1, 2, 5):
            size, at = _varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            value, at = data[at : at + size], at + size
        else:
            raise FileError("it is damaged: a field of an unknown kind.")
        if at > len(data):
            raise FileError("it is damaged: a field is cut off.")
        found.setdefault(tag >> 3, []).append(value)
    return found


def _number(fields: dict[int, list[Any]], field: int) -> int:
    value = fields.get(field, [0])[0]
    if not isinstance(value, int):
        raise FileError("it is damaged: a field of another kind.")
    return value


def _shape(entry: dict[int, list[Any]]) -> tuple[int, ...]:
    dims = _fields(entry[2][0]).get(2, ()) if 2 in entry else ()
    return tuple(_number(_fields(dim), 1) for dim in dims)
