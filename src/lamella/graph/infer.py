"""Shapes and dtypes of what a function returns, by running it abstractly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from lamella.graph.tensor import KerasTensor
from lamella.state import current, frame

# Unknown sizes are tried as two numbers with many divisors: a size that comes
# out differently depends on them and stays unknown, one that does not is known.
TRIALS = (2520, 5040)


def output_spec(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `function(*args, **kwargs)` returns, as fresh symbolic tensors.

    Nothing is computed, and what the function assigns to variables is forgotten.

    Example: >>> output_spec(jnp.sum, KerasTensor((None, 3)), axis=1).shape
             (None,)
    """
    leaves, treedef = jax.tree.flatten((args, kwargs))
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, KerasTensor)]

    def abstract(tensors: list[Any]) -> Any:
        filled = list(leaves)
        for place, tensor in zip(places, tensors, strict=True):
            filled[place] = tensor
        positional, named = jax.tree.unflatten(treedef, filled)
        with frame(overlay=dict(current().overlay or {}), observer=None):
            return function(*positional, **named)

    def trial(size: int) -> Any:
        return jax.eval_shape(abstract, [_filled(leaves[i], size) for i in places])

    first = trial(TRIALS[0])
    if all(None not in leaves[i].shape for i in places):
        return jax.tree.map(lambda a: KerasTensor(a.shape, a.dtype), first)
    return jax.tree.map(_agreed, first, trial(TRIALS[1]))


def _filled(tensor: KerasTensor, size: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(tuple(size if d is None else d for d in tensor.shape), tensor.dtype)


def _agreed(a: Any, b: Any) -> KerasTensor:
    return KerasTensor(tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True)), a.dtype)
