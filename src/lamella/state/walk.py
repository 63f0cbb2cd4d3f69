"""Finding variables: addresses are read off the objects, nothing is registered.

An `Owner` (layer, metric, optimizer, seed generator) is a plain object.  Its
children are the variables and owners among its attributes, in order, also
inside of lists, tuples and dicts.  A path of names down to a variable is its
address: `features/block_3/conv/kernel`, `blocks[1]/d1/bias`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lamella.errors import unknown
from lamella.state.variable import Variable


class Owner:
    """Something that may own variables, itself or in what it is made of."""

    def children(self) -> Iterator[tuple[str, Variable | Owner]]:
        """Yields (segment of the address, variable or owner), in attribute order.

        A class that keeps its parts under better names than its attributes'
        overrides this (a model yields its layers by name).
        """
        return attribute_children(self)


_HOLDERS = (Variable, Owner, list, tuple, dict)  # asked before a value is looked into: most attributes are none


def attribute_children(owner: object, skip: frozenset[str] = frozenset()) -> Iterator[tuple[str, Variable | Owner]]:
    """The children found in `vars(owner)`; a leading underscore is not shown."""
    attributes = vars(owner)
    for key, value in list(attributes.items()):
        if key not in skip and isinstance(value, _HOLDERS):
            shown = key.lstrip("_")
            yield from _found(key if shown != key and shown in attributes else shown, value)


def _found(segment: str, value: Any, around: tuple[int, ...] = ()) -> Iterator[tuple[str, Variable | Owner]]:
    """The children in a value; `around` are the collections that it is in, which it may hold again."""
    if isinstance(value, (Variable, Owner)):
        yield segment, value
        return
    if id(value) in around:
        return
    around = (*around, id(value))
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, _HOLDERS):
            yield from _found(f"{segment}[{key}]", item, around)


def walk(owner: Owner, prefix: str = "") -> Iterator[tuple[str, Variable]]:
    """Yields (address, variable) for every variable below an owner, each once.

    Example: >>> dense = Dense(2); dense.build((None, 3))
             >>> [address for address, _ in walk(dense)]
             ['kernel', 'bias']
    """
    for address, found in walk_all(owner, prefix):
        if isinstance(found, Variable):
            yield address, found


def walk_all(owner: Owner, prefix: str = "") -> Iterator[tuple[str, Variable | Owner]]:
    """Yields (address, variable or owner) for everything below an owner, each once."""
    seen: set[int] = {id(owner)}
    stack = [(prefix, owner.children())]
    while stack:
        above, children = stack[-1]
        for segment, child in children:
            if id(child) in seen:
                continue
            seen.add(id(child))
            address = f"{above}/{segment}" if above else segment
            yield address, child
            if isinstance(child, Owner):
                stack.append((address, child.children()))
                break
        else:
            stack.pop()


def at(owner: Owner, address: str) -> Variable | Owner:
    """What stands at an address below an owner.

    Raises: UnknownNameError: nothing does; the nearest addresses are named.
    """
    everything = dict(walk_all(owner))
    if address not in everything:
        raise unknown(f"address in {getattr(owner, 'name', type(owner).__name__)!r}", address, everything)
    return everything[address]
