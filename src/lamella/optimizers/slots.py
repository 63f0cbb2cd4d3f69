"""The variables of an optimizer: a few of its own, and slots that go with the model's.

A slot is found by (model variable, name), never by position: what is frozen
keeps its slots, what is unfrozen gets new ones, and the others are not touched.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from lamella import initializers
from lamella.errors import ArgumentError, DtypeError, ShapeError, StateError, unknown
from lamella.state import Owner, Variable, attribute_children, frame

_NO_STATE = frozenset({"_slots_", "_keys_", "_indices_", "_trainable_variables", "_optimizer_of"})
"""Attributes that are not walked: they hold what belongs to the model, or what is yielded already."""


class Slots(Owner):
    """Holds an optimizer's variables by address, and lists them in Keras's order."""

    def __init__(self, name: str):
        self.name = name
        self.built = False
        self._slots_: dict[str, Variable] = {}  # all there ever were, by address
        self._order_: dict[str, None] = {}  # the addresses in use, as Keras lists them
        self._order_unbuilt_: dict[str, None] | None = None
        self._keys_: dict[Variable, str] = {}  # the first part of a model variable's slot addresses
        self._trainable_variables: list[Variable] = []
        self._indices_: dict[Variable, int] = {}

    def children(self) -> Iterator[tuple[str, Variable | Owner]]:
        yield from self._slots_.items()
        yield from attribute_children(self, _NO_STATE)

    @property
    def variables(self) -> list[Variable]:
        """The variables in use, in Keras's order; slots of frozen variables are not among them."""
        return [self._slots_[address] for address in self._order_]

    # Which model variables it serves

    def follow(self, variables: Sequence[Variable]) -> None:
        """Serves exactly these model variables from now on, whatever it was built with before.

        Calls `build` where something changed, also that of a Keras subclass
        which returns early once it is built.
        """
        variables = list(variables)
        if not (self.built and list(map(id, variables)) == list(map(id, self._trainable_variables))):
            self.built = False
            self.build(variables)

    def build(self, variables: Sequence[Variable]) -> None:
        """Creates the slots that are missing and keeps those that exist."""
        for variable in variables:
            if not isinstance(variable, Variable):
                raise DtypeError(f"{self.name}.build() needs Variables.", received=type(variable).__name__)
        if self._order_unbuilt_ is None:
            self._order_unbuilt_ = dict(self._order_)
        self._order_ = dict(self._order_unbuilt_)
        self._trainable_variables = list(variables)
        self._indices_ = {variable: index for index, variable in enumerate(variables)}
        self.built = True

    def _get_variable_index(self, variable: Variable) -> int:
        return self._indices_[variable]

    # Making and finding variables

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str | None = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A variable of the optimizer itself."""
        return self._add_(name or "variable", name, tuple(shape), initializer, dtype, aggregation, layout)

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A slot of the shape and dtype of a model variable, on the same devices."""
        return self.add_slot(reference_variable, name or "var", initializer)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: str | Sequence[str], initializer: Any = "zeros"
    ) -> Any:
        """A list of slots, one a model variable; for a list of names, a tuple of such lists.

        Raises: ArgumentError: not as many initializers as names.
        """
        names = [name] if isinstance(name, str) else list(name)
        starts = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        if len(starts) != len(names):
            raise ArgumentError("Each slot name needs one initializer.", expected=len(names), received=len(starts))
        rows = [
            [None if v.overwrite_with_gradient else self.add_slot(v, *each) for each in zip(names, starts, strict=True)]
            for v in trainable_variables
        ]
        columns = tuple([row[i] for row in rows] for i in range(len(names)))
        return columns[0] if isinstance(name, str) else columns

    def add_slot(
        self, variable: Variable, name: str, initializer: Any = "zeros", shape: tuple[int, ...] | None = None
    ) -> Variable:
        """The slot `name` of a model variable, made where it is not there yet.

        Args: shape: where it is not that of the variable.
        """
        address = f"{self._key_(variable)}/{name}"
        placed = variable.raw.sharding if shape is None and _is_spread(variable) else None
        shape = variable.shape if shape is None else shape
        return self._add_(
            address, f"{variable.path.replace('/', '_')}_{name}", shape, initializer, variable.dtype, layout=placed
        )

    def slot(self, variable: Variable, name: str) -> Variable:
        """The slot `name` of a model variable.

        Raises: UnknownNameError: it has no such slot.
        """
        address = f"{self._keys_.get(variable, variable.path)}/{name}"
        if address not in self._slots_:
            raise unknown(f"slot in {self.name!r}", address, self._slots_)
        return self._slots_[address]

    def _slots_of_each_(self) -> dict[Variable, list[Variable]]:
        """The slots of every model variable."""
        found: dict[str, list[Variable]] = {key: [] for key in self._keys_.values()}
        for address, variable in self._slots_.items():
            found.get(address.rpartition("/")[0], []).append(variable)
        return {variable: found[key] for variable, key in self._keys_.items()}

    def _add_(
        self,
        address: str,
        name: str | None,
        shape: tuple[int, ...],
        initializer: Any,
        dtype: Any,
        aggregation: str | None = "none",
        layout: Any = None,
    ) -> Variable:
        address = _unused(address, self._order_)
        if address not in self._slots_:
            start = _start(initializer)
            with frame(path=(self.name,), autocast=None):
                if layout is not None:
                    start = jax.device_put(start(shape, dtype) if callable(start) else start, layout)
                self._slots_[address] = Variable(
                    start, shape, dtype, trainable=False, autocast=False, aggregation=aggregation, name=name
                )
        self._order_[address] = None
        return self._slots_[address]

    def _drop_(self, address: str) -> None:
        for known in (self._slots_, self._order_, self._order_unbuilt_ or {}):
            known.pop(address, None)

    def _key_(self, variable: Variable) -> str:
        if variable not in self._keys_:
            self._keys_[variable] = _unused(variable.path, set(self._keys_.values()))
        return self._keys_[variable]

    # Their values

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assigns a list of arrays to `variables`, one to one.

        Raises: StateError: not built. ArgumentError, ShapeError: the arrays do not fit.
        """
        if not self.built:
            raise StateError(f"{self.name} has no slots to set yet.", fix="call build(trainable_variables) first")
        if len(weights) != len(self.variables):
            raise ArgumentError(
                f"{self.name}.set_weights() needs one array a variable.",
                expected=len(self.variables),
                received=len(weights),
            )
        for variable, weight in zip(self.variables, weights, strict=True):
            if variable.shape != np.shape(weight):
                raise ShapeError(
                    f"{variable.path!r} cannot take this weight.", expected=variable.shape, received=np.shape(weight)
                )
            variable.assign(weight)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Writes `variables` to a store under "0", "1", …, as Keras numbers them."""
        store.update({str(index): variable.numpy() for index, variable in enumerate(self.variables)})

    def load_own_variables(self, store: Any) -> None:
        """Reads what `save_own_variables` wrote.

        Raises: ArgumentError: the store holds another number of variables.
        """
        if len(store.keys()) != len(self.variables):
            raise ArgumentError(
                f"The saved state does not fit the optimizer {self.name!r}.",
                expected=f"{len(self.variables)} variables",
                received=f"{len(store.keys())} variables",
            )
        for index, variable in enumerate(self.variables):
            variable.assign(store[str(index)])


def _unused(name: str, taken: Container[str]) -> str:
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _start(initializer: Any) -> Any:
    """What gives the first value on the host: nothing is compiled for a new shape."""
    if isinstance(initializer, (int, float)):
        return initializers.Constant(initializer)
    return initializers.get(initializer) if isinstance(initializer, str) else initializer


def _is_spread(variable: Variable) -> bool:
    return variable.has_value and not isinstance(variable.raw, Tracer) and len(variable.raw.sharding.device_set) > 1
