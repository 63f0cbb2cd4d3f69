"""What Keras keeps in private attributes of layers, for public code that reads it there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from lamella.layers.call import signature_of
from lamella.state import SeedGenerator


class TrackerView:
    """What `layer._tracker` says: nothing is tracked here, variables and layers are found where they are.

    config: {"trainable_variables": (None, list), …}, as it is now; changes of the lists have no effect.
    """

    locked = False

    def __init__(self, layer: Any):
        self._layer = layer

    @property
    def config(self) -> dict[str, tuple[None, list[Any]]]:
        return {name: (None, read(self._layer)) for name, read in _LISTS.items()}

    @property
    def stored_ids(self) -> dict[str, set[int]]:
        return {name: {id(one) for one in read(self._layer)} for name, read in _LISTS.items()}

    def lock(self, msg: str | None = None) -> None:
        """Does nothing: a layer here may get variables and layers at any time."""

    def unlock(self) -> None:
        """Does nothing, as `lock`."""


def _own(trainable: bool) -> Callable[[Any], list[Any]]:
    return lambda layer: [v for v in layer._own_variables_() if v.made_trainable == trainable]


def _flatten_layers(layer: Any, include_self: bool = True, recursive: bool = True) -> list[Any]:
    inside = layer._inner_layers_() if recursive else layer._sublayers_()
    return [layer, *inside] if include_self else list(inside)


_LISTS: dict[str, Callable[[Any], list[Any]]] = {
    "trainable_variables": _own(trainable=True),
    "non_trainable_variables": _own(trainable=False),
    "metrics": lambda layer: layer._own_metrics_(),
    "layers": lambda layer: layer._sublayers_(),
    "seed_generators": lambda layer: layer._own_(SeedGenerator),
}

PRIVATE_NAMES: dict[str, str | Callable[[Any], Any]] = {
    **{f"_{name}": read for name, read in _LISTS.items()},
    "_tracker": TrackerView,
    "_flatten_layers": lambda layer: partial(_flatten_layers, layer),
    "_path": "path",
    "_input_spec": "input_spec",
    "_supports_masking": "supports_masking",
    "_build_shapes_dict": "_build_shapes_",
    "_call_signature": lambda layer: signature_of(type(layer).call).whole,
    "_call_has_training_arg": lambda layer: "training" in signature_of(type(layer).call).names,
    "_call_has_mask_arg": lambda layer: "mask" in signature_of(type(layer).call).names,
}
