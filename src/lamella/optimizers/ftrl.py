"""FTRL-proximal, for sparse linear models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.errors import ArgumentError
from lamella.optimizers.alike import alike
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, with_options
from lamella.state import Variable

_NOT_NEGATIVE = (
    "initial_accumulator_value",
    "l1_regularization_strength",
    "l2_regularization_strength",
    "l2_shrinkage_regularization_strength",
)


class Ftrl(Optimizer):
    """Follows the regularized leader: solves anew, each step, for the weights that suit all gradients so far.

    Args:   learning_rate_power: how the rate falls with the sum of squares; 0 for a fixed rate.
            initial_accumulator_value: where the sums of squares start.
            l1_regularization_strength: sets small weights to exactly 0.
            l2_regularization_strength, beta: a penalty on the weights found.
            l2_shrinkage_regularization_strength: a penalty on their size, as part of the gradient.
    State:  accumulator, linear.
    Raises: ArgumentError: a strength below 0, or learning_rate_power above 0.
    Source: McMahan et al. 2013, https://research.google.com/pubs/archive/41159.pdf
    """

    @with_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **options: Unpack[Options],
    ):
        super().__init__(learning_rate, **options)
        self.learning_rate_power, self.beta = learning_rate_power, beta
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ArgumentError(f"Ftrl's {name} is at least 0.", received=getattr(self, name))
        if learning_rate_power > 0:
            raise ArgumentError("Ftrl's learning_rate_power is at most 0.", received=learning_rate_power)

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        self.add_optimizer_variables(variables, ["accumulator", "linear"], [self.initial_accumulator_value, "zeros"])

    @alike
    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        n, z = self.slot(variable, "accumulator"), self.slot(variable, "linear")
        l1, power = self.l1_regularization_strength, -self.learning_rate_power
        l2 = self.l2_regularization_strength + self.beta / (2 * learning_rate)
        shrunk = gradient + 2 * self.l2_shrinkage_regularization_strength * variable
        before, after = n**power, (n + gradient**2) ** power
        z.assign_add(shrunk - (after - before) / learning_rate * variable)
        n.assign_add(gradient**2)
        variable.assign((jnp.clip(z.raw, -l1, l1) - z) / (after / learning_rate + 2 * l2))
