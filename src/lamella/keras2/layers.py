"""Layers of Keras 2 that `tf.keras` still has."""

from __future__ import annotations

from typing import Any

from lamella import ops
from lamella.errors import ArgumentError
from lamella.layers import Layer
from lamella.registry import register_keras_serializable


@register_keras_serializable(package="Lamella")
class ThresholdedReLU(Layer):
    """x where it is greater than theta, else 0.

    Args:    theta: the threshold, not negative.
    """

    def __init__(self, theta: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        if theta is None or theta < 0:
            raise ArgumentError("theta does not fit.", expected="a number of at least 0", received=repr(theta))
        self.supports_masking = True
        self.theta = float(theta)

    def call(self, inputs: Any) -> Any:
        return inputs * ops.cast(inputs > self.theta, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "theta": self.theta}
