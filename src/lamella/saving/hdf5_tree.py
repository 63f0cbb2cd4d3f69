"""The bytes of an HDF5 file, as far as Keras uses the format: read in Python, each checked before it is used.

    superblock    where the root group is
    header        messages about one object; of a group: a table of names; of an array: dtype, shape, place
    place         the array's bytes, in one piece

What is not listed here is refused.  No block is entered twice, so loops and fans end; nothing is
read from beyond the file, and nothing from another one.

Source: HDF5 File Format Specification 3.0, https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

import numpy as np

from lamella.errors import FileError
from lamella.saving.hdf5_types import Attribute, Cut, dtype_of, shape_of

MAX_MESSAGES = 1_000_000
MAX_NAME = 1024  # bytes
_NOWHERE = (1 << 64) - 1
_LEAST = 96  # bytes: what says where the end is
_REWRITE = 'write the file anew: new = h5py.File(…, "w"); for each array new[name] = old[name][()], and its attributes'
_SPACE, _LINKS, _TYPE, _LINK, _FILES, _LAYOUT, _FILTER, _ATTRIBUTE, _MORE, _TABLE = (
    *(0x01, 0x02, 0x03, 0x06, 0x07, 0x08, 0x0B, 0x0C, 0x10, 0x11),
)
_UNIMPORTANT = {0x00, 0x04, 0x05, 0x0A, 0x0D, 0x0E, 0x12, 0x13, 0x15, 0x16}  # fill values, times, counts …


@dataclass
class Stored:
    """What the header of one object says.  An array has a shape, a group has not."""

    names: dict[str, int] = field(default_factory=dict)  # of a group: where the headers of its members are
    attributes: dict[str, Attribute] = field(default_factory=dict)
    shape: tuple[int, ...] | None = None
    dtype: np.dtype | None = None
    begin: int = _NOWHERE
    size: int = 0
    inline: bytes | None = None
    refusal: FileError | None = None  # why an array cannot be read, said once it is asked for

    @property
    def is_array(self) -> bool:
        return self.shape is not None or self.refusal is not None


class _CutOffError(FileError):
    """The file ends before the end that it names."""


def is_cut_off(file: IO[bytes]) -> bool:
    """Whether an HDF5 file ends too early, told by its first bytes; whatever else is in it does not matter.

    Example: >>> import io
             >>> from lamella.saving.hdf5_tree import is_cut_off
             >>> is_cut_off(io.BytesIO(b"\\x89HDF\\r\\n"))
             True
    """
    try:
        return Bytes(file).size < _LEAST
    except _CutOffError:
        return True
    except FileError:
        return file.seek(0, 2) < _LEAST


class Bytes:
    """The file: bytes at addresses, and the objects that stand there.

    Raises: FileError: it is no HDF5 file, or is cut off.
    """

    def __init__(self, file: IO[bytes]):
        self._file, self.size = file, file.seek(0, 2)
        self._entered: set[int] = set()
        self._heaps: dict[int, dict[int, bytes]] = {}
        self._messages, self._left = 0, 8 * self.size + (1 << 20)
        self.root = self._root()

    def cut(self, begin: int, size: int) -> Cut:
        """Some bytes of the file that say where things are."""
        self._left -= size
        if self._left < 0:
            raise FileError("its parts overlap.")
        return Cut(self.read(begin, size))

    def read(self, begin: int, size: int) -> bytes:
        """Some bytes of the file."""
        if begin + size > self.size:
            raise FileError("the file is cut off, or damaged.", received=f"an address beyond its {self.size} bytes")
        self._file.seek(begin)
        return self._file.read(size)

    def _entering(self, address: int) -> int:
        if address in self._entered:
            raise FileError("a part stands in the file under two names, or inside of itself.")
        self._entered.add(address)
        return address

    def _root(self) -> int:
        """Where the header of the root group is."""
        start = self.cut(0, min(self.size, 96))
        if start.take(8) != b"\x89HDF\r\n\x1a\n":
            raise FileError("this is no HDF5 file.")
        version, rest = start.number(1), start.take(4)
        widths = rest[:2] if version >= 2 else start.take(2)
        if version > 3 or bytes(widths[:2]) != b"\x08\x08":
            raise FileError("its addresses are not those that Keras writes.", received=f"version {version}")
        start.at = 12 if version >= 2 else 28 if version == 1 else 24
        base, _, end = start.number(8), start.number(8), start.number(8)
        if base or end > self.size:
            raise _CutOffError("the file is cut off.", expected=f"{end} bytes", received=self.size)
        start.at += 0 if version >= 2 else 16
        return start.number(8)

    # Objects

    def object(self, address: int) -> Stored:
        """What stands at an address."""
        found, about = Stored(), {}
        for kind, body in self._header(address):
            if kind == _ATTRIBUTE:
                attribute = Attribute(body)
                found.attributes[attribute.name] = attribute
            elif kind == _TABLE:
                found.names.update(self._table(body))
            elif kind == _LINK:
                found.names.update([_link(body)])
            elif kind == _LINKS:
                _check_compact(body)
            elif kind in about or kind not in (_SPACE, _TYPE, _FILES, _LAYOUT, _FILTER):
                raise FileError("its header is damaged.", received=f"message {kind}")
            else:
                about[kind] = body
        if about:
            _describe(found, about)
        return found

    def _header(self, address: int) -> Iterator[tuple[int, Cut]]:
        """Yields (kind, body) of the messages about an object."""
        head = self.cut(self._entering(address), 16)
        modern = head.take(4) == b"OHDR"
        blocks = [self._modern_block(address) if modern else self._old_block(address)]
        while blocks:
            block, ordered = blocks.pop(0)
            for kind, shared, body in _messages(block, modern, ordered):
                self._count()
                if kind == _MORE:
                    begin, size = self._entering(body.number(8)), body.number(8)
                    more = self.cut(begin, size)
                    if modern:
                        more = Cut(more.signed(b"OCHK")[:-4])
                    blocks.append((more, ordered))
                elif kind in _UNIMPORTANT:
                    continue
                elif shared:
                    raise FileError("its header is kept somewhere else.")
                else:
                    yield kind, body

    def _old_block(self, address: int) -> tuple[Cut, bool]:
        head = self.cut(address, 16)
        if head.number(2) != 1:
            raise FileError("an object has no header.")
        head.take(6)
        return self.cut(address + 16, head.number(4)), False

    def _modern_block(self, address: int) -> tuple[Cut, bool]:
        head = self.cut(address, min(self.size - address, 34))
        version, flags = head.signed(b"OHDR")[:2]
        if version != 2:
            raise FileError("an object has no header.")
        head.at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        size = head.number(1 << (flags & 3))
        return self.cut(address + head.at, size), bool(flags & 4)

    def _count(self) -> None:
        self._messages += 1
        if self._messages > MAX_MESSAGES:
            raise FileError("there are more parts than any model has.")

    # The names in a group

    def _table(self, body: Cut) -> Iterator[tuple[str, int]]:
        tree, heap = body.number(8), self.cut(self._entering(body.number(8)), 32)
        heap.signed(b"HEAP")
        heap.at = 8
        size, _, begin = heap.number(8), heap.number(8), heap.number(8)
        names = self.cut(begin, size).data
        leaves = [tree]
        while leaves:
            address = self._entering(leaves.pop())
            node = self.cut(address, 24)
            if node.take(4) == b"TREE":
                leaves += self._below(address, node)
            else:
                yield from self._leaf(address, names)

    def _below(self, address: int, node: Cut) -> list[int]:
        node.at = 6
        inner = self.cut(address + 24, 16 * node.number(2))
        return [int.from_bytes(inner.data[at + 8 : at + 16], "little") for at in range(0, len(inner.data), 16)]

    def _leaf(self, address: int, names: bytes) -> Iterator[tuple[str, int]]:
        node = self.cut(address, 8)
        node.signed(b"SNOD")
        node.at = 6
        entries = self.cut(address + 8, 40 * node.number(2))
        while entries.left:
            self._count()
            begin, header, kind = entries.number(8), entries.number(8), entries.number(4)
            entries.take(20)
            name, ended, _ = names[begin : begin + MAX_NAME].partition(b"\0")
            if not ended:
                raise FileError("a name is overlong.", expected=f"at most {MAX_NAME} bytes")
            if kind == 2 or header == _NOWHERE:
                raise FileError(f"{name.decode()[:200]!r} is a link to somewhere else.", expected="groups and arrays")
            yield name.decode("utf-8"), header

    # Texts of varying length

    def text(self, address: int, number: int) -> bytes:
        """An entry of a heap of texts."""
        if address not in self._heaps:
            self._heaps[address] = dict(self._heap(address))
        if number not in self._heaps[address]:
            raise FileError("a text is not where the file says it is.")
        return self._heaps[address][number]

    def _heap(self, address: int) -> Iterator[tuple[int, bytes]]:
        head = self.cut(self._entering(address), 16)
        head.signed(b"GCOL")
        head.at = 8
        rest = self.cut(address + 16, head.number(8) - 16)
        while rest.left >= 16 and (number := rest.number(2)):
            self._count()
            rest.take(6)
            size = rest.number(8)
            yield number, rest.take(size)
            rest.take(min(-size % 8, rest.left))


def _messages(block: Cut, modern: bool, ordered: bool) -> Iterator[tuple[int, bool, Cut]]:
    """Yields (kind, whether it is kept somewhere else, body)."""
    while block.left >= (6 if ordered else 4 if modern else 8):
        kind, size, flags = block.number(1 if modern else 2), block.number(2), block.number(1)
        block.take(2 if ordered else 0 if modern else 3)
        yield kind, bool(flags & 2), Cut(block.take(size))


def _check_compact(body: Cut) -> None:
    _, flags = body.number(1), body.number(1)
    body.take(8 if flags & 1 else 0)
    if body.number(8) != _NOWHERE:
        raise FileError(
            "a group keeps its names in a way that Keras does not write.",
            fix=_REWRITE,
        )


def _link(body: Cut) -> tuple[str, int]:
    _, flags = body.number(1), body.number(1)
    kind = body.number(1) if flags & 8 else 0
    body.take((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
    name = body.take(body.number(1 << (flags & 3))).decode("utf-8")
    if kind:
        raise FileError(f"{name[:200]!r} is a link to somewhere else.", expected="groups and arrays")
    return name, body.number(8)


def _describe(found: Stored, about: dict[int, Cut]) -> None:
    """What an array is, from the messages about it."""
    try:
        if not {_SPACE, _TYPE, _LAYOUT} <= set(about):
            raise FileError("this is no array.")
        if _FILES in about or _FILTER in about:
            raise _elsewhere("outside of the file" if _FILES in about else "through a filter (compressed, say)")
        found.dtype, found.shape = dtype_of(about[_TYPE].data), shape_of(about[_SPACE])
        _place(found, about[_LAYOUT])
        if found.size != found.dtype.itemsize * math.prod(found.shape):
            raise FileError("it claims more bytes than the file holds.", received=f"shape {found.shape}")
    except FileError as error:
        found.refusal = error


def _elsewhere(how: str) -> FileError:
    return FileError(f"it is stored {how}, which Keras does not do.", fix=_REWRITE)


def _place(found: Stored, body: Cut) -> None:
    version, kind = body.number(1), body.number(1)
    if version not in (3, 4) or kind > 1:
        raise _elsewhere({2: "in chunks", 3: "as a view of other files"}.get(kind, "in an old way"))
    if kind == 0:
        found.inline = body.take(body.number(2))
        found.size = len(found.inline)
        return
    found.begin, found.size = body.number(8), body.number(8)
    if found.begin == _NOWHERE:  # never written
        found.size = 0
