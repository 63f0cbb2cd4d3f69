"""Set-up for all tests: the CPU, real Keras on its JAX backend beside us, one seed, and which cases are slow.

`JAX_COMPILATION_CACHE_DIR=…` keeps what is compiled from run to run: five times faster from the second on.
"""

import os
import shutil
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("LAMELLA_COMPILE_CACHE", "0")  # no file outside of a test's own folder
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
# LLVM passes are a fifth of the time of these tests, of little programs that run once; `make test-all` takes them.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
os.environ.setdefault("JAX_PLATFORMS", os.environ.get("LAMELLA_TEST_PLATFORM", "cpu"))

import pytest

import lamella


def pytest_configure(config: pytest.Config) -> None:
    """What one test compiled, no later one of the process compiles again: with jit made anew, half of the time."""
    starts_others = bool(getattr(config.option, "numprocesses", None)) and not hasattr(config, "workerinput")
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ and not starts_others:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = folder = tempfile.mkdtemp(prefix="lamella-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture(autouse=True)
def seeded():
    """Every test draws the same numbers, whatever ran before it in its process."""
    lamella.utils.set_random_seed(0)


@pytest.fixture
def python_calls():
    """Counts the calls of Python functions that a function makes: its cost, on a busy machine too."""

    def count(function, *args):
        calls = 0

        def heard(_frame, event, _arg):
            nonlocal calls
            calls += event == "call"

        sys.setprofile(heard)
        try:
            function(*args)
        finally:
            sys.setprofile(None)
        return calls

    return count


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`sample(n)`: of the cases of such a test, n spread evenly are for every run, the others are slow."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sample") and not item.get_closest_marker("slow"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for group in cases.values():
        count = group[0].get_closest_marker("sample").args[0]
        kept = {i * len(group) // count for i in range(count)}
        for i, item in enumerate(group):
            if i not in kept:
                item.add_marker(pytest.mark.slow)
