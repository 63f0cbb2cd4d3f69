"""Layers that let their input pass: Identity, and Masking, which marks steps to skip."""

from __future__ import annotations

from typing import Any, Unpack

import jax

from lamella import ops
from lamella.graph import KerasTensor
from lamella.layers.configured import Elementwise
from lamella.layers.keywords import LayerKeywords
from lamella.registry import deserialize_keras_object

__all__ = ["Identity", "Masking"]


class Identity(Elementwise):
    """Returns its input: any tensor, or any structure of tensors.

    Example: >>> Identity()(np.ones((2, 3))).shape
             (2, 3)
    """

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_spec(self, inputs: Any) -> Any:
        return jax.tree.map(lambda tensor: KerasTensor(tensor.shape, tensor.dtype), inputs)


class Masking(Elementwise):
    """Marks the steps that hold nothing but `mask_value`, and zeroes them.

    Shape:   in (batch, steps, ...) → out the same, with a mask (batch, steps)
    Example: >>> x = np.array([[[1.0, 2.0], [0.0, 0.0]]])
             >>> Masking().compute_mask(x).tolist()
             [[True, False]]
    """

    config_names = ("mask_value",)

    def __init__(self, mask_value: Any = 0.0, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.mask_value = deserialize_keras_object(mask_value) if isinstance(mask_value, dict) else mask_value

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        return ops.where(ops.expand_dims(self.compute_mask(inputs), -1), inputs, 0)
