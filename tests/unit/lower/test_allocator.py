"""Freed memory stays with the process, where that helps and may be done."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from lamella import config
from lamella.lower import allocator, keep_memory

GLIBC = pytest.mark.skipif(not allocator._is_glibc(), reason="needs Linux with glibc")


@pytest.fixture
def tuned(monkeypatch):
    """The options that were set, none of them really."""
    done = {}

    class Library:
        def __init__(self, _):
            self.mallopt = lambda option, value: done.setdefault(option, value) is not None

    monkeypatch.setattr(allocator.ctypes, "CDLL", Library)
    monkeypatch.setattr(allocator, "_is_glibc", lambda: True)
    monkeypatch.setattr(allocator, "expects_cpu", lambda: True)
    monkeypatch.setitem(config._values, "allocator_tuning", True)
    return done


def test_sets_three_options(tuned):
    assert keep_memory() and tuned == {-8: 1, -4: 0, -1: -1}


def test_not_against_the_users_will(tuned):
    config.disable_allocator_tuning()
    assert not keep_memory() and not tuned and not config.is_allocator_tuned()


@pytest.mark.parametrize("condition", ["_is_glibc", "expects_cpu"])
def test_not_elsewhere(tuned, monkeypatch, condition):
    monkeypatch.setattr(allocator, condition, lambda: False)
    assert not keep_memory() and not tuned


@pytest.mark.parametrize("platforms, expected", [("cpu", True), ("cuda,cpu", False), ("tpu", False)])
def test_expects_the_cpu_if_jax_is_told_so(monkeypatch, platforms, expected):
    config = SimpleNamespace(values={"jax_platforms": platforms})
    monkeypatch.setattr(allocator, "jax", SimpleNamespace(config=config))
    assert allocator.expects_cpu() is expected


@GLIBC
@pytest.mark.parametrize("chosen", ["0", "1"])
def test_in_a_process(chosen):
    """A block of 64 MB, freed: with the options, the kernel does not get them back."""
    code = """
import lamella.layers, ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
held = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
before = held()
block = libc.malloc(64 << 20)
ctypes.memset(block, 1, 64 << 20)
libc.free(block)
print(held() - before > 32 << 20)
"""
    env = {**os.environ, "LAMELLA_ALLOCATOR": chosen, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == str(chosen == "1")


@GLIBC
def test_much_idle_memory_is_handed_back():
    code = """
import os, numpy as np, lamella.lower
from lamella.lower import allocator, give_back_memory
def resident(): return int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
kept = [np.ones(8_000_000) for _ in range(8)]
last, full = kept[-1], resident()
del kept
assert resident() > full - 1e8, 'freed memory stays'
assert not give_back_memory() or full > os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 8
real = os.sysconf
os.sysconf = lambda name: 1000 if name == 'SC_PHYS_PAGES' else real(name)  # a small machine
assert give_back_memory() and resident() < full - 3e8, (full, resident())
"""
    environment = {**os.environ, "LAMELLA_ALLOCATOR": "1", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
