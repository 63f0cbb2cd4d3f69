"""`train_function`, `test_function` and `predict_function`: (state, iterator over batches) → (result, state).

Keras's loops call them; those here do only where a user sets one or overrides `make_train_function` and its kin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax

from lamella.lower import compiled
from lamella.state import frame
from lamella.train.feed import Batch
from lamella.train.own_steps import PREDICT, is_overridden, state_variables, takes_state, with_state


class StepFunction:
    """A step of a model in Keras's form, compiled unless the model runs eagerly.

    Args: kind: "train", "test" or "predict".
    """

    def __init__(self, model: Any, kind: str):
        self._model, self._step = model, f"{kind}_step"
        self._program: Callable[..., Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_program": None}

    def __call__(self, state: Any, iterator: Iterator[Any]) -> tuple[Any, Any]:
        """Makes one step on the next batch; changes nothing in the model."""
        data = next(iterator)
        if self._model.run_eagerly or not self._model.jit_compile:
            return self._stateless(state, data)
        program = self._program or compiled(self._stateless)
        self._program = program
        return program(state, data)

    def _stateless(self, state: Any, data: Any) -> tuple[Any, Any]:
        step = getattr(self._model, self._step)
        with frame(overlay={}):
            if not is_overridden(self._model, self._step) or not takes_state(step):
                return with_state(self._model, self._step, state, lambda: step(data))
            result, after = step(state, data)
        return result, (state[0], after) if self._step == PREDICT else after


def make_function(model: Any, kind: str, force: bool) -> None:
    """Sets `model.train_function` or its kin, unless it is set already."""
    if getattr(model, f"{kind}_function") is None or force:
        setattr(model, f"{kind}_function", StepFunction(model, kind))


def users_function(model: Any, kind: str) -> Callable[..., Any] | None:
    """What the user set in place of a function of ours, or None."""
    function = getattr(model, f"{kind}_function")
    return None if function is None or isinstance(function, StepFunction) else function


def call_function(model: Any, kind: str, function: Callable[..., Any], batch: Batch) -> Any:
    """Makes a step with a function of the user's, and keeps the new state."""
    held = state_variables(model, f"{kind}_step")
    state = tuple([variable.raw for variable in one] for one in held)
    result, after = function(state, iter([jax.device_put(batch.as_given())]))
    for variables, values in zip(held, after, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(getattr(value, "raw", value))
    return result
