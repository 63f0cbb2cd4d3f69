"""The old `.h5` file of Keras 2, which Keras 3 still reads and writes.

    @model_config, @training_config       JSON texts
    model_weights  @layer_names           one group a layer, in the model's order
        <layer>    @weight_names          its arrays: the trainable ones first
    optimizer_weights  @weight_names

A weights-only file is what stands in `model_weights`, at the root.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lamella import losses
from lamella.errors import FileError, LamellaError
from lamella.graph import OPS
from lamella.registry import (
    CustomObjectScope,
    SafeModeScope,
    all_custom_objects,
    deserialize_keras_object,
    serialize_keras_object,
)
from lamella.saving.atomic import atomic_write
from lamella.saving.gate import guarded, parse_json
from lamella.saving.hdf5 import Reader, Writer
from lamella.saving.keras2 import (
    Origin,
    hard_sigmoids,
    is_keras2,
    modernized,
    modernized_training,
    modernized_weights,
    optimizer_state,
    unlike,
)
from lamella.saving.order import Order
from lamella.saving.reading import reading, settle
from lamella.saving.report import NOT_THERE, LoadReport
from lamella.state import Variable

_TOP = "top_level_model_weights"
_OPS = "keras.ops.numpy"  # any of their modules will do
_TRAINING = (
    *("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"),
    *("run_eagerly", "steps_per_execution", "jit_compile"),
)


def save_h5_model(model: Any, path: Any, include_optimizer: bool) -> None:
    """Writes a whole model in the old format."""
    writer = Writer()
    training = model.get_compile_config() if include_optimizer and model.compiled else None
    writer.texts("", {"keras_version": "3.15.1", "backend": "jax", "model_config": json.dumps(_named(model))})
    if training is not None:
        training = {key: value for key, value in training.items() if key != "optimizer"}
        training |= {"optimizer_config": _named(model.optimizer), "loss": _with_whole_names(training.get("loss"))}
        writer.texts("", {"training_config": json.dumps(training)})
        _put(writer, "optimizer_weights", model.optimizer.variables)
    writer.texts("model_weights", {"keras_version": "3.15.1", "backend": "jax"})
    writer.list_of_texts("model_weights", "layer_names", [layer.name for layer in model.layers])
    for layer in model.layers:
        _put(writer, f"model_weights/{layer.name}", _weights(layer))
    _put(writer, f"model_weights/{_TOP}", model._own_variables_())
    data = writer.bytes()
    with atomic_write(path) as file:
        file.write(data)


def _with_whole_names(loss: Any) -> Any:
    """Losses by the names that Keras finds when it reads this format: not `mse`, but `mean_squared_error`."""
    if isinstance(loss, (list, tuple)):
        return [_with_whole_names(one) for one in loss]
    if isinstance(loss, dict):
        return {key: _with_whole_names(one) for key, one in loss.items()} if "class_name" not in loss else loss
    return getattr(losses.get(loss), "__name__", loss) if isinstance(loss, str) else loss


def _named(obj: Any) -> dict[str, Any]:
    described = serialize_keras_object(obj)
    private = (described["module"] or "").startswith("keras")
    name = described["class_name"] if private else described["registered_name"]
    return {"class_name": name, "config": described["config"]}


def _put(writer: Writer, group: str, variables: list[Variable]) -> None:
    names: dict[str, Variable] = {}
    for variable in variables:
        name, number = variable.path, 0
        while name in names:
            number += 1
            name = f"{variable.path}_{number}"
        names[name] = variable
    writer.list_of_texts(group, "weight_names", list(names))
    for name, variable in names.items():
        writer.put(f"{group}/{name}", variable)


def _weights(layer: Any) -> list[Variable]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


# Reading


def load_h5_model(path: Path, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """Reads a whole model in the old format.

    Raises: FileError: the file holds only weights, or is damaged.
    """
    with Reader(path) as reader, reading():
        with guarded(path, "model_config"):
            text = reader.text("", "model_config")
            if text is None:
                raise FileError(
                    "No model config found in the file: it holds weights only.",
                    fix="use load_weights() of a model that fits (lamella convert: --model)",
                )
            old = is_keras2(reader.text("", "keras_version"))
            config = modernized(parse_json(text)) if old else _with_ops(parse_json(text))
            model = deserialize_keras_object(config, custom_objects=custom_objects, safe_mode=safe_mode)
            _check_weights_exist(model, reader)
        with guarded(path):
            _read_in_order(model, reader, "model_weights", LoadReport(), skip_mismatch=False, named=True)
        with guarded(path, "training_config"):
            training = reader.text("", "training_config")
            if compile and training is not None:
                scopes = CustomObjectScope(all_custom_objects(custom_objects)), SafeModeScope(safe_mode)
                with scopes[0], scopes[1], _saying_how_to_do_without():
                    _compile(model, reader, parse_json(training), old)
        with guarded(path):
            settle(model, path)
    return model


def _check_weights_exist(model: Any, reader: Reader) -> None:
    if not model.built and reader.texts("model_weights", "layer_names"):
        raise FileError(
            f"{type(model).__name__} {model.name!r} has no weights yet: this format keeps no input shapes.",
            fix="make the model yourself, call it on data, and pass this file to its load_weights()",
        )


def _with_ops(config: Any) -> Any:
    """A config with the module of each op, which Keras leaves out here; other than a layer an op is never trained."""
    if isinstance(config, list):
        return [_with_ops(item) for item in config]
    if not isinstance(config, dict):
        return config
    found = {key: _with_ops(value) for key, value in config.items()}
    if "inbound_nodes" in found and "module" not in found and "trainable" not in found.get("config", ()):
        found |= {"module": _OPS} if found.get("class_name") in OPS else {}
    return found


def _compile(model: Any, reader: Reader, training: dict[str, Any], old: bool) -> None:
    training = modernized_training(training) if old else training
    training["optimizer"] = training.get("optimizer_config", "rmsprop")
    model.compile_from_config({key: training[key] for key in _TRAINING if key in training})
    if not reader.has_group("optimizer_weights"):
        return
    names = reader.texts("optimizer_weights", "weight_names")
    kept = all(f"optimizer_weights/{name}" in reader.arrays() for name in names)  # Keras loses those of equal names
    values = _arrays(reader, "optimizer_weights") if kept else []
    keras2 = old and bool(values)
    state = optimizer_state(names, values, model) if keras2 else _in_order(model.optimizer.variables, values)
    for variable, value in (state or {}).items():
        variable.assign(value)
    if state is None and (not kept or (len(values) and np.any(values[0]))):  # it made steps
        reason = unlike(names, model.optimizer) if keras2 else "the optimizer's state does not fit"
        warnings.warn(f"{reader.name}: {reason}; it starts anew.", stacklevel=5)


@contextmanager
def _saying_how_to_do_without() -> Iterator[None]:
    """Errors inside name the way around how the model was trained."""
    try:
        yield
    except LamellaError as error:
        fix = str(error.fix or "")
        if "compile=False" not in fix:
            error.fix = f"{fix}; or pass compile=False" if fix else "pass compile=False"
        raise


def _in_order(variables: list[Variable], values: list[np.ndarray]) -> dict[Variable, np.ndarray] | None:
    fits = [v.shape for v in values] == [v.shape for v in variables]
    return dict(zip(variables, values, strict=True)) if fits else None


def is_old(path: Path) -> bool:
    """Whether an HDF5 file is laid out as here, with a whole model or weights alone."""
    with Reader(path) as reader:
        groups = [group for group in ("", "model_weights") if reader.has_group(group)]
        return any(reader.has_text(group, "layer_names") for group in groups)


def load_h5_weights(model: Any, path: Path, by_name: bool, skip_mismatch: bool) -> LoadReport:
    """Reads weights in the old format: layer by layer in order, or by the names of layers."""
    report = LoadReport()
    with Reader(path) as reader, guarded(path):
        group = "model_weights" if reader.has_group("model_weights") and not reader.has_text("", "layer_names") else ""
        read = _read_by_name if by_name else _read_in_order
        read(model, reader, group, report, skip_mismatch)
        _warn_of_hard_sigmoids(model, reader, group)
    return report


def _warn_of_hard_sigmoids(model: Any, reader: Reader, group: str) -> None:
    """The weights alone do not say which formula they were trained with, and the model's is another one."""
    names = hard_sigmoids(model) if is_keras2(_origin(reader, group).version) else []
    if names:
        warnings.warn(
            f"{reader.name}: the weights are of Keras 1 or 2, where hard_sigmoid was clip(0.2 * x + 0.5, 0, 1); in "
            f"{_some(names)} it is clip(x / 6 + 0.5, 0, 1). In place of 'hard_sigmoid' write "
            "Pipeline([Rescaling(0.2, offset=0.5), ReLU(max_value=1.0)]) of keras.layers.",
            stacklevel=5,
        )


