"""Whether a step waits for its batch."""

from types import SimpleNamespace

import pytest

from lamella.train import dispatch
from lamella.train.dispatch import Dispatch


@pytest.mark.parametrize("making, waits", [(0.01, [True] * 6), (0.5, [True, True, False, False, False, False])])
def test_long_making_goes_on_during_the_step(monkeypatch, making, waits):
    """A step of a second: batches that take a hundredth of it are waited for, those that take half of it are not."""
    now, told = [100.0], []

    def run(kind, batch, waits):
        told.append(waits)
        now[0] += 1.0

    def batches():
        for number in range(6):
            now[0] += making if number else 30.0  # the first one may take long, which tells nothing
            yield number

    monkeypatch.setattr(dispatch.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(dispatch, "up_to_date", lambda group: group)
    steps = SimpleNamespace(run=run, paces={})
    one = Dispatch(steps, "train", SimpleNamespace(num_batches=6, batch_size=1), every=1, listened=True)
    for group in one.groups(batches()):
        one.run(group)
    assert told == waits
