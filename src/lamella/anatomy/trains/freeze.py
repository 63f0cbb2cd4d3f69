"""Freezing and unfreezing by address, so that what is asked for is what trains."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

from lamella.anatomy.blocks import blocks
from lamella.errors import ArgumentError, unknown
from lamella.layers import BatchNormalization, InputLayer, Layer
from lamella.state import Variable, changes

_BN = ("inference", "stats", "train")


def freeze(anatomy: Any, where: Any = None, bn: str = "inference") -> None:
    """What `Anatomy.freeze` does."""
    if bn not in _BN:
        raise unknown("way to freeze BatchNormalization (`bn`)", bn, _BN)
    tree = Tree(anatomy.subject)
    for thing in _picked(anatomy, where):
        if isinstance(thing, Variable):
            thing.trainable = False
        else:
            _freeze(thing, bn, tree)


def unfreeze(anatomy: Any, where: Any = None, from_: str | int | None = None) -> None:
    """What `Anatomy.unfreeze` does."""
    tree, things = Tree(anatomy.subject), _picked(anatomy, where)
    if from_ is None:
        for thing in things:
            _unfreeze(thing, tree)
        return
    model = things[0]
    if len(things) != 1 or not isinstance(model, Layer) or not model._sublayers_():
        raise ArgumentError(
            "`from_` is a place inside of one model.",
            received=", ".join(thing.name for thing in things[:5]) + (" …" if len(things) > 5 else ""),
            fix="select one model; leave the address out for the whole",
        )
    address = "" if model is anatomy.subject else anatomy.address(model)
    levels = _levels(anatomy, address, model, from_)
    if isinstance(from_, int):
        _warn_inside_block(anatomy, model, from_)
    tree.open(model)
    for model, first in levels:
        _train_from(model, first)


def _picked(anatomy: Any, where: Any) -> list[Any]:
    things = [anatomy.subject] if where is None else [part.thing for part in anatomy[where].parts]
    return [thing for thing in dict.fromkeys(things) if isinstance(thing, (Layer, Variable))]


class Tree:
    """What is inside of what, whichever way it is called."""

    def __init__(self, root: Layer):
        self._around: dict[Layer, list[Layer]] = {}
        self._layers = (root, *root._inner_layers_())
        for layer in self._layers:
            for inner in layer._sublayers_():
                self._around.setdefault(inner, []).append(layer)  # type: ignore[arg-type]

    def around(self, layer: Layer) -> list[Layer]:
        """The layers that have it directly inside."""
        return self._around.get(layer, [])

    def open(self, layer: Layer) -> None:
        """Lets training in from outside: nothing around the layer is frozen, and nothing else starts to train."""
        for around in self.around(layer):
            self.open(around)
            if not around._trainable:
                around.trainable = False  # also what says that it trains, and does not
                open_only(around)

    def owner(self, variable: Variable) -> Layer:
        """The layer that has a weight of its own."""
        return next(one for one in self._layers if any(variable is own for own in one._own_variables_()))


def open_only(layer: Any) -> None:
    """Says that a layer trains, and leaves what is inside as it is; its own weights stay frozen."""
    for variable in layer._own_variables_():
        variable.trainable = False
    layer._trainable = True
    changes.count += 1


def _freeze(layer: Any, bn: str, tree: Tree) -> None:
    """Freezes a layer; where its BatchNormalization goes on, only what is beside that."""
    normalizations = [one for one in (layer, *layer._inner_layers_()) if isinstance(one, BatchNormalization)]
    if bn == "inference" or not normalizations:
        layer.trainable = False
    elif isinstance(layer, BatchNormalization):
        tree.open(layer)
        layer.trainable = True
        if bn == "stats":
            open_only(layer)
    else:
        tree.open(layer)
        open_only(layer)
        for inner in layer._sublayers_():
            _freeze(inner, bn, tree)


def _unfreeze(thing: Any, tree: Tree) -> None:
    if isinstance(thing, Layer):
        tree.open(thing)
        thing.trainable = True
        return
    if not thing.made_trainable:
        raise ArgumentError(
            f"The weight {thing.path!r} has no gradient to train by: its layer moves it by a rule of its own.",
            fix="unfreeze the layer",
        )
    tree.open(owner := tree.owner(thing))
    if not owner._trainable:
        owner.trainable = False  # what is beside it stays frozen
        open_only(owner)
    thing.trainable = True


# From a place in a model on


def _levels(anatomy: Any, address: str, model: Any, from_: str | int) -> list[tuple[Any, Layer]]:
    """(model, first layer in it that trains), outermost first: what lies in models inside has several."""
    inside = _listed(model)
    if isinstance(from_, int):
        if not -len(inside) <= from_ < len(inside):
            raise ArgumentError(
                f"{model.name!r} has no layer at index {from_}.", expected=f"{-len(inside)} to {len(inside) - 1}"
            )
        return [(model, inside[from_])]
    steps = anatomy[f"{address}/{from_}" if address else from_].parts[0].steps
    path = [model, *(step.thing for step in steps[address.count("/") + 1 if address else 0 :])]
    if not all(isinstance(layer, Layer) for layer in path):
        raise ArgumentError(f"{from_!r} is no layer of {model.name!r}.", expected="an address, or an index")
    return list(pairwise(path))


def _listed(model: Any) -> list[Any]:
    layers = getattr(model, "layers", None)
    return layers if isinstance(layers, list) else model._sublayers_()


def _train_from(model: Any, first: Layer) -> None:
    """Trains a layer and those behind it, and freezes those before it."""
    inside = _listed(model)
    start = next((index for index, layer in enumerate(inside) if layer is first), None)
    if start is None and not isinstance(first, InputLayer):
        raise ArgumentError(
            f"{first.name!r} is not directly inside {model.name!r}.",
            expected=f"one of {', '.join(repr(layer.name) for layer in inside[:12])}",
        )
    start = start or 0  # the input of a Sequential is before all of its layers
    for layer in inside[:start]:
        layer.trainable = False
    for layer in inside[start:]:
        layer.trainable = True
    open_only(model)


def _warn_inside_block(anatomy: Any, model: Any, index: int) -> None:
    """Says so when an index cuts a block of the model in two."""
    inside = _listed(model)
    place = {layer: number for number, layer in enumerate(inside)}
    index %= len(inside)
    for block in blocks(anatomy):
        numbers = sorted(place[site.operation] for site in block.sites if site.operation in place)
        if block.container.operation is model and numbers and numbers[0] < index <= numbers[-1]:
            start = inside[numbers[0]].name
            warnings.warn(
                f"from_={index} is {inside[index].name!r}, inside of the {block.label} that starts at {numbers[0]} "
                f"({start!r}): its first part stays frozen. Write from_={start!r} to train the whole block.",
                stacklevel=4,
            )
            return
