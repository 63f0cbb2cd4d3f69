"""Bottlenecks: expand, filter each channel, project, without an Add at the end.

Source: Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", arXiv:1801.04381.
"""

from __future__ import annotations

from collections.abc import Iterator

from lamella.anatomy.blocks import roles
from lamella.anatomy.blocks.region import Paths
from lamella.graph import Site


class Bottlenecks:
    """Finds a depthwise convolution and a 1 × 1 convolution to fewer channels that no activation follows.

    Args: gates: {where a squeeze-excite block starts: where it ends}.
    """

    def __init__(self, paths: Paths, gates: dict[int, int]):
        self.paths, self.gates = paths, gates

    def found(self, known: set[int]) -> Iterator[tuple[int, int, bool]]:
        """The entry and the end of each, and whether a 1 × 1 convolution widens first; `known` ones left out."""
        for number in range(self.paths.first, len(self.paths.before)):
            if number not in known and roles.is_depthwise(self.paths.site(number)):
                end = self._end(number)
                if end is not None:
                    start, expands = self._start(number)
                    yield self.paths.before[start][0], end, expands

    def _end(self, depthwise: int) -> int | None:
        """The projection, or the normalisation after it."""
        end = self._next(depthwise)
        if end is None or not _narrows(self.paths.site(end)) or not roles.is_linear(self.paths.site(end)):
            return None
        after = self.paths.after(end)
        if len(after) == 1 and roles.is_normalization(self.paths.site(after[0])):
            end = after[0]
        activated = any(roles.is_activation(self.paths.site(user)) for user in self.paths.after(end))
        return None if activated else end

    def _next(self, number: int) -> int | None:
        """The 1 × 1 convolution that follows, with only normalisation, activation and gates between."""
        while True:
            gated = number in self.gates
            after = [self.gates[number]] if gated else self.paths.after(number)
            if len(after) != 1:
                return None
            number, site = after[0], self.paths.site(after[0])
            if roles.is_convolution(site):
                return number if roles.is_pointwise(site) else None
            if not gated and not _passes(site):
                return None

    def _start(self, depthwise: int) -> tuple[int, bool]:
        """The first call of the block that a depthwise convolution is in, and whether it widens."""
        start = number = depthwise
        while (before := self.paths.only_before(number)) is not None and before >= self.paths.first:
            site = self.paths.site(before)
            if roles.is_convolution(site) and roles.is_pointwise(site):
                widens = (roles.channels_in(site) or 0) < (roles.channels_out(site) or 0)
                return (before, True) if widens else (start, False)
            if len(self.paths.after(before)) != 1 or not (_passes(site) or _pads(site)):
                break
            number, start = before, before if _pads(site) and start == number else start
        return start, False


def inverted(convolutions: list[Site]) -> str | None:
    """Which inverted residual convolutions make: wide inside, projected by a last 1 × 1 without activation."""
    if len(convolutions) < 2 or not roles.is_pointwise(convolutions[-1]) or not roles.is_linear(convolutions[-1]):
        return None
    wide, narrow = roles.channels_out(convolutions[-2]) or 0, roles.channels_out(convolutions[-1]) or 0
    if wide <= narrow:
        return None
    if roles.is_depthwise(convolutions[-2]):
        return "expanded" if len(convolutions) > 2 and roles.is_pointwise(convolutions[-3]) else "unexpanded"
    return "fused" if len(convolutions) == 2 and max(roles.window(convolutions[0])) > 1 else None


def _passes(site: Site) -> bool:
    return roles.is_normalization(site) or roles.is_activation(site) or type(site.operation).__name__ == "Dropout"


def _pads(site: Site) -> bool:
    return type(site.operation).__name__.startswith("ZeroPadding")


def _narrows(site: Site) -> bool:
    return (roles.channels_out(site) or 0) < (roles.channels_in(site) or 0)
