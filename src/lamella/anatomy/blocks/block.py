"""Blocks: parts of a network that start from one value and end where its paths join again.

Each is recognised by what the graph holds, and says by what (`evidence`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from lamella.anatomy.blocks.evidence import Words, stem
from lamella.anatomy.blocks.finder import Finder, Found
from lamella.anatomy.blocks.region import Paths
from lamella.anatomy.blocks.signature import signature
from lamella.graph import Site, Value


@dataclass(eq=False)
class Block:
    """A part of a network of a known kind.

    kind:     "residual", "inverted residual", "dense" (made of "dense layer"s), "squeeze-excite", "inception",
              "skip", "attention" or "feed-forward".
    label:    the kind in words, with its variant.
    evidence: a sentence: by what it was recognised.
    name:     what the addresses of its calls begin with.
    entry:    the value it starts from; `end`: the call that joins its paths, or the last one.
    sites:    its calls in order: `body` and `shortcut`, the end, and those `after` it that belong to it.
    container: the innermost model or layer that holds all of it.
    outer:    the block it lies in.
    """

    kind: str
    label: str
    evidence: str
    name: str
    entry: Value
    end: Site
    sites: list[Site]
    body: list[Site]
    shortcut: list[Site]
    after: list[Site]
    container: Site
    signature: Any = field(repr=False)
    outer: Block | None = None

    @property
    def last(self) -> Site:
        """The call whose result is the block's."""
        return self.after[-1] if self.after else self.end

    def __repr__(self) -> str:
        return f"<Block {self.name}: {self.label}>"


@dataclass(frozen=True)
class Run:
    """Structurally equal units, one after the other; each is one block or a few."""

    units: list[list[Block]]

    @property
    def times(self) -> int:
        return len(self.units)


def blocks(A: Any) -> list[Block]:  # noqa: N803 - an Anatomy is called A everywhere
    """The blocks that a model is made of, in the order they run, outer ones first.

    Example: >>> x = Input((8,))
             >>> model = Model(x, Add()([x, Dense(8)(Dense(8, activation="relu")(x))]))
             >>> from lamella.anatomy.blocks.block import blocks
             >>> [block.label for block in blocks(model.anatomy)]
             ['residual block (identity shortcut)']
    """
    paths = Paths(A.trace)
    found = Finder(paths).found()
    words = Words(A, paths)
    return _nested([_block(paths, words, one) for one in found])


def _block(paths: Paths, words: Words, found: Found) -> Block:
    label, evidence = words.of(found)
    sites, body, shortcut, after = (
        [paths.site(number) for number in part] for part in (found.numbers, found.body, found.shortcut, found.after)
    )
    return Block(
        *(found.kind, label, evidence, stem(words.address(number) for number in found.numbers)),
        *(paths.value(found.entry), paths.site(found.end), sites, body, shortcut, after),
        container=_container(sites),
        signature=signature(paths, found.numbers),
    )


def _container(sites: list[Site]) -> Site:
    """The innermost call that holds all of them."""
    chains = [list(_around(site)) for site in sites]
    shared = [one[0] for one in zip(*(reversed(chain) for chain in chains), strict=False) if len(set(one)) == 1]
    return shared[-1]


def _around(site: Site) -> Iterator[Site]:
    while site.parent is not None:
        site = site.parent
        yield site


def _nested(found: list[Block]) -> list[Block]:
    """Says of each block which one it lies in."""
    owner: dict[Site, Block] = {}
    for block in sorted(found, key=lambda block: -len(block.sites)):
        outer = owner.get(block.end)
        while outer is not None and not set(block.sites) <= set(outer.sites):
            outer = outer.outer
        block.outer = outer
        owner.update(dict.fromkeys(block.sites, block))
    return found


# Equal neighbours

_LONGEST_UNIT = 4


def runs(found: list[Block]) -> list[Run]:
    """Where equal blocks, or groups of up to four, follow directly on each other; outer blocks with outer ones."""
    sequences: dict[int, list[Block]] = {}
    for block in found:
        sequences.setdefault(id(block.outer), []).append(block)
    return [run for sequence in sequences.values() for chain in _chains(sequence) for run in _repeated(chain)]


def _chains(sequence: list[Block]) -> Iterator[list[Block]]:
    """Parts of a sequence in which each block starts from what the one before returns."""
    chain: list[Block] = []
    for block in sequence:
        if chain and block.entry not in chain[-1].last.outputs:
            yield chain
            chain = []
        chain.append(block)
    if chain:
        yield chain


def _repeated(chain: list[Block]) -> Iterator[Run]:
    start = 0
    while start < len(chain):
        times, length = max(
            ((_times(chain, start, length), length) for length in range(1, _LONGEST_UNIT + 1)),
            key=lambda one: ((one[0] > 1) * one[0] * one[1], -one[1]),
        )
        if times > 1:
            yield Run([chain[start + k * length : start + (k + 1) * length] for k in range(times)])
        start += times * length if times > 1 else 1


def _times(chain: list[Block], start: int, length: int) -> int:
    """How often the unit of a length that starts there follows on itself."""
    groups = [chain[i : i + length] for i in range(start, len(chain) - length + 1, length)]
    times = 1
    for one, other in pairwise(groups):
        if [block.signature for block in one] != [block.signature for block in other]:
            break
        times += 1
    return times
