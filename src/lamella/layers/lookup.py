"""Layers as configs, and back."""

from __future__ import annotations

from typing import Any

from lamella.errors import ConfigError
from lamella.layers.layer import Layer
from lamella.registry import deserialize_keras_object, serialize_keras_object


def serialize(layer: Layer) -> dict[str, Any]:
    """A layer as a plain dict.

    Example: >>> serialize(Dense(2))["class_name"]
             'Dense'
    """
    return serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Layer:
    """Makes a layer from what `serialize` returned.

    Raises:  ConfigError: it describes something else.
    Example: >>> deserialize(serialize(Dense(2))).units
             2
    """
    layer = deserialize_keras_object(config, custom_objects=custom_objects)
    if not isinstance(layer, Layer):
        raise ConfigError("The config describes no layer.", received=repr(layer))
    return layer
