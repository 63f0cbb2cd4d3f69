"""What the rounds of one row say: times, ratios and their spread, memory, and whether all peers did the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from benchmarks.peers import KERAS, OURS
from benchmarks.row import Row

Rounds = list[dict[str, Any]]  # one measurement a round, or {"failed": why}


class Spread(NamedTuple):
    """The median of the rounds, and their ends."""

    middle: float
    least: float
    most: float

    def __str__(self) -> str:
        if self.least == self.most:
            return f"{self.middle:.2f}"
        return f"{self.middle:.2f} ({self.least:.2f}–{self.most:.2f})"


@dataclass(frozen=True)
class Outcome:
    """The rounds of every peer on one row."""

    row: Row
    rounds: dict[str, Rounds]

    def values(self, peer: str, what: str = "seconds") -> list[float]:
        """One number a round; none unless every round worked."""
        rounds = self.rounds.get(peer, [])
        return [r[what] for r in rounds] if all(what in r for r in rounds) else []

    def typical(self, peer: str, what: str = "seconds") -> float | None:
        values = self.values(peer, what)
        return median(values) if values else None

    def failure(self, peer: str) -> str | None:
        return next((r["failed"] for r in self.rounds.get(peer, []) if "failed" in r), None)

    def ratio(self, peers: Iterable[str] = KERAS, what: str = "seconds") -> Spread | None:
        """The best of these peers divided by ours, round by round: above 1, ours is less."""
        theirs = [values for values in (self.values(peer, what) for peer in peers) if values]
        ours = self.values(OURS, what)
        if not ours or not theirs:
            return None
        ratios = [min(best) / mine for *best, mine in zip(*theirs, ours, strict=True)]
        return Spread(median(ratios), min(ratios), max(ratios))

    @property
    def deviation(self) -> float | None:
        """The largest relative difference between our first result and a Keras peer's."""
        checks = {peer: self.rounds[peer][0].get("check") for peer in (OURS, *KERAS) if self.rounds.get(peer)}
        ours = checks.pop(OURS, None)
        pairs = [zip(ours, check, strict=True) for check in checks.values() if ours and check]
        return max((abs(a - b) / max(abs(b), 1e-9) for pair in pairs for a, b in pair), default=None)

    @property
    def same(self) -> bool | None:
        """Whether all did the same work, None where that cannot be told."""
        if self.row.tolerance is None or self.deviation is None:
            return None
        return self.deviation <= self.row.tolerance
