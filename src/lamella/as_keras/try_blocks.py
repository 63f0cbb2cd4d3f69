"""Whether a line of a program stands in a `try` block."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType


def in_try_block(frame: FrameType) -> bool:
    """Whether what a frame runs right now is in the body of a `try` statement of the same function.

    A handler that keeps the place of the instruction belongs to a `with` statement, or cleans up after `except`.

    Source:  CPython's exception table, InternalDocs/exception_handling.md.
    """
    here = frame.f_lasti
    return any(start <= here < end and not keeps for start, end, keeps in _handlers(frame.f_code.co_exceptiontable))


def _handlers(table: bytes) -> Iterator[tuple[int, int, bool]]:
    """(first byte of code, end, whether it keeps the instruction's place) of each handler."""
    numbers = _numbers(iter(table))
    for start in numbers:
        length, _target, depth = next(numbers), next(numbers), next(numbers)
        yield 2 * start, 2 * (start + length), bool(depth & 1)


def _numbers(table: Iterator[int]) -> Iterator[int]:
    """Numbers of six bits a byte, the highest first; bit 6 says that there are more."""
    for byte in table:
        number = byte & 63
        while byte & 64:
            byte = next(table)
            number = number << 6 | byte & 63
        yield number
