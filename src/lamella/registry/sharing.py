"""What holds while a whole model is written or read: which objects were met before, and what may be run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any

from lamella import config as settings
from lamella.graph import Operation
from lamella.state import Owner

_safe: ContextVar[bool | None] = ContextVar("lamella_safe_mode", default=None)
_met: ContextVar[tuple[dict[int, Any], dict[int, Any]] | None] = ContextVar("lamella_shared_objects", default=None)
_shared: ContextVar[frozenset[int] | None] = ContextVar("lamella_shared_layers", default=None)
_made: ContextVar[dict[int, Any] | None] = ContextVar("lamella_layers_made", default=None)


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


# Keras marks the configs of an object that is met twice, and loses the first of these marks where it stands in the
# config of a model inside.  So layers and models that are in two places have a mark of ours besides.

_MARK = "shared_layer"


@contextmanager
def marking(root: Any) -> Iterator[frozenset[int]]:
    """Marks the configs of layers and models that are in several places below `root`; the ids of these."""
    token = _shared.set(_in_several_places(root)) if _shared.get() is None else None
    try:
        yield _shared.get() or frozenset()
    finally:
        if token is not None:
            _shared.reset(token)


@contextmanager
def sharing() -> Iterator[dict[int, Any]]:
    """Makes one object of all configs with the same mark; {mark: object}."""
    made = _made.get()
    token = _made.set(made := {}) if made is None else None
    try:
        yield made
    finally:
        if token is not None:
            _made.reset(token)


def _in_several_places(root: Any) -> frozenset[int]:
    places: Counter[int] = Counter()
    seen, stack = {id(root)}, [root] if isinstance(root, Owner) else []
    while stack:
        inside = {id(child): child for _, child in stack.pop().children() if isinstance(child, Owner)}
        places.update(key for key, child in inside.items() if isinstance(child, Operation))
        stack += [child for key, child in inside.items() if key not in seen]
        seen |= inside.keys()
    return frozenset(key for key, count in places.items() if count > 1)


def note_written(obj: Any, config: dict[str, Any]) -> None:
    """Marks the configs of an object that is met a second time."""
    met = _met.get()
    if id(obj) in (_shared.get() or ()):
        config[_MARK] = id(obj)
    if met is None:
        return
    _, first = met[0].setdefault(id(obj), (obj, config))  # the object is held, so that its id stays its own
    if first is not config:
        first["shared_object_id"] = config["shared_object_id"] = id(obj)


def note_read(config: dict[str, Any], obj: Any) -> None:
    """Keeps an object that the config says is shared."""
    for made, mark in _marks(config):
        made[mark] = obj


def already_read(config: dict[str, Any]) -> Any:
    """The object that a config shares with one that was read before, or None."""
    return next((made[mark] for made, mark in _marks(config) if mark in made), None)


def _marks(config: dict[str, Any]) -> list[tuple[dict[int, Any], int]]:
    """What was made of marked configs, with the mark of this one: for each kind of mark that it has."""
    met = _met.get()
    kinds = ((_made.get(), _MARK), (None if met is None else met[1], "shared_object_id"))
    return [(made, config[key]) for made, key in kinds if made is not None and isinstance(config.get(key), int)]
