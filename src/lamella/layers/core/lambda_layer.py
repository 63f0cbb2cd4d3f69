"""Lambda: a function as a layer."""

from __future__ import annotations

import inspect
import uuid
import warnings
import weakref
from collections.abc import Callable
from typing import Any, Unpack

import jax

from lamella.graph import output_spec
from lamella.layers.configured import Configured
from lamella.layers.keywords import LayerKeywords
from lamella.layers.layer import Layer
from lamella.registry import deserialize_keras_object, serialize_keras_object

__all__ = ["Lambda"]

_here: weakref.WeakValueDictionary[str, Callable[..., Any]] = weakref.WeakValueDictionary()
"""Python lambdas that configs were written of in this process, by a name only this process knows."""

_names: weakref.WeakKeyDictionary[Callable[..., Any], str] = weakref.WeakKeyDictionary()
"""These names, so that a lambda has one only, and equal layers have equal configs."""


class Lambda(Configured):
    """Calls a function on its input.

    Named functions (registered ones, or of lamella) can be saved.  A Python
    lambda can be cloned in this process; a file with one is not read, since it
    holds code.

    Args:    function: takes the input; `mask` and `training` too if it names them.
             output_shape: without the batch, or a function of the input's shape;
                 worked out by running the function if None.
             mask: a mask, or a function (inputs, mask) → mask.
             arguments: further keyword arguments for the function.
    Example: >>> Lambda(lambda x: x**2)(np.array([1.0, 3.0])).tolist()
             [1.0, 9.0]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        if not callable(function):
            raise self._refusal_("function", function, "a function of the input")
        self.function, self.mask = function, mask
        self.arguments = arguments or {}
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        self.built = True
        accepted = inspect.signature(function).parameters
        self._passed_on = [name for name in ("mask", "training") if name in accepted]

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        known = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{name: known[name] for name in self._passed_on})

    def compute_output_spec(self, inputs: Any, **kwargs: Any) -> Any:
        if self._output_shape is None:
            return output_spec(self.call, inputs, **kwargs)
        return super().compute_output_spec(inputs, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        given = self._output_shape
        if given is None:
            return Layer.compute_output_shape(self, input_shape)
        batch = jax.tree.leaves(input_shape, is_leaf=lambda size: size is None)[0]
        return given(input_shape) if callable(given) else _with_batch(batch, given)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        optional = {"output_shape": self._output_shape, "mask": self.mask}
        return {
            **super().get_config(),
            "function": _written(self.function),
            **{name: _written(value) for name, value in optional.items() if value is not None},
            "arguments": serialize_keras_object(self.arguments),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None, safe_mode: bool | None = None
    ) -> Any:
        safe = safe_mode is not False
        read = {key: _read(config[key], custom_objects, safe) for key in _OBJECTS if key in config}
        return cls(**{**config, **read})


_OBJECTS = ("function", "output_shape", "mask", "arguments")
_PARTS = ("code", "defaults", "closure", "made_as")  # of a lambda: Keras's three, and our name for it


def _with_batch(batch: int | None, shape: Any) -> Any:
    """The batch size before every shape in a structure of shapes."""
    if isinstance(shape, dict):
        return {key: _with_batch(batch, inner) for key, inner in shape.items()}
    if any(isinstance(inner, (tuple, list, dict)) for inner in shape):
        return type(shape)(_with_batch(batch, inner) for inner in shape)
    return (batch, *shape)


def _written(value: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a lambda means for reading is said when it is read
        written = serialize_keras_object(value)
    if not _is_lambda(written):
        return written
    name = _names.setdefault(value, uuid.uuid4().hex)
    _here[name] = value
    return {"class_name": "__lambda__", "config": dict(zip(_PARTS, (*written["config"]["value"], name), strict=True))}


def _read(value: Any, custom_objects: dict[str, Any] | None, safe_mode: bool) -> Any:
    if _is_lambda(value):
        *code, name = (value["config"].get(part) for part in _PARTS)
        if name in _here:
            return _here[name]
        value = {"class_name": "__lambda__", "config": {"value": code}}
    found = deserialize_keras_object(value, custom_objects=custom_objects, safe_mode=safe_mode)
    return tuple(found) if isinstance(found, list) else found


def _is_lambda(config: Any) -> bool:
    return isinstance(config, dict) and config.get("class_name") == "__lambda__"
