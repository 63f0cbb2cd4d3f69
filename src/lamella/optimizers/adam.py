"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.errors import ArgumentError
from lamella.optimizers.alike import alike
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, UndecayedOptions, with_options
from lamella.state import Variable


class Adam(Optimizer):
    """Divides a running mean of the gradient by the root of a running mean of its square.

    Args:   beta_1, beta_2: how much of the two means is kept at each step.
            epsilon: added to the root ("epsilon hat" in the paper).
            amsgrad: divides by the largest second moment so far.
    State:  momentum, velocity; velocity_hat if amsgrad.
    Source: Kingma & Ba 2014, https://arxiv.org/abs/1412.6980, end of section 2;
            Reddi et al. 2018, https://openreview.net/forum?id=ryQu7f-RZ (amsgrad)
    """

    @with_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[Options],
    ):
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        self.add_optimizer_variables(variables, ["momentum", "velocity"])
        if self.amsgrad:
            self.add_optimizer_variables(variables, "velocity_hat")

    @alike
    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m, v, t = self.slot(variable, "momentum"), self.slot(variable, "velocity"), self.step_for(variable)
        m.assign_add((gradient - m) * (1 - self.beta_1))
        v.assign_add((gradient**2 - v) * (1 - self.beta_2))
        if self.amsgrad:
            highest = self.slot(variable, "velocity_hat")
            highest.assign(jnp.maximum(highest.raw, v.raw))
            v = highest
        alpha = learning_rate * jnp.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        variable.assign_sub(alpha * m / (jnp.sqrt(v.raw) + self.epsilon))


class AdamW(Adam):
    """Adam whose weight decay acts on the weights, not through the gradient.

    Args:   weight_decay: each step takes weight_decay · learning_rate of the weights off them.
    State:  momentum, velocity; velocity_hat if amsgrad.
    Raises: ArgumentError: weight_decay is None.
    Source: Loshchilov & Hutter 2017, https://arxiv.org/abs/1711.05101
    """

    @with_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[UndecayedOptions],
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options)
        if weight_decay is None:
            raise ArgumentError("AdamW needs a weight_decay.", received=None, fix="use Adam for none")
