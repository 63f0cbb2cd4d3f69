"""A layer's variables as Keras lists them: `weights`, `trainable_weights`, `get_weights` …

The walk (lamella.state) finds variables in attribute order.  Keras's order, which
files and `get_weights` rely on, is: a layer's own trainable variables as they
were made, its own others, then layer by layer what is inside.  Only this file
knows that order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from types import NoneType
from typing import Any

import jax
import numpy as np

from lamella import constraints, initializers, regularizers
from lamella.dtypes import is_float, standardize_dtype
from lamella.errors import ArgumentError, ShapeError, StateError, UnknownSizeError
from lamella.graph import Operation
from lamella.state import Owner, SeedGenerator, Variable, attribute_children, changes, current, frame


class NoMetricError(StateError, NotImplementedError):
    """Layers do not add metrics while they are called."""


class Weights(Operation):
    """What a layer knows about its variables."""

    built: bool
    variable_dtype: str
    _trainable: bool
    _set_to_train_ = False  # by `trainable = True`, after it was made
    _added_: list[Variable]
    _in_build_ = False
    _built_at_: tuple[str, ...] = ()  # the names of the layers around it when it was built, and its own
    _build_shapes_: dict[str, Any] | None = None
    not_parts: frozenset[str] = frozenset({"_added_", "inbound_nodes", "_init_arguments_", "_losses"})
    """Attributes that hold layers or variables which are not parts of this one."""

    def children(self) -> Iterator[tuple[str, Variable | Owner]]:
        found: set[int] = set()
        for segment, child in attribute_children(self, skip=self.not_parts):
            found.add(id(child))
            yield segment, child
        for variable in self._added_:  # made by add_weight, kept in no attribute
            if id(variable) not in found:
                yield variable.name, variable

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Makes a variable of this layer, usually in `build`.

        Args:    shape: all sizes known; () if None.
                 initializer: glorot_uniform for floats and zeros for others if None.
        Raises:  UnknownSizeError: the shape holds None.
        Example: >>> layer = Layer()
                 >>> layer.add_weight(shape=(2, 3), name="w").shape
                 (2, 3)
        """
        if self._in_build_ and self._build_shapes_ is not None:
            raise StateError(
                f"{type(self).__name__} {self.name!r} is built already, and build() would make its weights again.",
                fix="call build() once; what is in it is skipped by a call where `built` is True",
            )
        shape = _known(self, shape, name)
        dtype = self.variable_dtype if dtype is None else standardize_dtype(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if is_float(dtype) else "zeros"
        inside = current().path[-1:] == (self.name,)
        with nullcontext() if inside else frame(path=self._built_at_ or (*current().path, self.name)):
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
            )
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._track_variable(variable)
        return variable

    add_variable = add_weight

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Keras 2's: refused.

        Raises: NoMetricError: always.
        """
        raise NoMetricError(
            f"{type(self).__name__} {self.name!r} cannot add a metric from inside of a call.",
            fix="make the metric in __init__() and call its update_state() in call(), or give it to compile(metrics=…)",
        )

    def _track_variable(self, variable: Variable) -> None:
        """Makes a variable a weight of this layer, also where no attribute holds it."""
        if not self._trainable:
            variable.trainable = False
        self._added_.append(variable)

    def _freeze_inside_(self, layer: Weights) -> None:
        """Freezes a layer that comes into this one while this one is frozen, unless it was set to train."""
        if not self._trainable and not layer._set_to_train_:
            layer.trainable = False

    def _untrack_variable(self, variable: Variable) -> None:
        self._added_[:] = [one for one in self._added_ if one is not variable]

    def __delattr__(self, name: str) -> None:
        value = vars(self).get(name)
        super().__delattr__(name)
        if isinstance(value, Variable):
            self._untrack_variable(value)

    # The lists

    def _own_(self, kind: type) -> list[Any]:
        return [child for _, child in self.children() if isinstance(child, kind)]

    def _own_variables_(self) -> list[Variable]:
        return _in_order(self._own_(Variable))

    def _sublayers_(self) -> list[Weights]:
        return self._own_(Weights)

    def _collect_(self, seeds: bool) -> Iterator[Variable]:
        parts = self._own_(object)  # found once: this walk is made often
        yield from _in_order(part for part in parts if isinstance(part, Variable))
        if seeds:
            yield from (part.state for part in parts if isinstance(part, SeedGenerator))
        for part in parts:
            if isinstance(part, Weights):
                yield from part._collect_(seeds)

    def _trained_(self, variables: list[Variable]) -> list[Variable]:
        return [variable for variable in variables if variable.trainable] if self._trainable else []

    @property
    def variables(self) -> list[Variable]:
        """All variables, random seeds too (metrics' and optimizers' are not a layer's)."""
        return _once(self._collect_(seeds=True))

    @property
    def weights(self) -> list[Variable]:
        """All variables but the random seeds."""
        return _once(self._collect_(seeds=False))

    @property
    def trainable_variables(self) -> list[Variable]:
        """Those that training changes: their own flags say so, and this layer's does.

        The flags of layers inside are not asked: setting one has set those of the weights.
        """
        return self._trained_(self.variables)

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """Those that training leaves alone, random seeds included."""
        trained = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in trained]

    @property
    def trainable_weights(self) -> list[Variable]:
        """Like `trainable_variables`."""
        return self._trained_(self.weights)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Like `non_trainable_variables`, without random seeds."""
        trained = {id(v) for v in self.trainable_variables}
        return [v for v in self.weights if id(v) not in trained]

    def _own_metrics_(self) -> list[Any]:
        """Metrics among the attributes: owners of variables that give a result."""
        return [owner for owner in self._own_(Owner) if hasattr(owner, "update_state") and hasattr(owner, "result")]

    @property
    def metrics(self) -> list[Any]:
        """The metrics of this layer and of those inside."""
        return _once([*self._own_metrics_(), *(metric for layer in self._sublayers_() for metric in layer.metrics)])

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`."""
        return [variable for metric in self.metrics for variable in metric.variables]

    # Trainability

    @property
    def trainable(self) -> bool:
        """Whether training may change this layer; setting it sets everything inside.

        What is inside can be set again afterwards: it then trains in any model but this layer itself.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = self._set_to_train_ = value = bool(value)
        changes.count += 1
        for variable in self._own_variables_():
            variable.trainable = value and variable.made_trainable
        for layer in self._sublayers_():
            layer.trainable = value

    # Values

    def get_weights(self) -> list[np.ndarray]:
        """The values of `weights`, in that order."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Iterable[Any]) -> None:
        """Assigns values in the order of `weights`; all or none.

        Raises: ShapeError: another number of arrays, or another shape.
        """
        weights, variables = list(weights), self.weights
        if len(weights) != len(variables):
            raise ShapeError(
                f"{type(self).__name__} {self.name!r} has {len(variables)} weights.", received=f"{len(weights)} arrays"
            )
        for variable, value in zip(variables, weights, strict=True):
            if np.shape(value) != variable.shape:
                raise ShapeError(
                    f"Weight {variable.path!r} of {self.name!r} has another shape.",
                    expected=variable.shape,
                    received=np.shape(value),
                )
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of numbers in all weights.

        Raises: StateError: the layer is not built yet.
        """
        if not self.built:
            raise StateError(
                f"{type(self).__name__} {self.name!r} is not built, so its weights do not exist yet.",
                fix="call it on data, or call build(input_shape)",
            )
        return sum(math.prod(variable.shape) for variable in self.weights)

    # The state as lists, for code that runs jax transformations itself

    def stateless_call(
        self,
        trainable_variables: Iterable[Any],
        non_trainable_variables: Iterable[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Calls the layer with given values, changing nothing.

        Returns: (outputs, non_trainable_variables), and the losses if asked for.
        Source:  Keras's form of `lamella.state.pure`, with lists for the state.
        """
        if not self.built:
            raise StateError(f"{type(self).__name__} {self.name!r} must be built before stateless_call().")
        others = self.non_trainable_variables
        overlay = dict(_pairs(self.trainable_variables, trainable_variables, "trainable_variables"))
        overlay.update(_pairs(others, non_trainable_variables, "non_trainable_variables"))
        with frame(overlay=overlay, losses=[]):
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else None
        after = [overlay[variable] for variable in others]
        return (outputs, after, losses) if return_losses else (outputs, after)

    @property
    def losses(self) -> list[jax.Array]:
        raise NotImplementedError


