"""Names that are private in Keras and that public code reads all the same."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar


class Alias:
    """A second name for something an object has: `layer._name` for `layer.name`.

    It is for reading.  What a program assigns under that name stands in front of it, as an attribute of the
    program's own, and nothing here follows it.

    Args:    read: the attribute's name (dots lead further in), or a function of the object.
    Example: >>> Variable([1.0], name="v")._name
             'v'
    """

    def __init__(self, read: str | Callable[[Any], Any]):
        self.read = attrgetter(read) if isinstance(read, str) else read

    def __get__(self, owner: Any, _: type | None = None) -> Any:
        return self if owner is None else self.read(owner)


C = TypeVar("C", bound=type)


def aliases(**names: str | Callable[[Any], Any]) -> Callable[[C], C]:
    """A class decorator that gives a class second names, where it has no attribute of that name."""

    def with_names(cls: C) -> C:
        for name, read in names.items():
            if name not in vars(cls):
                setattr(cls, name, Alias(read))
        return cls

    return with_names
