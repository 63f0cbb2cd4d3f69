"""Wiring: what flows from call to call, seen through the borders of models and layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lamella.graph import Site, Value
from lamella.layers import InputLayer


def is_library_layer(site: Site) -> bool:
    """Whether a call is of one of our own layers, whose insides are its own affair (MultiHeadAttention, LSTM, …)."""
    return type(site.operation).__module__.startswith("lamella.layers.")


def never(site: Site) -> bool:
    return False


class Wiring:
    """The innermost calls of a model, in the order they run, and where their inputs come from.

    sites:   the calls, `Input`s left out.
    entries: the values that come into the model.
    sources: {call: the values it takes}; those that follow from no input of the model are left out.
    users:   {id of a value: the calls that take it}.
    exits:   the values that the model returns.

    Args: closed: which calls not to look into.
    """

    def __init__(self, root: Site, closed: Callable[[Site], bool] = never):
        self.root, self._closed = root, closed
        self.sites = list(self._innermost(root)) if root.inner else [root]
        self.entries: list[Value] = root.entries if root.inner else root.inputs
        fed = {id(value) for value in self.entries}
        self.sources: dict[Site, list[Value]] = {}
        self.users: dict[int, list[Site]] = {}
        for site in self.sites:
            found = {id(value): value for value in map(self.source, site.inputs)}
            self.sources[site] = [value for key, value in found.items() if key in fed]
            if self.sources[site]:
                fed.update(map(id, site.outputs))
            for value in self.sources[site]:
                self.users.setdefault(id(value), []).append(site)
        self.exits = [self.source(value) for value in (root.exits if root.inner else root.outputs)]

    def _innermost(self, container: Site) -> Iterator[Site]:
        for site in container.inner:
            if isinstance(site.operation, InputLayer) and not site.inputs:
                continue
            if self._closed(site) or not site.inner:
                yield site
            else:
                yield from self._innermost(site)

    def source(self, value: Value) -> Value:
        """The value as the innermost call made it, or as it came into the model."""
        while True:
            if value.enters is not None:
                site, index = value.enters
                if site is self.root:
                    return self.entries[index]
                value = site.inputs[index]
            elif value.site is not None and not self._closed(value.site) and value.site.inner and value.site.exits:
                value = value.site.exits[value.index]
            else:
                return value

    def users_of(self, site: Site) -> list[Site]:
        """The calls that take what a call returns, each once."""
        return list(dict.fromkeys(user for value in site.outputs for user in self.users.get(id(value), ())))
