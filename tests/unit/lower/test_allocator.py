"""Freed memory stays with the process, where that helps and may be done."""

import os
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import pytest

from lamella import config
from lamella.lower import allocator, keep_memory

GLIBC = pytest.mark.skipif(not allocator._is_glibc(), reason="needs Linux with glibc")


@pytest.fixture
def tuned(monkeypatch):
    """The options that were set, none of them really."""
    done = {}
    monkeypatch.setattr(allocator.jax.monitoring, "register_event_duration_secs_listener", lambda _: None)

    class Library:
        def __init__(self, _):
            self.mallopt = lambda option, value: done.setdefault(option, value) is not None

    monkeypatch.setattr(allocator.ctypes, "CDLL", Library)
    monkeypatch.setattr(allocator, "_is_glibc", lambda: True)
    monkeypatch.setattr(allocator, "expects_cpu", lambda: True)
    monkeypatch.setitem(config._values, "allocator_tuning", True)
    return done


def test_sets_two_options(tuned):
    assert keep_memory() and tuned == {-4: 0, -1: -1}


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


RESIDENT = """
import ctypes, os, threading
from lamella.lower import allocator
def resident(): return int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
"""


def _in_a_process(code):
    environment = {**os.environ, "LAMELLA_ALLOCATOR": "1", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", RESIDENT + code], check=True, env=environment)


@GLIBC
def test_what_compilers_free_is_handed_back():
    """Here the compiler is a thread that takes 32 MB in small pieces."""
    _in_a_process("""
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
before = resident()
def compiles():
    blocks = [libc.malloc(32 << 10) for _ in range(1024)]
    for block in blocks: ctypes.memset(block, 1, 32 << 10)
    for block in blocks[:-1]: libc.free(block)  # the last is the program
thread = threading.Thread(target=compiles)
thread.start(); thread.join()
assert resident() > before + 2e7
allocator._after_compiling(allocator._COMPILED, 0.1)
allocator._after_compiling('/jax/core/compile/jaxpr_trace_duration', 1.0)
assert resident() > before + 2e7, 'a small program: not worth it'
allocator._after_compiling(allocator._COMPILED, 1.0)
assert resident() < before + 1e7
""")


@GLIBC
def test_jax_tells_when_it_has_compiled():
    _in_a_process("""
import jax
heard = []
allocator._MUCH_COMPILING, allocator.is_allocator_tuned = -1, lambda: heard.append(True)
jax.jit(lambda x: x + 1)(1.0)
assert heard
""")


@GLIBC
def test_looks_at_idle_memory_for_a_hundredth_of_the_time(monkeypatch):
    """glibc takes 15 ms for it where a compiler has been: longer than a small prediction."""
    now, looks = [0.0], []

    class Library:
        def __init__(self, _):
            self.mallinfo2 = partial(look)

    def look():
        looks.append(now[0])
        now[0] += 0.015
        return SimpleNamespace(uordblks=5, hblkhd=2)

    monkeypatch.setattr(allocator.ctypes, "CDLL", Library)
    monkeypatch.setattr(allocator.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(allocator, "_known", {"bytes": 0, "until": -1.0})
    for _ in range(1000):
        assert allocator._in_use() == 7
        now[0] += 0.01
    assert 5 <= len(looks) <= 7


@GLIBC
def test_much_idle_memory_is_handed_back():
    _in_a_process("""
import numpy as np
from lamella.lower import give_back_memory
kept = [np.ones(8_000_000) for _ in range(8)]
last, full = kept[-1], resident()
del kept
assert resident() > full - 1e8, 'freed memory stays'
assert not give_back_memory() or full > os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 8
real = os.sysconf
os.sysconf = lambda name: 1000 if name == 'SC_PHYS_PAGES' else real(name)  # a small machine
assert give_back_memory() and resident() < full - 3e8, (full, resident())
""")
