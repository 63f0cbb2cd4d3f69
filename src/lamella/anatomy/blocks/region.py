"""Regions of a graph: what lies between a value and the call where the paths from it come together."""

from __future__ import annotations

from functools import reduce

from lamella.anatomy.wiring import Wiring, is_library_layer
from lamella.graph import Site, Value


class Paths:
    """The innermost calls of a model as a numbered graph; the values that come in have the first numbers.

    Library layers made of layers (MultiHeadAttention, …) are one call.  What
    follows from no input has no part in it.
    """

    def __init__(self, root: Site):
        self.wiring = Wiring(root, closed=is_library_layer)
        self.first = len(self.wiring.entries)
        self.sites = [site for site in self.wiring.sites if self.wiring.sources[site]]
        self.number = {site: index for index, site in enumerate(self.sites, start=self.first)}
        self._entry = {id(value): index for index, value in enumerate(self.wiring.entries)}
        self.before: list[list[int]] = [[] for _ in range(self.first)]
        self.before += [list(dict.fromkeys(map(self.of, self.wiring.sources[site]))) for site in self.sites]
        self._gates: list[int] = [-1] * self.first
        self._above: list[int] = [1 << index for index in range(self.first)]
        for index in range(self.first, len(self.before)):
            self._gates.append(reduce(self.common, self.before[index]))
            self._above.append(reduce(int.__or__, (self._above[b] for b in self.before[index])) | 1 << index)

    def of(self, value: Value) -> int:
        """The number of the call that made a value, or of the value itself if it came in."""
        return self.number[value.site] if value.site in self.number else self._entry[id(value)]

    def site(self, number: int) -> Site:
        return self.sites[number - self.first]

    def value(self, number: int) -> Value:
        return self.wiring.entries[number] if number < self.first else self.site(number).outputs[0]

    def common(self, a: int, b: int) -> int:
        """The last call that everything to both passes through (their common dominator); -1 if there is none."""
        while a != b:
            a, b = (self._gates[a], b) if a > b else (a, self._gates[b])
        return a

    def leads(self, a: int, b: int) -> bool:
        """Whether b follows from a, or is a."""
        return bool(self._above[b] >> a & 1)

    def between(self, entry: int, end: int) -> list[int]:
        """The calls on the ways from one to the other, both left out, in order."""
        found: set[int] = set()
        stack = [b for b in self.before[end] if b != entry and self.leads(entry, b)]
        while stack:
            number = stack.pop()
            if number not in found:
                found.add(number)
                stack += [b for b in self.before[number] if b != entry and self.leads(entry, b)]
        return sorted(found)

    def branches(self, entry: int, end: int) -> list[list[int]]:
        """For each input of a call, the calls on the ways to it alone."""
        ways = [{*self.between(entry, b), b} - {entry} for b in self.before[end]]
        return [sorted(way.difference(*(other for other in ways if other is not way))) for way in ways]

    def after(self, number: int) -> list[int]:
        """The calls that take what a call returns."""
        users = self.wiring.users_of(self.site(number)) if number >= self.first else []
        return [self.number[user] for user in users]

    def only_before(self, number: int) -> int | None:
        """The one call before, if there is one only."""
        return self.before[number][0] if len(self.before[number]) == 1 else None
