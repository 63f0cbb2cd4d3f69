"""Many numbers are drawn by a compiled program: the same as by NumPy, and as by JAX."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from lamella.lower import threefry

KEY = np.array([3, 9], np.uint32)
DRAWS = {
    "uniform": (
        lambda shape: threefry.uniform(KEY, shape, -2.0, 3.0),
        lambda k, s: jax.random.uniform(k, s, None, -2, 3),
    ),
    "normal": (lambda shape: threefry.normal(KEY, shape), jax.random.normal),
    "truncated": (
        lambda shape: threefry.truncated_normal(KEY, shape),
        lambda key, shape: jax.random.truncated_normal(key, -2, 2, shape),
    ),
}


@pytest.fixture
def many(monkeypatch):
    """Small blocks, and so many numbers drawn before that arrays of 64 are worth a program."""
    monkeypatch.setattr(threefry, "_drawn", [1 << 30])
    monkeypatch.setattr(threefry, "_LARGE", 64)
    monkeypatch.setattr(threefry, "_PROGRAMS_BLOCK", 256)
    threefry._program.cache_clear()
    yield
    threefry._program.cache_clear()


@pytest.mark.parametrize("shape", [(64,), (256,), (7, 111), (3, 256)])
@pytest.mark.parametrize("name", DRAWS)
def test_what_jax_draws(many, name, shape):
    ours, theirs = DRAWS[name]
    expected = theirs(jax.random.wrap_key_data(KEY), shape)
    if name == "truncated" and "optimization_level=0" in os.environ["XLA_FLAGS"]:
        np.testing.assert_allclose(ours(shape), expected, rtol=0, atol=1e-6)  # the same bits: see the next test
    else:
        np.testing.assert_array_equal(ours(shape), expected)
    assert threefry._program.cache_info().currsize


def test_the_bits_of_truncated_numbers_in_programs_as_users_compile_them():
    code = """
import jax, numpy as np
from lamella.lower import threefry
threefry._drawn[0], threefry._LARGE, threefry._PROGRAMS_BLOCK = 1 << 30, 64, 256
key = np.array([3, 9], np.uint32)
for shape in (64,), (256,), (7, 111), (3, 256):
    ours = threefry.truncated_normal(key, shape)
    np.testing.assert_array_equal(ours, jax.random.truncated_normal(jax.random.wrap_key_data(key), -2, 2, shape))
assert threefry._program.cache_info().currsize
"""
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "XLA_FLAGS": ""}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("name", DRAWS)
def test_what_numpy_draws(many, monkeypatch, name):
    ours, _ = DRAWS[name]
    by_program = ours((1000,))
    monkeypatch.setattr(threefry, "_LARGE", 10_000)
    np.testing.assert_allclose(by_program, ours((1000,)), rtol=0, atol=1e-6)


def test_inside_of_a_program(many):
    inside = jax.jit(lambda x: x + threefry.uniform(KEY, (300,)))(np.float32(0))
    np.testing.assert_array_equal(inside, threefry.uniform(KEY, (300,)))
    with jax.ensure_compile_time_eval():
        np.testing.assert_array_equal(inside, threefry.uniform(KEY, (300,)))


def test_few_numbers_compile_nothing(monkeypatch):
    monkeypatch.setattr(threefry, "_drawn", [0])
    before = threefry._program.cache_info().currsize
    for _ in range(3):
        threefry.uniform(KEY, (1000, 1000))
    assert threefry._drawn == [3_000_000] and threefry._program.cache_info().currsize == before


def test_other_dtypes_are_drawn_by_numpy(many):
    for dtype in ("float16", "bfloat16"):
        drawn = threefry.uniform(KEY, (300,), dtype=dtype)
        assert drawn.dtype == dtype and 0.4 < drawn.astype("float32").mean() < 0.6
    assert not threefry._program.cache_info().currsize


def test_numbers_beyond_the_first_word():
    """Elements from 2³² on have another high word."""
    start = 2**32 - 2
    drawn = np.stack(threefry._threefry(KEY, start, 4))
    alone = np.stack([np.concatenate(threefry._threefry(KEY, start + i, 1)) for i in range(4)], 1)
    np.testing.assert_array_equal(drawn, alone)
    assert (threefry._threefry(KEY, 0, 2)[0] != drawn[0, 2:]).all()
