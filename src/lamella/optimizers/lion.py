"""Lion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.errors import ArgumentError
from lamella.optimizers.alike import alike
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, with_options
from lamella.state import Variable


class Lion(Optimizer):
    """Steps by the sign of a mean of gradient and momentum.  Wants a rate 3 to 10 times below Adam's.

    Args:   beta_1: the momentum's part in the step, in (0, 1].
            beta_2: how much of the momentum is kept.
    State:  momentum.
    Raises: ArgumentError: beta_1 outside of (0, 1].
    Source: Chen et al. 2023, https://arxiv.org/abs/2302.06675
    """

    @with_options
    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **options: Unpack[Options]
    ):
        super().__init__(learning_rate, **options)
        if not 0 < beta_1 <= 1:
            raise ArgumentError("Lion's beta_1 lies in (0, 1].", received=beta_1)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        self.add_optimizer_variables(variables, "momentum")

    @alike
    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m = self.slot(variable, "momentum")
        variable.assign_sub(learning_rate * jnp.sign(self.beta_1 * m + (1 - self.beta_1) * gradient))
        m.assign(self.beta_2 * m + (1 - self.beta_2) * gradient)
