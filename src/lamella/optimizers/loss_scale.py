"""Loss scaling for float16: keeps small gradients from becoming zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from lamella.errors import ArgumentError
from lamella.optimizers.conditional import run_if
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.options import OPTIONS
from lamella.registry import deserialize_keras_object, serialize_keras_object
from lamella.state import Variable


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss, divides the gradients, and finds the largest factor that stays finite.

    A step whose gradients are not finite changes nothing but the factor, which is halved.

    Args:   inner_optimizer: takes the steps.
            initial_scale: the first factor.
            dynamic_growth_steps: doubles the factor after so many finite steps in a row.
    State:  step_counter, dynamic_scale; those of the inner optimizer.
    Raises: ArgumentError: an option that belongs on the inner optimizer.
    Source: Micikevicius et al. 2017, https://arxiv.org/abs/1710.03740
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ):
        if not kwargs.pop("dynamic", True):
            raise ArgumentError(
                "The loss scale is always dynamic here.", fix="set loss_scale_factor on the inner optimizer"
            )
        set_here = [key for key, value in kwargs.items() if value != OPTIONS.get(key, ...)]
        if set_here:
            raise ArgumentError(
                f"LossScaleOptimizer does not take {', '.join(set_here)}.", fix="set it on the inner optimizer"
            )
        super().__init__(0.0, name=name)
        self.inner_optimizer = _checked(inner_optimizer)
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        self.step_counter = self.add_variable((), dtype="int", name="step_counter")
        self.dynamic_scale = self.add_variable((), float(self.initial_scale), "float32", name="dynamic_scale")
        self.inner_optimizer.follow(variables)

    @property
    def variables(self) -> list[Variable]:
        return super().variables + self.inner_optimizer.variables

    @property
    def iterations(self) -> Any:
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        variables = self._served_(trainable_variables)
        finite = self.check_finite(grads)
        scale = self.dynamic_scale.raw
        unscaled = [
            g if g is None or v.overwrite_with_gradient else g / scale for g, v in zip(grads, variables, strict=True)
        ]
        inner = self.inner_optimizer
        run_if(finite, lambda: inner.apply(unscaled, variables), [*variables, *inner.variables])
        self._adjust(finite)

    def _adjust(self, finite: Any) -> None:
        steps = jnp.where(finite, self.step_counter + 1, 0)
        grow = steps == self.dynamic_growth_steps
        self.dynamic_scale.assign(self.dynamic_scale * jnp.where(finite, jnp.where(grow, 2.0, 1.0), 0.5))
        self.step_counter.assign(jnp.where(grow, 0, steps))

    def check_finite(self, grads: Sequence[Any]) -> Any:
        """Whether every number of every gradient is finite."""
        return jnp.all(jnp.array([jnp.all(jnp.isfinite(g)) for g in grads if g is not None]))

    def scale_loss(self, loss: Any) -> Any:
        return loss * (self.dynamic_scale.raw if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        inner = deserialize_keras_object(config["inner_optimizer"], custom_objects=custom_objects)
        return cls(**{**config, "inner_optimizer": inner})


def _checked(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError("LossScaleOptimizer wraps an optimizer.", received=repr(optimizer))
    return optimizer
