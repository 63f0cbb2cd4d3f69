"""Metric: a number that is gathered over many batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from lamella import dtype_policies, initializers
from lamella.config import floatx
from lamella.errors import ArgumentError, StateError
from lamella.state import Owner, Variable, aliases, attribute_children, auto_name, current, frame, walk


@aliases(_variables="variables", _dtype="dtype")
class Metric(Owner):
    """A number gathered over many batches: subclass it, with `update_state` and `result`.

    Args:    dtype: what it computes in; floatx if None.
    State:   the variables made with `add_variable`, zero at the start.
    Example: >>> class Largest(keras.metrics.Metric):
             ...     def __init__(self, name="largest", **kwargs):
             ...         super().__init__(name=name, **kwargs)
             ...         self.largest = self.add_weight(initializer="zeros", name="largest")
             ...     def update_state(self, y_true, y_pred, sample_weight=None):
             ...         self.largest.assign(jnp.maximum(self.largest, jnp.max(y_pred)))
             ...     def result(self):
             ...         return self.largest.value
             >>> float(Largest()(None, np.array([1.0, 3.0])))
             3.0
    """

    _direction: str | None = None  # "up" if more is better, "down" if less is

    def __init__(self, dtype: Any = None, name: str | None = None):
        self.name = name or auto_name(type(self).__name__)
        self._dtype_policy = dtype_policies.get(dtype or floatx())
        self._added_: list[Variable] = []

    @property
    def dtype(self) -> str:
        return self._dtype_policy.compute_dtype

    # What subclasses define

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Takes a batch in."""
        raise NotImplementedError(f"{type(self).__name__} does not define update_state().")

    def result(self) -> Any:
        """The number so far: a scalar, an array, or a dict of these."""
        raise NotImplementedError(f"{type(self).__name__} does not define result().")

    def reset_state(self) -> None:
        """Starts anew: every variable is 0."""
        for variable in self.variables:
            variable.assign(jnp.zeros(variable.shape, variable.dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Takes a batch in and returns the number so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    # Variables

    def add_variable(
        self, shape: Any, initializer: Any, dtype: Any = None, aggregation: str | None = "sum", name: str | None = None
    ) -> Variable:
        """Makes a variable that batches are gathered in."""
        if "_added_" not in vars(self):
            raise StateError(
                f"{type(self).__name__}.__init__() does not call super().__init__().", fix="add it as its first line"
            )
        with frame(path=(self.name.replace("/", ">"),)):
            variable = Variable(
                initializers.get(initializer), tuple(shape), dtype, trainable=False, aggregation=aggregation, name=name
            )
        self._added_.append(variable)
        return variable

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """Like `add_variable`, a scalar by default."""
        return self.add_variable(shape, initializer or "zeros", dtype, name=name)

    def children(self) -> Iterator[tuple[str, Variable | Owner]]:
        found: set[int] = set()
        for segment, child in attribute_children(self, skip=frozenset({"_added_"})):
            found.add(id(child))
            yield segment, child
        yield from ((variable.name, variable) for variable in self._added_ if id(variable) not in found)

    @property
    def variables(self) -> list[Variable]:
        """Its own variables, as they were made, and then those of the metrics inside."""
        inside = {id(variable): variable for _, variable in walk(self)}
        return list({**{id(variable): variable for variable in self._added_}, **inside}.values())

    # The state as lists, for code that runs jax transformations itself

    def stateless_update_state(self, metric_variables: Iterable[Any], *args: Any, **kwargs: Any) -> list[jax.Array]:
        """The values of `variables` after a batch, given those before; changes nothing."""
        overlay = self._overlay_(metric_variables)
        with frame(overlay=overlay):
            self.update_state(*args, **kwargs)
        return [overlay[variable] for variable in self.variables]

    def stateless_result(self, metric_variables: Iterable[Any]) -> Any:
        """The number for given values of `variables`."""
        with frame(overlay=self._overlay_(metric_variables)):
            return self.result()

    def stateless_reset_state(self) -> list[jax.Array]:
        """The values of `variables` at the start."""
        overlay = self._overlay_([variable.raw for variable in self.variables])
        with frame(overlay=overlay):
            self.reset_state()
        return [overlay[variable] for variable in self.variables]

    def _overlay_(self, values: Iterable[Any]) -> dict[Variable, Any]:
        values, variables = [getattr(value, "raw", value) for value in values], self.variables
        if len(values) != len(variables):
            raise ArgumentError(
                f"Argument `metric_variables` must have a value for each variable of {type(self).__name__}.",
                expected=f"{len(variables)} values",
                received=f"{len(values)}",
            )
        return {**(current().overlay or {}), **dict(zip(variables, values, strict=True))}

    # Configs

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
