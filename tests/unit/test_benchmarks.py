"""The benchmarks' table is well formed, one row runs, and what is reported follows from what was measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import goals, report, scaling  # noqa: E402
from benchmarks.outcome import Outcome  # noqa: E402
from benchmarks.peers import KERAS, OURS, PEERS  # noqa: E402
from benchmarks.row import measure  # noqa: E402
from benchmarks.rows import ROWS  # noqa: E402


def outcome(row="mlp_epoch", **seconds):
    """Rounds with these seconds and equal results."""
    return Outcome(
        ROWS[row],
        {
            peer.replace("_", "-"): [{"seconds": s, "memory": 100.0, "check": [2.0]} for s in times]
            for peer, times in seconds.items()
        },
    )


def test_every_row_has_a_title_of_its_own():
    titles = [row.title for row in ROWS.values()]
    assert len(set(titles)) == len(titles) and all(titles)


@pytest.mark.parametrize("peer", [p for p in PEERS.values() if p.plain], ids=lambda p: p.name)
def test_plain_peers_define_the_rows_that_name_them(peer):
    source = (ROOT / "benchmarks" / f"plain_{peer.plain}.py").read_text()
    named = [row.name for row in ROWS.values() if peer.plain in row.plain]
    assert named and all(f"def {name}()" in source or f"\n{name} = " in source for name in named)


def test_goals_name_rows_and_peers():
    assert set(goals.FASTER) <= set(ROWS)
    assert {row for row, _ in goals.AGAINST_PLAIN} <= set(ROWS)
    assert {peer for _, peer in goals.AGAINST_PLAIN} <= set(PEERS)


def test_a_row_runs_here():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.one", "predict_on_batch", OURS, "--quick"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    result = json.loads(done.stdout)
    assert 0 < result["seconds"] < 1 and result["memory"] > 1e7 and result["check"][0] > 0


def test_only_runs_after_the_first_two_are_measured_unless_cold():
    calls = []
    measure(ROWS["evaluate"], lambda: calls.append(1), quick=True)
    assert len(calls) == 3
    measure(ROWS["build"], lambda: calls.append(1))
    assert len(calls) == 4


def test_the_ratio_is_to_the_best_keras_of_each_round():
    got = outcome(lamella=[1.0, 1.0], keras_jax=[4.0, 2.0], keras_torch=[3.0, 5.0]).ratio()
    assert got == (2.5, 2.0, 3.0) and str(got) == "2.50 (2.00–3.00)"


def test_a_peer_that_failed_or_is_missing_is_left_out_of_ratios():
    rounds = outcome(lamella=[1.0], keras_jax=[4.0])
    rounds.rounds["keras-torch"] = [{"failed": "ImportError: no torch"}]
    assert rounds.ratio() == (4.0, 4.0, 4.0) and rounds.ratio(["keras-torch"]) is None
    assert "failed" in report.line(rounds)


def test_results_that_differ_are_noticed():
    rounds = outcome(lamella=[1.0], keras_jax=[4.0])
    assert rounds.same is True
    rounds.rounds["keras-jax"][0]["check"] = [3.0]
    assert rounds.same is False and "RESULTS DIFFER" in report.line(rounds)


def test_goals_are_met_or_not():
    words = [v.word for v in goals.verdicts([outcome(lamella=[1.0], keras_jax=[4.0])])]
    assert words == ["NOT met", "met"]  # five times faster was asked for; memory is equal
    assert {v.word for v in goals.verdicts([outcome(lamella=[1.0])])} == {"-"}


def test_the_report_has_every_peer_and_says_what_failed():
    rounds = outcome(lamella=[0.0123], keras_jax=[4.0])
    rounds.rounds["keras-torch"] = [{"failed": "ImportError: no torch"}]
    text = report.markdown(report.circumstances(rounds=1, quick=True), [rounds])
    assert all(peer in text for peer in (OURS, *KERAS)) and "12.3 ms" in text and "ImportError: no torch" in text


def test_scaling_runs_in_this_process():
    import lamella

    assert scaling.SCALES["models"].measure(lamella, 2)["alive count"] == 0
    sizes = {"10": {"a model": 2.0}, "100": {"a model": 3.0}, "1000": {"failed": "MemoryError"}}
    text = scaling.section(scaling.SCALES["models"], {OURS: sizes})
    assert "| 100 | 3.00 s |" in text and "lamella at 1000: MemoryError" in text
