"""What a learning-rate schedule is."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import floatx
from lamella.errors import ArgumentError, StateError


class LearningRateSchedule:
    """A learning rate as a function of the step: subclass it, write `__call__(step)` and `get_config()`."""

    def __call__(self, step: Any) -> Any:
        raise StateError(f"{type(self).__name__} does not define __call__(step).")

    def get_config(self) -> dict[str, Any]:
        raise StateError(f"{type(self).__name__} does not define get_config(), so it cannot be saved.")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


class Named(LearningRateSchedule):
    """A schedule whose config is the arguments it keeps under their own names."""

    arguments: tuple[str, ...] = ()

    def get_config(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.arguments}


def as_float(value: Any) -> jax.Array:
    """A number or a step count as floatx."""
    return jnp.asarray(value, floatx())


def check_positive(schedule: LearningRateSchedule, name: str) -> None:
    """Raises ArgumentError unless the attribute is above 0."""
    value = getattr(schedule, name)
    if value <= 0:
        raise ArgumentError(f"{type(schedule).__name__} needs {name} above 0.", received=value)
