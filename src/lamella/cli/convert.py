"""`lamella convert IN OUT`: a model, or its weights, from one format into another."""

from __future__ import annotations

import json
import os
from typing import Any

from lamella import saving
from lamella.errors import ArgumentError, FileError

_WEIGHTS = (".weights.h5", ".safetensors", ".orbax")
_WHOLE = (".keras", ".h5", ".hdf5")


def convert(source: str, target: str, model: str | None = None, overwrite: bool = False) -> dict[str, Any]:
    """Reads a file and writes it in the format that the other name ends in.

    Args:    model: a whole model (or the JSON text of one) whose weights the source holds.
    Returns: what was read and written.
    Raises:  ArgumentError: the formats do not go together.  FileError: a file cannot be read or written.
    """
    _check(source, target, model, overwrite)
    if model is None:
        made, report = saving.load_model(source), None
    else:
        made = _architecture(model)
        report = made.load_weights(source)
    write = made.save_weights if target.endswith(_WEIGHTS) else made.save
    write(target)
    told = {"in": source, "out": target, "parameters": made.count_params(), "bytes": _size(target)}
    if report is not None:
        told |= {"loaded": report.loaded, "unused": report.unused}
    return told


def told(result: dict[str, Any], as_json: bool) -> str:
    """What `convert` did, as one line of text or of JSON."""
    if as_json:
        return json.dumps(result)
    return f"{result['in']} → {result['out']}: {result['parameters']:,} parameters, {result['bytes']:,} bytes"


def _check(source: str, target: str, model: str | None, overwrite: bool) -> None:
    for path in (source, target):
        if not path.endswith((*_WEIGHTS, *_WHOLE)):
            raise ArgumentError(
                f"{path}: no format has this ending.", expected=f"one of {', '.join((*_WHOLE, *_WEIGHTS))}"
            )
    if not os.path.exists(source):
        raise FileError(f"{source}: File not found.")
    if os.path.exists(target) and not overwrite:
        raise FileError(f"{target}: the file is there already.", fix="pass --overwrite, or choose another name")
    if source.endswith(_WEIGHTS) and model is None:
        raise ArgumentError(
            f"{source} holds weights without a model.",
            fix=f"lamella convert {source} {target} --model MODEL (a .keras, .h5 or .json of its architecture)",
        )


def _architecture(path: str) -> Any:
    if not path.endswith(".json"):
        return saving.load_model(path)
    with open(path, "rb") as file, saving.guarded(path):
        return saving.model_from_json(file.read().decode())


def _size(path: str) -> int:
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, file)) for folder, _, files in os.walk(path) for file in files)
