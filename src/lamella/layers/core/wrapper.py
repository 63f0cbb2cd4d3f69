"""Wrapper: a layer around another one."""

from __future__ import annotations

from typing import Any, Unpack

from lamella.layers.configured import Configured
from lamella.layers.keywords import LayerKeywords
from lamella.layers.layer import Layer
from lamella.registry import deserialize_keras_object, serialize_keras_object

__all__ = ["Wrapper"]


class Wrapper(Configured):
    """Holds one layer, to build and to write down; subclass it and define `call`.

    Args:    layer: the layer inside.
    Raises:  ArgumentError: `layer` is not a layer.
    Example: >>> class Twice(Wrapper):
             ...     def call(self, x):
             ...         return self.layer(self.layer(x))
             >>> Twice(Dense(3))(np.ones((1, 3))).shape
             (1, 3)
    """

    def __init__(self, layer: Any, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise self._refusal_("layer", layer, "a Layer", fix="wrap functions in Lambda")
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        inner = deserialize_keras_object(config["layer"], custom_objects=custom_objects)
        return cls(inner, **{key: value for key, value in config.items() if key != "layer"})
