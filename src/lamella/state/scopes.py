"""Keras's scopes, as frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import jax

from lamella.errors import ArgumentError
from lamella.state.frame import current, frame
from lamella.state.variable import Variable


class name_scope(frame):  # noqa: N801 - Keras's name
    """Variables made inside of it have this name in their path.

    Example: >>> with name_scope("outer"):
             ...     Variable(1.0, name="v").path
             'outer/v'
    """

    def __init__(self, name: str, **kwargs: Any):
        if not isinstance(name, str) or not name or "/" in name:
            raise ArgumentError("A scope's name is a string without '/'.", received=repr(name))
        self.name = name
        super().__init__(path=(*current().path, name))


class StatelessScope(frame):
    """Inside of it variables read and write a mapping, not themselves.

    Args:    state_mapping: pairs of (variable, value).
             collect_losses: keeps what `add_loss` is given in `losses`.
    Example: >>> v = Variable(1.0)
             >>> with StatelessScope([(v, 5.0)]) as scope:
             ...     _ = v.assign_add(1.0)
             >>> float(scope.get_current_value(v)), float(v.value)
             (6.0, 1.0)
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ):
        self.state_mapping: dict[Variable, Any] = {v: jax.numpy.asarray(value) for v, value in state_mapping or ()}
        self.collect_losses = collect_losses
        self._entries: list[Any] = []
        super().__init__(overlay=self.state_mapping, losses=self._entries if collect_losses else None)

    def __enter__(self) -> StatelessScope:  # type: ignore[override]
        super().__enter__()
        return self

    @property
    def losses(self) -> list[Any]:
        return [value for _, value in self._entries]

    def add_loss(self, loss: Any) -> None:
        self._entries.append((None, loss))

    def add_update(self, update: tuple[Variable, Any]) -> None:
        variable, value = update
        self.state_mapping[variable] = value

    def get_current_value(self, variable: Variable) -> Any:
        """The value a variable has in this scope, or None if it was not touched."""
        return self.state_mapping.get(variable)


class SymbolicScope(frame):
    """Marks code that runs on shapes. Symbolic tensors say so themselves here, so it changes nothing.

    Example: >>> with SymbolicScope():
             ...     Dense(2)(Input((3,))).shape
             (None, 2)
    """

    def __init__(self) -> None:
        super().__init__()

    def __enter__(self) -> SymbolicScope:  # type: ignore[override]
        super().__enter__()
        return self


@contextmanager
def device(device_name: str) -> Iterator[None]:
    """Makes arrays on a device: "cpu", "gpu:1".

    Raises: ArgumentError: there is no such device.
    """
    kind, _, index = str(device_name).partition(":")
    kind = {"cuda": "gpu"}.get(kind.lower(), kind.lower())
    try:
        chosen = jax.devices(kind)[int(index or 0)]
    except (RuntimeError, IndexError, ValueError) as error:
        raise ArgumentError(f"There is no device {device_name!r}.", expected=[str(d) for d in jax.devices()]) from error
    with jax.default_device(chosen):
        yield
