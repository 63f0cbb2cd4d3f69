"""LAMB, for large batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.optimizers.alike import alike
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, with_options
from lamella.state import Variable


class Lamb(Optimizer):
    """Adam whose step is as long as the weights: scaled, variable by variable, by ‖w‖ / ‖step‖.

    Args:   beta_1, beta_2: how much of the two means is kept at each step.
    State:  momentum, velocity.
    Source: You et al. 2019, https://arxiv.org/abs/1904.00962, algorithm 2
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
        self.add_optimizer_variables(variables, ["momentum", "velocity"])

    @alike
    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m, v, t = self.slot(variable, "momentum"), self.slot(variable, "velocity"), self.step_for(variable)
        m.assign_add((gradient - m) * (1 - self.beta_1))
        v.assign_add((gradient**2 - v) * (1 - self.beta_2))
        m_hat, v_hat = m / (1 - self.beta_1**t), v / (1 - self.beta_2**t)
        step = m_hat / (jnp.sqrt(v_hat) + self.epsilon)
        weights, length = _norm(variable.raw), _norm(step)
        ratio = jnp.where((weights > 0) & (length > 0), weights / length, 1)
        variable.assign_sub(ratio * learning_rate * step)


def _norm(x: Any) -> Any:
    return jnp.sqrt(jnp.sum(x**2))
