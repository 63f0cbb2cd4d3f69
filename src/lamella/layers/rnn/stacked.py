"""StackedRNNCells: several cells as one."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp

from lamella.layers.configured import Configured
from lamella.layers.keywords import LayerKeywords
from lamella.layers.layer import Layer
from lamella.layers.rnn.cell import call_options
from lamella.registry import deserialize_keras_object, serialize_keras_object

__all__ = ["StackedRNNCells"]


class StackedRNNCells(Configured):
    """One step through several cells: each takes the output of the one before.

    Args:    cells: cells, each with `call(inputs, states)` and `state_size`.
    State:   the cells' weights
    Example: >>> RNN(StackedRNNCells([GRUCell(8), GRUCell(4)]))(np.ones((2, 5, 3))).shape
             (2, 4)
    """

    def __init__(self, cells: Any, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        for cell in cells:
            if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
                raise self._refusal_("cells", cells, "cells that each have call(inputs, states) and a state_size")
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        return _output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """The first states of each cell."""
        return [self._first_states_(cell, batch_size) for cell in self.cells]

    def _first_states_(self, cell: Any, batch_size: int | None) -> Any:
        if hasattr(cell, "get_initial_state"):
            return cell.get_initial_state(batch_size=batch_size)
        return jax.tree.map(lambda size: jnp.zeros((batch_size, size), self.compute_dtype), cell.state_size)

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], _output_size(cell))

    def call(self, inputs: Any, states: Any, training: bool = False, **kwargs: Any) -> tuple[Any, list[Any]]:
        new = []
        for cell, state in zip(self.cells, states, strict=True):
            nested = isinstance(state, (list, tuple))
            options = {**kwargs, **call_options(cell, training=training)}
            call: Any = cell if callable(cell) else cell.call
            inputs, state = call(inputs, list(state) if nested else [state], **options)
            new.append(state if nested or len(state) > 1 else state[0])
        return inputs, new

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        cells = [deserialize_keras_object(cell, custom_objects=custom_objects) for cell in config["cells"]]
        return cls(cells, **{key: value for key, value in config.items() if key != "cells"})


def _output_size(cell: Any) -> int:
    size = getattr(cell, "output_size", None) or cell.state_size
    return size[0] if isinstance(size, (list, tuple)) else size
