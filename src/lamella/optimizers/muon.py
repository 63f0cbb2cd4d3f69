"""Muon: momentum made orthogonal, for matrices; Adam for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.errors import ShapeError
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import UndecayedOptions, with_options
from lamella.registry import matches
from lamella.state import Variable


class Muon(Optimizer):
    """Replaces the momentum of a matrix by the nearest orthogonal one; variables of other rank take Adam.

    Args:   adam_beta_1, adam_beta_2, epsilon, adam_weight_decay, adam_lr_ratio: for what takes Adam;
              the ratio multiplies the learning rate.
            exclude_layers: patterns of paths that take Adam.
            exclude_embeddings: paths with "embedding" take Adam.
            muon_a, muon_b, muon_c: the polynomial ax + bx³ + cx⁵ iterated on the singular values.
            ns_steps: how often it is iterated.
            momentum, nesterov: of the matrices.
            rms_rate: the root mean square that a step of rate 1 has; None leaves steps as they are.
    State:  momentum; velocity for what takes Adam.
    Source: Jordan 2024, https://kellerjordan.github.io/posts/muon;
            Liu et al. 2025, https://arxiv.org/abs/2502.16982 (rms_rate)
    """

    @with_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: list[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **options: Unpack[UndecayedOptions],
    ):
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.exclude_layers, self.exclude_embeddings = exclude_layers or [], exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.momentum, self.nesterov, self.ns_steps, self.rms_rate = momentum, nesterov, ns_steps, rms_rate

    def _should_use_adamw(self, variable: Variable) -> bool:
        embedding = self.exclude_embeddings and "embedding" in variable.path.lower()
        return variable.ndim != 2 or embedding or any(matches(p, variable.path) for p in self.exclude_layers)

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        for variable in variables:
            if not variable.overwrite_with_gradient:
                self.add_slot(variable, "momentum")
                if self._should_use_adamw(variable):
                    self.add_slot(variable, "velocity")

    def _weight_decay_for_(self, variable: Variable) -> float | None:
        return self.adam_weight_decay if self._should_use_adamw(variable) else self.weight_decay

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        if self._should_use_adamw(variable):
            self._adamw_update_step(gradient, variable, learning_rate * self.adam_lr_ratio)
        else:
            self._muon_update_step(gradient, variable, learning_rate)

    def _muon_update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m = self.slot(variable, "momentum")
        m.assign(self.momentum * m + gradient)
        direction = gradient + self.momentum * m if self.nesterov else m.raw
        step = self.zeropower_via_newtonschulz5(direction, self.ns_steps)
        variable.assign_sub(self.lr_adjust(learning_rate * step))

    def _adamw_update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m, v, t = self.slot(variable, "momentum"), self.slot(variable, "velocity"), self.step_for(variable)
        m.assign_add((gradient - m) * (1 - self.adam_beta_1))
        v.assign_add((gradient**2 - v) * (1 - self.adam_beta_2))
        alpha = learning_rate * jnp.sqrt(1 - self.adam_beta_2**t) / (1 - self.adam_beta_1**t)
        variable.assign_sub(alpha * m / (jnp.sqrt(v.raw) + self.epsilon))

    def transpose_last_axis(self, X: Any) -> Any:  # noqa: N803 - Keras's name
        """Swaps the last two axes."""
        return jnp.swapaxes(X, -1, -2)

    def lr_adjust(self, x: Any) -> Any:
        """Scales a step so that its root mean square is `rms_rate`, whatever the matrix's shape."""
        return x if self.rms_rate is None else x * jnp.sqrt(jnp.maximum(*map(float, x.shape))) * self.rms_rate

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """The orthogonal matrix nearest to x, about: its singular values go to near 1.

        Raises: ShapeError: x is not a matrix.
        """
        if x.ndim < 2:
            raise ShapeError("Only matrices can be made orthogonal.", expected="rank 2 or more", received=x.shape)
        tall = x.shape[-2] > x.shape[-1]
        x = self.transpose_last_axis(x) if tall else x
        x = x / (jnp.linalg.norm(x, axis=(-2, -1), keepdims=True) + 1e-7)
        for _ in range(steps):
            gram = x @ self.transpose_last_axis(x)
            x = self.muon_a * x + (self.muon_b * gram + self.muon_c * gram @ gram) @ x
        return self.transpose_last_axis(x) if tall else x
