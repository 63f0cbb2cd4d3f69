"""Programs: what calls compute in inference, as jaxprs."""

from __future__ import annotations

from typing import Any

import jax

from lamella.anatomy.likeness import config_of
from lamella.graph import TRIALS, Site, Value
from lamella.state import current, frame


def program(site: Site, training: bool = False) -> Any:
    """The jaxpr of a call, from its inputs to its outputs, with some number for each unknown size."""
    leaves, treedef = jax.tree.flatten((site.args, site.kwargs))
    places = [index for index, leaf in enumerate(leaves) if isinstance(leaf, Value)]

    def run(*values: Any) -> Any:
        filled = list(leaves)
        for place, value in zip(places, values, strict=True):
            filled[place] = value
        args, kwargs = jax.tree.unflatten(treedef, filled)
        apart = {"observer": None, "losses": [], "deferred": True, "overlay": dict(current().overlay or {})}
        with frame(training=training, **apart):
            outputs = jax.tree.leaves(site.operation(*args, **kwargs))  # type: ignore[misc]
            return [leaf for leaf in outputs if isinstance(leaf, jax.Array)]

    return jax.make_jaxpr(run)(*(jax.ShapeDtypeStruct(filled(leaves[place]), leaves[place].dtype) for place in places))


def filled(value: Any) -> tuple[int, ...]:
    """A shape with some number for each unknown size."""
    return tuple(TRIALS[0] if size is None else size for size in value.shape)


def kind(site: Site) -> Any:
    """What the program of a call depends on beside sizes; of its own for a layer that cannot say what it is like."""
    operation: Any = site.operation
    given = jax.tree.map(lambda x: (x.ndim, x.dtype) if isinstance(x, Value) else x, (site.args, site.kwargs))
    config = config_of(operation)
    if config is None:
        return operation, repr(given)
    return type(operation), repr({**config, "name": None}), repr(given)


def sizes(site: Site) -> Any:
    """The sizes that a program depends on: of inputs and weights."""
    return tuple(tuple(v.shape) for v in (*site.inputs, *getattr(site.operation, "weights", ())))


def is_ours(site: Site) -> bool:
    """Whether a layer or op is Lamella's own: then its program has the same operations whatever the sizes."""
    return type(site.operation).__module__.startswith("lamella.")
