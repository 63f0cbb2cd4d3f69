"""clone_model: the same architecture with new weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from lamella.errors import ArgumentError
from lamella.graph import FunctionOp, KerasTensor, Operation
from lamella.layers import InputLayer, Layer
from lamella.models.functional import Functional
from lamella.models.model import Model
from lamella.models.sequential import Sequential
from lamella.registry import marking, sharing


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Model:
    """A model of the same architecture, with layers and weights of its own.  What is in two places is so in the clone.
    A clone of a compiled Sequential or Functional model is compiled alike.

    Args:    input_tensors: tensors to build on, in place of new inputs.
             clone_function: makes each new layer from the old one.
             call_function: makes each call, given (layer, *args, **kwargs).
             recursive: applies `clone_function` inside nested models too.
    Raises:  ArgumentError: an argument that fits another kind of model only.
    Example: >>> model = Sequential([Input((3,)), Dense(2)])
             >>> clone_model(model).count_params()
             8
    """
    with marking(model) as shared, sharing() as made:

        def cloned(layer: Any) -> Any:
            new = made.get(id(layer)) if id(layer) in shared else None
            if new is None:
                new = made[id(layer)] = _clone(layer, clone_function, call_function, recursive)
                new.auto_named = layer.auto_named
            return new

        return _cloned(model, cloned, shared, input_tensors, clone_function, call_function)


def _clone(layer: Any, clone_function: Any, call_function: Any, recursive: bool) -> Any:
    if recursive and (isinstance(layer, Sequential) or (isinstance(layer, Model) and layer._graph_ is not None)):
        for_calls = None if isinstance(layer, Sequential) else call_function  # its layers are listed, not called
        return clone_model(layer, clone_function=clone_function, call_function=for_calls, recursive=True)
    if clone_function is None or isinstance(layer, InputLayer):
        return layer.__class__.from_config(layer.get_config())
    return clone_function(layer)


def _cloned(model: Any, cloned: Any, shared: Any, input_tensors: Any, clone_function: Any, call_function: Any) -> Any:
    if isinstance(model, Sequential):
        return _compiled_alike(_cloned_stack(model, cloned, input_tensors, call_function), model)
    if isinstance(model, Functional) or (isinstance(model, Model) and model._graph_ is not None):
        return _compiled_alike(_cloned_graph(model, cloned, shared, input_tensors, call_function), model)
    if clone_function is not None or input_tensors is not None:
        raise ArgumentError(
            "clone_function and input_tensors need a model with a graph.",
            received=f"{type(model).__name__} {model.name!r}",
            fix="clone a Sequential or Functional model",
        )
    return model.__class__.from_config(model.get_config())


def _compiled_alike(clone: Any, model: Any) -> Any:
    """The clone, compiled with losses, metrics and an optimizer of its own where the model is compiled."""

    def another(part: Any) -> Any:
        return type(part).from_config(part.get_config()) if hasattr(part, "get_config") else part

    if model.compiled and clone._takes_compile_config_(model._compiled_.config):
        clone.compile(**jax.tree.map(another, model._compiled_.config))
    return clone


def _cloned_stack(model: Sequential, cloned: Any, input_tensors: Any, call_function: Any) -> Any:
    if call_function is not None:
        raise ArgumentError("clone_model() takes a call_function for Functional models only.")
    new = Sequential(name=model.name)
    layers = model._layers
    if input_tensors is not None:
        new.add(jax.tree.leaves(input_tensors)[0])
        layers = model.layers
    for layer in layers:
        new.add(cloned(layer))
    new._infers_input_ = model._infers_input_ and input_tensors is None
    new._trainable = model.trainable  # what is inside has its own flags
    return new


def _cloned_graph(model: Any, cloned: Any, shared: Any, input_tensors: Any, call_function: Any) -> Any:
    graph = model._graph_
    new: dict[Operation, Any] = {}

    def call(operation: Operation, args: Any, kwargs: Any) -> Any:
        if operation not in new:
            new[operation] = cloned(operation) if isinstance(operation, Layer) else _copied(operation)
        target = new[operation]
        return target(*args, **kwargs) if call_function is None else call_function(target, *args, **kwargs)

    for layer in model._graph_layers_():
        if id(layer) in shared and not isinstance(layer, (InputLayer, Model)):
            new[layer] = cloned(layer)  # before a model that it is in as well
    if input_tensors is None:
        inputs = jax.tree.map(lambda tensor: cloned(tensor._keras_history.operation).output, graph.inputs_structure)
    else:
        inputs = _as_inputs_of(model, input_tensors)
    outputs = graph.run(jax.tree.leaves(inputs), call)
    maker = Functional if type(model) is Functional else model.__class__
    clone = maker(inputs, outputs, name=model.name)
    clone._trainable = model.trainable  # what is inside has its own flags
    return clone


def _copied(operation: Operation) -> Operation:
    return type(operation)(**operation.fixed) if isinstance(operation, FunctionOp) else type(operation)()


def _as_inputs_of(model: Any, tensors: Any) -> Any:
    """Tensors in the structure of a model's inputs.

    Raises: ArgumentError: it cannot be said which is which.
    """
    leaves, wanted = _symbolic(tensors), jax.tree.structure(model.input)
    by_name = isinstance(tensors, dict) or isinstance(model.input, dict)
    if len(leaves) != wanted.num_leaves or (by_name and jax.tree.structure(tensors) != wanted):
        raise ArgumentError(
            "`input_tensors` must have the same structure as model.input.",
            expected=repr(model.input)[:300],
            received=repr(tensors)[:300],
        )
    return jax.tree.unflatten(wanted, leaves)


def _symbolic(tensors: Any) -> list[KerasTensor]:
    leaves = jax.tree.leaves(tensors)
    for leaf in leaves:
        if not isinstance(leaf, KerasTensor):
            raise ArgumentError("input_tensors are symbolic tensors, as Input() makes them.", received=repr(leaf)[:200])
    return leaves
