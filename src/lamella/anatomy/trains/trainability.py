"""What trains in a model, what does not, and why."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from lamella.anatomy.address import Part, parts_of
from lamella.anatomy.trains.freeze import Tree
from lamella.errors import unknown
from lamella.graph import Site, trace
from lamella.layers import BatchNormalization, Layer
from lamella.state import frame


@dataclass(frozen=True)
class Trains:
    """Whether one layer trains.

    why:        its own flag, a layer around it, the flags of its weights, no weights, or no call.
    statistics: for BatchNormalization, whether its moving statistics move in training, and why not.
    called:     the address of the call that says `training=False`, if one does for all its calls.
    trainable, frozen: how many parameters train, and how many do not.
    """

    address: str
    layer: str
    trains: bool
    why: str
    statistics: str | None
    called: str | None
    trainable: int
    frozen: int


@dataclass(frozen=True)
class Trainability:
    """Which layers train, and why: a row for each, and totals that count shared weights once."""

    model: str
    rows: tuple[Trains, ...]
    trainable: int
    frozen: int

    def __iter__(self) -> Iterator[Trains]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, address: str) -> Trains:
        rows = {row.address: row for row in self.rows}
        if address not in rows:
            raise unknown(f"layer in {self.model!r}", address, rows)
        return rows[address]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        head = f"{self.model}: {self.trainable:,} parameters train, {self.frozen:,} do not"
        lines = [(row.address, row.layer, "trains" if row.trains else "-", _reasons(row)) for row in self.rows]
        widths = [max((len(line[column]) for line in lines), default=0) for column in range(3)]
        return "\n".join([head, *("  ".join([*map(str.ljust, line[:3], widths), line[3]]) for line in lines)])

    __repr__ = __str__


def _reasons(row: Trains) -> str:
    return row.why if row.statistics is None else f"{row.why}; statistics {row.statistics}"


def trainability(anatomy: Any) -> Trainability:
    """What `Anatomy.trainability` does."""
    subject, seen = anatomy.subject, anatomy.trace
    with frame(training=True):  # so that what passes `training` on is told from what says it
        found: dict[str, list[Part]] = {}
        root = trace(subject, *seen.args, **seen.kwargs)
        for part in parts_of(root):
            if isinstance(part.thing, Layer):
                found.setdefault(part.place, []).append(part)
    report = _Report(subject, root, [part for parts in found.values() for part in parts if part.site])
    rows = tuple(report.row(address, parts) for address, parts in found.items())
    return Trainability(subject.name, rows, _size(subject.trainable_weights), _size(subject.non_trainable_weights))


class _Report:
    def __init__(self, subject: Layer, root: Site, called: list[Part]):
        self._addresses = {part.site: part.address for part in called}
        self._layers = {part.thing: part.place for part in reversed(called)}
        self._closed = {site.operation for site in root.walk() if site.note}
        self._tree = Tree(subject)
        self._subject = subject
        self._trained = {id(variable) for variable in subject.trainable_weights}

    def row(self, address: str, parts: list[Part]) -> Trains:
        layer: Any = parts[0].thing
        sites = [part.site for part in parts if part.site is not None]
        unseen = any(step.container in self._closed for step in parts[0].steps)
        called = bool(sites) or unseen
        trained = [variable for variable in layer.weights if id(variable) in self._trained]
        frozen = self._frozen_by(layer)
        why = self._why(layer, trained, called, frozen)
        return Trains(
            address,
            type(layer).__name__,
            bool(trained) and called,
            f"{why}, if it is called, which cannot be seen" if unseen and not sites and trained else why,
            self._statistics(layer, sites, frozen) if isinstance(layer, BatchNormalization) and sites else None,
            self._called(sites),
            _size(trained) if called else 0,
            _size(layer.weights) - (_size(trained) if called else 0),
        )

    def _why(self, layer: Any, trained: list[Any], called: bool, frozen: Layer | None) -> str:
        if not layer.weights:
            return "no weights"
        if not called:
            return "never called"
        if frozen is not None and not trained:
            return "its own flag: trainable=False" if frozen is layer else f"{self._name(frozen)} is frozen"
        inside = [one for one in layer._inner_layers_() if one.weights]
        if not trained and inside:
            return "everything inside of it is frozen"
        still = [variable for variable in layer.weights if variable.made_trainable and not self._trains(variable)]
        off = [variable.name for variable in still]
        if not trained:
            return f"its weights are frozen one by one: {', '.join(off)}" if off else "its weights are not trained"
        whole = [one for one in inside if not any(map(self._trains, one.weights))]
        if whole:
            return f"a part of it: {len(whole)} of the {len(inside)} layers with weights inside are frozen"
        return f"a part of it: {', '.join(off)} is frozen" if off else "nothing freezes it"

    def _trains(self, variable: Any) -> bool:
        return id(variable) in self._trained

    def _frozen_by(self, layer: Layer) -> Layer | None:
        """The model, or the outermost of those around it up to itself whose flags say that they do not train."""
        if not self._subject._trainable:
            return self._subject
        if layer._trainable:
            return None
        above = [self._frozen_by(around) for around in self._tree.around(layer)]
        return next((one for one in above if one is not None), layer)

    def _name(self, layer: Layer) -> str:
        return "the whole model" if layer is self._subject else repr(self._layers.get(layer, layer.name))

    # Training or inference

    def _statistics(self, layer: BatchNormalization, sites: list[Site], frozen: Layer | None) -> str:
        still = [site for site in sites if _stops(site) is not None]
        if len(still) == len(sites):
            return f"stand still: called with training=False{self._at(sites)}"
        if frozen is not None:
            return "stand still: frozen, so it runs in inference mode"
        return "move" if not still else f"move, in {len(sites) - len(still)} of {len(sites)} calls"

    def _at(self, sites: list[Site]) -> str:
        address = self._called(sites)
        return f" at {address!r}" if address else ""

    def _called(self, sites: list[Site]) -> str | None:
        stops = [_stops(site) for site in sites]
        if not stops or None in stops:
            return None
        return ", ".join(dict.fromkeys(self._addresses.get(site, "") for site in stops))  # type: ignore[arg-type]


def _stops(site: Site) -> Site | None:
    """The call whose `training=False` holds in a call, when everything is called with training=True."""
    above = _stops(site.parent) if site.parent is not None else None
    if site.training is None or site.parent is None:
        return above
    if site.training is False:
        return above or site
    parent: Any = site.parent.operation
    said_here = parent is not None and parent.recorded(site.parent.args, site.parent.kwargs) is not None
    return None if said_here else above  # elsewhere it may be passed on


def _size(variables: list[Any]) -> int:
    return sum(math.prod(variable.shape) for variable in {id(v): v for v in variables}.values())
