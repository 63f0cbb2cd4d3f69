"""Set-up for all tests: the CPU, and real Keras on its JAX backend beside us."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("LAMELLA_COMPILE_CACHE", "0")  # no file outside of a test's own folder
os.environ.setdefault("JAX_PLATFORMS", os.environ.get("LAMELLA_TEST_PLATFORM", "cpu"))
