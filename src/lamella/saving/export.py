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
from lamella.saving.export_arguments import ExportArguments, export_arguments, plain
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
             input_signature: a list with an entry for each positional argument of `call`: an InputSpec with shape and
                 dtype (None for sizes left open), or a structure of them; a dict for arguments by name; if None,
                 the inputs of the graph, or the tensors of the call that built the model, but for optional masks.
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
    arguments = export_arguments(model, input_signature)
    writers[format](model, os.fspath(filepath), arguments, **kwargs)
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
    hosts = [layer.name for layer in model._inner_layers_() if getattr(layer, "runs_on_host", False)]
    if hosts:
        raise ArgumentError(
            f"{model.name!r} cannot be exported: {', '.join(hosts)} works on text, outside of compiled code.",
            fix="export the model behind these layers",
        )


def _forward(model: Any, arguments: ExportArguments) -> Callable[..., Any]:
    """The forward pass in inference as a pure function of the arguments; the weights are part of it."""
    state = state_of(model)

    def forward(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = arguments.for_call(model, args, kwargs)
        return plain(pure(model, state, *args, **kwargs, training=False)[0])

    return forward


def _abstract(arguments: ExportArguments) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Abstract inputs: one symbol for the batch, one for each other size that is left open."""
    leaves, structure = jax.tree.flatten(arguments.plain())
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


def _stablehlo(model: Any, path: str, arguments: ExportArguments, platforms: Any = None) -> None:
    args, kwargs = _abstract(arguments)
    exported = jax.export.export(jax.jit(_forward(model, arguments)), platforms=platforms)(*args, **kwargs)
    try:
        data = exported.serialize()
    except ImportError as error:
        raise MissingExtraError(
            "An export to StableHLO needs flatbuffers.", fix="pip install lamella[export]"
        ) from error
    with atomic_write(path) as file:
        file.write(data)


class ExportedModel:
    """A forward pass that was read from a file: call it on arrays, with the arguments it was exported for.

    Args: exported: what `jax.export.deserialize` gave.
    """

    def __init__(self, exported: jax.export.Exported):
        self.exported = exported
        self._call = jax.jit(exported.call)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = jax.tree.map(np.asarray, plain((args, kwargs)))
        if jax.tree.structure(given) != self.exported.in_tree:
            raise ArgumentError(
                "This exported model takes other arguments.", expected=_shown(self._specs()), received=_shown(given)
            )
        return self._call(*given[0], **given[1])

    @property
    def input_spec(self) -> Any:
        """Shapes and dtypes of the inputs, one for each argument if there are several; sizes that are open are None."""
        args, kwargs = self._specs()
        return (args[0] if len(args) == 1 else args) if not kwargs else (args, kwargs) if args else kwargs

    def _specs(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return jax.tree.map(_spec, jax.tree.unflatten(self.exported.in_tree, self.exported.in_avals))

    @property
    def output_spec(self) -> Any:
        """Shapes and dtypes of the outputs."""
        return jax.tree.map(_spec, jax.tree.unflatten(self.exported.out_tree, self.exported.out_avals))


def _shown(arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> str:
    args, kwargs = jax.tree.map(lambda leaf: tuple(leaf.shape), arguments)
    return ", ".join([*map(str, args), *(f"{name}={value}" for name, value in kwargs.items())])


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


def _onnx(model: Any, path: str, arguments: ExportArguments, opset_version: int | None = None) -> None:
    try:
        import jax2onnx  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError("An export to ONNX needs jax2onnx.", fix="pip install lamella[onnx]") from error
    forward, structure = _forward(model, arguments), jax.tree.structure(arguments.plain())
    names = getattr(model, "input_names", None) or []
    specs = jax.tree.leaves(arguments.plain())
    if len(names) != len(specs):
        names = [spec.name or f"input_{index}" for index, spec in enumerate(specs)]

    def flat(*leaves: Any) -> Any:
        args, kwargs = jax.tree.unflatten(structure, leaves)
        return forward(*args, **kwargs)

    abstract = jax.tree.leaves(_abstract(arguments))
    options = {} if opset_version is None else {"opset": opset_version}
    try:
        converted = jax2onnx.to_onnx(portable(flat), abstract, model_name=model.name, input_names=names, **options)
    except Exception as error:
        raise ArgumentError(
            f"{model.name!r} cannot be exported to ONNX: jax2onnx says: {' '.join(str(error).split())[:300]}",
            fix='export it with format="stablehlo"',
        ) from error
    with atomic_write(path) as file:
        file.write(converted.SerializeToString())


# TensorFlow


def _saved_model(model: Any, path: str, arguments: ExportArguments, **options: Any) -> None:
    try:
        import tensorflow as tf
        from jax.experimental import jax2tf
    except ImportError as error:
        raise MissingExtraError(
            "An export to a TensorFlow SavedModel needs tensorflow.",
            fix='pip install lamella[tensorflow], or export with format="stablehlo" or "onnx"',
        ) from error
    names = [*(arguments.names or [f"args_{index}" for index in range(len(arguments.positional))]), *arguments.keywords]
    count, forward = len(arguments.positional), _forward(model, arguments)

    def by_position(*args: Any) -> Any:
        return forward(*args[:count], **dict(zip(names[count:], args[count:], strict=True)))

    args, kwargs = _abstract(arguments)
    shapes = jax.tree.map(lambda leaf: f"({', '.join(map(str, leaf.shape))})", [*args, *kwargs.values()])
    args, kwargs = arguments.plain()
    given = zip(names, [*args, *kwargs.values()], strict=True)
    module: Any = tf.Module()
    module.serve = tf.function(
        jax2tf.convert(by_position, polymorphic_shapes=shapes, with_gradient=False, **options),
        autograph=False,
        input_signature=[_tensor_specs(tf, name, structure) for name, structure in given],
    )
    tf.saved_model.save(module, path, signatures=module.serve)


def _tensor_specs(tf: Any, name: str, structure: Any) -> Any:
    """The structure with TensorFlow's specs, the one of an argument that is one tensor under the argument's name."""
    if isinstance(structure, InputSpec):
        return tf.TensorSpec(structure.shape, structure.dtype, name=name)
    return jax.tree.map(lambda spec: tf.TensorSpec(spec.shape, spec.dtype), structure)
