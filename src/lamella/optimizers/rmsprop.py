"""RMSprop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.optimizers.alike import alike
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, with_options
from lamella.state import Variable


class RMSprop(Optimizer):
    """Divides the gradient by the root of a running mean of its square.

    Args:   rho: how much of the mean is kept at each step.
            momentum: how much of the last step is kept.
            centered: divides by the running variance, which costs one slot more.
    State:  velocity; momentum unless it is 0; average_gradient if centered.
    Source: Hinton 2012, https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf
    """

    @with_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[Options],
    ):
        super().__init__(learning_rate, **options)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        self.add_optimizer_variables(variables, "velocity")
        if self.momentum > 0:
            self.add_optimizer_variables(variables, "momentum")
        if self.centered:
            self.add_optimizer_variables(variables, "average_gradient")

    @alike
    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        v = self.slot(variable, "velocity")
        v.assign(self.rho * v + (1 - self.rho) * gradient**2)
        spread = v + self.epsilon
        if self.centered:
            mean = self.slot(variable, "average_gradient")
            mean.assign(self.rho * mean + (1 - self.rho) * gradient)
            spread = v - mean**2 + self.epsilon
        step = learning_rate * gradient / jnp.sqrt(spread)
        if self.momentum > 0:
            m = self.slot(variable, "momentum")
            step = m.assign(self.momentum * m + step)
        variable.assign_sub(step)
