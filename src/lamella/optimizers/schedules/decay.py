"""Schedules that fall by a formula: exponential, inverse, polynomial, and in steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from lamella.errors import ArgumentError
from lamella.optimizers.schedules.schedule import Named, as_float, check_positive


class _ByRate(Named):
    """Schedules of (initial_learning_rate, decay_steps, decay_rate, staircase)."""

    arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False, name: str = ""
    ):
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name
        check_positive(self, "decay_steps")

    def _periods(self, step: Any) -> Any:
        periods = as_float(step) / self.decay_steps
        return jnp.floor(periods) if self.staircase else periods


class ExponentialDecay(_ByRate):
    """initial_learning_rate · decay_rate ^ (step / decay_steps).

    Args:    staircase: counts whole periods only, so that the rate falls in steps.
    Raises:  ArgumentError: decay_steps is not above 0.
    Example: >>> round(float(ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)), 6)
             0.025
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ):
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Any:
        return self.initial_learning_rate * as_float(self.decay_rate) ** self._periods(step)


class InverseTimeDecay(_ByRate):
    """initial_learning_rate / (1 + decay_rate · step / decay_steps).

    Args:   staircase: counts whole periods only, so that the rate falls in steps.
    Raises: ArgumentError: decay_steps is not above 0.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ):
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Any:
        return self.initial_learning_rate / (1 + self.decay_rate * self._periods(step))


class PolynomialDecay(Named):
    """From initial_learning_rate to end_learning_rate along (1 - step / decay_steps) ^ power.

    Args:   cycle: begins again, over ever longer spans, in place of staying at the end.
    Raises: ArgumentError: decay_steps is not above 0.
    """

    arguments = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        self.initial_learning_rate, self.end_learning_rate = initial_learning_rate, end_learning_rate
        self.decay_steps, self.power, self.cycle, self.name = decay_steps, power, cycle, name
        check_positive(self, "decay_steps")

    def __call__(self, step: Any) -> Any:
        step, span = as_float(step), as_float(self.decay_steps)
        if self.cycle:
            span = span * jnp.where(step == 0, 1, jnp.ceil(step / span))
        fall = self.initial_learning_rate - self.end_learning_rate
        return fall * (1 - jnp.minimum(step, span) / span) ** self.power + self.end_learning_rate


class PiecewiseConstantDecay(Named):
    """values[0] up to and at boundaries[0], then values[1] up to boundaries[1], and so on.

    Raises:  ArgumentError: there is not one value more than there are boundaries.
    Example: >>> float(PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])(11))
             0.5
    """

    arguments = ("boundaries", "values", "name")

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ArgumentError(
                "PiecewiseConstantDecay needs one value more than boundaries.",
                expected=f"{len(boundaries) + 1} values",
                received=f"{len(values)} values",
            )
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Any) -> Any:
        step = jnp.asarray(step)
        passed = sum((step > jnp.asarray(b, step.dtype)).astype("int32") for b in self.boundaries)
        return as_float(self.values)[passed]
