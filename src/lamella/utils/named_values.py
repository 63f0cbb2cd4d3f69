"""Config: named values that can be frozen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lamella.errors import StateError, unknown


class FrozenError(StateError, ValueError):
    """A frozen Config was to be changed (Keras code catches ValueError)."""


class MissingValueError(AttributeError, KeyError):
    """A Config has no such value (asked for as an attribute or as a key)."""

    __str__ = Exception.__str__


class Config:
    """A dict whose entries are also attributes.

    Example: >>> config = Config(rate=0.1); config.steps = 3
             >>> config.to_json()
             '{"rate": 0.1, "steps": 3}'
    """

    def __init__(self, **kwargs: Any):
        vars(self).update(_config=dict(kwargs), _frozen=False)

    @property
    def frozen(self) -> bool:
        """Whether changes are refused."""
        return self._frozen

    def freeze(self) -> None:
        """Refuses changes from now on."""
        vars(self)["_frozen"] = True

    def unfreeze(self) -> None:
        """Allows changes again."""
        vars(self)["_frozen"] = False

    def as_dict(self) -> dict[str, Any]:
        return dict(self._config)

    def to_json(self) -> str:
        return json.dumps(self._config)

    def keys(self) -> Any:
        return self._config.keys()

    def values(self) -> Any:
        return self._config.values()

    def items(self) -> Any:
        return self._config.items()

    def get(self, keyname: str, value: Any = None) -> Any:
        return self._config.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        return self._changeable().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        self._changeable().update(*args, **kwargs)

    def _changeable(self) -> dict[str, Any]:
        if self._frozen:
            raise FrozenError("The config is frozen and cannot be changed.", fix="call unfreeze() first")
        return self._config

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in vars(self).get("_config", ()):
            raise MissingValueError(str(unknown("value in the config", name, vars(self).get("_config", ()))))
        return self._config[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._changeable()[name] = value

    def __delattr__(self, name: str) -> None:
        del self._changeable()[name]

    __getitem__, __setitem__, __delitem__ = __getattr__, __setattr__, __delattr__

    def __contains__(self, name: object) -> bool:
        return name in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
