"""Counts: how many layers and blocks a model has, and how deep it is, as the literature counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lamella.anatomy.blocks import roles
from lamella.anatomy.blocks.block import blocks
from lamella.anatomy.wiring import Wiring
from lamella.graph import FunctionOp, Site
from lamella.layers import Layer


@dataclass(frozen=True)
class Counts:
    """How many of what a model has.

    listed:        layers as `model.layers` lists them, `InputLayer`s included.
    with_weights:  those of them that have weights.
    by_class:      layers that hold no others, by class, each once however often it is called and wherever it is.
    convolutions, recurrent, dense, normalizations, activations: the same by purpose (activations: layers of their own;
                   recurrent layers with their cells are one each, a wrapper of two is two).
    ops:           calls of operations between layers (`x + y`, `ops.relu(x)`).
    projections:   convolutions on the shortcuts of residual blocks.
    depth:         the most convolutions, recurrent and dense layers on one path from input to output; a separable
                   convolution is one.  Shortcut projections lie beside longer paths, so they do not
                   count: the 50 of ResNet50, the 121 of DenseNet121, the 48 of InceptionV3.
    blocks:        how many there are of each kind.
    """

    listed: int
    with_weights: int
    by_class: dict[str, int]
    convolutions: int
    recurrent: int
    dense: int
    normalizations: int
    activations: int
    ops: int
    projections: list[Site]
    depth: int
    blocks: dict[str, int]

    def sentence(self) -> str:
        """The counts as one would say them."""
        said = f"{self.listed:,} layers listed, {self.with_weights:,} with weights, "
        recurrent = f"{_counted(self.recurrent, 'recurrent layer')}, " if self.recurrent else ""
        said += f"{recurrent}{_counted(self.convolutions, 'convolution')} and {_counted(self.dense, 'dense layer')}"
        if self.projections:
            many = len(self.projections)
            verb, which = ("is a", "is") if many == 1 else ("are", "are")
            said += f"; {many} of those {verb} shortcut projection{'s' if many > 1 else ''}, which {which} not counted"
        said += f" → {self.depth}"
        kinds = [_counted(n, f"{kind} block") for kind, n in self.blocks.items() if kind != "dense layer"]
        return f"{said}; {', '.join(kinds)}" if kinds else said


def counts(A: Any) -> Counts:  # noqa: N803 - an Anatomy is called A everywhere
    """Counts layers and blocks.

    Example: >>> A = Sequential([Input((8, 8, 3)), Conv2D(4, 3), Flatten(), Dense(2)]).anatomy
             >>> from lamella.anatomy.blocks.counts import counts
             >>> counts(A).sentence()
             '3 layers listed, 2 with weights, 1 convolution and 1 dense layer → 2'
    """
    found, sites = blocks(A), list(A.trace.walk())
    listed = getattr(A.subject, "layers", None)
    listed = A.subject._sublayers_() if listed is None else listed
    within = {id(inner) for site in sites if roles.is_recurrent(site) for inner in site.walk() if inner is not site}
    whole = [site for site in sites if id(site) not in within and (_is_leaf(site) or roles.is_recurrent(site))]
    once = list({id(site.operation): site for site in whole}.values())
    projections = [site for block in found for site in block.shortcut if roles.is_convolution(site)]
    return Counts(
        listed=len(listed),
        with_weights=sum(bool(layer.weights) for layer in listed),
        by_class=dict(Counter(type(site.operation).__name__ for site in once)),
        **{name: sum(map(test, once)) for name, test in _PURPOSES.items()},
        ops=sum(isinstance(site.operation, FunctionOp) for site in sites),
        projections=projections,
        depth=_depth(A.trace),
        blocks=dict(Counter(block.kind for block in found)),
    )


_PURPOSES: dict[str, Callable[[Site], bool]] = {
    "convolutions": roles.is_convolution,
    "recurrent": roles.is_recurrent,
    "dense": roles.is_dense,
    "normalizations": roles.is_normalization,
    "activations": lambda site: roles.is_a(site, roles.ACTIVATIONS),
}


def _is_leaf(site: Site) -> bool:
    return isinstance(site.operation, Layer) and not site.operation.composite


def _depth(root: Site) -> int:
    """The most convolutions, recurrent and dense layers that one path passes."""
    wiring, depth = Wiring(root, roles.is_recurrent), {}
    for site in wiring.sites:
        before = max((depth.get(value.site, 0) for value in wiring.sources[site]), default=0)
        depth[site] = before + (roles.is_convolution(site) or roles.is_dense(site) or roles.is_recurrent(site))
    return max((depth.get(value.site, 0) for value in wiring.exits), default=0)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
