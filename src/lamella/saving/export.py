"""Models as artifacts that run without their code: StableHLO, ONNX, TensorFlow SavedModel."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.export
import numpy as np

from lamella.errors import ArgumentError, FileError, LamellaError, MissingExtraError, StateError, unknown
from lamella.graph import KerasTensor
from lamella.layers import InputSpec
from lamella.lower import portable
from lamella.saving.atomic import atomic_write
from lamella.saving.gate import existing, guarded
from lamella.state import pure, state_of

Sizes = tuple[int | None, ...]


def export_model(
    model: Any,
    filepath: Any,
    format: str = "tf_saved_model",
    verbose: bool | None = None,
    input_signature: Any = None,
    **kwargs: Any,
) -> None:
    """Writes a model's forward pass and its weights, to be run without the model's code.

    Args:    format: "stablehlo" (a file that `load_exported` and `jax.export` read), "onnx" (needs jax2onnx),
             or "tf_saved_model" (a folder; needs tensorflow).
             verbose: whether to say where it went; None: not.
             input_signature: shapes and dtypes of the inputs, None for sizes left open; the model's own if None.
             platforms: for "stablehlo": what it is compiled for ("cpu", "cuda", "tpu"); this machine's if left out.
             opset_version: for "onnx".
    Raises:  StateError: the inputs are not known.  MissingExtraError: a package is not installed.
    Example: >>> model.export("m.stablehlo", format="stablehlo")
             >>> keras.saving.load_exported("m.stablehlo")(np.ones((5, 3), "float32")).shape
             (5, 2)
    """
    writers = {"onnx": _onnx, "stablehlo": _stablehlo, "tf_saved_model": _saved_model}
    if format not in writers:
        raise _no_format(format, writers)
    if not isinstance(filepath, (str, os.PathLike)):
        raise ArgumentError("export() needs the path of a file.", received=repr(filepath)[:200])
    _check_exportable(model)
    signature = _signature(model, input_signature)
    writers[format](model, os.fspath(filepath), signature, **kwargs)
    if verbose:
        print(f"Exported {model.name!r} to {os.fspath(filepath)}")


def _no_format(format: Any, writers: dict[str, Any]) -> LamellaError:
    if format in _NOT_WRITTEN:
        return ArgumentError(f"export() does not write {format!r}.", expected=list(writers), fix=_NOT_WRITTEN[format])
    return unknown("export format", format, writers)


_NOT_WRITTEN = {
    "litert": 'write "tf_saved_model", and convert it with tensorflow.lite.TFLiteConverter',
    "openvino": 'write "onnx", and convert it with openvino.convert_model',
    "torch": 'write "onnx"',
}


def _check_exportable(model: Any) -> None:
    if not model.built:
        raise StateError(f"export() needs weights, and {model.name!r} is not built.", fix="call it on data first")
    hosts = [layer.name for layer in model._inner_layers() if getattr(layer, "runs_on_host", False)]
    if hosts:
        raise ArgumentError(
            f"{model.name!r} cannot be exported: {', '.join(hosts)} works on text, outside of compiled code.",
            fix="export the model behind these layers",
        )


def _signature(model: Any, given: Any) -> Any:
    """The inputs as a structure of symbolic tensors."""
    if given is None and model._graph is not None:
        given = model._graph.inputs_structure
    if given is None:
        raise StateError(
            f"The inputs of {model.name!r} are not known, since it has no graph.",
            fix='pass input_signature=keras.InputSpec(shape=(None, 3), dtype="float32")',
        )
    if isinstance(given, (list, tuple)) and len(given) == 1:  # Keras's form for one input
        given = given[0]
    return jax.tree.map(_symbolic, given, is_leaf=lambda leaf: isinstance(leaf, (InputSpec, KerasTensor)))


def _symbolic(spec: Any) -> KerasTensor:
    shape = getattr(spec, "shape", None)
    if shape is None:
        raise ArgumentError("An input_signature is made of InputSpecs, with shapes.", received=repr(spec)[:200])
    return KerasTensor(tuple(shape), getattr(spec, "dtype", None) or "float32")


def _forward(model: Any) -> Callable[[Any], Any]:
    """The forward pass in inference as a pure function of the inputs; the weights are part of it."""
    state = state_of(model)
    return lambda inputs: pure(model, state, inputs, training=False)[0]


def _open_sizes(signature: Any) -> Any:
    """Abstract inputs: one symbol for the batch, one for each other size that is left open."""
    leaves, structure = jax.tree.flatten(signature)
    shapes = [
        ", ".join(_size_name(size, tensor, axis) for axis, size in enumerate(leaf.shape))
        for tensor, leaf in enumerate(leaves)
    ]
    scope = jax.export.SymbolicScope()
    abstract = [
        jax.ShapeDtypeStruct(jax.export.symbolic_shape(shape, scope=scope), leaf.dtype)
        for shape, leaf in zip(shapes, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, abstract)


def _size_name(size: int | None, tensor: int, axis: int) -> str:
    return str(size) if size is not None else "batch" if axis == 0 else f"size_{tensor}_{axis}"


# StableHLO


def _stablehlo(model: Any, path: str, signature: Any, platforms: Any = None) -> None:
    function = jax.jit(_forward(model))
    exported = jax.export.export(function, platforms=platforms)(_open_sizes(signature))
    try:
        data = exported.serialize()
    except ImportError as error:
        raise MissingExtraError(
            "An export to StableHLO needs flatbuffers.", fix="pip install lamella[export]"
        ) from error
    with atomic_write(path) as file:
        file.write(data)


class ExportedModel:
    """A forward pass that was read from a file: call it on arrays.

    Args: exported: what `jax.export.deserialize` gave.
    """

    def __init__(self, exported: jax.export.Exported):
        self.exported = exported
        self._call = jax.jit(exported.call)

    def __call__(self, inputs: Any) -> Any:
        return self._call(jax.tree.map(np.asarray, inputs))

    @property
    def input_spec(self) -> Any:
        """Shapes and dtypes of the inputs; sizes that are open are None."""
        (inputs,), _ = jax.tree.unflatten(self.exported.in_tree, self.exported.in_avals)
        return jax.tree.map(_spec, inputs)

    @property
    def output_spec(self) -> Any:
        """Shapes and dtypes of the outputs."""
        return jax.tree.map(_spec, jax.tree.unflatten(self.exported.out_tree, self.exported.out_avals))


def _spec(abstract: Any) -> KerasTensor:
    return KerasTensor(tuple(size if isinstance(size, int) else None for size in abstract.shape), abstract.dtype.name)


def load_exported(filepath: Any) -> ExportedModel:
    """Reads what `export(…, format="stablehlo")` wrote; a program runs only when the model is called.

    Raises: FileError: the file holds no exported program.
    """
    path = existing(filepath)
    with guarded(path):
        if not Path(path).is_file():
            raise FileError("this is a folder.", expected="a file that export(format='stablehlo') wrote")
        data = Path(path).read_bytes()
        if not data:
            raise FileError("the file is empty.")
        return ExportedModel(jax.export.deserialize(bytearray(data)))


# ONNX


def _onnx(model: Any, path: str, signature: Any, opset_version: int | None = None) -> None:
    try:
        import jax2onnx  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError("An export to ONNX needs jax2onnx.", fix="pip install lamella[onnx]") from error
    leaves, structure = jax.tree.flatten(signature)
    forward = _forward(model)
    abstract = jax.tree.leaves(_open_sizes(signature))
    names = getattr(model, "input_names", None) or []
    if len(names) != len(leaves):
        names = [f"input_{index}" for index in range(len(leaves))]
    function = portable(lambda *inputs: forward(jax.tree.unflatten(structure, inputs)))
    options = {} if opset_version is None else {"opset": opset_version}
    try:
        converted = jax2onnx.to_onnx(function, abstract, model_name=model.name, input_names=names, **options)
    except Exception as error:
        raise ArgumentError(
            f"{model.name!r} cannot be exported to ONNX: jax2onnx says: {' '.join(str(error).split())[:300]}",
            fix='export it with format="stablehlo"',
        ) from error
    with atomic_write(path) as file:
        file.write(converted.SerializeToString())


# TensorFlow


def _saved_model(model: Any, path: str, signature: Any, **options: Any) -> None:
    try:
        import tensorflow as tf
        from jax.experimental import jax2tf
    except ImportError as error:
        raise MissingExtraError(
            "An export to a TensorFlow SavedModel needs tensorflow.",
            fix='pip install lamella[tensorflow], or export with format="stablehlo" or "onnx"',
        ) from error
    abstract = _open_sizes(signature)
    shapes = jax.tree.map(lambda leaf: f"({', '.join(map(str, leaf.shape))})", abstract)
    module: Any = tf.Module()
    module.serve = tf.function(
        jax2tf.convert(_forward(model), polymorphic_shapes=[shapes], with_gradient=False, **options),
        autograph=False,
        input_signature=[jax.tree.map(lambda leaf: tf.TensorSpec(leaf.shape, leaf.dtype), signature)],
    )
    tf.saved_model.save(module, path, signatures=module.serve)
