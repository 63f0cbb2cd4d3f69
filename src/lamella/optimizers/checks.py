"""What is checked before an optimizer works: its options, and that gradients fit variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lamella.errors import ArgumentError, ShapeError
from lamella.state import Variable


def paired(grads: Sequence[Any], variables: Sequence[Variable]) -> list[tuple[Any, Variable]]:
    """Pairs of (gradient, variable), which agree in number and shapes."""
    if len(grads) != len(variables):
        raise ArgumentError("Gradients and variables must go in pairs.", expected=len(variables), received=len(grads))
    for gradient, variable in zip(grads, variables, strict=True):
        if gradient is not None and np.shape(gradient) != variable.shape:
            raise ShapeError(
                f"The gradient of {variable.path!r} has another shape.",
                expected=variable.shape,
                received=np.shape(gradient),
            )
    return list(zip(grads, variables, strict=True))


def check_count(what: str, values: Sequence[Any], variables: Sequence[Variable]) -> None:
    """Raises ArgumentError unless there is one value a variable."""
    if len(values) != len(variables):
        raise ArgumentError(
            f"stateless_apply() needs one value a variable in `{what}`.", expected=len(variables), received=len(values)
        )


def check_options(self: Any) -> None:
    """Raises ArgumentError where an optimizer's shared options make no sense."""
    steps, frequency = self.gradient_accumulation_steps, self.ema_overwrite_frequency
    clips = {name: getattr(self, name) for name in ("clipnorm", "clipvalue", "global_clipnorm")}
    clips = {name: value for name, value in clips.items() if value is not None}
    if steps and not steps >= 2:
        raise ArgumentError("gradient_accumulation_steps is an integer of at least 2, or None.", received=steps)
    if self.use_ema and not 0 <= self.ema_momentum <= 1:
        raise ArgumentError("ema_momentum lies in [0, 1].", received=self.ema_momentum)
    if self.use_ema and frequency and (not isinstance(frequency, int) or frequency < 1):
        raise ArgumentError("ema_overwrite_frequency is an integer of at least 1, or None.", received=frequency)
    if len(clips) > 1:
        raise ArgumentError("Gradients are clipped in one way at a time.", received=clips, fix="pass one of them")
