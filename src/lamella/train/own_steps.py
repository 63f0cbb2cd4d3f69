"""Steps that users write: `train_step(data)` with objects, or Keras's JAX form `train_step(state, data)` with lists."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from lamella.errors import ArgumentError
from lamella.state import Variable, current, frame
from lamella.train.feed import Batch

TRAIN, TEST, PREDICT = "train_step", "test_step", "predict_step"


def builtin(method: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a method as the Trainer's own, to tell it from a user's override."""
    method._is_builtin = True  # type: ignore[attr-defined]
    return method


def is_overridden(model: Any, method: str) -> bool:
    """Whether a method is the user's and not the Trainer's."""
    return method in vars(model) or not getattr(getattr(type(model), method), "_is_builtin", False)


def builtin_step(method: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A step of the Trainer, written as `(data)`, that an override may also call as `(state, data)`."""

    @wraps(method)
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) + len(kwargs) < 2:
            return method(self, *args, **kwargs)
        state, data = (*args, *(kwargs[name] for name in ("state", "data") if name in kwargs))
        return with_state(self, method.__name__, state, lambda: method(self, data))

    return builtin(step)


def call_step(model: Any, step: str, batch: Any) -> Any:
    """Calls a step of a model on a batch in the form it is written in; returns the logs or the outputs."""
    method = getattr(model, step)
    if not is_overridden(model, step):
        return method(batch)
    data = batch.as_given() if isinstance(batch, Batch) else batch
    if not takes_state(method):
        return method(data)
    held = state_variables(model, step)
    returned, state = method(tuple([variable.raw for variable in one] for one in held), data)
    if step == PREDICT:  # it returns the non-trainable ones alone
        held, state = held[1:], (state,)
    for variables, values in zip(held, state, strict=False):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(getattr(value, "raw", value))
    return returned


def takes_state(step: Callable[..., Any]) -> bool:
    """Whether a step is written as `(state, data)`; `(*args)` is, since Keras on JAX calls it so."""
    parameters = inspect.signature(step).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return not named or named[0].name != "data"
    return sum(p.default is p.empty for p in named) >= 2


def call_by_names(function: Callable[..., Any], **values: Any) -> Any:
    """Calls an override with those of some values that it takes: by name, or by place where it names them otherwise."""
    signature = inspect.signature(function)
    parameters = signature.parameters.values()
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
    known = {name: value for name, value in values.items() if takes_all or name in signature.parameters}
    if not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        if {p.name for p in places if p.default is p.empty} <= set(known):
            return function(**known)
        values = dict(list(values.items())[: len(places)])
    by_name = {name: values.pop(name) for name in ("training",) if name in values}
    return function(*values.values(), **{name: value for name, value in by_name.items() if name in known})


def state_variables(model: Any, step: str) -> list[list[Variable]]:
    """The variables whose values make up the `state` of a step, as Keras orders them."""
    lists = [model.trainable_variables, model.non_trainable_variables]
    if step == TRAIN:
        lists.append(list(model.optimizer.variables) if model.optimizer is not None else [])
    return lists if step == PREDICT else [*lists, model.metrics_variables]


def with_state(model: Any, step: str, state: Any, run: Callable[[], Any]) -> tuple[Any, Any]:
    """Runs a step written with objects as a function of lists of values.

    Returns: (result, state after it), as Keras's steps do.
    Raises:  ArgumentError: the state has other lists than the step takes, or lists of another length.
    """
    result, after = with_lists(state_variables(model, step), state, f"{step}(state, data)", run)
    return result, after[1] if step == PREDICT else tuple(after)


def with_lists(
    held: list[list[Variable]], state: Any, where: str, run: Callable[[], Any]
) -> tuple[Any, list[list[Any]]]:
    """Runs a function with lists of values in the places of variables; returns its result and the values after it."""
    before = {**(current().overlay or {}), **dict(_paired(held, state, where))}
    overlay = dict(before)
    with frame(overlay=overlay):
        result = run()
    inside = {variable for one in held for variable in one}
    for variable, value in overlay.items():  # such as the seed of draws without one
        if variable not in inside and value is not before.get(variable):
            variable.assign(value)
    return result, [[overlay[variable] for variable in one] for one in held]


def _paired(held: list[list[Variable]], state: Any, where: str) -> Iterator[tuple[Variable, Any]]:
    state = [list(one) for one in state]
    ours, theirs = [len(one) for one in held], [len(one) for one in state]
    if ours != theirs:
        raise ArgumentError(
            f"{where}: this is another state than the model has.",
            expected=f"lists of {', '.join(map(str, ours))} values",
            received=f"lists of {', '.join(map(str, theirs))}",
            fix="pass `state` on as it came, or the values of trainable_variables, non_trainable_variables, "
            "optimizer.variables and metrics_variables",
        )
    for variables, values in zip(held, state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            yield variable, getattr(value, "raw", value)
