"""Lines of a summary under the headings of their blocks; equal neighbours fold into one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lamella.anatomy.blocks import Block, blocks, runs
from lamella.anatomy.summary.lines import Line
from lamella.anatomy.wiring import is_library_layer
from lamella.graph import Site
from lamella.layers import InputLayer


def folded(anatomy: Any, lines: list[Line], root: Site) -> list[Line]:
    """Lines with a heading above each block, and of a run of equal blocks only the first."""
    return _Folder(blocks(anatomy)).folded(lines, root)


class _Folder:
    """Puts lines under headings.

    scopes: {call: the blocks among the calls right inside of it}.
    runs:   {id of the first block of a run: its units}.
    """

    def __init__(self, found: list[Block]):
        self.scopes: dict[Site, list[Block]] = {}
        for block in found:
            self.scopes.setdefault(_scope(block), []).append(block)
        self.runs = {id(run.units[0][0]): run.units for run in runs(found) if run.times > 1}

    def folded(self, lines: list[Line], container: Site) -> list[Line]:
        for line in lines:
            if line.inside and line.sites:
                line.inside = self.folded(line.inside, line.sites[0])
        return self._grouped(lines, self.scopes.get(container, []), container)

    def _grouped(self, lines: list[Line], found: list[Block], scope: Site) -> list[Line]:
        """The lines with headings for these blocks; blocks in blocks have headings among theirs."""
        line_of = {site: line for line in lines for site in line.sites}
        place = {id(line): number for number, line in enumerate(lines)}
        among = set(map(id, found))
        heads: dict[int, Line] = {}  # number of the first line → what stands there
        taken: set[int] = set()
        for block in found:
            if any(id(outer) in among for outer in _around(block)):
                continue
            units = self.runs.pop(id(block), [[block]])
            calls = [_calls(unit, scope) for unit in units]
            inside, *others = [_new(unit, line_of, place, taken) for unit in calls]
            if inside:
                below = [one for one in found if any(outer in units[0] for outer in _around(one))]
                below = below if len(units[0]) == 1 else [*units[0], *below]
                members = [*inside, *(line for other in others for line in other)]
                heads[place[id(inside[0])]] = head = _heading(units, members, [s for unit in calls for s in unit])
                head.inside = self._grouped(inside, below, scope)
        return [heads.get(n, line) for n, line in enumerate(lines) if n in heads or n not in taken]


def _new(calls: list[Site], line_of: dict[Site, Line], place: dict[int, int], taken: set[int]) -> list[Line]:
    """The lines of these calls that are under no heading yet, in the order they stand; they are taken now."""
    numbers = {place[id(line_of[site])]: line_of[site] for site in calls if site in line_of}
    found = [numbers[number] for number in sorted(numbers) if number not in taken]
    taken |= set(numbers)
    return found


def _heading(units: list[list[Block]], members: list[Line], calls: list[Site]) -> Line:
    """The heading of a block, or of a run of equal units of blocks."""
    first, last = units[0], units[-1]
    name = first[0].name if first[0] is last[-1] else f"{first[0].name} … {last[-1].name}"
    shown = set(calls)
    return Line(
        operations=[one for line in members for one in line.operations],
        sites=[site for line in members for site in line.sites if site in shown],
        ends=[last[-1].last],
        sources=[first[0].entry],
        known=True,
        title=name if len(units) == 1 else f"{name} ×{len(units)}",
        kind=", ".join(dict.fromkeys(block.label for block in first)),
        times=len(units),
    )


def _around(block: Block) -> Iterable[Block]:
    while block.outer is not None:
        block = block.outer
        yield block


def _calls(found: list[Block], scope: Site) -> list[Site]:
    """The calls right inside of the scope that the blocks are made of."""
    return list(dict.fromkeys(_up_to(scope, site) for block in found for site in block.sites))


def _up_to(scope: Site, site: Site) -> Site:
    while site.parent is not None and site.parent is not scope:
        site = site.parent
    return site


def _scope(block: Block) -> Site:
    """The call that holds the block and more: a layer that is the block, all of it, stands for it."""
    covered, site = set(block.sites), block.container
    while site.parent is not None and all(_is_covered(call, covered) for call in site.inner):
        site = site.parent
    return site


def _is_covered(call: Site, covered: set[Site]) -> bool:
    if call in covered or isinstance(call.operation, InputLayer):
        return True
    return not is_library_layer(call) and bool(call.inner) and all(_is_covered(one, covered) for one in call.inner)
