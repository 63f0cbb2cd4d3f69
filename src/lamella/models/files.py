"""Names that Keras has in `keras.models` and that belong to the room of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamella.models import Model


def load_model(
    filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Model:
    """Reads a model that `save` or Keras wrote; see `lamella.saving.load_model`."""
    from lamella import saving

    return saving.load_model(filepath, custom_objects=custom_objects, compile=compile, safe_mode=safe_mode)


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Writes a whole model; see `lamella.saving.save_model`."""
    from lamella import saving

    saving.save_model(model, filepath, overwrite=overwrite, zipped=zipped, **kwargs)


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Model:
    """Makes a model, without weights, from what `to_json` returned."""
    from lamella import saving

    return saving.model_from_json(json_string, custom_objects=custom_objects)
