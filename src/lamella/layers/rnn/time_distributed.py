"""TimeDistributed: one layer for every step of a sequence."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp

from lamella.errors import ShapeError
from lamella.layers.core.wrapper import Wrapper
from lamella.layers.keywords import LayerKeywords
from lamella.layers.rnn.cell import call_options
from lamella.state import walk

__all__ = ["TimeDistributed"]


class TimeDistributed(Wrapper):
    """Applies a layer to each step of axis 1, with the same weights.

    Args:    layer: takes one step, (batch, ...).
    Shape:   in (batch, steps, ...) → out (batch, steps, ...)
    State:   the inner layer's
    Example: >>> TimeDistributed(Dense(8))(np.ones((2, 5, 3))).shape
             (2, 5, 8)
    """

    def __init__(self, layer: Any, **kwargs: Unpack[LayerKeywords]):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        super().build(self._step_shape(input_shape))

    def _step_shape(self, input_shape: Any) -> Any:
        if len(input_shape) < 3:
            raise ShapeError(
                f"{self._where_()} takes sequences.", expected="(batch, steps, ...)", received=tuple(input_shape)
            )
        return (input_shape[0], *input_shape[2:])

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *rest = self.layer.compute_output_shape(self._step_shape(input_shape))
        return (batch, input_shape[1], *rest)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if mask is not None and mask.shape[:2] != inputs.shape[:2]:
            raise ShapeError(
                f"{self._where_()} got a mask of another shape.", expected=inputs.shape[:2], received=mask.shape
            )
        options = {} if mask is None else call_options(self.layer, mask=mask)
        if any(not variable.made_trainable for _, variable in walk(self.layer)):
            return self._step_by_step(inputs, options)
        inside, options = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), (inputs, options))
        outputs = self.layer(inside, **options)
        return jax.tree.map(lambda y: y.reshape(*inputs.shape[:2], *y.shape[1:]), outputs)

    def _step_by_step(self, inputs: Any, options: dict[str, Any]) -> Any:
        """One call a step, for layers whose calls leave something behind (seeds, moving statistics)."""
        outputs = []
        for step in range(inputs.shape[1]):
            now, of_step = jax.tree.map(lambda a, step=step: a[:, step], (inputs, options))
            outputs.append(self.layer(now, **of_step))
        return jax.tree.map(lambda *ys: jnp.stack(ys, axis=1), *outputs)
