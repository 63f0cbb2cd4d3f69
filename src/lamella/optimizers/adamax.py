"""Adamax: Adam with the infinity norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.optimizers.alike import alike
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, with_options
from lamella.state import Variable


class Adamax(Optimizer):
    """Divides a running mean of the gradient by a decaying maximum of its size.

    Args:   beta_1, beta_2: how much of the mean and of the maximum is kept at each step.
    State:  momentum, norm.
    Source: Kingma & Ba 2014, https://arxiv.org/abs/1412.6980, section 7.1
    """

    @with_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ):
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        self.add_optimizer_variables(variables, ["momentum", "norm"])

    @alike
    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m, u, t = self.slot(variable, "momentum"), self.slot(variable, "norm"), self.step_for(variable)
        m.assign_add((gradient - m) * (1 - self.beta_1))
        u.assign(jnp.maximum(self.beta_2 * u, jnp.abs(gradient)))
        variable.assign_sub(learning_rate * m / ((1 - self.beta_1**t) * (u + self.epsilon)))
