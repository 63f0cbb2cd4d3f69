"""Variables whose memory a running program has taken, to compute their next values in it.

While it runs they hold stand-ins.  Nobody sees an array that is gone: one that somebody else holds is copied first,
another thread that reads a variable waits for its new value, and what an interrupted or failed run leaves is put back.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import Lock, get_ident
from typing import Any

import jax
import jax.numpy as jnp

from lamella.errors import StateError

_HELD_ONCE = sys.getrefcount({"array": object()}["array"]) + 1  # by a dict that is still there
_taking = Lock()


class Handed:
    """Stands in a variable for an array that was handed over."""

    def __init__(self, handover: Handover, address: str):
        self._handover, self._address = handover, address

    def value(self) -> jax.Array:
        """The variable's value; in another thread than that of the program, the one after it."""
        return self._handover.value(self._address)

    def __getattr__(self, name: str) -> Any:
        """Shape, dtype and such, which no step changes."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._handover.latest(self._address), name)


class Handover:
    """One run of a program that takes the arrays of variables.

    Args: variables: by address.
    """

    def __init__(self, variables: dict[str, Any]):
        self._variables = variables
        self._before: dict[str, jax.Array] = {}
        self._landed: list[tuple[Any, dict[str, jax.Array]]] = []
        self._thread, self._runs = get_ident(), True

    def run(self, program: Callable[..., Any], *args: Any) -> Any:
        """Calls program(values, *args) → (result, new values), and keeps the new values.

        Returns: the result.
        Raises:  StateError: the program failed when the old values were already gone.
        """
        try:
            self._take()
            # `extend` puts the result into the list before Python looks whether Ctrl-C was pressed.
            self._landed.extend(map(program, (self._before,), *((arg,) for arg in args)))
        except Exception as error:
            if not self._landed and any(array.is_deleted() for array in self._before.values()):
                raise StateError(
                    "The step failed after it had begun to compute the new weights in the memory of the old ones.",
                    fix="load the last checkpoint; lamella.config.disable_in_place_steps() keeps the old weights",
                ) from error
            raise
        finally:
            try:
                self._give_back()
            except BaseException:
                self._give_back()
                raise
        return self._landed[0][0]

    def value(self, address: str) -> jax.Array:
        while self._runs and get_ident() != self._thread:
            time.sleep(1e-4)  # and no Event: Ctrl-C inside of `set` would leave its lock closed
        return self.latest(address)

    def latest(self, address: str) -> jax.Array:
        """The array as it is at this moment, which may be gone."""
        after = self._landed[0][1] if self._landed else self._before
        return after[address]

    def _take(self) -> None:
        before = self._before
        with _taking:
            for address, variable in self._variables.items():
                before[address] = arrived(variable._value)
                variable._value = Handed(self, address)
        for address in before:
            if sys.getrefcount(before[address]) > _HELD_ONCE:
                before[address] = jnp.array(before[address])

    def _give_back(self) -> None:
        for address in self._before:
            self._variables[address]._value = self.latest(address)
        self._runs = False


def arrived(value: Any) -> Any:
    """What a variable holds, once it is there."""
    return value.value() if type(value) is Handed else value
