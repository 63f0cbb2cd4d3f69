"""Whether a step waits for its batch, and for the step before."""

from types import SimpleNamespace

import numpy as np
import pytest

from lamella.train import dispatch
from lamella.train.dispatch import Dispatch


def dispatched(batches, count, every=1, **steps):
    """Runs steps on batches, as an epoch does."""
    steps = SimpleNamespace(paces={}, **steps)
    one = Dispatch(steps, "train", SimpleNamespace(num_batches=count, batch_size=1), every, listened=True)
    for group in one.groups(iter(batches)):
        one.run(group)


@pytest.fixture(autouse=True)
def no_features(monkeypatch):
    monkeypatch.setattr(dispatch, "up_to_date", lambda group: group)


@pytest.mark.parametrize("making, waits", [(0.01, [True] * 6), (0.8, [True, True, False, False, False, False])])
def test_long_making_goes_on_during_the_step(monkeypatch, making, waits):
    """A step of a second: batches that take a hundredth of it are waited for, those that take 0.8 of it are not."""
    now, told = [100.0], []

    def run(kind, batch, waits, after):
        told.append(waits)
        now[0] += 1.0 if waits else 0.001  # else it goes on in another thread

    def batches():
        for number in range(6):
            now[0] += making if number else 30.0  # the first one may take long, which tells nothing
            yield number

    monkeypatch.setattr(dispatch.time, "perf_counter", lambda: now[0])
    dispatched(batches(), 6, run=run)
    assert told == waits


def test_each_step_waits_for_the_one_before():
    """What ran in another thread once would go on there."""
    seen = []

    def run(kind, batch, waits, after):
        seen.append(after)
        return f"result of {batch}"

    dispatched("abc", 3, run=run)
    assert seen == [None, "result of a", "result of b"]


def test_data_of_joined_steps_are_at_hand(monkeypatch):
    stacks = []

    def run_joined(kind, stack, count):
        stacks.append(stack)
        return np.zeros(count)

    monkeypatch.setattr(dispatch, "at_hand", lambda stack: ("at hand", stack))
    dispatched(np.ones((4, 1, 3), "float32"), 4, every=2, run_joined=run_joined, joins=lambda kind, batch: True)
    assert [stack[0] for stack in stacks] == ["at hand", "at hand"]
