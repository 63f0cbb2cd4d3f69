"""JaxLayer: a function of JAX, with its parameters, as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamella.dtypes import is_float, standardize_dtype
from lamella.errors import ArgumentError, StateError
from lamella.layers.configured import Configured
from lamella.registry import deserialize_keras_object, serialize_keras_object
from lamella.state import SeedGenerator, Variable, draw_seed

__all__ = ["JaxLayer"]

_OF_CALL = ("params", "state", "rng", "inputs", "training")
_OF_INIT = ("rng", "inputs", "training")
_MISMATCH = (
    "The state that call_fn returns has another structure than the one it was given.\n"
    "  wrong  return outputs\n"
    "  right  return outputs, new_state"
)


class JaxLayer(Configured):
    """A model written in JAX as a layer: its parameters are weights, its state is kept.

    Args:    call_fn: takes, by these names, `inputs` and any of: `params`; `state`, and then returns
                 (outputs, new_state); `rng`, a key in training and None otherwise; `training`.
             init_fn: takes `inputs`, and `rng` or `training` if it names them; gives the first params,
                 or (params, state) if call_fn takes a state. It runs on ones of the input's shape, at build.
             params, state: the first ones, any structures of arrays, in place of init_fn.
             seed: of the keys.
             native_serialization_platforms: taken for Keras code.
    State:   params: trained; state: not trained; seed_generator if call_fn takes `rng`
    Raises:  ArgumentError: functions with other arguments; nothing to make the params from.
    Example: >>> layer = JaxLayer(lambda params, inputs: inputs @ params["w"], params={"w": np.ones((3, 2))})
             >>> layer(np.ones((1, 3))).tolist(), [w.shape for w in layer.trainable_weights]
             ([[3.0, 3.0]], [(3, 2)])
    """

    def __init__(
        self,
        call_fn: Callable[..., Any],
        init_fn: Callable[..., Any] | None = None,
        params: Any = None,
        state: Any = None,
        seed: int | None = None,
        native_serialization_platforms: Sequence[str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.call_fn, self.init_fn, self.seed = call_fn, init_fn, seed
        self.native_serialization_platforms = native_serialization_platforms
        self.call_fn_arguments = self._arguments_of("call_fn", call_fn, _OF_CALL)
        self.init_fn_arguments = self._arguments_of("init_fn", init_fn, _OF_INIT) if init_fn else []
        self.seed_generator = SeedGenerator(seed) if "rng" in self.call_fn_arguments else None
        wanted = {"params", "state"} & set(self.call_fn_arguments)
        if wanted and init_fn is None and params is None and state is None:
            raise ArgumentError(
                f"JaxLayer has nothing to make {' and '.join(sorted(wanted))} from.",
                fix="pass init_fn, or params (and state)",
            )
        self.params, self.state = self._variables(params, True), self._variables(state, False)
        self.built = not wanted or self._has_values

    @property
    def _has_values(self) -> bool:
        return self.params is not None or self.state is not None

    def _arguments_of(self, which: str, function: Any, allowed: Sequence[str]) -> list[str]:
        if not callable(function):
            raise self._refusal_(which, function, "a function")
        names = list(inspect.signature(function).parameters)
        if "inputs" not in names or not set(names) <= set(allowed):
            raise ArgumentError(
                f"{which} has other arguments than a {type(self).__name__} can pass.",
                expected=f"inputs, and any of {', '.join(name for name in allowed if name != 'inputs')}",
                received=", ".join(names) or "none",
                fix="wrap it in a function with these names",
            )
        return names

    # Parameters and state as variables

    def _variables(self, values: Any, trainable: bool) -> Any:
        """The same structure, a variable for each array or number in it; what is neither stays."""

        def made(path: Any, value: Any) -> Any:
            if not isinstance(value, (jax.Array, np.ndarray, np.generic, bool, int, float)):
                return value
            dtype = standardize_dtype(getattr(value, "dtype", None) or type(value))
            name = jax.tree_util.keystr(path, simple=True, separator=".") or ("params" if trainable else "state")
            return self.add_weight(
                np.shape(value),
                lambda shape, dtype: jnp.asarray(value, dtype),
                dtype=None if is_float(dtype) else dtype,
                trainable=trainable,
                name=name.replace("/", "."),
            )

        return jax.tree_util.tree_map_with_path(made, values)

    def build(self, input_shape: Any) -> None:
        if self.init_fn is None or self._has_values:
            return
        values = {"rng": self._get_init_rng(), "inputs": _ones(input_shape), "training": True}
        made = self.init_fn(*(values[name] for name in self.init_fn_arguments))
        params, state = made if "state" in self.call_fn_arguments else (made, None)
        self.params, self.state = self._variables(params, True), self._variables(state, False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        given = {
            "params": lambda: _values(self.params),
            "state": lambda: _values(self.state),
            "rng": lambda: self._get_call_rng(training),
            "inputs": lambda: inputs,
            "training": lambda: training,
        }
        outputs = self.call_fn(*(given[name]() for name in self.call_fn_arguments))
        if "state" not in self.call_fn_arguments:
            return outputs
        if not isinstance(outputs, (tuple, list)) or len(outputs) != 2:
            raise StateError(_MISMATCH)
        outputs, new = outputs
        self._keep_(new)
        return outputs

    def _keep_(self, new: Any) -> None:
        kept, there = jax.tree.flatten(self.state, is_leaf=_is_variable)
        if jax.tree.structure(new) != there:
            raise StateError(_MISMATCH, expected=str(there), received=str(jax.tree.structure(new)))
        for variable, value in zip(kept, jax.tree.leaves(new), strict=True):
            if _is_variable(variable):
                variable.assign(value)

    # Keys: override these to pass a structure of them

    def _get_init_seed(self) -> Any:
        return draw_seed(None)

    def _get_init_rng(self) -> Any:
        return self._get_init_seed()

    def _get_call_seed(self) -> Any:
        assert self.seed_generator is not None
        return self.seed_generator.next()

    def _get_call_rng(self, training: bool) -> Any:
        return self._get_call_seed() if training else None

    # Configs

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "call_fn": serialize_keras_object(self.call_fn),
            "init_fn": serialize_keras_object(self.init_fn),
            "native_serialization_platforms": self.native_serialization_platforms,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None, safe_mode: bool | None = None
    ) -> Any:
        safe = safe_mode is not False
        read = {
            name: deserialize_keras_object(config[name], custom_objects=custom_objects, safe_mode=safe)
            for name in ("call_fn", "init_fn")
        }
        return cls(**{**config, **read})


def _is_variable(leaf: Any) -> bool:
    return isinstance(leaf, Variable)


def _values(variables: Any) -> Any:
    return jax.tree.map(lambda v: v.value if _is_variable(v) else v, variables, is_leaf=_is_variable)


def _ones(shape: Any) -> Any:
    """Ones of a shape, or of each in a structure of shapes; unknown sizes are 1."""
    if isinstance(shape, dict):
        return {key: _ones(inner) for key, inner in shape.items()}
    if any(isinstance(size, (tuple, list, dict)) for size in shape):
        return type(shape)(_ones(inner) for inner in shape)
    return jnp.ones([1 if size is None else size for size in shape])
