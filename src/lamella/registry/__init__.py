"""Objects as configs and back, in Keras's form, and the names of the user's own classes."""

from lamella.registry.budget import bounded, budget
from lamella.registry.doors import DOORS
from lamella.registry.lookup import Catalog
from lamella.registry.names import (
    CustomObjectScope,
    all_custom_objects,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from lamella.registry.patterns import matches
from lamella.registry.read import check_config, deserialize_keras_object
from lamella.registry.sharing import ObjectSharingScope, SafeModeScope, in_safe_mode, marking, sharing
from lamella.registry.slots import check_compile_config
from lamella.registry.write import comparing, serialize_keras_object

__all__ = [
    "DOORS",
    "Catalog",
    "CustomObjectScope",
    "ObjectSharingScope",
    "SafeModeScope",
    "all_custom_objects",
    "bounded",
    "budget",
    "check_compile_config",
    "check_config",
    "comparing",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "in_safe_mode",
    "marking",
    "matches",
    "register_keras_serializable",
    "serialize_keras_object",
    "sharing",
]
