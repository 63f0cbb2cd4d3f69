"""What `layer.layers` says of a layer that is no model."""

from __future__ import annotations

from typing import Any, NoReturn

_STEPS = 100  # calls before the layer that are looked at


class NoLayers:
    """Stands for `layers` where there are none: absent for `hasattr`, and told with the model that was meant.

    Code for tf.keras 2 counts ops among the layers, so that `model.layers[4].layers` finds another layer here.
    """

    def __get__(self, layer: Any, owner: type) -> NoReturn:
        if layer is None:
            raise AttributeError(f"type object {owner.__name__!r} has no attribute 'layers'")
        said = f"{owner.__name__} {layer.name!r} is no model: it has no `layers`."
        model = _model_before(layer)
        if model is not None:
            said += (
                f" If {model.name!r} was meant, take model.get_layer({model.name!r}).layers: tf.keras 2 counted ops "
                "as layers, so that the indices of its code are higher."
            )
        raise AttributeError(said)


def _model_before(layer: Any) -> Any:
    """The last model that was called on the way to a layer."""
    nodes = list(getattr(layer, "inbound_nodes", ()))
    for _ in range(_STEPS):
        if not nodes:
            break
        operation = (node := nodes.pop(0)).operation
        if operation is not layer and getattr(operation, "_graph_", None) is not None:
            return operation
        nodes += node.parents
    return None
