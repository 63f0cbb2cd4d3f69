"""Calls in TensorFlow's words, answered by `keras.ops`."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from lamella.as_keras.tensorflow_names import SERVED


def served(path: str) -> Any:
    """What serves in place of a name of TensorFlow: "math.log", say."""
    module, _, name = SERVED[path].partition(":")
    value = getattr(importlib.import_module(module), name)
    return in_tensorflows_words(value) if module == "lamella.ops" else value


def in_tensorflows_words(compute: Callable[..., Any]) -> Callable[..., Any]:
    """A function that takes TensorFlow's names of arguments, in TensorFlow's order, and a `name`."""

    @wraps(compute)
    def called(*args: Any, name: str | None = None, **kwargs: Any) -> Any:
        known = _parameters(compute)
        others = [value for word, value in kwargs.items() if word not in known]
        return compute(*args, *others, **{word: value for word, value in kwargs.items() if word in known})

    return called


@cache
def _parameters(compute: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(compute).parameters)


def tensors_have_numpy() -> None:
    """Gives JAX's arrays the method `numpy()`, which programs call on TensorFlow's tensors."""
    import jax.numpy as jnp
    import numpy as np

    array = type(jnp.zeros(()))
    if not hasattr(array, "numpy"):
        array.numpy = lambda self: np.asarray(self)  # pyright: ignore[reportAttributeAccessIssue]
