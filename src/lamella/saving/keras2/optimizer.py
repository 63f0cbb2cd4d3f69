"""The states of optimizers in whole models of Keras 2, read where the optimizer computes today what it did then.

    since 2.11       iteration:0        Adam/m/dense/kernel:0   Adam/v/dense/kernel:0   …
    before, legacy   Adam/iter:0        Adam/dense/kernel/m:0   …   Adam/dense/kernel/v:0   …
    before 2.4       Adam/iterations:0  training/Adam/Variable:0   training/Adam/Variable_1:0   …

The oldest names say nothing: there the slots come one after the other, each for all variables of the model, and some
optimizers did not write the steps.  The learning rate was in the config alone.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from lamella.errors import UnknownNameError
from lamella.optimizers import Adafactor, Adamax, Nadam, Optimizer
from lamella.state import Variable

_SLOTS = {
    "accum_grad": "accumulated_grad",
    "accum_var": "accumulated_delta_var",
    "m": "momentum",
    "mg": "average_gradient",
    "rms": "velocity",
    "u": "norm",
    "v": "velocity",
    "vhat": "velocity_hat",
}
"""What slots are called here, where Keras 2 had another name."""

_POSITIONS: dict[str, tuple[str, ...]] = {
    "SGD": ("momentum",),
    "RMSprop": ("velocity",),
    "Adagrad": ("accumulator",),
    "Adadelta": ("accumulated_grad", "accumulated_delta_var"),
    "Adam": ("momentum", "velocity", "velocity_hat"),
    "Adamax": ("momentum", "norm"),
    "Nadam": ("momentum", "velocity"),
}
"""The slots of the optimizers before 2.4, in their order."""

_SAME = frozenset({"accumulated_delta_var", "accumulated_grad", "accumulator", "average_gradient", "c", "linear"})
_KNOWN = _SLOTS.keys() | _SAME | {"momentum", "r", "velocity"}


def optimizer_state(names: list[str], values: list[Any], model: Any) -> dict[Variable, Any] | None:
    """{variable of a model's optimizer: its value in the file}; None if the file does not hold all of them."""
    optimizer: Optimizer = model.optimizer
    if _other_momentum(names, optimizer):
        return None
    steps = next((value for value in values[:1] if np.shape(value) == ()), np.int64(0))
    found = {optimizer.iterations: steps, **_own(optimizer, int(steps))}
    named = _is_named(names)
    slots = _by_slot(names, values, optimizer) if named else _by_position(values, model)
    for slot, kept in slots.items():
        for variable, value in zip(_with_slot(model.trainable_variables, slot, len(kept)), kept, strict=False):
            with suppress(UnknownNameError):  # zeros of a momentum that is not used
                found[optimizer.slot(variable, slot)] = value
    wanted = [v for v in optimizer.variables if v.name != "learning_rate" and not _only_counted(optimizer, v)]
    return found if all(v in found and np.shape(found[v]) == v.shape for v in wanted) else None


def unlike(names: list[str], optimizer: Optimizer) -> str:
    """Why a state was not read."""
    if _other_momentum(names, optimizer):
        return "the state of Nadam is of before Keras 2.11, when its momentum followed another formula"
    return "the optimizer's state does not fit"


def _is_legacy(names: list[str]) -> bool:
    return names[0].rpartition("/")[2] == "iter:0"


def _is_named(names: list[str]) -> bool:
    return _is_legacy(names) or names[0].rpartition("/")[2].removesuffix(":0") == "iteration"


def _other_momentum(names: list[str], optimizer: Optimizer) -> bool:
    return isinstance(optimizer, Nadam) and (_is_legacy(names) or not _is_named(names))


def _by_position(values: list[Any], model: Any) -> dict[str, list[Any]]:
    """{slot: its values}, of a file whose names do not tell."""
    arrays = [value for number, value in enumerate(values) if number or np.shape(value) != ()]
    count = len(model.trainable_variables)
    slots = _POSITIONS.get(type(model.optimizer).__name__, ())
    return {slot: arrays[at * count : (at + 1) * count] for at, slot in enumerate(slots)}


def _by_slot(names: list[str], values: list[Any], optimizer: Optimizer) -> dict[str, list[Any]]:
    """{slot: its values, in the order of the model's variables}"""
    slots: dict[str, list[Any]] = {}
    for name, value in zip(names[1:], values[1:], strict=True):
        parts = name.removesuffix(":0").split("/")
        slot = parts[-1] if _is_legacy(names) else parts[0] if parts[0] in _KNOWN else parts[min(1, len(parts) - 1)]
        norm = slot == "v" and isinstance(optimizer, Adamax)  # as it was called before 2.11
        slots.setdefault("norm" if norm else _SLOTS.get(slot, slot), []).append(value)
    return slots


def _own(optimizer: Optimizer, steps: int) -> dict[Variable, Any]:
    """What an optimizer keeps beside its slots; Keras 2 did not write it down."""
    if not isinstance(optimizer, Nadam):
        return {}
    return {optimizer._u_product: np.prod([optimizer._momentum_at(step + 1) for step in range(min(steps, 10_000))])}


def _with_slot(variables: list[Variable], slot: str, count: int) -> list[Variable]:
    """The variables that a slot was written for: Adafactor's means of rows and columns only for matrices."""
    matrices = [variable for variable in variables if variable.ndim >= 2]
    return matrices if slot in ("r", "c") and count == len(matrices) else variables


def _only_counted(optimizer: Optimizer, variable: Variable) -> bool:
    """Whether a slot is there because Keras has one, without use."""
    return isinstance(optimizer, Adafactor) and variable.shape == () and variable is not optimizer.iterations
