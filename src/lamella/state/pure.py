"""The one bridge from objects to functions: state goes in, state comes out.

    pure(layer, state, *args, **kwargs) -> (outputs, new_state)     # state = {address: array}

`jax.jit`, `grad`, `vmap`, `checkpoint` and `scan` touch only what is here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import jax

from lamella.errors import unknown
from lamella.state.frame import current, frame
from lamella.state.handover import Handover, arrived
from lamella.state.later import settle_all
from lamella.state.variable import Variable
from lamella.state.walk import Owner, walk

State = dict[str, Any]


def state_of(owner: Owner) -> State:
    """The values of every variable below an owner, by address.

    Example: >>> state_of(Dense(2)) # not built: no variables yet
             {}
    """
    return {address: variable.raw for address, variable in walk(owner)}


def write_state(owner: Owner, state: State) -> None:
    """Assigns every value of a state to the variable at its address."""
    variables = dict(walk(owner))
    for address, value in state.items():
        _variable_at(variables, address, owner).assign(value)


def pure(function: Any, state: State, *args: Any, **kwargs: Any) -> tuple[Any, State]:
    """Calls a layer (or a method of one) as a pure function of its state.

    Args:    function: a layer, metric or optimizer, or a bound method of one.
             state: {address: array}; a variable left out keeps its own value.
    Returns: what the call returns, and the state after it, under the same addresses.
    Raises:  UnknownNameError: the state holds an address that is not there.
    Example: >>> outputs, state = pure(model, state_of(model), x)
             >>> grads = jax.grad(lambda s: pure(model, s, x)[0].sum())(state_of(model))
    """
    owner = getattr(function, "__self__", function)
    variables = dict(walk(owner))
    held = {address: _variable_at(variables, address, owner) for address in state}
    overlay = dict(current().overlay or {})
    overlay.update((variable, state[address]) for address, variable in held.items())
    with frame(overlay=overlay):
        outputs = function(*args, **kwargs)
    return outputs, {address: overlay[variable] for address, variable in held.items()}


def value_and_grad(
    function: Callable[..., Any], variables: Sequence[Variable], has_aux: bool = False
) -> Callable[..., tuple[Any, list[jax.Array]]]:
    """A function that returns the value and its gradients by variables.

    What the call assigns (moving statistics, seeds, metrics) stays assigned.
    With `has_aux`, `function` returns (value, anything else).

    Example: >>> v = Variable(3.0)
             >>> value, (slope,) = value_and_grad(lambda: v * v, [v])()
             >>> float(value), float(slope)
             (9.0, 6.0)
    """

    def call(*args: Any, **kwargs: Any) -> tuple[Any, list[jax.Array]]:
        written: list[Variable] = []

        def inner(values: list[jax.Array]) -> tuple[Any, Any]:
            before = {**(current().overlay or {}), **dict(zip(variables, values, strict=True))}
            overlay = dict(before)
            with frame(overlay=overlay):
                result = function(*args, **kwargs)
            value, aux = result if has_aux else (result, None)
            written[:] = [v for v, new in overlay.items() if new is not before.get(v)]
            return value, (aux, [overlay[v] for v in written])

        (value, (aux, news)), grads = jax.value_and_grad(inner, has_aux=True)([v.raw for v in variables])
        for variable, new in zip(written, news, strict=True):
            variable.assign(new)
        return ((value, aux) if has_aux else value), grads

    return call


def grad(function: Callable[..., Any], variables: Sequence[Variable]) -> Callable[..., list[jax.Array]]:
    """Like `value_and_grad`, without the value."""
    return lambda *args, **kwargs: value_and_grad(function, variables)(*args, **kwargs)[1]


def _variable_at(variables: dict[str, Variable], address: str, owner: Any) -> Variable:
    if address not in variables:
        raise unknown(f"variable in {getattr(owner, 'name', type(owner).__name__)!r}", address, variables)
    return variables[address]


class StateView:
    """The variables of an owner, found once, to read and write many values fast.

    Args:    only: addresses that begin with one of these; all if empty.
    Example: >>> view = StateView(model)
             >>> view.write({address: value * 0 for address, value in view.read().items()})
    """

    def __init__(self, owner: Owner, only: tuple[str, ...] = ()):
        found = walk(owner)
        self._variables = {address: v for address, v in found if not only or address.startswith(only)}
        self._settled = False

    @property
    def nbytes(self) -> int:
        return sum(variable.nbytes for variable in self._variables.values())

    def read(self, without: Collection[str] = ()) -> State:
        """{address: array}, of the variables themselves (no frame)."""
        if not self._settled:
            settle_all(self._variables.values())
            self._settled = True
        return {a: arrived(variable._value) for a, variable in self._variables.items() if a not in without}

    def hand_over(self, addresses: Iterable[str]) -> Handover:
        """The run of a program that computes the new values of some variables in the memory of the old ones."""
        return Handover({address: self._variables[address] for address in addresses})

    def write(self, state: State) -> None:
        """Puts new values into their variables: all of them, even if interrupted meanwhile."""
        try:
            self._write(state)
        except BaseException:
            self._write(state)
            raise

    def _write(self, state: State) -> None:
        for address, value in state.items():
            self._variables[address]._value = value
