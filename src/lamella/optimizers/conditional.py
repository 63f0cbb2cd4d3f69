"""Assignments that happen only where a condition holds, inside of compiled code too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.core import Tracer

from lamella.state import Variable, current, frame


def run_if(condition: Any, action: Callable[[], None], changes: Sequence[Variable]) -> None:
    """Runs `action` if `condition` holds: now if it is known, else as a branch of the program.

    Args:    condition: a boolean scalar.
             changes: every variable that `action` may assign.
    Example: >>> v = Variable(1.0)
             >>> run_if(jnp.asarray(True), lambda: v.assign(2.0), [v])
             >>> float(v)
             2.0
    """
    if not isinstance(condition, Tracer):
        if condition:
            action()
        return
    news = jax.lax.cond(condition, lambda: _after(action, changes), lambda: [v.raw for v in changes])
    for variable, new in zip(changes, news, strict=True):
        variable.assign(new)


def _after(action: Callable[[], None], changes: Sequence[Variable]) -> list[Any]:
    with frame(overlay=dict(current().overlay or {})):
        action()
        return [variable.raw for variable in changes]
