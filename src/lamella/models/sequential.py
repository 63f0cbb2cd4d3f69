"""Sequential: layers one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

from lamella.errors import ArgumentError, GraphError, StateError
from lamella.graph import Graph, KerasTensor, addresses, standardize_shape
from lamella.layers import InputLayer, Layer
from lamella.models.functional import Functional
from lamella.models.graph_model import GraphModel
from lamella.models.inputs import Staged, supported
from lamella.models.model import Model
from lamella.registry import deserialize_keras_object, marking, serialize_keras_object, sharing
from lamella.state import Owner, Variable, aliases, attribute_children, changes, current, frame


@aliases(_functional=lambda model: model._as_functional_())
class Sequential(Model):
    """A list of layers, each called on what the one before returned.

    Without an `Input` (or a first layer that knows its input) it is deferred: the
    weights are made when it is first called, or by `build(input_shape)`.  The first
    inputs settle the weights and `input_shape`, and no more: inputs of other sizes and
    ranks are taken wherever the layers take them.

    Args:    layers: layers, models, or an `Input` first.
    Raises:  ArgumentError: something that is no layer, or two of one name.
    Example: >>> model = Sequential([Input((4,)), Dense(8, activation="relu"), Dense(2)])
             >>> model.output_shape
             (None, 2)
    """

    calls_itself_first = False
    not_parts = Model.not_parts | {"_layers", "_tensors_"}
    _layers: list[Layer] = []  # noqa: RUF012 - stands before the name that layers have for what is inside
    _infers_input_ = False  # its Input was made from the first inputs, and says nothing about others

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None):
        super().__init__(trainable=trainable, name=name)
        self._layers: list[Layer] = []
        self._tensors_: list[Any] = []  # the input, and the output of each layer
        self._names_: set[str] = set()  # of the layers
        for layer in [layers] if isinstance(layers, Layer) else layers or []:
            self.add(layer)

    def children(self) -> Iterator[tuple[str, Variable | Owner]]:
        seen = {id(layer) for layer in self._layers}
        yield from zip(addresses(self._layers), self._layers, strict=True)
        for segment, child in attribute_children(self, skip=self.not_parts):
            if id(child) not in seen:
                yield segment, child

    def _direct_layers_(self) -> list[Layer]:
        """The layers, without the `Input` at the front."""
        return self._layers[1:] if self._begins_with_input_() else list(self._layers)

    def _how_to_change_layers_(self) -> str:
        return "use model.add(layer) and model.pop() to change the layers in this model"

    def _graph_layers_(self) -> list[Layer]:
        return list(self._layers)

    def _begins_with_input_(self) -> bool:
        return bool(self._layers) and isinstance(self._layers[0], InputLayer)

    @property
    def input_spec(self) -> Any:
        """What was set; else the layers say what fits, whatever the sizes of the Input."""
        return self._manual_input_spec

    @input_spec.setter
    def input_spec(self, value: Any) -> None:  # type: ignore[override]
        self._manual_input_spec = value

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Appends a layer (or the `Input` at the front); `rebuild` is Keras's, it happens at once here."""
        if isinstance(layer, KerasTensor) and isinstance(layer._keras_history.operation, InputLayer):
            layer = layer._keras_history.operation
        layer = self._checked_(layer)
        shape = getattr(layer, "_input_shape_arg", None)
        if not self._layers and shape is not None:
            self.add(InputLayer(shape=shape))
        self._freeze_inside_(layer)
        self._layers.append(layer)
        self._names_.add(layer.name)
        if self._tensors_:
            self._append_(layer)
        elif isinstance(layer, InputLayer):
            self._tensors_ = [layer.output]
        elif len(self._layers) == 2 and getattr(self._layers[0], "_graph_", None) is not None:
            self.build(self._layers[0].input_shape)  # type: ignore[attr-defined]

    def _checked_(self, layer: Any) -> Layer:
        if not isinstance(layer, Layer):
            raise ArgumentError("A Sequential holds layers.", received=f"{layer!r} of type {type(layer).__name__}")
        if self._holds_(layer.name):
            raise ArgumentError(
                f"The Sequential {self.name!r} already holds a layer named {layer.name!r}: names should be unique.",
                fix="give one of them another name=",
            )
        if isinstance(layer, InputLayer) and self._layers:
            raise ArgumentError(
                f"The Sequential {self.name!r} already begins with {type(self._layers[0]).__name__} "
                f"{self._layers[0].name!r}; an Input can only come first."
            )
        return layer

    def _holds_(self, name: str) -> bool:
        if len(self._names_) != len(self._layers) or name in self._names_:  # layers were taken away, or have new names
            self._names_ = {layer.name for layer in self._layers}
        return name in self._names_

    def _append_(self, layer: Layer) -> None:
        try:
            with frame(path=(*current().path, self.name)):  # weights are named as in a model built at once
                self._tensors_.append(layer(self._tensors_[-1]))
        except Exception:
            self._layers.remove(layer)  # a layer that does not fit is not kept
            raise
        self._set_stack_()

    def pop(self, rebuild: bool = True) -> Layer:
        """Takes the last layer away and returns it."""
        if not self._direct_layers_():
            raise StateError(f"The Sequential {self.name!r} has no layer to take away.")
        layer = self._layers.pop()
        del self._tensors_[len(self._layers) :]
        self._set_stack_()
        return layer

    def _set_stack_(self) -> None:
        self._stale_ = True
        changes.count += 1  # compiled steps look anew at what there is
        self.built = len(self._tensors_) > 1
        self.supports_masking = True
        if self.built:
            self._convert_input_args, self._allow_non_tensor_positional_args = False, True

    @property
    def _graph_(self) -> Graph | None:  # type: ignore[override]
        """The chain of calls, once the input is known."""
        if len(self._tensors_) < 2 or len(self._tensors_) < len(self._layers):
            return None
        if self._stale_:
            self._chain_, self._stale_ = Graph(self._tensors_[0], self._tensors_[-1]), False
            self.output_names = (
                [self._tensors_[-1]._keras_history.operation.name] if _single(self._tensors_[-1]) else []
            )
        return self._chain_

    _stale_ = True

    def _as_functional_(self) -> Functional | None:
        """The chain of calls as a model of its own, as `_functional` of Keras's Sequential; None before it is built."""
        return None if self._graph_ is None else Functional(self._tensors_[0], self._tensors_[-1], name=self.name)

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for inputs of this shape, batch first."""
        if self._begins_with_input_():
            known = self._layers[0].batch_shape  # type: ignore[attr-defined]
            if input_shape is not None and not _agree(known, input_shape):
                raise GraphError(
                    f"The Sequential {self.name!r} has an Input of another shape.", expected=known, received=input_shape
                )
            return
        if not self._layers:
            raise StateError(f"The Sequential {self.name!r} has no layers.", fix="add(layer) first")
        if not _is_single_shape(input_shape):
            return  # several inputs: the layers are built as they are called
        dtype = _input_dtype(self._layers[0])
        inputs = InputLayer(batch_shape=standardize_shape(input_shape), dtype=dtype)
        tensors = [inputs.output]
        for layer in self._layers:
            try:
                tensors.append(layer(tensors[-1]))
            except NotImplementedError:
                return  # a layer that does not tell its shape: the layers are built as they are called
        self._layers.insert(0, inputs)
        self._infers_input_ = True
        self._tensors_ = tensors
        self._set_stack_()

    def _graph_for_(self, inputs: Any) -> Graph | None:
        graph = self._graph_
        if graph is None or not self._infers_input_ or isinstance(inputs, Staged):
            return graph
        return graph if _has_rank_of(inputs, graph.inputs[0].shape) else None

    def _call_without_graph_(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            inputs = jax.tree.map(jnp.asarray, inputs)
            supported(jax.tree.leaves(inputs), mask)
        for layer in self._direct_layers_():
            inputs = layer(inputs)
        return inputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        value = args[0] if args else kwargs["inputs"]
        if self._graph_for_(value) is not None:
            return super().compute_output_spec(*args, **kwargs)
        for layer in self._direct_layers_():
            value = layer.compute_output_spec(value)
        return value

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        with marking(self):
            config["layers"] = [serialize_keras_object(layer) for layer in self._layers]
        if self._tensors_:
            config["build_input_shape"] = self._tensors_[0].shape
        if self._infers_input_:
            config["infers_input"] = True  # Keras does not mind
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        model = cls(name=config.get("name"))
        with sharing():
            layers = [deserialize_keras_object(layer, custom_objects=custom_objects) for layer in config["layers"]]
        for layer in layers:
            model.add(layer)
        model._trainable = config.get("trainable", True)
        model._infers_input_ = config.get("infers_input") is True and model._begins_with_input_()
        shape = config.get("build_input_shape")
        if not model._tensors_ and model._layers and shape is not None:
            model.build(tuple(shape))
        return model


def _input_dtype(first: Layer) -> str:
    """The dtype of the input that a first layer asks for."""
    if isinstance(first, GraphModel) and first._graph_ is not None:
        return first.inputs[0].dtype
    return "string" if first.runs_on_host else first.compute_dtype


def _single(tensor: Any) -> bool:
    return isinstance(tensor, KerasTensor)


def _is_single_shape(shape: Any) -> bool:
    return isinstance(shape, (tuple, list)) and all(d is None or isinstance(d, int) for d in shape)


def _has_rank_of(inputs: Any, shape: Any) -> bool:
    """Whether inputs are one tensor of as many axes, or of one more or less where that has size 1."""
    leaves = jax.tree.leaves(inputs)
    if len(leaves) != 1 or not hasattr(leaves[0], "shape"):
        return False
    given = leaves[0].shape
    more = len(given) - len(shape)
    return more == 0 or (more == 1 and given[-1] == 1) or (more == -1 and shape[-1] == 1)


def _agree(a: Any, b: Any) -> bool:
    return len(a) == len(b) and all(m is None or n is None or m == n for m, n in zip(a, b, strict=True))
