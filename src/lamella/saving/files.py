"""save_model, load_model, save_weights, load_weights: written by the name, read by what is in the file."""

from __future__ import annotations

import os
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

from lamella.errors import ArgumentError, FileError, StateError, unknown_arguments
from lamella.layers import Layer
from lamella.saving.atomic import atomic_write
from lamella.saving.by_address import load_safetensors, save_safetensors
from lamella.saving.file_objects import is_file_object, read_path, written_path
from lamella.saving.formats import KERAS, OLD, SAFETENSORS, TENSORFLOW, WEIGHTS, model_format, weights_format
from lamella.saving.gate import Entries, existing, guarded
from lamella.saving.hdf5 import Reader
from lamella.saving.hdf5_tree import is_cut_off
from lamella.saving.keras2 import checkpoint_prefix, load_tensorflow_model, load_tensorflow_weights
from lamella.saving.keras_file import CONFIG, load_keras, save_keras
from lamella.saving.keras_file import WEIGHTS as STATE
from lamella.saving.legacy_h5 import load_h5_model, load_h5_weights, save_h5_model
from lamella.saving.orbax import ORBAX, save_checkpoint
from lamella.saving.report import LoadReport
from lamella.saving.restore import load_checkpoint, load_checkpoint_model
from lamella.saving.sharded import SHARDED, ShardedReader, index_of, save_sharded
from lamella.saving.state import read_state, write_state

if TYPE_CHECKING:
    from lamella.models import Model

