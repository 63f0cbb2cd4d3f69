"""How fast an optimizer goes, and how far it has come."""

from __future__ import annotations

from numbers import Real
from typing import Any

import jax.numpy as jnp
import numpy as np

from lamella.errors import ArgumentError, DtypeError
from lamella.optimizers.schedules import LearningRateSchedule
from lamella.optimizers.slots import Slots
from lamella.state import Variable


class Rated(Slots):
    """An optimizer's learning rate and count of steps."""

    gradient_accumulation_steps: int | None
    _iterations: Variable
    _learning_rate: Any

    @property
    def iterations(self) -> Any:
        """The number of updates so far."""
        if self.gradient_accumulation_steps:
            return self._iterations // self.gradient_accumulation_steps
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The rate of the next step: a variable, or what the schedule gives.  Settable, if not a schedule."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate(self._iterations)
        return rate if isinstance(rate, Variable) else rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(value) and not isinstance(value, Variable):
            self._drop_("learning_rate")
            self._learning_rate = value
        elif isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(value)
        else:
            raise DtypeError(
                f"The learning rate of {self.name!r} comes from a schedule and cannot be set to a number.",
                received=f"{type(self._learning_rate).__name__}",
                fix="make the optimizer with a number as learning_rate, or set another schedule",
            )

    def rate_for(self, variable: Variable, learning_rate: Any = None) -> Any:
        """The rate at which one variable learns, in its dtype."""
        rate = self.learning_rate if learning_rate is None else learning_rate
        return jnp.asarray(rate, variable.dtype)

    def step_for(self, variable: Variable) -> Any:
        """The number of this update, counted from 1, in the dtype of a variable."""
        return jnp.asarray(self.iterations + 1, variable.dtype)

    def _as_rate_(self, rate: Any) -> Any:
        if callable(rate) and not isinstance(rate, Variable):
            return rate
        if isinstance(rate, (bool, str)) or not (isinstance(rate, Real) or np.shape(rate) == ()) or rate is None:
            raise ArgumentError(
                f"The learning_rate of {self.name!r} cannot be used.",
                expected="a number, a LearningRateSchedule, or a function without arguments",
                received=repr(rate),
            )
        return self._add_("learning_rate", "learning_rate", (), float(rate), None, "only_first_replica")
