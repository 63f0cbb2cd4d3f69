"""What HDF5 files say about values: dtypes, shapes, attributes.  A closed table: another dtype is none."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np

from lamella.errors import FileError

MAX_RANK = 32


class Cut:
    """A stretch of bytes, read from front to back.

    Raises: FileError: it ends too early.
    """

    __slots__ = ("at", "data")

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, size: int) -> bytes:
        """The next bytes."""
        begin, self.at = self.at, self.at + size
        if self.at > len(self.data):
            raise FileError("the file is cut off, or damaged.")
        return self.data[begin : self.at]

    def number(self, size: int) -> int:
        """The next bytes as a number."""
        return int.from_bytes(self.take(size), "little")

    def signed(self, signature: bytes) -> bytes:
        """All bytes after the signature that they begin with."""
        if not self.data.startswith(signature):
            raise FileError("a part is not where the file says it is.", expected=signature.decode())
        return self.data[len(signature) :]


def _integer(size: int, sign: str) -> bytes:
    return bytes([0, 8 * (sign == "i"), 0, 0, size, 0, 0, 0, 0, 0, 8 * size, 0])


_FLOAT = {
    2: bytes.fromhex("01200f0002000000000010000a05000a0f000000"),
    4: bytes.fromhex("01201f000400000000002000170800177f000000"),
    8: bytes.fromhex("01203f000800000000004000340b0034ff030000"),
}


def _complex(size: int, modern: bool) -> bytes:
    """A compound of two floats `r` and `i`."""
    real = bytes([0x11]) + _FLOAT[size // 2][1:]
    pad, rest = (1, b"") if modern else (7, bytes(28))
    width = 1 if modern else 4
    parts = [b"r" + bytes(pad) + bytes(width) + rest, b"i" + bytes(pad) + (size // 2).to_bytes(width, "little") + rest]
    return bytes([6, 2, 0, 0, size, 0, 0, 0]) + b"".join(part + real for part in parts)


def _boolean(pad: bool) -> bytes:
    """A signed byte with two names."""
    names = b"FALSE\0\0\0TRUE\0\0\0\0" if pad else b"FALSE\0TRUE\0"
    return bytes.fromhex("0802000001000000") + bytes([0x10]) + _integer(1, "i")[1:] + names + b"\0\1"


_DTYPES: dict[bytes, Any] = {
    **{_integer(size, sign): f"<{sign}{size}" for size in (1, 2, 4, 8) for sign in "iu"},
    **{code: f"<f{size}" for size, code in _FLOAT.items()},
    **{_complex(size, modern): f"<c{size}" for size in (8, 16) for modern in (False, True)},
    **{_boolean(pad): "?" for pad in (False, True)},
    bytes.fromhex("0500000002000000"): ml_dtypes.bfloat16,  # "opaque": Keras tells it by an attribute
}


def dtype_of(data: bytes) -> np.dtype:
    """The dtype that a message describes.

    Raises: FileError: it is not one of numbers.
    """
    plain = bytes([data[0] & 0x0F]) + data[1:]  # without the version
    found = next((dtype for code, dtype in _DTYPES.items() if plain.startswith(code)), None)
    if found is None:
        raise FileError("its dtype is not numeric.", received=f"HDF5 class {data[0] & 0x0F}")
    return np.dtype(found)


def shape_of(body: Cut) -> tuple[int, ...]:
    """The shape that a message describes.

    Raises: FileError: it has none, or far too many dimensions.
    """
    version, rank, _, kind = (body.number(1) for _ in range(4))
    body.take(4 if version == 1 else 0)
    if version not in (1, 2) or (version == 2 and kind > 1) or rank > MAX_RANK:
        raise FileError("this is no array.", received=f"rank {rank}")
    return tuple(body.number(8) for _ in range(rank))


class Attribute:
    """A small value that stands beside an object: texts or numbers.

    Args: body: the message about it.
    """

    def __init__(self, body: Cut):
        version = body.number(1)
        body.take(1)
        name, dtype, space = (body.number(2) for _ in range(3))
        body.take(1 if version == 3 else 0)
        step = 8 if version == 1 else 1
        self.name = body.take(name + -name % step)[:name].rstrip(b"\0").decode("utf-8")
        self._dtype = body.take(dtype + -dtype % step)[:dtype]
        self._space = Cut(body.take(space + -space % step)[:space])
        self._data = body.take(body.left)

    def values(self, heap: Any) -> list[Any]:
        """Its texts (as bytes) or numbers, in a flat list.

        Args:   heap: (address, number) → bytes: where texts of varying length are.
        Raises: FileError: it is of another kind, or does not hold what it claims.
        """
        self._space.at = 0
        empty = self._space.data[3:4] == b"\x02" and self._space.data[0] == 2  # "null": no value at all
        count = 0 if empty else math.prod(shape_of(self._space))
        kind, size = self._dtype[0] & 0x0F, int.from_bytes(self._dtype[4:8], "little")
        if count * size > len(self._data):
            raise FileError("the attribute claims more than it holds.")
        data = Cut(self._data)
        if kind == 3:
            return [data.take(size).rstrip(b"\0") for _ in range(count)] if size else []
        if kind == 9 and self._dtype[1] & 0x0F == 1:
            return [self._text(data, heap) for _ in range(count)]
        return np.frombuffer(self._data, dtype_of(self._dtype), count).tolist()

    def _text(self, data: Cut, heap: Any) -> bytes:
        size, address, number = data.number(4), data.number(8), data.number(4)
        return heap(address, number)[:size] if size else b""
