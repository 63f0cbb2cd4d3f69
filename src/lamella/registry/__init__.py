"""Objects as configs and back, in Keras's form, and the names of the user's own classes."""

from lamella.registry.doors import DOORS
from lamella.registry.lookup import Catalog
from lamella.registry.names import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from lamella.registry.read import deserialize_keras_object
from lamella.registry.sharing import ObjectSharingScope, SafeModeScope, in_safe_mode
from lamella.registry.write import serialize_keras_object

__all__ = [
    "DOORS",
    "Catalog",
    "CustomObjectScope",
    "ObjectSharingScope",
    "SafeModeScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "in_safe_mode",
    "register_keras_serializable",
    "serialize_keras_object",
]
