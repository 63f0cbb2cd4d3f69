"""Where Keras's files keep each object of a model: the one place that knows.

Keras walks a model by `sorted(dir(obj))`, private names last, `layers` first in a
model with a graph.  An attribute that is a layer, optimizer, metric or loss is a
part under the attribute's name; inside of a list, tuple or dict it is under its
class in snake_case, numbered from the second one on:

    layers/dense, layers/dense_1, optimizer, encoder/blocks/multi_head_attention/query_dense

Each object is kept where it is met first, its arrays under `<path>/vars/0`, `1` …
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from lamella.graph import Operation
from lamella.layers import Layer
from lamella.losses import Loss
from lamella.metrics import Metric
from lamella.models import Functional, Model, Sequential
from lamella.optimizers import Optimizer
from lamella.state import to_snake_case

PARTS = (Operation, Optimizer, Metric, Loss)
_CONTAINERS = (list, tuple, dict)


def visit(part: Any, path: str, enter: Callable[[Any, str], bool], done: dict[int, Any]) -> bool:
    """Enters a part and everything below it, each once, with its path.

    Args:    enter: whether the part was dealt with; one that was not is entered again where it is met again.
             done: {id: part} of those to leave out; what is dealt with is added.
    Returns: whether all of them were.
    """
    if id(part) in done:
        return True
    done[id(part)] = part
    whole = enter(part, path)
    for name, value in _attributes(part):
        whole = _visit_any(value, f"{path}/{name}" if path else name, enter, done, {}) and whole
    if not whole:
        del done[id(part)]
    return whole


def _visit_any(value: Any, path: str, enter: Any, done: dict[int, Any], containers: dict[int, Any]) -> bool:
    if isinstance(value, PARTS):
        return visit(value, path, enter, done)
    if not isinstance(value, _CONTAINERS) or id(value) in containers:
        return True
    containers[id(value)] = value
    inside = [_visit_any(item, f"{path}/{name}", enter, done, containers) for name, item in _members(value)]
    return all(inside)


def _members(container: Any) -> Iterator[tuple[str, Any]]:
    """Yields (name, part or container) for what is in a list, tuple or dict."""
    used: dict[str, int] = {}
    for value in list(container.values() if isinstance(container, dict) else container):
        if not isinstance(value, (*PARTS, *_CONTAINERS)):
            continue
        name = "container" if isinstance(value, _CONTAINERS) else to_snake_case(type(value).__name__)
        used[name] = used.get(name, -1) + 1
        yield f"{name}_{used[name]}" if used[name] else name, value


def _attributes(part: Any) -> Iterator[tuple[str, Any]]:
    skipped = _not_parts(_kind(part))
    if getattr(part, "_graph_", None) is not None or isinstance(part, Sequential):
        yield "layers", _layers_of_graph(part)
    for name in sorted(dir(part), key=_private_last):
        if name.startswith("__") or name in skipped:
            continue
        try:
            value = getattr(part, name)
        except Exception:
            continue
        yield name, value


def _layers_of_graph(model: Any) -> list[Any]:
    return model.layers if isinstance(model, Sequential) else model._graph_layers_()


def _private_last(name: str) -> str:
    return f"~{name}" if name.startswith("_") else name


def _kind(part: Any) -> type:
    return next(kind for kind in (Sequential, Functional, Model, Layer, *PARTS) if isinstance(part, kind))


@cache
def _not_parts(kind: type) -> frozenset[str]:
    """What every object of a kind has: attributes that belong to the machinery, or stand for parts a second time."""
    return frozenset(_all_names(kind)) - {"layers", "optimizer"} | {"_chain_"}


def _all_names(kind: type) -> set[str]:
    if issubclass(kind, Functional):
        return _all_names(Model) | set(dir(kind))
    if issubclass(kind, (Loss, Metric, Layer, Operation)):
        return set(dir(kind(name="reference")))
    return set(dir(Optimizer(0.0, name="reference")))
