"""What reading a graph may cost: ops from a file are traced for their shapes, and some arguments make that endless.

Counted are calls of functions, not seconds, so that a file is refused everywhere or nowhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import CO_GENERATOR
from typing import Any

from lamella.errors import ConfigError

FREE = 1_500_000  # calls and returns in one file: about half a second
EACH = 20_000  # and for every call of an op, where 5,000 are usual
_GRACE = 100_000  # for cleaning up, after it was stopped
_left: ContextVar[list[int] | None] = ContextVar("lamella_budget", default=None)


@contextmanager
def budget(calls: int = FREE) -> Iterator[None]:
    """Sets what all `bounded` parts inside may cost together."""
    token = _left.set([calls])
    try:
        yield
    finally:
        _left.reset(token)


@contextmanager
def bounded(what: str) -> Iterator[None]:
    """Stops what costs more than is left; where no budget is set, nothing.

    Raises: ConfigError: it was stopped.
    """
    left, tracing = _left.get(), sys.gettrace()
    if left is None or sys.getprofile() is not None:  # a profiler is at work
        yield
        return
    left[0] += EACH
    stopped: list[ConfigError] = []
    sys.setprofile(_counter(left, stopped, f"The shape of {what} takes too long to find out."))
    try:
        yield
    except Exception:
        if stopped:  # whatever it became on its way
            raise stopped[0] from None
        raise
    finally:
        sys.setprofile(None)
        sys.settrace(tracing)


def _counter(left: list[int], stopped: list[ConfigError], reason: str) -> Callable[..., None]:
    """A hook that counts down, then raises.

    Python takes a hook off when it raises.  Where that error was swallowed (by a callback of the garbage collector,
    say), the other kind of hook goes on.
    """
    hooks = [sys.setprofile, sys.settrace]

    def count(frame: Any, event: str, argument: Any) -> None:
        left[0] -= 1
        if left[0] < 0 and event == "call" and not frame.f_code.co_flags & CO_GENERATOR:
            left[0] = _GRACE
            hooks.reverse()
            hooks[0](count)
            stopped.append(ConfigError(reason))
            raise stopped[-1]

    return count
