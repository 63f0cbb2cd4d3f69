"""One trace for all variables of a shape: a compiled step of many variables is made in a fraction of the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
from jax.core import Tracer

from lamella.state import Variable, current, frame

Step = TypeVar("Step", bound=Callable[..., None])


def alike(update_step: Step) -> Step:
    """Says that an `update_step` sees no more of a variable than its values, its slots and their shapes and dtypes."""
    update_step.alike = True  # type: ignore[attr-defined]
    return update_step


class Updates:
    """The updates of one step, by an optimizer's `update_step`.

    In code that is traced, an `alike` one is traced once for each shape and dtype.

    Args: slots: those that go with each of the model's variables.
    """

    def __init__(self, update_step: Callable[..., None], slots: Mapping[Variable, list[Variable]]):
        self._step, self._slots = update_step, slots
        self._traced: dict[Any, Callable[..., list[Any]]] = {}

    def __call__(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        if not isinstance(gradient, Tracer) or not getattr(self._step, "alike", False):
            return self._step(gradient, variable, learning_rate)
        own = [variable, *self._slots.get(variable, ())]
        values = [v.raw for v in own]
        kind = tuple((value.shape, value.dtype, v.dtype) for value, v in zip(values, own, strict=True))
        if kind not in self._traced:
            self._traced[kind] = jax.jit(lambda *args: self._updated(own, *args))
        for v, new in zip(own, self._traced[kind](values, gradient, learning_rate), strict=True):
            v.assign(new)
        return None

    def _updated(self, own: list[Variable], values: list[Any], gradient: Any, learning_rate: Any) -> list[Any]:
        overlay = {**(current().overlay or {}), **dict(zip(own, values, strict=True))}
        with frame(overlay=overlay):
            self._step(gradient, own[0], learning_rate)
        return [overlay[v] for v in own]
