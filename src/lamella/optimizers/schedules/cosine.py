"""Schedules that fall along half a cosine wave."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from lamella.optimizers.schedules.schedule import Named, as_float, check_positive


def _half_wave(fraction: Any, height: Any, alpha: float) -> Any:
    """From `height` at fraction 0 down to 0 at 1, then all raised to end at `alpha`."""
    return (1 - alpha) * 0.5 * height * (1 + jnp.cos(math.pi * fraction)) + alpha


class CosineDecay(Named):
    """Falls to alpha · its top in decay_steps; before that it may rise to the top in warmup_steps.

    Args:    alpha: what is left at the end, as a fraction.
             warmup_target: the top; None for no warm-up, with initial_learning_rate as the top.
    Raises:  ArgumentError: decay_steps is not above 0.
    Source:  Loshchilov & Hutter 2016, https://arxiv.org/abs/1608.03983
    Example: >>> rate = CosineDecay(0.0, decay_steps=100, warmup_target=1.0, warmup_steps=10)
             >>> float(rate(5)), float(rate(10)), float(rate(110))
             (0.5, 1.0, 0.0)
    """

    arguments = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.name, self.warmup_target, self.warmup_steps = name, warmup_target, warmup_steps
        check_positive(self, "decay_steps")

    def __call__(self, step: Any) -> Any:
        if self.warmup_target is None:
            return self.initial_learning_rate * self._decay(as_float(step))
        step = as_float(step)
        rise = self.warmup_target - self.initial_learning_rate
        warming = self.initial_learning_rate + rise * step / max(self.warmup_steps, 1)
        falling = self.warmup_target * self._decay(step - self.warmup_steps)
        return jnp.where(step < self.warmup_steps, warming, falling)

    def _decay(self, step: Any) -> Any:
        return _half_wave(jnp.minimum(step / self.decay_steps, 1), 1, self.alpha)


class CosineDecayRestarts(Named):
    """Falls along a half wave again and again: each is t_mul times longer and m_mul times as high.

    Args:   alpha: the lowest rate, as a fraction of the initial one.
    Raises: ArgumentError: first_decay_steps is not above 0.
    Source: Loshchilov & Hutter 2016, https://arxiv.org/abs/1608.03983
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self._t_mul, self._m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name
        check_positive(self, "first_decay_steps")

    def __call__(self, step: Any) -> Any:
        restarts, fraction = self._place(as_float(step) / self.first_decay_steps)
        return self.initial_learning_rate * _half_wave(fraction, as_float(self._m_mul) ** restarts, self.alpha)

    def _place(self, periods: Any) -> tuple[Any, Any]:
        """How many waves are over, and what fraction of the present one."""
        if self._t_mul == 1:
            return jnp.floor(periods), periods - jnp.floor(periods)
        ratio = as_float(self._t_mul)
        restarts = jnp.floor(jnp.log(1 - periods * (1 - ratio)) / jnp.log(ratio))
        begun = (1 - ratio**restarts) / (1 - ratio)
        return restarts, (periods - begun) / ratio**restarts

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self._t_mul,
            "m_mul": self._m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
