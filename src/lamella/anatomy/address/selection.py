"""Selection: parts of a model, picked by address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lamella.anatomy.address.parts import Part
from lamella.graph import Site
from lamella.layers import Layer
from lamella.state import Variable


class Selection:
    """Some parts of a model, in the order they run; `|`, `&` and `-` combine selections.

    Example: >>> A = Sequential([Input((4,)), Dense(8, name="a"), Dense(2, name="b")]).anatomy
             >>> (A["*"] - A["b"]).paths
             ['input_layer', 'a']
    """

    def __init__(self, parts: list[Part], everything: list[Part], text: str):
        self._parts, self._everything, self._text = parts, everything, text

    @property
    def parts(self) -> list[Part]:
        """What was picked: a thing and its call each."""
        return list(self._parts)

    @property
    def layers(self) -> list[Layer]:
        """The layers, each once."""
        return list(dict.fromkeys(part.thing for part in self._parts if isinstance(part.thing, Layer)))

    @property
    def weights(self) -> list[Variable]:
        """The weights picked, and those of the layers picked, each once."""
        found: dict[int, Variable] = {}
        for part in self._parts:
            thing: Any = part.thing
            for variable in [thing] if isinstance(thing, Variable) else getattr(thing, "weights", ()):
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def sites(self) -> list[Site]:
        """The calls."""
        return [part.site for part in self._parts if part.site is not None]

    @property
    def paths(self) -> list[str]:
        """Addresses: of a layer, if all its calls there are picked; of the call (`@k`), if some are."""
        every: dict[str, int] = {}
        picked: dict[str, int] = {}
        for count, parts in ((every, self._everything), (picked, self._parts)):
            for part in parts:
                count[part.place] = count.get(part.place, 0) + 1
        whole = {place for place, number in picked.items() if number == every[place]}
        return list(dict.fromkeys(part.place if part.place in whole else part.address for part in self._parts))

    def where(self, test: Callable[[Any], bool]) -> Selection:
        """Those whose layer, op or weight passes a test."""
        return self._with([part for part in self._parts if test(part.thing)], f"{self._text} where …")

    def _with(self, parts: list[Part], text: str) -> Selection:
        return Selection(parts, self._everything, text)

    def _set(self) -> set[Any]:
        return {_identity(part) for part in self._parts}

    def __or__(self, other: Any) -> Selection:
        if not isinstance(other, Selection):
            return NotImplemented
        both = self._set() | other._set()
        return self._with([p for p in self._everything if _identity(p) in both], f"{self._text} | {other._text}")

    def __and__(self, other: Any) -> Selection:
        if not isinstance(other, Selection):
            return NotImplemented
        theirs = other._set()
        return self._with([p for p in self._parts if _identity(p) in theirs], f"{self._text} & {other._text}")

    def __sub__(self, other: Any) -> Selection:
        if not isinstance(other, Selection):
            return NotImplemented
        theirs = other._set()
        return self._with([p for p in self._parts if _identity(p) not in theirs], f"{self._text} - {other._text}")

    def __iter__(self) -> Iterator[Any]:
        return iter(dict.fromkeys(part.thing for part in self._parts))

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, thing: object) -> bool:
        return any(part.thing is thing for part in self._parts)

    def __repr__(self) -> str:
        paths = self.paths
        shown = ", ".join(paths[:8]) + (f", … ({len(paths)} in all)" if len(paths) > 8 else "")
        return f"<Selection {self._text}: {shown}>"


def _identity(part: Part) -> tuple[int, str]:
    return id(part.thing), part.address
