"""Adafactor: second moments in the memory of a row and a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.optimizers.alike import alike
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import Options, with_options
from lamella.state import Variable


class Adafactor(Optimizer):
    """Divides the gradient by a second moment that, for matrices, is an outer product of two vectors.

    Args:   beta_2_decay: the mean of squares keeps 1 - step**beta_2_decay.
            epsilon_1: added to squares.  epsilon_2: the least size that weights are taken to have.
            clip_threshold: the largest root mean square of a step.
            relative_step: no effect; the rate is never above 1 / √step, as in Keras.
    State:  r, c (means over the last axis and the one before it), velocity.
    Source: Shazeer & Stern 2018, https://arxiv.org/abs/1804.04235, algorithms 4 and 5
    """

    @with_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **options: Unpack[Options],
    ):
        super().__init__(learning_rate, **options)
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        for variable in variables:
            if not variable.overwrite_with_gradient:
                rows, columns = variable.shape[:-1], variable.shape[:-2] + variable.shape[-1:]
                factored = variable.ndim >= 2  # below, r and c are there only to be counted, as in Keras
                self.add_slot(variable, "r", shape=rows if factored else ())
                self.add_slot(variable, "c", shape=columns if factored else ())
                self.add_slot(variable, "velocity")

    @alike
    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        r, c, v = (self.slot(variable, name) for name in ("r", "c", "velocity"))
        t = self.step_for(variable)
        alpha = jnp.maximum(self.epsilon_2, _rms(variable.raw)) * jnp.minimum(learning_rate, 1 / jnp.sqrt(t))
        keep = 1 - t**self.beta_2_decay
        square = gradient**2 + self.epsilon_1
        if variable.ndim >= 2:
            r.assign(keep * r + (1 - keep) * square.mean(-1))
            c.assign(keep * c + (1 - keep) * square.mean(-2))
            v.assign((r / r.value.mean(-1, keepdims=True))[..., None] * c.value[..., None, :])
        else:
            v.assign(keep * v + (1 - keep) * square)
        step = gradient / jnp.sqrt(v.raw)
        variable.assign_sub(alpha * step / jnp.maximum(1, _rms(step) / self.clip_threshold))


def _rms(x: Any) -> Any:
    return jnp.sqrt(jnp.mean(x**2))
