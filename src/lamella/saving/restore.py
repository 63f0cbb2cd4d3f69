"""A model's state, or a whole model, out of an Orbax checkpoint."""

from __future__ import annotations

import warnings
from typing import Any

from lamella.errors import FileError
from lamella.saving.by_address import assign, automatic_names
from lamella.saving.checkpoint import Checkpoint
from lamella.saving.content import METRICS, parts_of
from lamella.saving.gate import guarded
from lamella.saving.keras_file import model_of
from lamella.saving.layout import visit
from lamella.saving.reading import reading, settle
from lamella.saving.report import LoadReport
from lamella.saving.state import read_assets


def load_checkpoint(model: Any, path: Any, skip_mismatch: bool = False) -> LoadReport:
    """Gives a model the weights in a checkpoint, and its optimizer and metrics their state.

    Args:   path: a checkpoint, or a folder of them: then the last one.
    Raises: FileError: it is damaged, or does not fit; the model is as it was.
    """
    return _load(model, Checkpoint(path), skip_mismatch)


def _load(model: Any, saved: Checkpoint, skip_mismatch: bool) -> LoadReport:
    with guarded(saved.path):
        found = saved.weights(model)
    report = assign(parts_of(model)["model"], found, str(saved.path), skip_mismatch, automatic_names(model))
    if getattr(model, "optimizer", None) is not None:
        _load_optimizer(model, saved, report)
    for variable in getattr(model, "metrics_variables", ()):
        key = f"{METRICS}/{variable.path}"
        if key in saved.arrays and saved.arrays[key].shape == variable.shape:
            variable.assign(saved.arrays[key])
    return report


def _load_optimizer(model: Any, saved: Checkpoint, report: LoadReport) -> None:
    """Gives the optimizer its state, if all of it is there and fits."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    slots, found = parts_of(model)["optimizer"], saved.slots(model)
    try:
        if len(found) != len(slots):
            raise FileError(f"it has {len(found)} variables in the file, {len(slots)} here")
        assign(slots, found, str(saved.path), False, automatic_names(model, model.optimizer))
        report.loaded.append("optimizer")
    except FileError as error:
        report.skipped["optimizer"] = error.what
        if found:
            warnings.warn(f"{saved.path}: the optimizer keeps its present state: {error}", stacklevel=6)


def load_checkpoint_model(path: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True) -> Any:
    """The model in a checkpoint.

    Raises: FileError: it is damaged, or holds weights only.
    """
    saved = Checkpoint(path)
    with guarded(saved.path), reading():
        saved.check_size()
        model = model_of(saved.config(), custom_objects, compile, safe_mode)
        assets = saved.assets()
        visit(model, "", lambda part, at: (read_assets(part, at, assets), True)[1], {})
        _load(model, saved, False)
        settle(model, saved.folder)
    return model
