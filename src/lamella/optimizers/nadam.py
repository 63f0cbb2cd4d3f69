"""Nadam: Adam with Nesterov momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.optimizers.alike import alike
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, with_options
from lamella.state import Variable

_DECAY = 0.96  # of the momentum schedule, section 3 of the report


class Nadam(Optimizer):
    """Adam that looks ahead along its momentum, which itself follows a schedule.

    Args:   beta_1, beta_2: how much of the two means is kept at each step.
    State:  momentum, velocity; the product of the momentum schedule so far, one for all.
    Source: Dozat 2015, http://cs229.stanford.edu/proj2015/054_report.pdf
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
        self._u_product = self.add_variable((), "ones", variables[0].dtype if variables else None)

    def _momentum_at(self, step: Any) -> Any:
        return self.beta_1 * (1 - 0.5 * _DECAY**step)

    def _backend_update_step(self, grads: list[Any], trainable_variables: list[Variable], learning_rate: Any) -> None:
        self._u_product.assign(self._u_product * self._momentum_at(self.step_for(self._u_product)))
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    @alike
    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m, v, t = self.slot(variable, "momentum"), self.slot(variable, "velocity"), self.step_for(variable)
        now, ahead = self._momentum_at(t), self._momentum_at(t + 1)
        product = self._u_product.value.astype(variable.dtype)
        m.assign_add((gradient - m) * (1 - self.beta_1))
        v.assign_add((gradient**2 - v) * (1 - self.beta_2))
        m_hat = ahead * m / (1 - product * ahead) + (1 - now) * gradient / (1 - product)
        v_hat = v / (1 - self.beta_2**t)
        variable.assign_sub(learning_rate * m_hat / (jnp.sqrt(v_hat) + self.epsilon))
