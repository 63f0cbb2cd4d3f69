"""On the CPU, the thread that calls a program runs it, unless somebody decided otherwise."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from lamella import config
from lamella.lower import at_hand, compute_at_once, dispatch


@pytest.fixture
def told(monkeypatch):
    """What JAX would be told."""
    done = {}
    monkeypatch.setattr(dispatch, "jax", SimpleNamespace(config=SimpleNamespace(update=done.__setitem__)))
    monkeypatch.setattr(dispatch, "expects_cpu", lambda: True)
    monkeypatch.setitem(config._values, "inline_dispatch", True)
    monkeypatch.delenv("JAX_CPU_ENABLE_ASYNC_DISPATCH", raising=False)
    return done


def test_on_the_cpu(told):
    assert compute_at_once() and told == {"jax_cpu_enable_async_dispatch": False}


def test_not_on_an_accelerator(told, monkeypatch):
    monkeypatch.setattr(dispatch, "expects_cpu", lambda: False)
    assert not compute_at_once() and not told


def test_not_against_the_users_will(told, monkeypatch):
    monkeypatch.setenv("JAX_CPU_ENABLE_ASYNC_DISPATCH", "1")
    assert not compute_at_once() and not told
    monkeypatch.delenv("JAX_CPU_ENABLE_ASYNC_DISPATCH")
    config.disable_inline_dispatch()
    assert not compute_at_once() and not told and not config.is_dispatch_inline()


def test_not_where_jax_knows_no_such_flag(told, monkeypatch):
    def refuses(name, value):
        raise AttributeError(name)

    monkeypatch.setattr(dispatch, "jax", SimpleNamespace(config=SimpleNamespace(update=refuses)))
    assert not compute_at_once()


@pytest.fixture
def here(monkeypatch):
    """Whether programs run in this thread."""
    answer = SimpleNamespace(is_so=True)
    monkeypatch.setattr(dispatch, "_runs_here", lambda: answer.is_so)
    return answer


def test_large_data_are_at_hand(here):
    small, large = np.ones((4, 4), "float32"), np.ones((64, 1024), "float32")
    x, nothing, same = at_hand((large, None, small))
    assert isinstance(x, jax.Array) and x.is_ready() and nothing is None
    np.testing.assert_array_equal(same, small)
    here.is_so = False
    assert at_hand(large) is large


def test_small_data_are_left_alone(here):
    data = (np.ones((4, 4), "float32"), None)
    assert at_hand(data) is data


PROGRAM = """
import json, sys
import numpy as np
import lamella as keras

x = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dropout(0.3), keras.layers.Dense(1)])
model.compile("adam", "mse")
batches = ((x[i : i + 8], x[i : i + 8, :1]) for i in range(0, 96, 8))
losses = model.fit(batches, verbose=0).history["loss"]
import jax
print(json.dumps([jax.config.values["jax_cpu_enable_async_dispatch"], losses, model.predict(x, verbose=0).tolist()]))
"""


def test_both_ways_compute_the_same():
    ends = []
    for inline in "10":
        env = {**os.environ, "LAMELLA_INLINE_DISPATCH": inline, "JAX_PLATFORMS": "cpu"}
        env.pop("JAX_CPU_ENABLE_ASYNC_DISPATCH", None)
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True)
        ends.append(json.loads(done.stdout))
    assert [end[0] for end in ends] == [False, True]
    assert ends[0][1:] == ends[1][1:]
