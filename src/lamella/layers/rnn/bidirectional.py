"""Bidirectional: a recurrent layer run from both ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import jax.numpy as jnp

from lamella.errors import ArgumentError, StateError
from lamella.layers.configured import Configured
from lamella.layers.keywords import LayerKeywords
from lamella.layers.layer import Layer
from lamella.layers.rnn.cell import call_options
from lamella.registry import deserialize_keras_object, serialize_keras_object

__all__ = ["Bidirectional"]

_MERGES: dict[str | None, Callable[[Any, Any], Any]] = {
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
    "concat": lambda forward, backward: jnp.concatenate([forward, backward], axis=-1),
    None: lambda forward, backward: (forward, backward),
}
_SHARED = ("stateful", "return_sequences", "return_state")


class Bidirectional(Configured):
    """Runs a recurrent layer, and a copy of it from the end, and merges the outputs.

    Args:    layer: a recurrent layer such as LSTM(32); copies of it are run.
             merge_mode: "concat", "sum", "mul", "ave", or None for both outputs.
             backward_layer: runs from the end in place of a copy of `layer`;
                 with go_backwards=True.
    Shape:   in (batch, steps, features) → out (batch, 2 units) for "concat"
    State:   the weights of both layers
    Raises:  ArgumentError: the two layers do not fit each other.
    Example: >>> Bidirectional(LSTM(4))(np.ones((2, 5, 3))).shape
             (2, 8)
    """

    config_names = ("merge_mode",)

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        for argument, value in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(value, Layer) and (value is not None or argument == "layer"):
                raise self._refusal_(argument, value, "a recurrent layer, such as LSTM(32)")
        if merge_mode not in _MERGES:
            raise self._refusal_("merge_mode", merge_mode, "one of 'sum', 'mul', 'ave', 'concat', None")
        self.forward_layer: Any = _copied(layer, "forward_", go_backwards=getattr(layer, "go_backwards", False))
        self.backward_layer: Any = backward_layer or _copied(layer, "backward_", go_backwards=True)
        self._check_pair_()
        for each in (self.forward_layer, self.backward_layer):
            each.zero_output_for_mask = each.return_sequences
        self.merge_mode = merge_mode
        self._initial_weights_ = weights
        self.stateful, self.return_sequences, self.return_state = (getattr(layer, name) for name in _SHARED)
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def _check_pair_(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ArgumentError(
                "Bidirectional() needs a layer for each direction.",
                received=f"go_backwards={forward.go_backwards} in both",
                fix="give `backward_layer` the other go_backwards",
            )
        for name in _SHARED:
            if getattr(forward, name) != getattr(backward, name):
                raise ArgumentError(
                    f"Bidirectional() needs the same {name} in both layers.",
                    received=f"{getattr(forward, name)} and {getattr(backward, name)}",
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._initial_weights_:
            self.set_weights(self._initial_weights_)

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        half = 0 if initial_state is None else len(initial_state) // 2
        states = (None, None) if initial_state is None else (initial_state[:half], initial_state[half:])
        forward, backward = (
            layer(sequences, initial_state=state, **call_options(layer, mask=mask, training=training))
            for layer, state in zip((self.forward_layer, self.backward_layer), states, strict=True)
        )
        last_states: tuple[Any, ...] = ()
        if self.return_state:
            last_states = (*forward[1:], *backward[1:])
            forward, backward = forward[0], backward[0]
        forward, backward = (y.astype(self.compute_dtype) for y in (forward, backward))
        output = _MERGES[self.merge_mode](forward, jnp.flip(backward, 1) if self.return_sequences else backward)
        if not self.return_state:
            return output
        return (*output, *last_states) if self.merge_mode is None else (output, *last_states)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        shape, states = (shape[0], shape[1:]) if self.return_state else (shape, ())
        if self.merge_mode is None:
            return (shape, shape, *states, *states)
        if self.merge_mode == "concat":
            shape = (*shape[:-1], 2 * shape[-1])
        return (shape, *states, *states) if self.return_state else shape

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        mask = mask[0] if isinstance(mask, list) else mask
        mask = mask if self.return_sequences else None
        outputs = (mask,) if self.merge_mode else (mask, mask)
        states = (None,) * (2 * len(self.forward_layer.state_size)) if self.return_state else ()
        return (*outputs, *states) if self.return_state or not self.merge_mode else mask

    @property
    def states(self) -> Any:
        """The states that both layers keep, forward first; None if they keep none."""
        forward, backward = self.forward_layer.states, self.backward_layer.states
        return (*forward, *backward) if forward and backward else None

    def reset_state(self) -> None:
        """Sets the states of stateful layers to zero."""
        if not self.stateful:
            raise StatelessError("Bidirectional has no states to reset.", fix="give the inner layer stateful=True")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def get_config(self) -> dict[str, Any]:
        layers = {"layer": self.forward_layer, "backward_layer": self.backward_layer}
        return {**super().get_config(), **{key: serialize_keras_object(layer) for key, layer in layers.items()}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        layers = {
            key: deserialize_keras_object(config[key], custom_objects=custom_objects)
            for key in ("layer", "backward_layer")
            if config.get(key) is not None
        }
        return cls(**{**config, **layers})


class StatelessError(StateError, AttributeError):
    """The states were asked for of a layer that keeps none."""


def _copied(layer: Any, prefix: str, go_backwards: bool) -> Any:
    written = serialize_keras_object(layer)
    name = f"{prefix}{layer.name.removeprefix(prefix)}"
    copy = deserialize_keras_object(
        {**written, "config": {**written["config"], "name": name, "go_backwards": go_backwards}}
    )
    if hasattr(layer, "use_cudnn"):
        copy.use_cudnn = layer.use_cudnn
    return copy
