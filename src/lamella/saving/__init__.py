"""Files: read through one gate, written atomically.

    .keras        a zip of config.json, metadata.json, model.weights.h5 (and assets/)
    .weights.h5   the weights alone
    .h5           what Keras 2 wrote
    .safetensors  the weights alone, by address
    .weights.json the weights alone, in shards
    .orbax        a folder: the weights and the optimizer's state

All but safetensors are in Keras's layout, so that Keras reads what is written here, and the other way round.
"""

from lamella.registry import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from lamella.saving.atomic import atomic_write
from lamella.saving.content import content_of
from lamella.saving.editor import KerasFileEditor
from lamella.saving.export import ExportedModel, export_model, load_exported
from lamella.saving.files import load_model, load_weights, looks_whole, save_model, save_weights
from lamella.saving.gate import guarded, is_safe_path, parse_json
from lamella.saving.model_json import model_from_json
from lamella.saving.orbax import Checkpoints
from lamella.saving.report import LoadReport
from lamella.saving.state_tree import assign_state_tree, state_tree

__all__ = [
    "Checkpoints",
    "CustomObjectScope",
    "ExportedModel",
    "KerasFileEditor",
    "LoadReport",
    "assign_state_tree",
    "atomic_write",
    "content_of",
    "custom_object_scope",
    "deserialize_keras_object",
    "export_model",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "guarded",
    "is_safe_path",
    "load_exported",
    "load_model",
    "load_weights",
    "looks_whole",
    "model_from_json",
    "parse_json",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
    "state_tree",
]
