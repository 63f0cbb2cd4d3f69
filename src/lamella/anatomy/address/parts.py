"""Parts: everything in a model that has an address, in the order it runs.

A part is a layer, an op or a weight, at one place.  A layer that is called
several times is several parts, told apart by `@k`; one that the trace does not
meet (an unused head, say) is a part without a call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lamella.graph import Operation, Site, addresses
from lamella.state import Owner, Variable, walk_all


@dataclass(frozen=True, slots=True)
class Step:
    """One segment of an address: `name`, inside of `container`; `number` is the call, if there are several."""

    container: Any
    thing: Any
    name: str
    number: int | None = None

    def __str__(self) -> str:
        return self.name if self.number is None else f"{self.name}@{self.number}"


@dataclass(frozen=True, eq=False)
class Part:
    """A layer, op or weight at one place.

    thing: the object itself.
    site:  the call, or None for weights and for what is not called.
    steps: the segments of the address.
    """

    thing: Operation | Variable
    site: Site | None
    steps: tuple[Step, ...]

    @cached_property
    def address(self) -> str:
        """The address of this call: `enc@1/d1`."""
        return "/".join(map(str, self.steps))

    @cached_property
    def place(self) -> str:
        """The address of the layer, whichever call: `enc/d1`."""
        return "/".join(step.name for step in self.steps)


def parts_of(root: Site) -> list[Part]:
    """Everything below a model or layer: calls in order, then what is not called, then weights."""
    subject: Any = root.operation
    parts = list(_called(root, ()))
    places = {part.place for part in parts}
    found: dict[str, Any] = dict(walk_all(subject))
    rest = [a for a, thing in found.items() if isinstance(thing, Operation) and a not in places]
    weights = [a for a, thing in found.items() if isinstance(thing, Variable)]
    return parts + [Part(found[a], None, _along(subject, a.split("/"), found)) for a in (*rest, *weights)]


def _called(container: Site, above: tuple[Step, ...]) -> Iterator[Part]:
    if not container.inner:
        return
    subject: Any = container.operation
    names = names_in(subject)
    root = above[0].container if above else container.operation
    for site in container.inner:
        thing = site.operation
        if thing is None:
            continue  # plain code has no name
        segments = (names.get(id(thing)) or names_in(root).get(id(thing)) or thing.name).split("/")
        things = dict(walk_all(subject)) if len(segments) > 1 else {}
        *before, last = _along(subject, segments, things)
        last = Step(last.container, thing, last.name, site.number if site.times > 1 else None)
        steps = (*above, *before, last)
        yield Part(thing, site, steps)
        yield from _called(site, steps)


def names_in(container: Any) -> dict[int, str]:
    """{id: address below the container} of every layer and op in it."""
    names = {id(thing): address for address, thing in walk_all(container)} if isinstance(container, Owner) else {}
    graph = getattr(container, "_graph_", None)
    if graph is not None:
        operations = graph.operations
        names.update((id(one), name) for one, name in zip(operations, addresses(operations), strict=True))
    return names


def _along(container: Any, segments: list[str], things: dict[str, Any]) -> tuple[Step, ...]:
    """The steps from a container down, through what stands there."""
    steps: list[Step] = []
    for index, segment in enumerate(segments):
        thing = things.get("/".join(segments[: index + 1]))
        steps.append(Step(steps[-1].thing if steps else container, thing, segment))
    return tuple(steps)
