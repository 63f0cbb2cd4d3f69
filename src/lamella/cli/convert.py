"""`lamella convert IN OUT`: a model, or its weights, from one format into another."""

from __future__ import annotations

import json
import os
from typing import Any

from lamella import saving
from lamella.errors import ArgumentError, FileError

_SHARDED, _ORBAX = ".weights.json", ".orbax"
_WEIGHTS = (".weights.h5", _SHARDED, ".safetensors", _ORBAX)
_WHOLE = (".keras", ".h5", ".hdf5")


def convert(
    source: str,
    target: str,
    model: str | None = None,
    overwrite: bool = False,
    shard_size: float | None = None,
) -> dict[str, Any]:
    """Reads a file and writes it in the format that the other name ends in.

    Args:    model: a whole model (or the JSON text of one) whose weights the source holds.
             shard_size: of each file in GB, for a target that ends in `.weights.json`.
    Returns: what was read and written.
    Raises:  ArgumentError: the formats do not go together.  FileError: a file cannot be read or written.
    """
    _check(source, target, model, overwrite)
    if target.endswith(_SHARDED) == (shard_size is None):
        raise ArgumentError(
            f"--shard-size goes with a target that ends in {_SHARDED}, and only with that.",
            received=f"{target}, {'no' if shard_size is None else 'a'} --shard-size",
        )
    if model is None:
        made, report = saving.load_model(source), None
    else:
        made = _architecture(model)
        report = made.load_weights(source)
    if target.endswith(_WEIGHTS):
        made.save_weights(target, max_shard_size=shard_size)
    else:
        made.save(target)
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
    if source.endswith(_WEIGHTS) and not source.endswith(_ORBAX) and model is None:
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
    folder, name = os.path.split(path)
    if name.endswith(_SHARDED):  # the index, and what it lists
        stem = name.removesuffix(_SHARDED)
        beside = [
            one for one in os.listdir(folder or ".") if one.startswith(f"{stem}_") and one.endswith(".weights.h5")
        ]
        return os.path.getsize(path) + sum(os.path.getsize(os.path.join(folder, one)) for one in beside)
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(inner, file)) for inner, _, files in os.walk(path) for file in files)