def _read_in_order(
    model: Any, reader: Reader, group: str, report: LoadReport, skip_mismatch: bool, named: bool = False
) -> None:
    """Gives layer by layer what the file has for them.

    Args: named: the layers have the names that they have in the file, which then tell.
    """
    layers = [layer for layer in model.layers if _weights(layer)]
    saved = [name for name in reader.texts(group, "layer_names") if reader.texts(_in(group, name), "weight_names")]
    if len(layers) != len(saved):
        raise FileError(
            "Layer count mismatch: the model and the file have another number of layers with weights.",
            expected=f"{len(layers)} layers: {_some(layer.name for layer in layers)}",
            received=f"{len(saved)} layers: {_some(saved)}",
            fix="load into a model of the same architecture, or pass by_name=True",
        )
    if named and sorted(saved) == sorted(layer.name for layer in layers):
        layers.sort(key=lambda layer: saved.index(layer.name))
    order = Order({f"layer {number}": name for number, name in enumerate(saved)})
    for number, (layer, name) in enumerate(zip(layers, saved, strict=True)):
        if (moved := order.moved(layer, f"layer {number}")) is not None:
            report.skipped[name] = f"{moved} (by_name=True goes by the names)"
    pairs = [(layer, name) for layer, name in zip(layers, saved, strict=True) if name not in report.skipped]
    _assign(model, pairs, reader, group, report, skip_mismatch)


