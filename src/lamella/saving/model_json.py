"""A model from the JSON text of its config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella.errors import ConfigError
from lamella.registry import deserialize_keras_object
from lamella.saving.gate import parse_json
from lamella.saving.keras2 import is_keras2, modernized
from lamella.saving.reading import begin, reading_text
from lamella.state import Owner

if TYPE_CHECKING:
    from lamella.models import Model


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Model:
    """The model that `to_json` described, with new weights.  The text may be anybody's: what it costs is bounded.

    Raises:  FileError: the text is no JSON text.
             ConfigError: it describes no model, or one that takes too long to make or more memory than there is.
    Example: >>> model = Sequential([Input((3,)), Dense(2)])
             >>> keras.saving.model_from_json(model.to_json()).count_params()
             8
    """
    config = parse_json(json_string)
    if not isinstance(config, dict) or "class_name" not in config:
        raise ConfigError("The JSON text describes no model.", received=str(json_string)[:100])
    if "keras_version" in config and is_keras2(config["keras_version"]):
        config = modernized(config)
    with reading_text():
        model: Any = deserialize_keras_object(config, custom_objects=custom_objects)
    if isinstance(model, Owner):
        begin(model)
    return model  # type: ignore[return-value]
