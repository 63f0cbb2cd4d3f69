"""Shapes and dtypes of what a function returns, by running it abstractly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from lamella.graph.tensor import KerasTensor
from lamella.graph.unknown_sizes import common_shape, run_on_shapes
from lamella.state import current, frame


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

    tensors = [leaves[place] for place in places]

    def run(shapes: list[tuple[int, ...]]) -> Any:
        return jax.eval_shape(abstract, list(map(_typed, shapes, tensors)))

    results = run_on_shapes(run, [tensor.shape for tensor in tensors])
    return jax.tree.map(lambda *r: KerasTensor(common_shape([a.shape for a in r]), r[0].dtype), *results)


def _typed(shape: tuple[int, ...], tensor: KerasTensor) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, tensor.dtype)
