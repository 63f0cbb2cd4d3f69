"""Runs the rows: every peer in turn, each in a process of its own, round after round."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from compileall import compile_dir
from pathlib import Path

from benchmarks.goals import verdicts
from benchmarks.outcome import Outcome
from benchmarks.peers import PEERS
from benchmarks.processes import spawn
from benchmarks.report import RESULTS, circumstances, keep, line, markdown
from benchmarks.row import Row
from benchmarks.rows import ROWS


def run(row: Row, peers: Iterable[str], rounds: int, quick: bool, timeout: float) -> Outcome:
    """All rounds of one row.  Peers take turns, and the first one of a round is the last of the next."""
    turns = [name for name in peers if PEERS[name].runs(row)]
    outcome = Outcome(row, {name: [] for name in turns})
    arguments = ["--quick"] if quick else []
    for _ in range(rounds):
        for name in turns:
            command = ["benchmarks.one", row.name, name, *arguments]
            outcome.rounds[name].append(spawn(command, PEERS[name], timeout, times=2 if row.primed else 1))
        turns = turns[1:] + turns[:1]
    return outcome


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="PEER", help=", ".join(PEERS))
    parser.add_argument("--rounds", type=int, help="3, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="one measured run a process, one round")
    parser.add_argument("--timeout", type=float, default=600, help="seconds a process may take")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder that keeps them")
    return parser.parse_args()


def main() -> None:
    chosen = _options()
    rounds = chosen.rounds or (1 if chosen.quick else 3)
    about = circumstances(rounds=rounds, quick=chosen.quick)
    print(about["machine"], "- best Keras time / ours (least–most of the rounds), then each time", flush=True)
    compile_dir(Path(__file__).parents[1] / "src", quiet=1)
    outcomes, path = [], chosen.results
    for name in chosen.rows:
        outcomes.append(run(ROWS[name], chosen.peers, rounds, chosen.quick, chosen.timeout))
        print(line(outcomes[-1]), flush=True)
        path = keep(chosen.results, about, {o.row.name: o.rounds for o in outcomes}, markdown(about, outcomes))
    for verdict in verdicts(outcomes):
        print(f"{verdict.word:<8} {verdict.goal}: {verdict.measured or '-'}, goal ≥ {verdict.least:.2f}")
    print("kept in", path)


if __name__ == "__main__":
    main()
