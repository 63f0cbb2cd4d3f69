"""The arguments of `call` that an exported program takes, with their shapes and dtypes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

from lamella.errors import ArgumentError, StateError
from lamella.graph import KerasTensor
from lamella.layers import InputSpec

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_Parameters = Mapping[str, inspect.Parameter]


class ExportArguments(NamedTuple):
    """What an exported program takes, as structures of InputSpecs.

    positional: in the order in which the program takes them.
    names:      the argument of `call` that each stands for; None where `call` takes them by position (*args).
    keywords:   those that the program takes by name.
    fixed:      other arguments of `call`, with their values.
    """

    positional: tuple[Any, ...]
    names: tuple[str, ...] | None
    keywords: dict[str, Any]
    fixed: dict[str, Any]

    def for_call(self, model: Any, args: Any, kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments for the model, given those of the program in plain containers."""
        args = tuple(map(_with_names, self.positional, args))
        kwargs = {name: _with_names(self.keywords[name], value) for name, value in kwargs.items()} | self.fixed
        if self.names is None:
            return args, kwargs
        order = _positional(inspect.signature(model.call).parameters)[: len(self.names)]
        leading = next((i for i, name in enumerate(order) if name != self.names[i]), len(order))
        return args[:leading], dict(zip(self.names[leading:], args[leading:], strict=True)) | kwargs

    def plain(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments in plain containers, as a file can describe them."""
        return plain((self.positional, self.keywords))


def export_arguments(model: Any, given: Any) -> ExportArguments:
    """The arguments that `input_signature` says, or those that the model is known to take.

    Args:    given: one entry for each positional argument, as in Keras; a dict of arguments by name; the one
               argument alone; None for the inputs of the graph, or the arguments of the first call.
    Raises:  StateError: nothing is given or known.  ArgumentError: `call` does not take this.
    """
    parameters = inspect.signature(model.call).parameters
    if given is not None:
        return _checked(model, _of_signature(model, parameters, given))
    if model._graph_ is not None:
        stateful = any(getattr(layer, "stateful", False) for layer in model._inner_layers_())
        inputs = _specs(model._graph_.inputs_structure, fixed_batch=stateful)
        return ExportArguments((inputs,), tuple(_positional(parameters)[:1]), {}, {})
    if model.called_on is not None:
        return _of_first_call(model, parameters)
    return _of_build(model, parameters)


def _of_signature(model: Any, parameters: _Parameters, given: Any) -> ExportArguments:
    names = [name for name in _positional(parameters) if name != "training"]
    by_position = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
    takes_one = model._graph_ is not None or (not by_position and len(_without_masks(parameters)) == 1)
    if isinstance(given, dict) and not takes_one and set(given) <= set(parameters):
        return ExportArguments((), (), {name: _specs(value) for name, value in given.items()}, {})
    if not isinstance(given, (list, tuple)) or hasattr(given, "_fields"):
        given = (given,)
    elif takes_one and len(given) > (1 if model._graph_ is not None else len(names)):
        given = (given,)  # the list is the one argument
    positional = tuple(map(_specs, given))
    by_position = by_position or len(positional) > len(names)  # too many: calling it will tell
    return ExportArguments(positional, None if by_position else tuple(names[: len(positional)]), {}, {})


def _of_first_call(model: Any, parameters: _Parameters) -> ExportArguments:
    """The tensors of the call that built the model, in the order of `call`; masks that may be left out are.

    What is no tensor takes its default, where it has one.
    """
    args, kwargs = model.called_on
    names: list[str] = []
    fixed: dict[str, Any] = {}
    bound = inspect.signature(model.call).bind(*args, **kwargs).arguments
    for name, value in bound.items():
        parameter, has_default = parameters[name], parameters[name].default is not inspect.Parameter.empty
        if parameter.kind is parameter.VAR_POSITIONAL:
            return ExportArguments(tuple(map(_specs, args)), None, {}, {})
        if name == "training" or parameter.kind is parameter.VAR_KEYWORD or (_is_mask(name) and has_default):
            continue
        if any(isinstance(leaf, KerasTensor) for leaf in jax.tree.leaves(value)):
            names.append(name)
        elif not has_default:
            fixed[name] = value
    return ExportArguments(tuple(_specs(bound[name]) for name in names), tuple(names), {}, fixed)


def _of_build(model: Any, parameters: _Parameters) -> ExportArguments:
    shapes = model._build_shapes_ or {}
    if not shapes or any(shape is None for shape in shapes.values()):
        raise StateError(
            f"The inputs of {model.name!r} are not known: it has no graph, and was not called.",
            fix='call it on data once, or pass input_signature=[keras.InputSpec(shape=(None, 3), dtype="float32")]',
        )
    names = [name.removesuffix("_shape") for name in shapes] if len(shapes) > 1 else _positional(parameters)[:1]

    def spec(shape: Any) -> InputSpec:
        return InputSpec(shape=(None, *shape[1:]), dtype=model.input_dtype)

    positional = tuple(jax.tree.map(spec, shape, is_leaf=_is_shape) for shape in shapes.values())
    return ExportArguments(positional, tuple(names), {}, {})


def _checked(model: Any, arguments: ExportArguments) -> ExportArguments:
    args, kwargs = arguments.for_call(model, arguments.positional, arguments.keywords)
    signature = inspect.signature(model.call)
    try:
        signature.bind(*args, **{"training": None, **kwargs} if "training" in signature.parameters else kwargs)
    except TypeError as error:
        raise ArgumentError(
            f"{model.name!r} cannot be called with this input_signature: {error}.",
            expected=f"one entry for each argument of call{signature}, or a dict with their names",
            received=f"{len(arguments.positional)} entries" if arguments.positional else sorted(arguments.keywords),
        ) from None
    return arguments


def _positional(parameters: _Parameters) -> list[str]:
    return [name for name, p in parameters.items() if p.kind in _POSITIONAL]


def _without_masks(parameters: _Parameters) -> list[str]:
    return [name for name in parameters if name != "training" and not _is_mask(name)]


def _is_mask(name: str) -> bool:
    return name == "mask" or name.endswith("_mask")


def _is_shape(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(size is None or isinstance(size, int) for size in value)


def _specs(structure: Any, fixed_batch: bool = False) -> Any:
    """An InputSpec for each tensor; the batch is open where an array or a tensor stands for it."""
    return jax.tree.map(
        lambda value: _spec(value, fixed_batch), structure, is_leaf=lambda value: hasattr(value, "shape")
    )


def _spec(value: Any, fixed_batch: bool) -> InputSpec:
    shape = getattr(value, "shape", None)
    if shape is None:
        raise ArgumentError(
            "An input_signature is made of InputSpecs, with shapes.",
            received=repr(value)[:200],
            fix='pass input_signature=[keras.InputSpec(shape=(None, 3), dtype="float32")]',
        )
    dtype = getattr(value.dtype, "name", value.dtype) if value.dtype is not None else "float32"
    sizes = tuple(None if size is None else int(size) for size in shape)
    is_spec = isinstance(value, InputSpec) or type(value).__name__ == "TensorSpec"
    if not is_spec and not fixed_batch:
        sizes = (None, *sizes[1:])[: len(sizes)]
    return InputSpec(shape=sizes, dtype=dtype, name=value.name if is_spec else None)


def plain(value: Any) -> Any:
    """The same structure of tuples, lists and dicts only: a file cannot say which classes others are."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value] if isinstance(value, list) else tuple(plain(one) for one in value)
    return value


def _with_names(like: Any, value: Any) -> Any:
    """A plain structure with the named tuples that stand in `like`."""
    if isinstance(like, dict):
        return {key: _with_names(one, value[key]) for key, one in like.items()}
    if isinstance(like, (list, tuple)):
        parts = [_with_names(one, part) for one, part in zip(like, value, strict=True)]
        return type(like)(*parts) if hasattr(like, "_fields") else type(like)(parts)
    return value
