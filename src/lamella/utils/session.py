"""What belongs to the whole process: random seeds and automatic names."""

from __future__ import annotations

import gc
import random
import sys
from operator import attrgetter

import jax
import numpy as np

from lamella.config import floatx
from lamella.dtype_policies import set_dtype_policy
from lamella.errors import ArgumentError
from lamella.state import reset_global_seed, reset_names


def set_random_seed(seed: int) -> None:
    """Seeds Python's, NumPy's and Lamella's generators, so that a program repeats itself.

    TensorFlow's and torch's are seeded, too, where the program has imported these.

    Raises: ArgumentError: no integer.
    """
    if not isinstance(seed, int):
        raise ArgumentError("set_random_seed() takes an integer.", received=f"{seed!r} of type {type(seed).__name__}")
    reset_global_seed()
    random.seed(seed)
    np.random.seed(seed)
    for module, function in (("tensorflow", "random.set_seed"), ("torch", "manual_seed")):
        try:
            attrgetter(function)(sys.modules[module])(seed)
        except (KeyError, AttributeError):  # not imported, or only by a stand-in
            continue


def clear_session(free_memory: bool = True) -> None:
    """Forgets what is kept for all models: automatic names, the global seed and dtype policy.

    Args: free_memory: whether to drop compiled code too (all of JAX's), and collect garbage at once.
    """
    reset_names()
    reset_global_seed()
    set_dtype_policy(floatx())
    if free_memory:
        jax.clear_caches()
        gc.collect()
