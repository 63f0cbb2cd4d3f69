"""How much device memory a model needs: weights, activations, gradients, optimizer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax

from lamella.anatomy.wiring import Wiring
from lamella.graph import Site, Value
from lamella.state import Variable, frame


@dataclass(frozen=True)
class Memory:
    """Bytes, each kind apart.

    weights:     all weights of the model, as they are kept.
    activations: inference: the most that is alive at once, where the model's inputs and what each
                 innermost call returns live from there to their last use (`at` is the call where
                 that is).  Training: the inputs and all that the calls return, kept for the gradients.
                 None if a size is unknown.  Work space inside of a call does not count, nor
                 that a compiler joins calls or computes something again, which takes less.
    gradients:   in training, one for each weight that trains.
    optimizer:   in training, the state of the model's optimizer, if it has one.
    """

    weights: int
    activations: int | None
    gradients: int = 0
    optimizer: int = 0
    at: Site | None = None

    @property
    def total(self) -> int | None:
        """All of it."""
        others = self.weights + self.gradients + self.optimizer
        return None if self.activations is None else others + self.activations


def memory(subject: Any, single: Site, runs: dict[Site, int | None], batch: int, training: bool) -> Memory:
    """What a batch needs.

    Args: single: the model's call on one sample; `runs`: how often loops run each call in it.
    """
    wiring, weights = Wiring(single), size_of(subject.weights)
    if not training:
        most, at = _peak(wiring)
        return Memory(weights, None if most is None else most * batch, at=at)
    kept = _kept(wiring, runs)
    trained = subject.trainable_weights
    activations = None if kept is None else kept * batch
    return Memory(weights, activations, size_of(trained), _optimizer_bytes(subject, trained))


def size_of(variables: list[Variable]) -> int:
    """How many bytes variables take."""
    return sum(math.prod(v.shape) * _itemsize(v.dtype) for v in variables)


def bytes_of(values: list[Value]) -> int | None:
    """How many bytes values take, strings none; None if a size is unknown."""
    if any(None in value.shape for value in values):
        return None
    return sum(math.prod(v.shape) * _itemsize(v.dtype) for v in values)  # type: ignore[arg-type]


def _itemsize(dtype: str) -> int:
    return 0 if dtype == "string" else jax.numpy.dtype(dtype).itemsize


def _peak(wiring: Wiring) -> tuple[int | None, Site | None]:
    """The most bytes alive at once, and the call where that is."""
    place = {site: index for index, site in enumerate(wiring.sites)}
    dies: dict[int, list[int]] = {}
    exits = {id(value) for value in wiring.exits}
    born: dict[int, int] = {-1: 0}
    values = [(-1, value) for value in wiring.entries]
    values += [(index, value) for index, site in enumerate(wiring.sites) for value in site.outputs]
    for start, value in values:
        size = bytes_of([value])
        if size is None:
            return None, None
        born[start] = born.get(start, 0) + size
        uses = [place[user] for user in wiring.users.get(id(value), ())]
        last = len(place) if id(value) in exits else max([start, *uses])
        dies.setdefault(last, []).append(size)
    alive, most, at = born[-1], born[-1], None
    for index, site in enumerate(wiring.sites):
        alive += born.get(index, 0)
        if alive > most:
            most, at = alive, site
        alive -= sum(dies.get(index, ()))
    return most, at


def _kept(wiring: Wiring, runs: dict[Site, int | None]) -> int | None:
    """The bytes of the inputs and of all that calls return."""
    sizes = [bytes_of([value]) for value in wiring.entries]
    for site in wiring.sites:
        times = runs.get(site, 1)
        sizes += [None if times is None or (size := bytes_of([v])) is None else size * times for v in site.outputs]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _optimizer_bytes(subject: Any, trained: list[Variable]) -> int:
    """What the model's optimizer keeps, or will keep once it is built."""
    optimizer = getattr(subject, "optimizer", None)
    if optimizer is None:
        return 0
    if not optimizer.built:
        with frame(deferred=True):
            optimizer = type(optimizer).from_config(optimizer.get_config())
            optimizer.build(trained)
    return size_of(optimizer.variables)
