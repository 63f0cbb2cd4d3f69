"""Pipeline: preprocessing layers, one after the other."""

from __future__ import annotations

from typing import Any

from lamella.layers.call import converted, set_masks
from lamella.layers.configured import Configured
from lamella.layers.layer import Layer
from lamella.registry import deserialize_keras_object, serialize_keras_object

__all__ = ["Pipeline"]


class Pipeline(Configured):
    """Calls each layer on what the one before returned; a layer, where `Sequential` is a model.

    Args:    layers: a list of layers; between them go arrays, or dicts with "images".
    Raises:  ArgumentError: something that is no layer.
    Example: >>> Pipeline([RandomFlip(), Rescaling(1 / 255)])(np.ones((2, 8, 8, 3))).shape
             (2, 8, 8, 3)
    """

    _convert_input_args = False
    _allow_non_tensor_positional_args = True

    def __init__(self, layers: Any, name: str | None = None):
        super().__init__(name=name)
        if not isinstance(layers, (list, tuple)) or not all(isinstance(layer, Layer) for layer in layers):
            raise self._refusal_("layers", layers, "a list of layers")
        self._pipeline_layers = list(layers)

    @property
    def layers(self) -> list[Layer]:
        return self._pipeline_layers

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        inputs = converted(inputs, None)  # a mask needs an array to go with
        set_masks(inputs, mask)
        for layer in self._pipeline_layers:
            inputs = layer(inputs, training=training)
        return inputs

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return None  # the layers inside have passed it on, or not

    def get_config(self) -> dict[str, Any]:
        return {"layers": [serialize_keras_object(layer) for layer in self._pipeline_layers], "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        layers = [deserialize_keras_object(layer, custom_objects=custom_objects) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})
