"""The `.keras` file: a model's config and state, in a zip or in a folder."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from lamella.errors import FileError
from lamella.layers import Layer
from lamella.registry import (
    ObjectSharingScope,
    SafeModeScope,
    check_config,
    deserialize_keras_object,
    serialize_keras_object,
)
from lamella.saving.atomic import atomic_write
from lamella.saving.gate import Entries, guarded, parse_json
from lamella.saving.hdf5 import Reader
from lamella.saving.keras2 import is_keras2, modernized
from lamella.saving.reading import reading, settle
from lamella.saving.state import read_state, write_state

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
KERAS_VERSION = "3.15.1"  # whose layout this is


def save_keras(model: Any, path: Any, zipped: bool = True, skip: Iterable[Any] = ()) -> None:
    """Writes a whole model, as a zip or as a folder of the same entries.

    Raises: ConfigError: a part of the model has no config.  FileError: the disk says no.
    """
    entries = _entries(model, skip)  # all is known before the old file is touched
    if zipped:
        with atomic_write(path) as file:
            _write_zip(file, entries)
        return
    for name, data in entries.items():
        target = Path(path, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as file:
            file.write(data)


def _entries(model: Any, skip: Iterable[Any]) -> dict[str, bytes]:
    with ObjectSharingScope():
        config = json.dumps(serialize_keras_object(model))
    saved = datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    weights, assets = write_state(model, skip)
    metadata = json.dumps({"keras_version": KERAS_VERSION, "date_saved": saved})
    return {METADATA: metadata.encode(), CONFIG: config.encode(), WEIGHTS: weights, **assets}


def _write_zip(file: Any, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            with archive.open(zipfile.ZipInfo(name, datetime.now().timetuple()[:6]), "w", force_zip64=True) as member:
                member.write(data)


def load_keras(path: Any, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """Reads a whole model.

    Raises: FileError: naming the file and the entry that cannot be used.
    """
    with Entries(path) as entries, reading():
        with guarded(path, CONFIG):
            config = parse_json(entries.read(CONFIG))
            config = _described(modernized(config) if _is_keras2(entries) else config, compile)
            safe_mode = check_config(config, custom_objects, safe_mode)
        with Reader(path, entries.read(WEIGHTS), WEIGHTS) as reader:  # what is cheap to refuse is refused first
            with guarded(path, CONFIG), SafeModeScope(safe_mode):
                model = model_of(config, custom_objects, compile, safe_mode)
            with guarded(path, WEIGHTS):
                read_state(model, reader, entries)
                settle(model, entries.path)
    return model


def _is_keras2(entries: Entries) -> bool:
    about = parse_json(entries.read(METADATA)) if METADATA in entries else {}
    return "keras_version" in about and is_keras2(about["keras_version"])


def model_of(config: Any, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """The model that a config describes, without values yet.

    Raises: FileError: it describes something else.
    """
    with ObjectSharingScope():
        model = deserialize_keras_object(
            _described(config, compile), custom_objects=custom_objects, safe_mode=safe_mode
        )
    if not isinstance(model, Layer):
        raise FileError("it does not describe a model.", received=repr(config.get("class_name"))[:100])
    return model


def _described(config: Any, compile: bool) -> dict[str, Any]:
    if not isinstance(config, dict):
        raise FileError("it does not describe a model.", received=type(config).__name__)
    return config if compile else {**config, "compile_config": None}
