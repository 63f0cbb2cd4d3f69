"""A layer's `call` under `keras.RematScope`: computed again for its gradient, instead of kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax

from lamella.graph import output_spec
from lamella.state import frame, remat

if TYPE_CHECKING:
    from lamella.layers.layer import Layer


def call_of(layer: Layer) -> Callable[..., Any]:
    """The layer's `call`, computed again for its gradient if the scope that the layer was made in says so."""
    mode = layer._remat_mode
    if mode is None:
        return layer.call
    if mode.mode == "activations" and getattr(layer, "activation", None) is not None:
        return lambda *args, **kwargs: _with_activation_again(layer, args, kwargs)
    if mode.mode == "larger_than":
        return _if_larger(layer, mode.output_size_threshold)
    if mode.mode == "full" or (mode.mode == "list_of_layers" and layer.name in mode.layer_names):
        return remat(layer.call)
    return layer.call


def _if_larger(layer: Layer, threshold: int) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with frame(losses=[]):
            outputs = jax.tree.leaves(output_spec(layer.call, *args, **kwargs))
        size = sum(math.prod(one.shape) for one in outputs)
        return (remat(layer.call) if size > threshold else layer.call)(*args, **kwargs)

    return call


def _with_activation_again(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    own = layer.activation  # type: ignore[attr-defined]
    layer.activation = remat(own)  # type: ignore[attr-defined]
    try:
        return layer.call(*args, **kwargs)
    finally:
        layer.activation = own  # type: ignore[attr-defined]
