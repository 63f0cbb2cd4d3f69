"""Signature: what makes two parts of a network structurally equal."""

from __future__ import annotations

from typing import Any

from lamella.anatomy.blocks.region import Paths
from lamella.anatomy.likeness import config_of
from lamella.graph import FunctionOp, Site, Value


def signature(paths: Paths, numbers: list[int]) -> Any:
    """Equal for parts with equal classes, configs (names aside), shapes and connections.

    A layer that cannot write its config is like no other.
    """
    place = {number: index for index, number in enumerate(numbers)}
    outside: dict[int, int] = {}

    def where(number: int) -> int:
        """Its place in the part; for what is outside, which of those it is, from -1 downwards."""
        return place[number] if number in place else outside.setdefault(number, -1 - len(outside))

    def one(number: int) -> Any:
        site = paths.site(number)
        shapes = tuple((v.shape, v.dtype) for v in (*site.inputs, *site.outputs))
        return _like(site), shapes, tuple(where(paths.of(v)) for v in paths.wiring.sources[site])

    return tuple(map(one, numbers))


def _like(site: Site) -> Any:
    operation: Any = site.operation
    if operation is None:
        return "code", tuple((e.primitive.name, tuple(v.aval.shape for v in e.outvars), n) for e, n in site.steps)
    if isinstance(operation, FunctionOp):
        return type(operation), repr(_nameless(operation.fixed)), _given(site)
    config = config_of(operation)
    return id(operation) if config is None else (type(operation), repr(_nameless(config)), _given(site))


def _given(site: Site) -> str:
    """The arguments of the call that are no values."""
    return repr(
        [
            [None if isinstance(a, Value) else a for a in site.args if not isinstance(a, (list, tuple))],
            {key: None if isinstance(a, Value) else a for key, a in site.kwargs.items()},
        ]
    )


def _nameless(config: Any) -> Any:
    """A config without the names in it."""
    if isinstance(config, dict):
        return {key: _nameless(value) for key, value in config.items() if key != "name"}
    return [_nameless(value) for value in config] if isinstance(config, (list, tuple)) else config
