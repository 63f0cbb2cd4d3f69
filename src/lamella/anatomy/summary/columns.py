"""What a summary can say of each layer beside Keras's columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lamella.anatomy.summary.lines import Line
from lamella.errors import unknown
from lamella.graph import Site, Value, origin

if TYPE_CHECKING:
    from lamella.anatomy.cost import CallCost, Costs

COLUMNS = {
    "address": "Address",
    "calls": "Calls",
    "output": "Output",
    "params": "Params",
    "trainable": "Trained",
    "frozen": "Not trained",
    "macs": "MACs",
    "memory": "Memory",
    "field": "Sees",
    "connected": "From",
}
"""The heading of each column.

address:   where it stands.                      calls:   how often it is called.
output:    its output shapes.                    params:  its parameters; trainable, frozen: those that train, and not.
macs:      multiply-accumulates for one sample.  memory:  bytes of its outputs for one sample.
field:     how many pixels of the input one output sees.  connected: the addresses that it is called on.
"""


def column_names(columns: str | Sequence[str]) -> tuple[str, ...]:
    """Names of columns, from a sequence or from a text with commas.

    Raises:  UnknownNameError: a column is not known.
    Example: >>> column_names("macs, field")
             ('macs', 'field')
    """
    names = [name.strip() for name in columns.split(",")] if isinstance(columns, str) else columns or ()
    for name in names:
        if name not in COLUMNS:
            raise unknown("column of a summary", name, COLUMNS)
    return tuple(names)


class Columns:
    """The cells of the columns that were asked for; without an anatomy, no calls are known."""

    def __init__(self, anatomy: Any, names: tuple[str, ...]):
        self.anatomy, self.names = anatomy, names
        self._places: dict[int, str] = anatomy.places if anatomy is not None else {}

    @cached_property
    def _costs(self) -> Costs:
        from lamella.anatomy.cost import costs

        return costs(self.anatomy)

    @cached_property
    def _fields(self) -> dict[Site, str]:
        """For each call, how much it sees of the first input that it depends on."""
        from lamella.anatomy.field import fields

        inputs, found = self.anatomy.trace.inputs, {}
        for index in range(len(inputs)):
            of = f" (input {index})" if index else ""
            for site, field in fields(self.anatomy, index).items():
                found.setdefault(site, f"{field}{of}")
        return found

    @cached_property
    def _inputs(self) -> dict[Any, str]:
        """{(the model, i): address of the `Input` that takes its input i}."""
        calls = [call for call in self.anatomy.trace.inner if not call.inputs]
        return {value.enters: self._places[id(call)] for call in calls for value in call.outputs if value.enters}

    @cached_property
    def _trained(self) -> set[int]:
        return {id(variable) for variable in self.anatomy.subject.trainable_weights}

    def address(self, thing: Any) -> str:
        """Where a layer or op stands; "" where that is not known."""
        return self._places.get(id(thing), "")

    def cells(self, line: Line, shape: str) -> tuple[Any, ...]:
        """A value for each column: numbers, texts, or None where it is not known."""
        return tuple(shape if name == "output" else _READ[name](self, line) for name in self.names)

    def notes(self, lines: list[Line]) -> list[str]:
        """All MACs together, why some are unknown, and how many no line stands for."""
        if "macs" not in self.names or self.anatomy is None:
            return []
        growth = self._costs.growth(self.anatomy.trace)
        if self._costs.macs is None and growth is not None:
            return [f"{growth} MACs for one sample, where n is each size of the input that is not known."]
        listed = [self._cost(line, lambda cost: cost.macs) for line in lines]
        between = self._costs.known_macs - sum(macs or 0 for macs in listed)
        known = f"{self._costs.known_macs:,} MACs for one sample"
        return [
            *(
                [known + (f", {between:,} of them in plain code between the layers." if between > 0 else ".")]
                if self._costs.known_macs or self._costs.macs == 0
                else []
            ),
            *(f"some MACs are unknown: {reason}." for reason in self._costs.reasons),
        ]

    def _params(self, line: Line, trained: bool | None = None) -> int | None:
        if trained is None:
            return sum(math.prod(v.shape) for v in line.variables)
        if self.anatomy is None:
            return None
        return sum(math.prod(v.shape) for v in line.variables if (id(v) in self._trained) is trained)

    def _cost(self, line: Line, of: Callable[[CallCost], int | None]) -> int | None:
        if not line.known and not line.sites:
            return None
        found = [of(self._costs[site]) for site in line.sites]
        return None if None in found else sum(n for n in found if n is not None)

    def _macs(self, line: Line) -> int | str | None:
        """A number; or where sizes are not known, how it grows with them."""
        known = self._cost(line, lambda cost: cost.macs)
        if known is not None or not line.sites:
            return known
        from lamella.anatomy.cost import Growth

        found = [self._costs.growth(site) for site in line.sites]
        return None if None in found else str(sum((g for g in found if g is not None), Growth([])))

    def _field(self, line: Line) -> str:
        return ", ".join(dict.fromkeys(self._fields[site] for site in line.ends if site in self._fields))

    def _connected(self, line: Line) -> str:
        found = [self._source(value) for value in line.sources]
        own = {self._places.get(id(site)) for site in line.sites}  # an `Input` is where its value begins
        return ", ".join(dict.fromkeys(found) if line.title else (one for one in found if one not in own))

    def _source(self, value: Value) -> str:
        """The address of the call that made a value; through the borders of models that it came in by."""
        while value.enters is not None and value.enters[0].parent is not None and value.enters[0].inputs:
            site, index = value.enters
            value = site.inputs[index]
        made = value.site or origin(value).site
        if made is None:
            return self._inputs.get(value.enters, "input")
        if made.operation is None:
            return f"code({', '.join(self._source(v) for v in made.inputs)})"
        return self._places.get(id(made), made.operation.name)


_READ: dict[str, Callable[[Columns, Line], Any]] = {
    "address": lambda columns, line: "" if line.title else columns.address(line.operations[0]),
    "calls": lambda columns, line: "" if line.title else len(line.sites) if line.known else None,
    "params": lambda columns, line: columns._params(line),
    "trainable": lambda columns, line: columns._params(line, True),
    "frozen": lambda columns, line: columns._params(line, False),
    "macs": lambda columns, line: columns._macs(line),
    "memory": lambda columns, line: columns._cost(line, lambda cost: cost.output_bytes),
    "field": lambda columns, line: columns._field(line),
    "connected": lambda columns, line: columns._connected(line),
}
