"""Optimizers by name, config, or as they are."""

from __future__ import annotations

from typing import Any

from lamella.errors import ArgumentError
from lamella.optimizers.adadelta import Adadelta
from lamella.optimizers.adafactor import Adafactor
from lamella.optimizers.adagrad import Adagrad
from lamella.optimizers.adam import Adam, AdamW
from lamella.optimizers.adamax import Adamax
from lamella.optimizers.ftrl import Ftrl
from lamella.optimizers.lamb import Lamb
from lamella.optimizers.lion import Lion
from lamella.optimizers.muon import Muon
from lamella.optimizers.nadam import Nadam
from lamella.optimizers.optax import OptaxOptimizer, is_transformation
from lamella.optimizers.optimizer import Optimizer
from lamella.optimizers.rmsprop import RMSprop
from lamella.optimizers.schedule_free import ScheduleFreeAdamW
from lamella.optimizers.sgd import SGD
from lamella.registry import Catalog, serialize_keras_object

_KINDS = (
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Adamax,
    Ftrl,
    Lamb,
    Lion,
    Muon,
    Nadam,
    RMSprop,
    ScheduleFreeAdamW,
    SGD,
)
_CATALOG = Catalog("optimizer", (), {kind.__name__.lower(): kind for kind in _KINDS})


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """The config of an optimizer, with its class's name."""
    return serialize_keras_object(optimizer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The optimizer that a config describes; the case of a class's name does not matter."""
    name = str(config.get("class_name")).lower()
    return _CATALOG.deserialize({**config, "class_name": name} if name in _CATALOG.names else config, custom_objects)


def get(identifier: Any) -> Any:
    """An optimizer from a name ("adam"), a config, an optax transformation, or an optimizer.

    Raises:  UnknownNameError, ArgumentError: nothing of that kind.
    Example: >>> get("rmsprop").rho
             0.9
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        name = identifier.lower()
        found = _CATALOG.get(name if name in _CATALOG.names else identifier)
    elif isinstance(identifier, dict):
        found = deserialize(identifier)
    else:
        found = OptaxOptimizer(identifier) if is_transformation(identifier) else identifier
    if isinstance(found, Optimizer):
        return found
    is_class = isinstance(found, type) and issubclass(found, Optimizer)
    raise ArgumentError(
        "An optimizer's class was given in place of an optimizer." if is_class else "This is no optimizer.",
        expected="a name, a config, an Optimizer, or an optax transformation",
        received=repr(identifier),
        fix=f"write {found.__name__}()" if is_class else None,
    )
