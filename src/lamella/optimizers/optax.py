"""Any optax gradient transformation as an optimizer.  optax itself is never imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from lamella.errors import ArgumentError, ConfigError
from lamella.optimizers.optimizer import Optimizer
from lamella.state import Variable


def is_transformation(value: Any) -> bool:
    """Whether a value has optax's two functions, `init` and `update`."""
    return callable(getattr(value, "init", None)) and callable(getattr(value, "update", None))


class OptaxOptimizer(Optimizer):
    """Takes the steps of an optax transformation; its state lives in variables like any slot.

    Args:    transformation: anything with optax's `init(params)` and `update(grads, state, params)`.
             learning_rate: multiplies optax's steps; 1.0 leaves them alone.
    State:   one variable for every array in optax's state, named by its place there.
    Raises:  ArgumentError: `transformation` has no init and update.
             ConfigError: `get_config`: functions cannot be written to a file.
    Example: >>> import optax
             >>> w = Variable([1.0]); OptaxOptimizer(optax.sgd(0.5)).apply([jnp.ones(1)], [w]); float(w[0])
             0.5
    """

    def __init__(self, transformation: Any, learning_rate: Any = 1.0, name: str | None = None, **options: Any):
        if not is_transformation(transformation):
            raise ArgumentError(
                "OptaxOptimizer needs an optax transformation.",
                expected="init and update",
                received=repr(transformation),
            )
        super().__init__(learning_rate, name=name, **options)
        self.transformation = transformation

    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)
        params = {self._key_(v): v.raw for v in variables}
        leaves, self._structure = jax.tree_util.tree_flatten_with_path(jax.jit(self.transformation.init)(params))
        self._state = [
            self._leaf(jax.tree_util.keystr(path, simple=True, separator="/"), leaf) for path, leaf in leaves
        ]

    def _leaf(self, place: str, start: Any) -> Variable:
        return self._add_(f"state/{place}", place.replace("/", "_"), start.shape, start, start.dtype)

    def _backend_update_step(self, grads: list[Any], trainable_variables: list[Variable], learning_rate: Any) -> None:
        given = dict(zip(trainable_variables, grads, strict=True))
        all_grads = {self._key_(v): given.get(v, jnp.zeros_like(v.raw)) for v in self._trainable_variables}
        params = {self._key_(v): v.raw for v in self._trainable_variables}
        state = jax.tree_util.tree_unflatten(self._structure, [leaf.raw for leaf in self._state])
        steps, state = self.transformation.update(all_grads, state, params)
        for variable in trainable_variables:
            variable.assign_add(steps[self._key_(variable)] * self.rate_for(variable, learning_rate))
        for leaf, new in zip(self._state, jax.tree_util.tree_leaves(state), strict=True):
            leaf.assign(new)

    def get_config(self) -> dict[str, Any]:
        raise ConfigError(
            f"{self.name!r} wraps an optax transformation, which is made of functions and cannot be written to a file.",
            fix="save the weights, and call compile() again after loading",
        )
