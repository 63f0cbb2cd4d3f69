"""Adadelta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.optimizers.alike import alike
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, with_options
from lamella.state import Variable


class Adadelta(Optimizer):
    """Scales the gradient by the ratio of two running roots: of past steps, and of past gradients.

    Args:   rho: how much of the running means is kept at each step.
    State:  accumulated_grad, accumulated_delta_var.
    Source: Zeiler 2012, https://arxiv.org/abs/1212.5701, algorithm 1
    """

    @with_options
    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **options: Unpack[Options]
    ):
        super().__init__(learning_rate, **options)
        self.rho, self.epsilon = rho, epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        self.add_optimizer_variables(variables, ["accumulated_grad", "accumulated_delta_var"])

    @alike
    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        squares, steps = self.slot(variable, "accumulated_grad"), self.slot(variable, "accumulated_delta_var")
        squares.assign(self.rho * squares + (1 - self.rho) * gradient**2)
        step = -self._root(steps) / self._root(squares) * gradient
        steps.assign(self.rho * steps + (1 - self.rho) * step**2)
        variable.assign_add(learning_rate * step)

    def _root(self, mean_of_squares: Variable) -> Any:
        return jnp.sqrt(mean_of_squares + self.epsilon)
