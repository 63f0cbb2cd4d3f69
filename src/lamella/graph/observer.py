"""Observer: told of every call made in its frame, with what goes in and comes out.

`with frame(observer=…): model(x)` tells it of the model, of each layer that the
model calls, and so on inwards.  Tracing, tapping and patching are observers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from lamella.graph.operation import Operation

Key = tuple[tuple[Operation, int], ...]
"""Which call: (operation, number among its calls there) for each call around it and itself."""


class Observer:
    """Follows calls; subclasses override `entered` and `left`.

    held: what was compiled while it observed, which is of no use without it.
    """

    def __init__(self) -> None:
        self.held: dict[Any, Any] = {}
        self._key: Key = ()
        self._counts: list[Counter[Operation]] = [Counter()]

    def around(
        self, operation: Operation, run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Makes one call: what an operation's `__call__` does when somebody observes."""
        before, counts = self._key, self._counts[-1]
        self._key = key = (*before, (operation, counts[operation]))
        counts[operation] += 1
        self._counts.append(Counter())
        try:
            args, kwargs = self.entered(key, args, kwargs)
            return self.left(key, self.ran(key, run, args, kwargs))
        finally:
            self._counts.pop()
            self._key = before

    def entered(
        self, key: Key, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sees the arguments of a call, and says what it gets."""
        return args, kwargs

    def ran(self, key: Key, run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs a call."""
        return run(*args, **kwargs)

    def left(self, key: Key, outputs: Any) -> Any:
        """Sees what a call returns, and says what its caller gets."""
        return outputs
