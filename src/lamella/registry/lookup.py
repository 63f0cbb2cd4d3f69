"""Catalog: the objects of one room by name, which its `get` and `deserialize` look in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lamella.errors import ArgumentError, ConfigError, unknown
from lamella.registry.names import all_custom_objects, same_name
from lamella.registry.read import deserialize_keras_object
from lamella.state import to_snake_case


class Catalog:
    """Names for the classes and functions of one kind.

    Args:    kind: how errors call one of them.
             objects: classes, known by their names and these in snake_case.
             names: further names.
             rooms: further rooms whose objects stand in for one of these.
    Example: >>> Catalog("pair", [tuple], {"couple": tuple}).get("couple")
             ()
    """

    def __init__(
        self, kind: str, objects: Iterable[Any], names: Mapping[str, Any] | None = None, rooms: Iterable[str] = ()
    ):
        self.kind, self._rooms = kind, {*rooms}
        self.names = {found.__name__: found for found in objects}
        for name, found in list(self.names.items()):
            self.names.setdefault(to_snake_case(name), found)
        self.names.update(names or {})

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """What a config, or a name, stands for.

        Raises: UnknownNameError: a name that stands for nothing.
        """
        if isinstance(config, str) and config not in self.names:
            return self._users_own(config, all_custom_objects(custom_objects))
        found = deserialize_keras_object(config, custom_objects=custom_objects, module_objects=self.names)
        if isinstance(config, dict):
            self._check_kind(found, config)
        return found

    def _users_own(self, name: str, objects: Mapping[str, Any]) -> Any:
        found = objects[name] if objects.get(name) is not None else same_name(name, objects)
        if found is None:
            raise unknown(self.kind, name, self.names)
        return found

    def _check_kind(self, found: Any, config: Mapping[str, Any]) -> None:
        """A config finds only what this room holds (for an activation: a layer too), or what is the user's."""
        is_object = hasattr(type(found), "from_config")
        room = _room(type(found) if is_object else found)
        rooms = {_room(one) for one in self.names.values() if isinstance(one, type)} | self._rooms
        fits = room in rooms if is_object else found in self.names.values()
        if room and not fits:
            raise ConfigError(f"The config describes no {self.kind}.", received=repr(config)[:200])

    def get(self, identifier: Any) -> Any:
        """An object from a name, a config, a class, or a function or object, which stays as it is.

        Raises: UnknownNameError, ArgumentError: nothing of that kind.
        """
        if identifier is None:
            return None
        named = isinstance(identifier, (str, dict))
        found = self.deserialize(identifier) if named else identifier
        if isinstance(found, type):  # a class that was given, or one of custom_objects
            return found()
        if not named and not callable(found):
            raise ArgumentError(
                f"This is no {self.kind}.", expected="a name, a config, or something to call", received=repr(identifier)
            )
        return found


def _room(found: Any) -> str:
    """The room of lamella that a class or function is from; "" for what is the user's."""
    package, _, rest = (getattr(found, "__module__", None) or "").partition(".")
    return rest.partition(".")[0] if package == "lamella" else ""