_ENDINGS = (WEIGHTS, SHARDED, SAFETENSORS, ORBAX)
_REMOTE = "://"


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Writes a whole model: architecture, state, how it is trained, the optimizer's state.

    The file is whole at every moment: the old one, or the new one.

    Args:    filepath: ends in `.keras` (or in `.h5`, Keras 2's format); or a file open for writing bytes, which
                 gets what a `.keras` file holds.
             zipped: False writes a folder of the same entries; its name has no ending.
             include_optimizer: whether the optimizer's state goes with it, True by default.
    Raises:  ArgumentError: another ending.  FileError: the file is there and `overwrite` is False, or the disk says no.
    Example: >>> model = Sequential([Input((3,)), Dense(2)])
             >>> model.save("m.keras"); keras.saving.load_model("m.keras").count_params()
             8
    """
    if is_file_object(filepath):
        with written_path(filepath, ".keras") as path:
            return save_model(model, path, **kwargs)
    include_optimizer = kwargs.pop("include_optimizer", True)
    kwargs.pop("save_format", None)
    _no_more("save_model", kwargs)
    _check_model(model)
    path = _local(filepath)
    _check_overwrite(path, overwrite)
    if zipped is not False and path.endswith((OLD, ".hdf5")) and not path.endswith(WEIGHTS):
        save_h5_model(model, path, include_optimizer)
        return
    if path.endswith(".keras") == (zipped is False):
        raise ArgumentError(
            f"A model cannot be saved as {path!r}.",
            expected="a name that ends in .keras (with zipped=False: one that does not)",
            fix="for the weights alone, call save_weights with a name that ends in .weights.h5",
        )
    skip = [] if include_optimizer else [getattr(model, "optimizer", None)]
    save_keras(model, path, zipped is not False, skip)


def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True) -> Model:
    """Reads a model that `save_model` or Keras wrote.

    Args:   filepath: the file or folder, or a file open for reading bytes.
            custom_objects: classes and functions of your own that the file names, by name.
            compile: also compiles it, if it was compiled, and reads the optimizer's state.
            safe_mode: False lets the file's Python lambdas run.  Only for files you wrote yourself.
    Raises: FileError: the file is missing, damaged, or holds what no model has; file and entry are named.
    """
    if is_file_object(filepath):
        with read_path(filepath, lambda path: model_format(path) or KERAS) as path:
            return load_model(path, custom_objects, compile, safe_mode)
    path = _local(filepath)
    form = model_format(path)
    if form == OLD:
        return load_h5_model(existing(path), custom_objects, compile, safe_mode)
    if form == KERAS or os.path.exists(os.path.join(path, CONFIG)):
        return load_keras(existing(path), custom_objects, compile, safe_mode)
    if form == ORBAX:
        return load_checkpoint_model(path, custom_objects, compile, safe_mode)
    if form == TENSORFLOW:
        return load_tensorflow_model(path, custom_objects, compile, safe_mode)
    raise FileError(
        f"{path}: File format not supported.",
        expected="a .keras file (or the folder of one), a .h5 file, or a folder of Orbax checkpoints",
        fix="a TensorFlow SavedModel cannot be read: save it as .keras first" if os.path.isdir(path) else None,
    )


def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None, **kwargs: Any
) -> None:
    """Writes the state of a model (and of its optimizer) without its architecture.

    Args:   filepath: ends in `.weights.h5`, `.safetensors` or `.orbax` (a folder; needs orbax-checkpoint); or a
                file open for writing bytes, which gets what a `.weights.h5` file holds.
            max_shard_size: in GB; writes files of at most this size, and an index that ends in `.weights.json`.
            objects_to_skip: layers that are left out.
    Raises: ArgumentError: another ending.  StateError: the model is not built.  FileError: as for `save_model`.
    """
    if is_file_object(filepath) and max_shard_size is None:
        with written_path(filepath, WEIGHTS) as path:
            return save_weights(model, path, **kwargs)
    skip = kwargs.pop("objects_to_skip", None) or ()
    _no_more("save_weights", kwargs)
    path = _local(filepath)
    path = path if max_shard_size is None else index_of(path)
    if not path.endswith(_ENDINGS) or path.endswith(SHARDED) == (max_shard_size is None):
        raise ArgumentError(
            "The filename must end in `.weights.h5`.",
            expected=f"or {_or(_ENDINGS[1:])}; with max_shard_size, and only then, `{SHARDED}`",
            received=path,
        )
    _check_built(model, "save_weights")
    _check_overwrite(path, overwrite)
    if path.endswith(ORBAX):
        return save_checkpoint(model, path, skip)
    if path.endswith(SAFETENSORS):
        return save_safetensors(model, path, skip)
    if max_shard_size is not None:
        return save_sharded(model, path, max_shard_size, skip)
    data, _ = write_state(model, skip)
    with atomic_write(path) as file:
        file.write(data)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> LoadReport:
    """Reads the state of a model, of any format that `save_weights` or `save_model` writes: all, or on an error none.

    Args:    skip_mismatch: layers that do not fit keep their weights; a warning names them.
             by_name: for `.h5` files: only layers of the same name.
             objects_to_skip: layers that keep their weights.
    Returns: a LoadReport: what was loaded, what was skipped and why, what in the file was not used.
    Raises:  FileError: the file is damaged, or does not fit; the layers are listed.
    """
    if is_file_object(filepath):
        with read_path(filepath, lambda path: weights_format(path) or SAFETENSORS) as path:
            return load_weights(model, path, skip_mismatch, **kwargs)
    by_name, skip = kwargs.pop("by_name", None), kwargs.pop("objects_to_skip", None)
    _no_more("load_weights", kwargs)
    path = _local(filepath)
    form = weights_format(path)
    if by_name is not None and form != OLD:
        raise ArgumentError("`by_name` only supports old .h5 files.", received=path)
    if skip is not None and form not in (WEIGHTS, SHARDED):
        raise ArgumentError("`objects_to_skip` only supports .weights.h5 files.", received=path)
    _check_built(model, "load_weights")
    if form == OLD:
        return load_h5_weights(model, existing(path), bool(by_name), skip_mismatch)
    if form == SAFETENSORS:
        return load_safetensors(model, path, skip_mismatch)
    if form == ORBAX:
        return load_checkpoint(model, path, skip_mismatch)
    if form == KERAS:
        with Entries(path) as entries:
            return _read(model, Reader(path, entries.read(STATE), STATE), (), skip_mismatch)
    if form == TENSORFLOW:
        return load_tensorflow_weights(model, checkpoint_prefix(path) or path, skip_mismatch)
    if form not in (WEIGHTS, SHARDED):
        raise FileError(f"{path}: File format not supported.", expected=f"a .keras or .h5 file, {_or(_ENDINGS)}")
    return _read(model, (ShardedReader if form == SHARDED else Reader)(existing(path)), skip or (), skip_mismatch)


def looks_whole(path: Any) -> bool:
    """Whether a file without a known hash may be complete: it is not empty, a zip has its end, HDF5 its length."""
    with open(path, "rb") as file:
        start = file.read(2)
        if start == b"\x89H":
            return not is_cut_off(file)
    return bool(start) and (start != b"PK" or zipfile.is_zipfile(path))


def _check_model(model: Any) -> None:
    if not isinstance(model, Layer):
        raise ArgumentError("This is no model.", received=type(model).__name__)
    if not model.built:
        warnings.warn(
            f"The model {model.name!r} has not yet been built, and is saved without weights: call it on data first.",
            stacklevel=4,
        )


def _read(model: Any, reader: Any, skip: Any, skip_mismatch: bool) -> LoadReport:
    with reader, guarded(reader.file):
        return read_state(model, reader, skip=skip, skip_mismatch=skip_mismatch)


def _or(endings: tuple[str, ...]) -> str:
    return " or ".join(f"`{ending}`" for ending in endings)


def _local(filepath: Any) -> str:
    path = os.fspath(filepath) if isinstance(filepath, (str, os.PathLike)) else None
    if not isinstance(path, str):
        raise ArgumentError("A file is named by a path.", received=repr(filepath)[:200])
    if _REMOTE in path:
        raise ArgumentError(f"Only local files are read and written, not {path!r}.", fix="download it first")
    return path


def _no_more(function: str, kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise unknown_arguments(f"{function}()", kwargs, ())


def _check_built(model: Any, function: str) -> None:
    if not model.built:
        raise StateError(
            f"{function}() needs weights, and the model {model.name!r} has not yet been built.",
            fix="call it on data, or call build(input_shape)",
        )


def _check_overwrite(path: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise FileError(f"{path}: the file is there already.", fix="pass overwrite=True, or choose another name")