def _read_by_name(model: Any, reader: Reader, group: str, report: LoadReport, skip_mismatch: bool) -> None:
    layers = {layer.name: layer for layer in model.layers}
    saved = reader.texts(group, "layer_names")
    full = {name for name in saved if reader.texts(_in(group, name), "weight_names")}
    pairs = [(layers[n], n) for n in saved if n in layers and (n in full or _weights(layers[n]))]
    report.unused = [name for name in saved if name not in layers and name in full]
    report.skipped = {name: NOT_THERE for name, layer in layers.items() if name not in saved and _weights(layer)}
    missing = dict(report.skipped)
    _assign(model, pairs, reader, group, report, skip_mismatch, tolerated=missing)


def _assign(
    model: Any,
    pairs: list[tuple[Any, str]],
    reader: Reader,
    group: str,
    report: LoadReport,
    skip_mismatch: bool,
    tolerated: dict[str, str] | None = None,
) -> None:
    """Gives layers the arrays saved for them: all, or on an error none."""
    found: list[tuple[Variable, np.ndarray]] = []
    for layer, variables, saved, values in _stored(model, pairs, reader, group):
        reason = _mismatch(variables, values)
        if reason is None:
            report.loaded.append(saved)
            found += zip(variables, values, strict=True)
        else:
            report.skipped[saved] = f"{reason} (layer {layer!r})"
    if len(report.skipped) > len(tolerated or {}):
        refusal = report.refusal(reader.name)
        if not skip_mismatch:
            raise refusal
        warnings.warn(str(refusal), stacklevel=6)
    for variable, value in found:
        variable.assign(value)


def _stored(
    model: Any, pairs: list[tuple[Any, str]], reader: Reader, group: str
) -> Iterator[tuple[str, list[Variable], str, list[np.ndarray]]]:
    """Yields (name of a layer, its variables, name in the file, arrays), at last for the model itself."""
    origin = _origin(reader, group)
    for layer, saved in pairs:
        values = _arrays(reader, _in(group, saved))
        values = modernized_weights(layer, values, origin) if is_keras2(origin.version) else values
        yield layer.name, _weights(layer), saved, values
    own, top = model._own_variables_(), _in(group, _TOP)
    if own and reader.has_group(top):
        yield "the model itself", own, _TOP, _arrays(reader, top)


def _origin(reader: Reader, group: str) -> Origin:
    version, backend = (reader.text(group, name) or reader.text("", name) for name in ("keras_version", "backend"))
    return Origin(version, backend)


def _mismatch(variables: list[Variable], values: list[np.ndarray]) -> str | None:
    if len(variables) != len(values):
        return f"{len(values)} arrays in the file, {len(variables)} weights in the layer"
    for variable, value in zip(variables, values, strict=True):
        if variable.shape != value.shape:
            return f"{variable.name!r} has shape {value.shape} in the file, {variable.shape} in the layer"
    return None


def _arrays(reader: Reader, group: str) -> list[np.ndarray]:
    return [reader.array(_in(group, name)) for name in reader.texts(group, "weight_names")]


def _in(group: str, name: str) -> str:
    return f"{group}/{name}" if group else name


def _some(names: Iterator[str] | list[str]) -> str:
    names = list(names)
    return ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
