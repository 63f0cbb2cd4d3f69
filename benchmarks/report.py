"""Results as text: a line while they come, JSON and Markdown to keep."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.goals import verdicts
from benchmarks.outcome import Outcome
from benchmarks.peers import KERAS, OURS, PEERS, versions

RESULTS = Path(__file__).parent / "results"


def circumstances(**options: Any) -> dict[str, Any]:
    """When, on what, with which versions."""
    return {
        "date": datetime.now().isoformat(timespec="minutes"),
        "machine": _machine(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": versions(),
        **options,
    }


def _machine() -> str:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def seconds(value: float | None) -> str:
    """Three digits and a unit."""
    if value is None:
        return "-"
    size, unit = (1, "s") if value >= 1 else (1e3, "ms") if value >= 1e-3 else (1e6, "µs")
    return f"{value * size:#.3g}".rstrip(".") + f" {unit}"


def megabytes(value: float | None) -> str:
    return "-" if value is None else f"{value / 2**20:.0f}"


def line(outcome: Outcome) -> str:
    """One row for the terminal: the ratio to the best Keras, then everybody's time."""
    times = (f"{peer} {_time(outcome, peer)}" for peer in PEERS if peer in outcome.rounds)
    warning = "" if outcome.same is not False else f"   RESULTS DIFFER by {outcome.deviation:.1e}"
    return f"{outcome.row.name:<17}{outcome.ratio() or '-'!s:<20}  {'  '.join(times)}{warning}"


def _time(outcome: Outcome, peer: str) -> str:
    return "failed" if outcome.failure(peer) else seconds(outcome.typical(peer))


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; None is written as "-"."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([("-" if c is None else str(c)) for c in cells] for cells in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def markdown(about: dict[str, Any], outcomes: list[Outcome]) -> str:
    """The whole report."""
    rounds = f"{about['rounds']} round{'s' * (about['rounds'] > 1)}{', quick' * about['quick']}"
    goals = ((v.goal, f"≥ {v.least:.2f}", v.measured, v.word) for v in verdicts(outcomes))
    others = [peer for peer in PEERS if peer != OURS]
    parts = [
        f"# Benchmarks, {about['date']}",
        f"{about['machine']}; load at the start {about['load']}; Python {about['python']}; "
        + ", ".join(f"{package} {version}" for package, version in about["versions"].items())
        + f". {rounds}: medians, ratios with (least–most).",
        "## Ratios\n\nTheir time divided by Lamella's: above 1, Lamella is faster.",
        table(
            ("row", "best Keras", *others),
            ((o.row.title, o.ratio(), *(o.ratio([peer]) for peer in others)) for o in outcomes),
        ),
        "## Times",
        _by_peer(outcomes, _time),
        "## Peak memory, MiB",
        table(
            ("row", *PEERS, "least Keras / ours"),
            (
                (o.row.title, *(megabytes(o.typical(p, "memory")) for p in PEERS), o.ratio(KERAS, "memory"))
                for o in outcomes
            ),
        ),
        "## Same work?\n\nNumbers that each peer's first run gave (losses, or the root mean square of outputs).",
        _by_peer([o for o in outcomes if o.deviation is not None], _check),
        "## Goals",
        table(("goal", "at least", "measured", ""), goals),
        *_failures(outcomes),
    ]
    return "\n\n".join(parts) + "\n"


def _by_peer(outcomes: list[Outcome], cell: Callable[[Outcome, str], str]) -> str:
    return table(("row", *PEERS), ((o.row.title, *(cell(o, peer) for peer in PEERS)) for o in outcomes))


def _check(outcome: Outcome, peer: str) -> str:
    """The first and the last number."""
    values = next((r.get("check") for r in outcome.rounds.get(peer, [])), None) or []
    return " … ".join(f"{value:.6g}" for value in dict.fromkeys(values[:: max(len(values) - 1, 1)])) or "-"


def _failures(outcomes: list[Outcome]) -> list[str]:
    failed = [(o.row.title, peer, o.failure(peer)) for o in outcomes for peer in o.rounds if o.failure(peer)]
    return ["## Failed", table(("row", "peer", "why"), failed)] if failed else []


def keep(folder: Path, about: dict[str, Any], results: dict[str, Any], text: str, kind: str = "rows") -> Path:
    """Writes DATE-KIND.json and .md into the folder; returns the path of the latter."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{about['date'].replace(':', '')}-{kind}"
    path.with_suffix(".json").write_text(json.dumps({**about, kind: results}, indent=1) + "\n")
    path.with_suffix(".md").write_text(text)
    return path.with_suffix(".md")
