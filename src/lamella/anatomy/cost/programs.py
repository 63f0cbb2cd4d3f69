"""Programs: what calls compute in inference, as jaxprs."""

from __future__ import annotations

from typing import Any

import jax

from lamella.anatomy.likeness import config_of
from lamella.graph import Site, Value
from lamella.state import current, frame


def program(site: Site, training: bool = False) -> Any:
    """The jaxpr of a call, from its inputs to its outputs, with some number for each unknown size."""

    def run(*values: Any) -> Any:
        apart = {"observer": None, "losses": [], "deferred": True, "overlay": dict(current().overlay or {})}
        with frame(training=training, **apart):
            return [leaf for leaf in jax.tree.leaves(site.again(*values)) if isinstance(leaf, jax.Array)]

    return jax.make_jaxpr(run)(*(value.sized() for value in site.inputs))


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
