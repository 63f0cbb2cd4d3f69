"""Schedule-free AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, with_options
from lamella.state import Variable


class ScheduleFreeAdamW(Optimizer):
    """Adam that averages its own path in place of a falling learning rate.

    Args:   beta_1: how far the model stands from the path z towards its average x.
            beta_2: how much of the mean of squares is kept at each step.
            warmup_steps: the rate rises linearly over so many steps.
    State:  momentum (the path z), velocity.
    Source: Defazio et al. 2024, https://arxiv.org/abs/2405.15682
    """

    @with_options
    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **options: Unpack[Options],
    ):
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        for variable in variables:
            if not variable.overwrite_with_gradient:
                self.add_slot(variable, "momentum", variable)
                self.add_slot(variable, "velocity")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        z, v, t = self.slot(variable, "momentum"), self.slot(variable, "velocity"), self.step_for(variable)
        if self.warmup_steps > 0:
            learning_rate = learning_rate * jnp.minimum(t / self.warmup_steps, 1)
        x = (variable - (1 - self.beta_1) * z) / self.beta_1
        v.assign_add((gradient**2 - v) * (1 - self.beta_2))
        v_hat = v / (1 - self.beta_2**t)
        z.assign_sub(learning_rate * gradient / (jnp.sqrt(v_hat) + self.epsilon))
        x = (1 - 1 / t) * x + z / t
        variable.assign((1 - self.beta_1) * z + self.beta_1 * x)
