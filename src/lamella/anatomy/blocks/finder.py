"""Finder: recognises blocks by the calls at which paths join, and by what lies on the paths."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

from lamella.anatomy.blocks import roles
from lamella.anatomy.blocks.bottleneck import Bottlenecks, inverted
from lamella.anatomy.blocks.region import Paths
from lamella.graph import Site

_STACKED = frozenset({"residual", "inverted residual", "attention", "feed-forward"})


@dataclass
class Found:
    """A block before it has words: its calls by their numbers in the paths.

    identity: the entry itself is one of the values that are joined.
    variant:  of an inverted residual: "expanded", "unexpanded" or "fused".
    main:     the body without the gates in it.
    """

    kind: str
    entry: int
    end: int
    body: list[int]
    shortcut: list[int] = field(default_factory=list)
    identity: bool = False
    after: list[int] = field(default_factory=list)
    variant: str = ""
    main: list[int] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        return sorted({*self.body, *self.shortcut, self.end, *self.after})


class Finder:
    """Finds the blocks of one model."""

    def __init__(self, paths: Paths):
        self.paths = paths
        self.blocks: list[Found] = []

    def found(self) -> list[Found]:
        """The blocks in the order they run, outer ones first."""
        for number in range(self.paths.first, len(self.paths.before)):
            self._at(number)
        self._dense_blocks()
        self._bottlenecks()
        for block in self.blocks:
            block.main = self._main(block.body)
        return sorted(self.blocks, key=lambda block: (block.numbers[0], -len(block.numbers)))

    def _bottlenecks(self) -> None:
        """Inverted residuals that nothing is added to."""
        known = {n for block in self.blocks if block.kind == "inverted residual" for n in block.body}
        gates = {block.entry: block.end for block in self.blocks if block.kind == "squeeze-excite"}
        for entry, end, expands in Bottlenecks(self.paths, gates).found(known):
            variant = "expanded" if expands else "unexpanded"
            body = self.paths.between(entry, end)
            self.blocks.append(Found("inverted residual", entry, end, body, variant=variant))

    # Where paths join

    def _at(self, number: int) -> None:
        how = roles.joins(self.paths.site(number)) if len(self.paths.before[number]) > 1 else None
        if how is None:
            return
        first, *others = sorted(self.paths.before[number])
        identity = all(self.paths.leads(first, other) for other in others)
        entry = first if identity else reduce(self.paths.common, self.paths.before[number])
        if entry < 0:
            return
        block = Found("", entry, number, self.paths.between(entry, number), identity=identity)
        kind = getattr(self, f"_{how}")(block)
        if kind:
            block.kind = kind
            self.blocks.append(block)

    def _sites(self, numbers: Iterable[int]) -> list[Site]:
        return [self.paths.site(number) for number in numbers]

    def _add(self, block: Found) -> str | None:
        if not any(map(_computes, self._sites(block.body))):
            return None
        if not block.identity and not self._projected(block):
            return None
        self._take_after(block)
        sites = self._sites(self._main(block.body))
        if any(map(roles.grows, sites)) or any(s.kind in _STACKED and s.end in block.body for s in self.blocks):
            return "skip"
        if roles.attends(sites):
            return "attention"
        return self._kind_of_body(block, sites)

    def _kind_of_body(self, block: Found, sites: list[Site]) -> str:
        convolutions = [site for site in sites if roles.is_convolution(site)]
        dense = [site for site in sites if roles.is_dense(site)]
        norms = any(map(roles.is_normalization, [*sites, *self._sites(block.after)]))
        if len(dense) > 1 and not convolutions and norms:
            return "feed-forward"
        last = sites.index(convolutions[-1]) if convolutions else 0
        variant = None if any(map(roles.is_activation, sites[last:])) else inverted(convolutions)
        block.variant = variant or ""
        return "residual" if variant is None else "inverted residual"

    def _projected(self, block: Found) -> bool:
        """Splits off a shortcut with at most one convolution, if the other path holds more."""
        branches = sorted(self.paths.branches(block.entry, block.end), key=self._weight)
        weights = [self._weight(branch) for branch in branches]
        if not branches[0] or weights[0] > 1 or weights[0] >= weights[1]:
            return False
        block.shortcut = branches[0]
        block.body = [number for number in block.body if number not in branches[0]]
        return True

    def _weight(self, numbers: list[int]) -> int:
        return sum(map(_computes, self._sites(numbers)))

    def _take_after(self, block: Found) -> None:
        """An activation or normalisation that only the sum goes to belongs to the block."""
        after = self.paths.after(block.end)
        if len(after) != 1 or self.paths.only_before(after[0]) is None:
            return
        site, first = self.paths.site(after[0]), self.paths.site(block.body[0])
        convolves = any(map(roles.is_convolution, self._sites(block.body)))
        activates = roles.is_activation(site) and not roles.is_activation(first)
        normalizes = roles.is_normalization(site) and not roles.is_normalization(first) and not convolves
        block.after = after if activates or normalizes else []

    def _main(self, numbers: list[int]) -> list[int]:
        """Without the calls in squeeze-excite blocks among them."""
        inside = {n for s in self.blocks if s.kind == "squeeze-excite" and s.end in numbers for n in s.body}
        return [number for number in numbers if number not in inside]

    def _concatenate(self, block: Found) -> str | None:
        sites = self._sites(block.body)
        if any(map(roles.grows, sites)):
            return "skip" if block.identity or any(map(_computes, sites)) else None
        if block.identity:
            return "dense" if any(map(_computes, sites)) else None
        ways = self.paths.branches(block.entry, block.end)
        convolved = sum(any(map(roles.is_convolution, self._sites(way))) for way in ways)
        parallel = sum(map(len, ways)) == len(block.body)
        return "inception" if len(ways) > 2 and convolved > 1 and parallel else None

    def _multiply(self, block: Found) -> str | None:
        sites = self._sites(block.body)
        if not (block.identity and any(map(roles.pools_all, sites)) and any(map(_computes, sites))):
            return None
        return "squeeze-excite"

    def _dense_blocks(self) -> None:
        """Concatenations that follow on each other are the layers of one dense block."""
        chains: list[list[Found]] = []
        for block in [block for block in self.blocks if block.kind == "dense"]:
            follows = chains and chains[-1][-1].end == block.entry
            chains[-1].append(block) if follows else chains.append([block])
        for first, *_, last in [chain for chain in chains if len(chain) > 1]:
            body = self.paths.between(first.entry, last.end)
            self.blocks.append(Found("dense", first.entry, last.end, body, identity=True))
        for block in [block for chain in chains if len(chain) > 1 for block in chain]:
            block.kind = "dense layer"


def _computes(site: Site) -> bool:
    """Whether a call has weights of its own that mix what it takes, or is plain code that multiplies."""
    if site.operation is None:
        return bool(roles.primitives(site) & {"dot_general", "conv_general_dilated", "convolve"})
    return roles.has_weights(site) and not roles.is_normalization(site) and not roles.is_activation(site)
