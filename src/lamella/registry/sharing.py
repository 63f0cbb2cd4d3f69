"""What holds while a whole model is written or read: which objects were met before, and what may be run."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Any

from lamella import config as settings

_safe: ContextVar[bool | None] = ContextVar("lamella_safe_mode", default=None)
_met: ContextVar[tuple[dict[int, Any], dict[int, Any]] | None] = ContextVar("lamella_shared_objects", default=None)


class _Scope:
    _variable: ContextVar[Any]

    def __init__(self, value: Any):
        self._value = value
        self._tokens: list[Token[Any]] = []

    def __enter__(self) -> None:
        self._tokens.append(self._variable.set(self._value))

    def __exit__(self, *_: object) -> None:
        self._variable.reset(self._tokens.pop())


class SafeModeScope(_Scope):
    """Whether lambdas in configs are refused, for the length of a `with` block.

    Example: >>> with SafeModeScope(False):
             ...     in_safe_mode()
             False
    """

    _variable = _safe

    def __init__(self, safe_mode: bool | None = True):
        super().__init__(safe_mode)


class ObjectSharingScope(_Scope):
    """Objects that appear twice in what is written come back as one object."""

    _variable = _met

    def __init__(self) -> None:
        super().__init__(({}, {}))


def in_safe_mode() -> bool | None:
    """The ambient answer, or None: then the argument `safe_mode` decides."""
    return False if settings.is_unsafe_deserialization_enabled() else _safe.get()


def note_written(obj: Any, config: dict[str, Any]) -> None:
    """Marks the configs of an object that is met a second time."""
    met = _met.get()
    if met is None:
        return
    _, first = met[0].setdefault(id(obj), (obj, config))  # the object is held, so that its id stays its own
    if first is not config:
        first["shared_object_id"] = config["shared_object_id"] = id(obj)


def note_read(config: dict[str, Any], obj: Any) -> None:
    """Keeps an object that the config says is shared."""
    met = _met.get()
    if met is not None and "shared_object_id" in config:
        met[1][config["shared_object_id"]] = obj


def already_read(config: dict[str, Any]) -> Any:
    """The object that a config shares with one that was read before, or None."""
    met = _met.get()
    return None if met is None else met[1].get(config.get("shared_object_id", -1))
