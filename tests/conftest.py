"""Set-up for all tests: the CPU, and real Keras on its JAX backend beside us."""

import gc
import os

import pytest

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1")  # tests compile far more than they run
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("LAMELLA_COMPILE_CACHE", "0")  # no file outside of a test's own folder
os.environ.setdefault("JAX_PLATFORMS", os.environ.get("LAMELLA_TEST_PLATFORM", "cpu"))


@pytest.fixture(autouse=True, scope="module")
def _what_stays_is_not_looked_through_again():
    """Compiled programs pile up; looking for garbage among them would take longer with every module."""
    yield
    gc.collect()
    gc.freeze()
