"""Operation: anything that can stand in a graph (a layer, a model, an op)."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Self

import jax

from lamella.errors import ArgumentError, NoConfigError, NotCalledError
from lamella.graph.infer import output_spec
from lamella.graph.node import Node, consumers, record
from lamella.graph.tensor import KerasTensor, any_symbolic
from lamella.state import Owner, aliases, auto_name, current


@aliases(_inbound_nodes="inbound_nodes", _outbound_nodes=consumers)
class Operation(Owner):
    """Something called on tensors that leaves a node when they are symbolic.

    Args:    name: unique in a model; None takes the next automatic one.
    """

    config_of_class: tuple[str, ...] = ()  # arguments that the class's own `get_config` writes
    _init_arguments_: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._init_arguments_ = (args, kwargs)  # what `get_config` falls back on
        return self

    def __init__(self, name: str | None = None):
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ArgumentError("A name is a string without '/'.", received=repr(name))
        self.auto_named = name is None
        self.name: str = name or auto_name(type(self).__name__)
        self.inbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_symbolic(args) or any_symbolic(kwargs.values()):
            return self.symbolic_call(*args, **kwargs)
        observer = current().observer
        return self.call(*args, **kwargs) if observer is None else observer.around(self, self.call, args, kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Records a call and returns its symbolic outputs."""
        return record(self, args, kwargs, self.compute_output_spec(*args, **kwargs))

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation, on arrays."""
        raise NotImplementedError(f"{type(self).__name__} does not define call().")

    def _check_(self, inputs: Any) -> None:
        """Refuses inputs that the operation says it does not take; anything fits an op."""

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic tensors with the shapes and dtypes that a call would return."""
        return output_spec(self.call, *args, **kwargs)

    # What is inside

    def recorded(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]] | None:
        """The graph that a call runs, with a value for each of its inputs; None if it runs no graph."""
        return None

    def called_inside(self) -> Any:
        """The one operation that a call hands its arguments on to, if that is all it does; else None."""
        return None

    def returned(self, inner: Any) -> list[Any]:
        """For one that hands its arguments on: the values inside of that call which it returns."""
        return inner.outputs

    @property
    def composite(self) -> bool:
        """Whether it is made of other layers."""
        return False

    # What it was called on

    @property
    def input(self) -> Any:
        """The symbolic tensors of its first call."""
        return _alone(self._only_node_("input").inputs)

    @property
    def output(self) -> Any:
        """The symbolic tensors that its first call returned."""
        return _alone(self._only_node_("output").outputs)

    def _only_node_(self, what: str) -> Node:
        if not self.inbound_nodes:
            raise NotCalledError(
                f"{type(self).__name__} {self.name!r} has no {what}: it was not called on symbolic tensors."
            )
        return self.inbound_nodes[0]

    # What it was made from

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal one: the constructor's, as it was called, and its defaults.

        Raises: NoConfigError: an argument is no plain value.
        """
        config = _bound_arguments(self)
        for key, value in config.items():
            if not _is_plain(value) and key not in self.config_of_class:
                raise NoConfigError(
                    f"{type(self).__name__} cannot be written as a config: argument {key!r} is no plain value.",
                    received=type(value).__name__,
                    fix=f"define get_config() (and from_config()) in {type(self).__name__}",
                )
        return {"name": self.name, **config} if _takes_name(self) else config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes an equal one from what `get_config` returned."""
        return cls(**config)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        from copy import deepcopy

        new = object.__new__(type(self))
        memo[id(self)] = new
        for key, value in vars(self).items():
            new.__dict__[key] = deepcopy(value, memo)
        return new


def _alone(tensors: Sequence[KerasTensor]) -> Any:
    """The one tensor, or the list of several."""
    return tensors[0] if len(tensors) == 1 else list(tensors)


def _bound_arguments(operation: Operation) -> dict[str, Any]:
    """The constructor's arguments by name, but for the operation's own name.

    Raises: NoConfigError: some of them have no name.
    """
    args, kwargs = operation._init_arguments_
    signature = inspect.signature(type(operation).__init__)
    bound = signature.bind(operation, *args, **kwargs)
    bound.apply_defaults()
    config: dict[str, Any] = {}
    for parameter in list(signature.parameters.values())[1:]:
        value = bound.arguments[parameter.name]
        if parameter.kind is parameter.POSITIONAL_ONLY or (parameter.kind is parameter.VAR_POSITIONAL and value):
            raise NoConfigError(
                f"{type(operation).__name__} cannot be written as a config: its argument {parameter.name!r} has no "
                "name to be given by.",
                fix="take arguments by name, or define get_config() and from_config()",
            )
        if parameter.kind is parameter.VAR_KEYWORD:
            config.update(value)
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            config[parameter.name] = value
    config.pop("name", None)
    return config


def _takes_name(operation: Operation) -> bool:
    parameters = inspect.signature(type(operation).__init__).parameters
    return "name" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _is_plain(value: Any) -> bool:
    return all(leaf is None or isinstance(leaf, (str, int, float, bool)) for leaf in jax.tree.leaves(value))
