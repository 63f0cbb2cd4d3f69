"""Weights, and whole models, out of what Keras 2 wrote in TensorFlow's own formats.

A checkpoint knows a variable by the attributes that lead to it, where a model with a graph counts its layers that have
weights: `layer_with_weights-0/cell/kernel`.  A SavedModel may know it by its number among all: `variables/0`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamella.errors import FileError
from lamella.layers import DepthwiseConv1D, DepthwiseConv2D, Layer
from lamella.models import Functional, Sequential
from lamella.registry import deserialize_keras_object
from lamella.saving.gate import guarded
from lamella.saving.keras2.config import modernized, modernized_training
from lamella.saving.keras2.tensorflow_files import INDEX, VARIABLES, Checkpoint, metadata
from lamella.saving.reading import reading, settle
from lamella.saving.report import NOT_THERE, LoadReport
from lamella.state import Variable

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_DEPTHWISE: tuple[type, ...] = (DepthwiseConv1D, DepthwiseConv2D)
_NAMES: dict[tuple[type, str], str] = {(kind, "kernel"): "depthwise_kernel" for kind in _DEPTHWISE}
_TRAINING = ("loss", "loss_weights", "metrics", "weighted_metrics")


def is_saved_model(path: str) -> bool:
    """Whether a path is a SavedModel folder of TensorFlow."""
    return os.path.isfile(os.path.join(path, "saved_model.pb"))


def checkpoint_prefix(path: str) -> str | None:
    """The path of a checkpoint of TensorFlow without its ending; None if a path leads to none."""
    for prefix in (path, path.removesuffix(INDEX), os.path.join(path, VARIABLES)):
        if os.path.isfile(prefix + INDEX):
            return prefix
    return None


def load_tensorflow_model(folder: str, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """The model of a SavedModel folder that Keras 2 wrote, made from its config; its optimizer starts anew.

    Raises: FileError: another program wrote the folder, or the model is a class of somebody's own without a config.
    """
    about = metadata(folder)
    path = Path(folder)
    with reading(), guarded(path):
        described = {"class_name": about.get("class_name"), "config": about.get("config")}
        if not isinstance(described["config"], dict) or "layers" not in described["config"]:
            raise FileError(
                f"the folder holds a {str(described['class_name'])[:60]!r}, of which it keeps no layers.",
                fix="build the model anew, and pass the folder to its load_weights()",
            )
        model = deserialize_keras_object(modernized(described), custom_objects=custom_objects, safe_mode=safe_mode)
        load_tensorflow_weights(model, os.path.join(folder, VARIABLES), False)
        training = about.get("training_config")
        if compile and isinstance(training, dict):
            config = modernized_training(training)
            optimizer = config.get("optimizer_config", "rmsprop")
            model.compile_from_config({"optimizer": optimizer, **{k: config[k] for k in _TRAINING if k in config}})
        settle(model, path)
    return model


def load_tensorflow_weights(model: Any, prefix: str, skip_mismatch: bool) -> LoadReport:
    """Gives a model the weights in a checkpoint: all, or on an error none.

    Args:   prefix: the path without `.index`.
    Raises: FileError: it is damaged, or does not fit; the keys are listed.
    """
    stored, report, found = Checkpoint(prefix), LoadReport(), []
    for number, (key, variable) in enumerate(_keyed(model)):
        at = next((one + _VALUE for one in (key, f"variables/{number}") if one + _VALUE in stored), None)
        reason = NOT_THERE if at is None else _mismatch(variable, stored, at)
        if at is None or reason:
            report.skipped[key] = f"{reason} ({variable.path})"
            continue
        report.loaded.append(key)
        found.append((variable, stored.array(at)))
    if report.skipped:
        refusal = report.refusal(f"{Path(prefix).name}{INDEX}")
        if not skip_mismatch:
            raise refusal
        warnings.warn(str(refusal), stacklevel=4)
    for variable, value in found:
        variable.assign(value)
    return report


def _mismatch(variable: Variable, stored: Checkpoint, key: str) -> str:
    shape = stored.shape(key)
    return "" if shape == variable.shape else f"it has shape {shape} in the file, {variable.shape} in the model"


def _keyed(model: Any) -> Iterator[tuple[str, Variable]]:
    """Yields (key, variable) for each weight of a model once, in the order of Keras 2."""
    done: set[int] = set()
    for key, variable in _below(model, "", set()):
        if id(variable) not in done:
            done.add(id(variable))
            yield key, variable


def _below(layer: Any, prefix: str, entered: set[int]) -> Iterator[tuple[str, Variable]]:
    if id(layer) in entered:
        return
    entered.add(id(layer))
    if isinstance(layer, (Functional, Sequential)):
        for number, inner in enumerate(inner for inner in layer.layers if inner.weights):
            yield from _below(inner, f"{prefix}layer_with_weights-{number}/", entered)
    own = [v for v in vars(layer).values() if isinstance(v, Variable)]
    weights = {id(weight) for weight in layer.weights}
    for variable in sorted(own, key=lambda variable: not variable.trainable):
        if id(variable) in weights:
            yield prefix + _NAMES.get((type(layer), variable.name), variable.name), variable
    if not isinstance(layer, (Functional, Sequential)):
        for name, value in vars(layer).items():
            if name == "_init_arguments_":  # which hold its parts a second time
                continue
            yield from _inside(value, f"{prefix}{name}/", entered)


def _inside(value: Any, prefix: str, entered: set[int]) -> Iterator[tuple[str, Variable]]:
    if isinstance(value, Layer):
        yield from _below(value, prefix, entered)
    elif isinstance(value, (list, tuple)):
        for number, one in enumerate(value):
            yield from _inside(one, f"{prefix}{number}/", entered)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _inside(one, f"{prefix}{name}/", entered)
