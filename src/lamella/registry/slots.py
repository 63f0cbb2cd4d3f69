"""What each place in a config may hold: a closed table, so that an activation is only ever an activation.

A place that is not listed holds plain values.  Before an object is made, everything in its
config is looked at, and what stands in the wrong place is not made either.  Classes of the
user's own read their configs as they like; what these name is still only what doors lead to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

from lamella.errors import ConfigError
from lamella.graph import OPS
from lamella.registry.doors import in_room
from lamella.registry.find import found_by, lookup, names_function, told_where
from lamella.registry.names import all_custom_objects
from lamella.registry.patterns import check_patterns
from lamella.registry.sharing import in_safe_mode

_KINDS = ("bytes", "ellipsis", "keras_tensor", "lambda", "numpy", "slice", "tensor")
VALUES = frozenset(f"__{kind}__" for kind in _KINDS)
"""Configs that stand for a value, wherever they are.  (A lambda is refused when it is read.)"""

MAX_TEXT = 4096  # characters of one argument


@dataclass(frozen=True)
class Slot:
    """What a place takes.

    Args: what: as errors call it.
          classes: the rooms whose classes fit.
          functions: the rooms whose functions fit, and with them the user's own; None if no function does.
    """

    what: str
    classes: tuple[str, ...] = ()
    functions: tuple[str, ...] | None = None

    def found(self, config: Mapping[str, Any], objects: Mapping[str, Any]) -> Any:
        """What a config names, as far as it can be known here; None if it is not what the place takes."""
        if self is VALUE:
            return None
        is_function = names_function(config)
        found, is_own = lookup(config, objects, self.functions or () if is_function else self.classes)
        if found is None:
            return _LATER
        fits = self is ANY or (self._takes_own(found) if is_own else self._takes(found, is_function))
        return found if fits else None

    def _takes_own(self, own: Any) -> bool:
        room = _room(own) if isinstance(own, type) else ""
        return room in self.classes if room else self.functions is not None or isinstance(own, type)

    def _takes(self, found: Any, as_function: bool) -> bool:
        if isinstance(found, type) and not as_function:
            return _room(found) in self.classes
        return any(in_room(room, found.__name__) is found for room in self.functions or ())


_LATER = object()  # of a name that is not known here: told where it is read


def _room(cls: type) -> str:
    """The room of lamella that a class is of, or is derived from; "" if it stands alone."""
    for base in cls.__mro__:
        package, _, rest = base.__module__.partition(".")
        if package == "lamella":
            is_op = OPS.get(base.__name__) is base
            return "graph" if is_op else _SCHEDULES if rest.startswith(_SCHEDULES) else rest.partition(".")[0]
    return ""


_SCHEDULES = "optimizers.schedules"
_MODELS = ("layers", "models", "applications", "anatomy")

ANY = Slot("object")
VALUE = Slot("plain value")
LAYER = Slot("layer", _MODELS)
LOSS = Slot("loss", ("losses",), ("losses",))
METRIC = Slot("metric or loss", ("losses", "metrics"), ("losses", "metrics"))
OPTIMIZER = Slot("optimizer", ("optimizers",), ())
_ACTIVATION = Slot("activation function", ("layers",), ("activations",))
_ARGUMENT = Slot("argument of a call", (), ("activations",))
_FUNCTION = Slot("activation function, layer or function of your own", _MODELS, ("activations",))
_OPERATION = Slot("layer or op", (*_MODELS, "graph"))
_OPTION = Slot("option of a loss or metric", METRIC.classes, ("activations", "losses", "metrics"))
_POLICY = Slot("dtype policy", ("dtype_policies",))
_USERS = Slot("function of your own", (), ())
_MAPPED = Slot("activation function or function of your own", (), ("activations",))
_DISTILLATION = Slot("distillation loss", ("distillation",))
_FEATURE = Slot("feature", ("utils",))
_MODULE = Slot("class of your own")

_UNMISTAKABLE = (LAYER, _OPERATION)  # for others, rooms know further names

_BY_LAST_WORD = {
    "initializer": Slot("initializer", ("initializers",), ()),
    "regularizer": Slot("regularizer", ("regularizers",), ()),
    "constraint": Slot("constraint", ("constraints",), ()),
    "activation": _ACTIVATION,
    "dtype": _POLICY,
    "seed": Slot("seed", ("state",)),
}
_BY_NAME = {
    "backward_layer": LAYER,
    "cell": Slot("cell", ("layers",)),
    "cells": Slot("cell", ("layers",)),
    "default_optimizer": OPTIMIZER,
    "default_policy": _POLICY,
    "inner_optimizer": OPTIMIZER,
    "layer": LAYER,
    "layers": _OPERATION,
    "learning_rate": Slot("learning rate, or schedule of it", (_SCHEDULES,), ()),
    "optimizer_map": OPTIMIZER,
    "policy_map": _POLICY,
}
_BY_CLASS: dict[str, dict[str | EllipsisType, Slot]] = {  # `...`: every other argument
    "Distiller": {"teacher": LAYER, "student": LAYER, "distillation_losses": _DISTILLATION},
    "Feature": {"preprocessor": Slot("layer", (*_MODELS, "utils"))},
    "FeatureSpace": {"features": _FEATURE, "crosses": _FEATURE},
    "FeatureDistillation": {"loss": LOSS},
    "ForiLoop": {"body_fun": _MAPPED},
    "FlaxLayer": {"module": _MODULE, "method": _USERS},
    "JaxLayer": {"call_fn": _USERS, "init_fn": _USERS},
    "Lambda": dict.fromkeys(("function", "output_shape", "mask", "arguments"), _FUNCTION),
    "LogitsDistillation": {"loss": LOSS},
    "LossFunctionWrapper": {"fn": LOSS, ...: _OPTION},
    "MeanMetricWrapper": {"fn": METRIC, ...: _OPTION},
    "TextVectorization": {"standardize": _USERS, "split": _USERS},
    "VectorizedMap": {"function": _MAPPED},
    "WhileLoop": {"cond": _MAPPED, "body": _MAPPED},
}
_OF_COMPILE = {
    **dict.fromkeys(("loss_weights", "run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"), VALUE),
    "optimizer": OPTIMIZER,
    "loss": LOSS,
    "metrics": METRIC,
    "weighted_metrics": METRIC,
}  # a model of the user's own may have further ones


def slot_of(cls: type, key: str) -> Slot:
    """What an argument of a built-in class may be.

    Example: >>> from lamella.registry.slots import slot_of
             >>> slot_of(Dense, "kernel_initializer").what, slot_of(Dense, "units").what
             ('initializer', 'plain value')
    """
    own = _BY_CLASS.get(cls.__name__, {})
    named = own.get(key) or _BY_NAME.get(key) or _BY_LAST_WORD.get(key.rpartition("_")[2])
    return named or own.get(...) or VALUE


def check_arguments(cls: type, config: Mapping[str, Any], objects: Mapping[str, Any], deep: bool = False) -> None:
    """Looks at the config of an object before it is made.

    Args:   deep: also at the configs of the objects inside of it.
    Raises: ConfigError: an argument is not what belongs there.
    """
    check_patterns(cls, config)
    if cls.__module__.partition(".")[0] == "lamella":
        for key, value in config.items():
            check(value, slot_of(cls, key), key, objects, deep)


def check_compile_config(config: Any, objects: Mapping[str, Any] | None = None, deep: bool = False) -> None:
    """Looks at what a model is to be compiled with.

    Args:   objects: the user's own; those in scope if None.
    Raises: ConfigError: an optimizer, loss or metric that is none.
    """
    if in_safe_mode() is not False and isinstance(config, dict):
        objects = all_custom_objects() if objects is None else objects
        for key, value in config.items():
            check(value, _OF_COMPILE.get(key, ANY), key, objects, deep)


def check(value: Any, slot: Slot, where: str, objects: Mapping[str, Any], deep: bool = False) -> None:
    """Looks at all that a value holds, down to the configs of objects.

    Raises: ConfigError: one of these objects does not belong here.
    """
    stack = [(value, slot)]
    while stack:
        node, slot = stack.pop()
        if isinstance(node, str) and len(node) > MAX_TEXT:
            raise ConfigError(f"{where!r} is overlong.", expected=f"at most {MAX_TEXT} characters", received=len(node))
        if isinstance(node, dict):
            described = "class_name" in node and (slot is not VALUE or "config" in node)
            inside = _inside(node, slot, where, objects, deep) if described else [(one, slot) for one in node.values()]
            stack += reversed(inside)
        elif isinstance(node, list):
            kinds = (dict, list) if slot is VALUE else (dict, list, str)  # a vocabulary is long
            stack += [(one, slot) for one in reversed(node) if isinstance(one, kinds)]


def _inside(
    config: dict[str, Any], slot: Slot, where: str, objects: Mapping[str, Any], deep: bool
) -> list[tuple[Any, Slot]]:
    """Looks at one object; what is left to look at."""
    name = config["class_name"]
    if not isinstance(name, str):
        raise ConfigError("A class is named by a text.", received=repr(name)[:100])
    if name in VALUES:
        return [] if name == "__lambda__" else [(config.get("config"), VALUE)]
    found = slot.found(config, objects)
    if found is None:
        name = str(config["config"]) if names_function(config) else name
        raise ConfigError(f"{where!r} holds {name[:100]!r}, which is no {slot.what}.", received=repr(config)[:200])
    if found is _LATER and (slot in _UNMISTAKABLE or config.get("module") not in (None, "builtins")):
        found_by(config, objects)  # which says what is near
    if deep and isinstance(found, type) and isinstance(config.get("config"), dict):
        with told_where(config):
            check_arguments(found, config["config"], objects, deep)
            check_compile_config(config.get("compile_config"), objects, deep)
    return [(config.get("inbound_nodes"), _ARGUMENT)] if slot is _OPERATION else []
