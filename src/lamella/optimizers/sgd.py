"""Gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from lamella.errors import ArgumentError
from lamella.optimizers.alike import alike
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, with_options
from lamella.state import Variable


class SGD(Optimizer):
    """Goes down the gradient: w ← w - rate·g; with momentum, m ← momentum·m - rate·g, w ← w + m.

    Args:   momentum: how much of the last step is kept, in [0, 1].
            nesterov: looks one step ahead: w ← w + momentum·m - rate·g.
    State:  momentum, unless it is 0.
    Raises: ArgumentError: momentum outside of [0, 1].
    Source: Sutskever et al. 2013, http://proceedings.mlr.press/v28/sutskever13.html
    Example: >>> w = Variable([1.0]); SGD(0.1).apply([jnp.ones(1)], [w]); round(float(w[0]), 3)
             0.9
    """

    @with_options
    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **options: Unpack[Options]
    ):
        super().__init__(learning_rate, **options)
        if not 0 <= momentum <= 1:
            raise ArgumentError("SGD's momentum lies in [0, 1].", received=momentum)
        self.momentum, self.nesterov = momentum, nesterov

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        if self.momentum:
            self.add_optimizer_variables(variables, "momentum")

    @alike
    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        step = -learning_rate * gradient
        if self.momentum:
            m = self.slot(variable, "momentum")
            m.assign(self.momentum * m + step)
            step = self.momentum * m + step if self.nesterov else m
        variable.assign_add(step)
