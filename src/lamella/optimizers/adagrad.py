"""Adagrad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.optimizers.alike import alike
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, with_options
from lamella.state import Variable


class Adagrad(Optimizer):
    """Divides the gradient by the root of the sum of all its squares so far.

    Args:   initial_accumulator_value: where the sums start, at least 0.
    State:  accumulator.
    Source: Duchi et al. 2011, https://jmlr.org/papers/v12/duchi11a.html
    """

    @with_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ):
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        self.add_optimizer_variables(variables, "accumulator", self.initial_accumulator_value)

    @alike
    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        total = self.slot(variable, "accumulator")
        total.assign_add(gradient**2)
        variable.assign_sub(learning_rate * gradient / jnp.sqrt(total + self.epsilon))
