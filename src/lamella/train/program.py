"""A step as a compiled function of state, run on the variables of a model."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax

from lamella.config import are_steps_in_place
from lamella.lower import calls_the_host, compiled
from lamella.state import StateView

_WORTH_IT = 64 << 20  # bytes that a step changes: so many are saved; for a few, XLA puts in more copies than it saves


class Program:
    """A compiled step.

    Where much memory changes, the new values are computed in that of the old ones, unless the step calls
    the host: a Python function may fail, or read what is being changed.

    Args: step: (state, *data) → (result, {address: changed value}).
          in_place: whether it may take the memory of what it changes.
    """

    def __init__(self, step: Callable[..., Any], in_place: bool):
        self._program = compiled(step)
        self._may_take, self._view = in_place, None
        self._takes: frozenset[str] = frozenset()
        self._in_place: Any = None
        self._shapes: set[Any] = set()  # of data that it ran on

    @property
    def traced_once(self) -> Callable[..., Any]:
        """The step, to be part of another program."""
        return self._program.__wrapped__

    def trace(self, view: StateView, *data: Any) -> Any:
        """What `jax.jit(step).trace` returns."""
        return self._program.trace(view.read(), *data)

    def __call__(self, view: StateView, *data: Any) -> Any:
        """Makes the step on the variables of a view; returns the result."""
        if self._may_take and are_steps_in_place() and not _repeats_steps():
            if view is not self._view:
                self._choose(view, *data)
            if self._takes:
                return self._taking(view, *data)
        result, changed = self._program(view.read(), *data)
        view.write(changed)
        return result

    def _choose(self, view: StateView, *data: Any) -> None:
        """Decides what is computed in place."""
        takes: frozenset[str] = frozenset()
        if view.nbytes >= _WORTH_IT:
            traced = self.trace(view, *data)
            changed = traced.out_info[1]
            size = sum(one.size * one.dtype.itemsize for one in changed.values())
            if size >= _WORTH_IT and not calls_the_host(traced.jaxpr):
                takes = frozenset(changed)
        if takes != self._takes:
            self._takes, self._in_place, self._shapes = takes, _in_place(self.traced_once), set()
        self._view = view

    def _taking(self, view: StateView, *data: Any) -> Any:
        shapes = tuple((leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(data) if hasattr(leaf, "shape"))
        kept = view.read(without=self._takes)
        if shapes in self._shapes:
            return view.hand_over(self._takes).run(self._in_place, kept, *data)
        self._in_place.lower(view.read(without=kept), kept, *data).compile()  # nothing is lost if this is interrupted
        with _ctrl_c_waits():  # a program's first run goes through code of JAX that Python may interrupt
            result = view.hand_over(self._takes).run(self._in_place, kept, *data)
        self._shapes.add(shapes)
        return result


def _in_place(step: Callable[..., Any]) -> Any:
    """(taken state, kept state, *data) → (result, the taken state's new values, in its memory)."""

    def run(taken: Any, kept: Any, *data: Any) -> Any:
        result, changed = step({**kept, **taken}, *data)
        return result, {**taken, **changed}

    return compiled(run, takes_first=True)


def _repeats_steps() -> bool:
    """Whether JAX looks for numbers that are not finite, and makes a step that gave one again."""
    settings: Any = jax.config
    return settings.jax_debug_nans or settings.jax_debug_infs


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Ctrl-C is heard at the end of the block."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    heard: list[Any] = []
    signal.signal(signal.SIGINT, lambda *what: heard.append(what))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if heard:
            before(*heard[0])
