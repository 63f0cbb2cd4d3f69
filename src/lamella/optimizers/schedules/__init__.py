"""Learning-rate schedules: Keras's `keras.optimizers.schedules`."""

from __future__ import annotations

from typing import Any

from lamella.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from lamella.optimizers.schedules.decay import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from lamella.optimizers.schedules.schedule import LearningRateSchedule
from lamella.registry import deserialize_keras_object, serialize_keras_object

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """The config of a schedule, with its class's name."""
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The schedule that a config describes."""
    return deserialize_keras_object(config, custom_objects=custom_objects)