def _in_order(variables: Iterable[Variable]) -> list[Variable]:
    return sorted(variables, key=lambda v: (not v.made_trainable, v.serial))


def _once(things: Iterable[Any]) -> list[Any]:
    return list({id(thing): thing for thing in things}.values())


def _pairs(variables: list[Variable], values: Iterable[Any], name: str) -> list[tuple[Variable, Any]]:
    values = list(values)
    if len(values) != len(variables):
        raise ArgumentError(f"{name} has another length.", expected=len(variables), received=len(values))
    return [(v, getattr(value, "raw", value)) for v, value in zip(variables, values, strict=True)]


def _known(layer: Weights, shape: Any, name: str | None) -> tuple[int, ...]:
    """The shape as a tuple of integers; a single one is a vector's."""
    if type(shape) is tuple and all(type(size) is int and size >= 0 for size in shape):
        return shape
    if isinstance(shape, str):
        raise ArgumentError("add_weight() takes the name by keyword.", fix=f"add_weight(shape=…, name={shape!r})")
    shape = () if shape is None else (shape,) if np.ndim(shape) == 0 else tuple(shape)
    if any(not isinstance(size, (int, np.integer, NoneType)) or (size is not None and size < 0) for size in shape):
        raise ArgumentError(
            f"Weight {name!r} of {type(layer).__name__} {layer.name!r} needs a shape of integers.", received=shape
        )
    if any(size is None for size in shape):
        raise UnknownSizeError(
            f"Weight {name!r} of {type(layer).__name__} {layer.name!r} needs a shape without None.",
            received=shape,
            fix="give the input's sizes that the weight depends on, e.g. Input((32, 32, 3))",
        )
    return tuple(int(size) for size in shape)
