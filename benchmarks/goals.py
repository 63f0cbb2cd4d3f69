"""What the numbers should be, and whether they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from benchmarks.outcome import Outcome, Spread
from benchmarks.peers import KERAS

# How many times faster than the best Keras backend; every other row: no slower.
FASTER = {
    "imported": 5,
    "build": 2,
    "predict_32": 2.5,
    "finetune_step": 1.2,
    "mlp_epoch": 5,
    "frozen_epochs": 8,
    "second_process": 3,
}
# How many times faster than the same work written by hand.
AGAINST_PLAIN = {
    ("predict_1", "plain-torch"): 1.0,
    ("predict_32", "plain-torch"): 1.0,
    ("finetune_step", "plain-torch"): 1 / 1.2,
}
MEMORY = 1 / 1.2  # peak memory at most 1.2 times the thriftiest Keras backend's


@dataclass(frozen=True)
class Verdict:
    """A goal and what was measured; None where a peer is missing."""

    goal: str
    least: float
    measured: Spread | None

    @property
    def met(self) -> bool | None:
        return None if self.measured is None else self.measured.middle >= self.least

    @property
    def word(self) -> str:
        return "-" if self.met is None else "met" if self.met else "NOT met"


def verdicts(outcomes: Iterable[Outcome]) -> Iterator[Verdict]:
    """Every goal that one of these rows has."""
    for outcome in outcomes:
        name, title = outcome.row.name, outcome.row.title
        yield Verdict(f"{title}: best Keras / ours", FASTER.get(name, 1.0), outcome.ratio(KERAS))
        yield Verdict(f"{title}: least Keras memory / ours", MEMORY, outcome.ratio(KERAS, "memory"))
        for (row, peer), least in AGAINST_PLAIN.items():
            if row == name:
                yield Verdict(f"{title}: {peer} / ours", least, outcome.ratio([peer]))
