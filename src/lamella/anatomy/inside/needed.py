"""Which layers a value inside of a model follows from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lamella.graph import Site, Value
from lamella.layers import Layer


def layers_needed(values: Iterable[Value]) -> list[Layer]:
    """The layers that values follow from, each whole.

    A model that has a graph is not one of them: the layers in it are.  A layer with
    a `call()` of its own is, with all inside, since its code may read any of its weights.
    """
    found: dict[Layer, None] = {}
    graphs: dict[Site, bool] = {}
    waiting, met = list(values), set[int]()
    while waiting:
        value = waiting.pop()
        if id(value) in met:
            continue
        met.add(id(value))
        if value.enters is not None:
            around, index = value.enters
            waiting += around.inputs[index : index + 1]
        elif value.site is not None:
            closed = _closed(value.site, graphs)
            if closed is None:
                waiting.append(value.site.exits[value.index])
                continue
            waiting += closed.inputs
            if isinstance(closed.operation, Layer):
                found[closed.operation] = None
    return list(found)


def _closed(site: Site, graphs: dict[Site, bool]) -> Site | None:
    """The outermost call around a site, or itself, that runs no graph; None if all do."""
    outermost, here = None, site
    while here is not None:
        if here not in graphs:
            graphs[here] = _runs_graph(here)
        if not graphs[here]:
            outermost = here
        here: Any = here.parent
    return outermost


def _runs_graph(site: Site) -> bool:
    return site.operation is not None and site.operation.recorded(site.args, site.kwargs) is not None
