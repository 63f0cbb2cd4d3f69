"""Losses, metrics, targets and weights, laid beside the outputs they are for."""

from __future__ import annotations

from typing import Any

import jax

from lamella.errors import ArgumentError, DataError
from lamella.state import to_snake_case
from lamella.train.loss_places import matched, places


class Outputs:
    """The outputs of a model, flat and named.

    names: one for each output; None where the model does not name it.
    keys:  those of a dict of outputs, else None.
    numbered: the structure of the outputs, with their numbers for them.
    paths: the keys that lead to each output in that structure.
    """

    def __init__(self, y_pred: Any, names: list[str] | None):
        self.count = len(jax.tree.leaves(y_pred))
        flat_dict = isinstance(y_pred, dict) and len(y_pred) == self.count
        self.keys: list[str] | None = sorted(y_pred) if flat_dict else None
        self.numbered = jax.tree.unflatten(jax.tree.structure(y_pred), range(self.count))
        self.paths = [path for path, _ in places(self.numbered)]
        self.names: list[str | None] = list(self.keys or names or [None] * self.count)
        if len(self.names) != self.count:
            self.names = [None] * self.count

    def spread(self, value: Any, what: str) -> list[Any]:
        """One entry for each output, from a list, a dict by name, or a like structure.

        Raises: ArgumentError: `value` fits neither the number nor the names of the outputs.
        """
        if self.are_named(value):
            return self._by_name(value, what)
        if isinstance(value, (list, tuple)) and len(value) == self.count and not self._is_like_nested(value):
            return list(value)
        if self.count > 1 and isinstance(value, (list, tuple, dict)):
            try:
                return matched(self.numbered, value)
            except ValueError:
                pass
        if isinstance(value, dict):
            return self._by_name(value, what)
        raise ArgumentError(
            f"`{what}` does not fit the model's {self.count} outputs.",
            expected=f"a list of {self.count}, or a dict by output: {self._known()}",
            received=repr(value)[:200],
        )

    @property
    def nested(self) -> bool:
        """Whether there are structures in the structure."""
        return any(len(path) > 1 for path in self.paths)

    def are_named(self, value: Any) -> bool:
        """Whether a dict goes by the outputs' names (and says nothing nested about them)."""
        plain = isinstance(value, dict) and not any(isinstance(one, dict) for one in value.values())
        return plain and set(value) <= set(self._known()) and not (self.nested and set(value) <= self._top_keys())

    def _top_keys(self) -> set[Any]:
        return {path[0] for path in self.paths if path}

    def _by_name(self, value: dict[str, Any], what: str) -> list[Any]:
        known = self._known()
        if not set(value) <= set(known):
            raise ArgumentError(
                f"`{what}` names outputs that the model does not have: {sorted(set(value) - set(known))}.",
                expected=known,
                received=sorted(value),
            )
        return [value.get(name) for name in known]

    def _is_like_nested(self, value: Any) -> bool:
        """Whether a list is in the structure of nested outputs, and not one entry for each."""
        try:
            return self.nested and any(isinstance(one, (list, tuple, dict)) for one in matched(self.numbered, value))
        except ValueError:
            return False

    def _known(self) -> list[str]:
        return [name or f"output_{index}" for index, name in enumerate(self.names)]

    def flat(self, values: Any, what: str, wanted: list[bool] | None = None) -> list[Any]:
        """Targets or sample weights, one for each output (None where none is wanted).

        Raises: DataError: another number of arrays than outputs.
        """
        if values is None:
            return [None] * self.count
        if isinstance(values, dict) and self.are_named(values):
            return [values.get(name) for name in self._known()]
        leaves = jax.tree.leaves(values, is_leaf=lambda v: v is None)
        if len(leaves) == self.count:
            return leaves
        if wanted is not None and len(leaves) == sum(wanted):
            given = iter(leaves)
            return [next(given) if one else None for one in wanted]
        if len(leaves) == 1 and what == "sample_weight":
            return leaves * self.count
        raise DataError(
            f"`{what}` does not fit the model's outputs.",
            expected=f"{self.count} array(s): {self._known()}",
            received=f"{len(leaves)}",
        )


def is_binary(y_pred: Any) -> bool:
    """Whether "accuracy" and "crossentropy" mean the binary ones for an output."""
    return y_pred.shape[-1] == 1


def is_sparse(y_true: Any, y_pred: Any) -> bool:
    """Whether targets are class numbers rather than one-hot rows."""
    fewer = len(y_true.shape) < len(y_pred.shape)
    return fewer or (y_true.shape[-1] == 1 and y_pred.shape[-1] > 1)


def name_of(function: Any) -> str:
    """What a loss or metric is called in the logs: its own name, or that of the function or class in snake case."""
    own = getattr(function, "name", None)
    return own or to_snake_case(getattr(function, "__name__", type(function).__name__))


def unique(name: str, taken: dict[str, Any]) -> str:
    """`name`, or `name_1`, `name_2` … if it is taken."""
    number, found = 0, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
