"""The grammar of addresses: which parts a pattern means.

base/conv1        names, one for each level; also attributes: `blocks[1]/d1`
base/block_6_*    `*` within a name, and alone for any name
**/conv           `**` for any number of levels, none too
layers[4], [4]    the fifth layer of what is around; also [2:5], [-1]
enc@1/d1          the second call of a layer that is called several times
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

from lamella.anatomy.address.parts import Part, Step, names_in
from lamella.errors import ArgumentError
from lamella.state import Variable, attribute_children

_SEGMENT = re.compile(
    r"(?P<name>[^\[\]@]*(?:\[[^\[\]:]*[^\[\]:\d-][^\[\]:]*\])?)(?:\[(?P<index>-?\d*(?::-?\d*)?)\])?(?:@(?P<call>\d+))?"
)


class Segment:
    """One level of a pattern.

    Raises: ArgumentError: it is not of the grammar.
    """

    def __init__(self, text: str):
        match = _SEGMENT.fullmatch(text)
        if not text or match is None:
            raise ArgumentError(
                f"{text!r} cannot be read as a part of an address.",
                expected="a name, an attribute, *, **, [i], [i:j], each with @k for the k-th call",
            )
        self.text, self.name = text, match["name"]
        self.index = _slice(match["index"]) if match["index"] is not None else None
        self.call = None if match["call"] is None else int(match["call"])
        self.whole = text.rpartition("@")[0] if self.call is not None else text
        self.any_depth = text == "**"
        self.wild = "*" in self.name
        self._glob = re.compile(".*".join(map(re.escape, self.name.split("*")))) if self.wild else None

    def matches(self, step: Step, names: Callable[[Any], Names]) -> bool:
        """Whether it means a step; `names` says what else the things in a container are called."""
        if self.call is not None and self.call != (step.number or 0):
            return False
        if self._glob is not None and self.index is None:
            return self._glob.fullmatch(step.name) is not None
        if step.name == self.whole or self._is_at_index(step):
            return True
        counts = self.index is not None and self.name in ("", "layers")  # `layers[0]` is what `model.layers[0]` is
        return not counts and id(step.thing) in names(step.container).get(self.whole, ())

    def _is_at_index(self, step: Step) -> bool:
        if self.index is None:
            return False
        listed = _listed(step.container, self.name)
        return any(thing is step.thing for thing in listed[self.index])


def _slice(text: str) -> slice:
    first, colon, last = text.partition(":")
    if not colon:
        return slice(int(first), int(first) + 1 or None)
    return slice(int(first) if first else None, int(last) if last else None)


def _listed(container: Any, name: str) -> Sequence[Any]:
    if name in ("", "layers"):
        layers = getattr(container, "layers", None)
        return layers if isinstance(layers, list) else container._sublayers_()
    value = getattr(container, name, None)
    return value if isinstance(value, (list, tuple)) else ()


Names = dict[str, set[int]]


def _other_names(container: Any) -> Names:
    """{name: ids of things}: their own names and the attributes that hold them, where no address is the same."""
    found: Names = {}
    addresses = set(names_in(container).values())
    for segment, child in (*attribute_children(container), *container.children()):
        for name in (segment, getattr(child, "name", segment)):
            found.setdefault(name, set()).add(id(child))
    return {name: things for name, things in found.items() if name not in addresses}


@lru_cache(maxsize=1024)
def segments_of(pattern: str) -> tuple[Segment, ...]:
    """A pattern, level by level."""
    return tuple(Segment(text) for text in pattern.strip("/").split("/"))


def matching(pattern: str, parts: Sequence[Part]) -> list[Part]:
    """The parts that a pattern means, in their order.

    A printed address means exactly itself.  Weights are meant by their names
    only, never by `*` or `**` at the end.
    """
    exact = [part for part in parts if pattern in (part.address, part.place)]
    if exact:
        return exact
    segments = segments_of(pattern)
    asks_weights = segments[-1].name not in ("*", "**")
    parts = parts if asks_weights else [part for part in parts if not isinstance(part.thing, Variable)]
    names = cache(_other_names)

    @cache
    def fits(segment: Segment, step: Step) -> bool:
        return segment.matches(step, names)

    return [part for part in parts if _fits(segments, part.steps, fits)]


def _fits(segments: tuple[Segment, ...], steps: tuple[Step, ...], fits: Any) -> bool:
    if not segments:
        return not steps
    if segments[0].any_depth:
        rest = segments[1:]
        return any(_fits(rest, steps[i:], fits) for i in range(len(steps) + 1)) if rest else bool(steps)
    return bool(steps) and fits(segments[0], steps[0]) and _fits(segments[1:], steps[1:], fits)
