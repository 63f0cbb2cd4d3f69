"""One call of a layer: which argument is what, and what follows from the arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from lamella.dtypes import is_float, standardize_dtype
from lamella.errors import ArgumentError
from lamella.graph import KerasTensor
from lamella.state import Variable, current, get_mask, set_mask

_TENSORS = (jax.Array, KerasTensor)
_CATCH_ALL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Signature:
    """The arguments that a `call()` takes, read once for each class."""

    def __init__(self, function: Callable[..., Any]):
        whole = inspect.signature(function)
        self.whole = whole.replace(parameters=list(whole.parameters.values())[1:])  # without self
        self.names = self.whole.parameters
        self.first = next(iter(self.names), None)
        kinds = [p.kind for p in self.names.values()]
        self.catches_all = bool(kinds) and kinds[0] is inspect.Parameter.VAR_POSITIONAL
        required = [p for p in list(self.names.values())[1:] if p.default is p.empty and p.kind not in _CATCH_ALL]
        self.needs_more = any(p.name != "training" for p in required)  # than one argument
        self.needs_training = any(p.name == "training" for p in required)
        self.simple = bool(kinds) and kinds[0] not in (*_CATCH_ALL, inspect.Parameter.KEYWORD_ONLY) and not required
        self.defaults = {n: p.default for n, p in self.names.items() if p.default is not p.empty}

    def required_training(self, args: tuple[Any, ...], training: bool | None) -> dict[str, Any]:
        """{"training": …} for a `call(self, inputs, training)` without a default, unless `args` say it."""
        if self.needs_training and list(self.names).index("training") >= len(args):
            return {"training": training}
        return {}

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """{name: value}, defaults included."""
        if self.simple and len(args) == 1 and not kwargs:
            return {self.first: args[0], **{n: v for n, v in self.defaults.items() if n != self.first}}  # type: ignore[dict-item]
        bound = self.whole.bind(*args, **kwargs)
        bound.apply_defaults()
        return bound.arguments


@lru_cache(maxsize=4096)
def signature_of(function: Callable[..., Any]) -> Signature:
    """The signature of a method, without `self`."""
    return Signature(function)


class Call:
    """The arguments of one call, bound to the names in `call()`.

    arguments: {name: value}, defaults included.
    tensors:   {name: value} of those that are tensors or structures of them.
    first:     the first argument: the one that specs, masks and shapes are about.
    training:  explicit, else inherited from the calls around, else the default; or None.
    masks:     the mask arguments that `call()` names and the caller left out.
    """

    __slots__ = ("args", "arguments", "first", "kwargs", "masks", "names", "tensors", "training")

    def __init__(self, signature: Signature, args: tuple[Any, ...], kwargs: dict[str, Any], inherited: bool | None):
        self.names = signature.names
        explicit = kwargs.pop("training", None)
        kwargs.update(signature.required_training(args, inherited if explicit is None else explicit))
        self.arguments = signature.bind(args, kwargs)
        self.args, self.kwargs = args, kwargs
        self.first = (args[0] if args else None) if signature.catches_all else self.arguments.get(signature.first or "")
        self.tensors = {name: value for name, value in self.arguments.items() if _holds_tensors(value)}
        choices = (explicit, inherited, self.arguments.get("training"))
        self.training: bool | None = next((choice for choice in choices if choice is not None), None)
        self.masks: dict[str, Any] = {}

    def passed(self) -> dict[str, Any]:
        """The keyword arguments for `call()`: the caller's, the masks, and `training` if it is known there."""
        passed = {**self.kwargs, **self.masks}
        if self.training is not None and "training" in self.names:
            passed["training"] = self.training
        return passed

    def described(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with a symbolic tensor for each array, of any batch size."""
        return jax.tree.map(
            lambda leaf: _symbolic(leaf) if isinstance(leaf, _TENSORS) else leaf, (self.args, self.kwargs)
        )

    def on_shapes(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with a symbolic tensor for each array, of its shape and dtype; masks that are known, too."""
        trial = current().trial

        def spec(leaf: Any) -> Any:
            if not isinstance(leaf, _TENSORS):
                return leaf
            shape = tuple(leaf.shape)
            return KerasTensor(shape if trial is None else trial.with_unknown(shape), str(leaf.dtype))

        return jax.tree.map(spec, (self.args, {**self.kwargs, **self.masks}))

    def shapes(self) -> dict[str, Any]:
        """{"inputs_shape": …} for every tensor argument but the mask."""
        return {
            f"{name}_shape": jax.tree.map(lambda t: tuple(t.shape), value)
            for name, value in self.tensors.items()
            if name != "mask" and self.names[name].kind not in _CATCH_ALL
        }

    def shapes_for(self, function: Callable[..., Any], owner: str) -> dict[str, Any]:
        """The shapes under the argument names of a `build` or `compute_output_shape`.

        One argument takes the first tensor's shape; several take those of the
        call arguments they are named after (`query_shape` ← `query`).
        """
        shapes = self.shapes()
        parameters = _parameters(getattr(function, "__func__", function))
        wanted = [p.name for p in parameters if p.kind not in _CATCH_ALL]
        if any(p.kind is p.VAR_KEYWORD for p in parameters) and len(wanted) != 1:
            return shapes
        if len(wanted) == 1:
            first = next(iter(shapes.values()), None)
            return {wanted[0]: first}
        for name in wanted:
            if name not in shapes and (not name.endswith("_shape") or name.removesuffix("_shape") not in self.names):
                raise ArgumentError(
                    f"{owner}.{function.__name__}() has an argument {name!r} that matches no argument of call().",
                    expected=list(shapes),
                    fix="name each shape argument after an argument of call(): `query_shape` for `query`",
                )
        return {name: shapes.get(name) for name in wanted if name in shapes}

    def find_masks(self) -> None:
        """Fills in `masks` from those that the tensor arguments carry."""
        found: dict[str, Any] = {}
        if len(self.tensors) == 1:
            if "mask" in self.names and self.arguments["mask"] is None:
                found["mask"] = _masks_of(next(iter(self.tensors.values())))
        else:
            for name, value in self.tensors.items():
                key = f"{name}_mask"
                if key in self.names and self.arguments[key] is None:
                    found[key] = _masks_of(value)
        self.masks = {key: mask for key, mask in found.items() if mask is not None}

    def previous_mask(self) -> Any:
        """The mask that came with the first argument, as `compute_mask` is given it."""
        mask = self.masks.get("mask", self.arguments.get("mask") if "mask" in self.names else None)
        return mask if mask is not None else _masks_of(self.first)


def _symbolic(leaf: Any) -> Any:
    if not isinstance(leaf, _TENSORS):
        return leaf
    trial = current().trial
    sizes = leaf.shape if trial is None else trial.with_unknown(leaf.shape)
    return KerasTensor([None, *sizes[1:]] if sizes else (), str(leaf.dtype))


@lru_cache(maxsize=4096)
def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a method, without `self`."""
    return list(inspect.signature(function).parameters.values())[1:]


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, _TENSORS):
        return True
    if not isinstance(value, (list, tuple, dict)) or not value:
        return False
    leaves = jax.tree.leaves(value)
    return bool(leaves) and all(isinstance(leaf, _TENSORS) for leaf in leaves)


def _masks_of(value: Any) -> Any:
    """Masks in the structure of the tensors; None if there is none at all."""
    if isinstance(value, _TENSORS):
        return get_mask(value)
    if not isinstance(value, (list, tuple, dict)):
        return None
    leaves, treedef = jax.tree.flatten(value)
    masks = [get_mask(leaf) for leaf in leaves]
    if all(mask is None for mask in masks):
        return None
    return jax.tree.unflatten(treedef, masks)


def converted(value: Any, dtype: str | None) -> Any:
    """An argument as a layer takes it: arrays on the device, floats in `dtype`.

    Python numbers, strings, None and other objects pass as they are.
    """
    if isinstance(value, (list, tuple, dict)):
        return jax.tree.map(lambda leaf: _converted_leaf(leaf, dtype), value, is_leaf=lambda v: isinstance(v, Variable))
    return _converted_leaf(value, dtype)


@lru_cache(maxsize=64)
def _numpy_dtype(name: str) -> np.dtype:
    return np.dtype(name) if name != "bfloat16" else np.dtype(jax.numpy.bfloat16)


def _converted_leaf(value: Any, dtype: str | None) -> Any:
    if isinstance(value, jax.Array):
        if dtype is None or value.dtype == _numpy_dtype(dtype) or not is_float(value.dtype.name):
            return value
        return _cast(value, dtype)
    if isinstance(value, KerasTensor):
        return value if dtype is None or value.dtype == dtype or not is_float(value.dtype) else _cast(value, dtype)
    if isinstance(value, Variable):
        return _converted_leaf(value.value, dtype)
    if isinstance(value, (str, bytes, bool, int, float)) or not hasattr(value, "__array__"):
        return value
    array = np.asarray(value)
    if array.dtype.kind in "USO":
        return value
    name = standardize_dtype(array.dtype)
    return jax.numpy.asarray(array, dtype if dtype is not None and is_float(name) else None)


def _cast(value: Any, dtype: str) -> Any:
    cast = KerasTensor(value.shape, dtype) if isinstance(value, KerasTensor) else value.astype(dtype)
    if isinstance(value, KerasTensor):
        cast._keras_history = value._keras_history
    set_mask(cast, get_mask(value))
    return cast


def set_masks(outputs: Any, masks: Any) -> None:
    """Gives output tensors their masks, leaving those that have one."""
    if masks is None:
        return
    flat_masks = jax.tree.leaves(masks, is_leaf=lambda m: m is None)
    for tensor, mask in zip(jax.tree.leaves(outputs), flat_masks, strict=False):
        if mask is not None and get_mask(tensor) is None:
            set_mask(tensor, mask)


def map_shapes(function: Callable[[Any], Any], shapes: Any) -> Any:
    """A structure of shapes with a function applied to each, as a tuple; None stays."""

    def is_shape(value: Any) -> bool:
        return isinstance(value, (tuple, list)) and all(d is None or isinstance(d, int) for d in value)

    return jax.tree.map(lambda s: None if s is None else function(tuple(s)), shapes, is_leaf=is_shape)
