"""What `keras.src` has besides public names, and libraries import: small functions over Lamella's own."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import math
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import jax.numpy as jnp
from jax.core import Tracer

from lamella import activations, config, dtypes
from lamella.errors import ArgumentError, MissingExtraError
from lamella.graph import any_symbolic, output_spec, standardize_shape
from lamella.state import StatelessScope, current, draw_seed, frame, get_mask, set_mask

IS_THREAD_SAFE = SUPPORTS_COMPLEX_DTYPES = True
SUPPORTS_RAGGED_TENSORS = SUPPORTS_SPARSE_TENSORS = False

ACTIVATIONS_BY_NAME = {
    name: getattr(activations, name) for name in activations.__all__ if name not in ("deserialize", "get", "serialize")
}
ALL_ACTIVATIONS = set(ACTIVATIONS_BY_NAME.values())

ALLOWED_DTYPES = frozenset(
    {
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
        *("bool", "string", "bfloat16", "float16", "float32", "float64", "complex64", "complex128"),
    }
)

_T = TypeVar("_T")


# keras.src.backend


def any_symbolic_tensors(args: Iterable[Any] | None = None, kwargs: dict[str, Any] | None = None) -> bool:
    """Whether a symbolic tensor is among positional or named arguments."""
    return any_symbolic(tuple(args or ())) or any_symbolic((kwargs or {}).values())


def get_keras_mask(x: Any) -> Any:
    """The mask that goes with a tensor, or None."""
    return get_mask(x)


def set_keras_mask(x: Any, mask: Any) -> None:
    """Gives a tensor a mask; None takes it away."""
    set_mask(x, mask)


def compute_output_spec(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function of tensors returns, as symbolic tensors."""
    return output_spec(fn, *args, **kwargs)


class AutocastScope(frame):
    """Inside of it float variables are read in this dtype; None: in their own."""

    def __init__(self, dtype: Any):
        self.dtype = None if dtype is None else dtypes.standardize_dtype(dtype)
        super().__init__(autocast=self.dtype)

    def maybe_cast(self, value: Any) -> Any:
        """A float value in the dtype of the scope."""
        if self.dtype is None or not dtypes.is_float(dtypes.standardize_dtype(value.dtype)):
            return value
        return value.astype(self.dtype)


class SymbolicScope(frame):
    """Code inside of it computes shapes, not values."""

    def __init__(self) -> None:
        super().__init__(overlay=dict(current().overlay or {}))


def in_symbolic_scope() -> bool:
    """Whether this code runs on shapes, without values."""
    return isinstance(jnp.zeros((), "int32") + 0, Tracer)


def in_stateless_scope() -> bool:
    """Whether variables read and write a mapping here, not themselves."""
    return current().overlay is not None


def get_stateless_scope() -> StatelessScope | None:
    """A view of the mapping that stands before the variables here, or None."""
    overlay = current().overlay
    return None if overlay is None else StatelessScope(overlay.items())


def initialize_all_variables() -> None:
    """Nothing: Lamella computes a variable's first value when it is read."""


def jax_draw_seed(seed: Any) -> Any:
    """A key for `jax.random`, drawn as `keras.random` would."""
    return draw_seed(seed)


def shape_equal(a_shape: Any, b_shape: Any, axis: Any = None, allow_none: bool = True) -> bool:
    """Whether two shapes agree, apart from some axes; None agrees with any size unless `allow_none` is False."""
    if len(a_shape) != len(b_shape):
        return False
    apart = {axis} if isinstance(axis, int) else set(axis or ())
    apart = {one % len(a_shape) for one in apart}
    return all(
        a == b or (allow_none and None in (a, b))
        for place, (a, b) in enumerate(zip(a_shape, b_shape, strict=True))
        if place not in apart
    )


_attributes = threading.local()


def set_global_attribute(name: str, value: Any) -> None:
    """Keeps a value for this thread under a name."""
    setattr(_attributes, name, value)


def get_global_attribute(name: str, default: Any = None, set_to_default: bool = False) -> Any:
    """The value kept under a name, or the default (kept from then on if asked)."""
    value = getattr(_attributes, name, None)
    if value is None and default is not None:
        value = default
        if set_to_default:
            set_global_attribute(name, default)
    return value


# keras.src.distribution


def no_distribution() -> None:
    """The distribution in force: none, as long as Lamella has no `keras.distribution`."""


# keras.src.utils


class LazyModule:
    """A module that is imported when its first attribute is read."""

    def __init__(self, name: str, pip_name: str | None = None, import_error_msg: str | None = None):
        self.name, self.pip_name, self.import_error_msg = name, pip_name or name, import_error_msg

    @property
    def available(self) -> bool:
        """Whether it can be imported."""
        with contextlib.suppress(ImportError):
            return self.initialize() is not None
        return False

    def initialize(self) -> Any:
        """Imports the module and returns it."""
        try:
            return importlib.import_module(self.name)
        except ImportError as error:
            raise MissingExtraError(
                self.import_error_msg or f"{self.name} is not installed.", fix=f"pip install {self.pip_name}"
            ) from error

    def __getattr__(self, name: str) -> Any:
        if name == "_api_export_path":  # Keras asks every object for it
            raise AttributeError(name)
        return getattr(self.initialize(), name)


TENSORFLOW = LazyModule("tensorflow")


def unchanged(value: _T) -> _T:
    """What a decorator returns that has nothing to do here: Lamella finds variables, and tracks none."""
    return value


def is_default(method: Any) -> bool:
    """Whether a method is a library's own default, not a user's override."""
    return (getattr(method, "__module__", None) or "").startswith("lamella.")


def never(*_args: Any, **_kwargs: Any) -> bool:
    """False."""
    return False


def in_tf_graph() -> bool:
    """Whether TensorFlow is building a graph here, as inside of `tf.data.Dataset.map`."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and not tensorflow.executing_eagerly()


def count_params(weights: Iterable[Any]) -> int:
    """How many numbers some variables hold."""
    return sum(math.prod(weight.shape) for weight in weights)


def print_msg(message: str, line_break: bool = True) -> None:
    """Prints a message where interactive logging is on, and logs it where not."""
    if config.is_interactive_logging_enabled():
        print(message, end="\n" if line_break else "", flush=True)
    else:
        logging.info(message)


def check_pydot() -> bool:
    """Whether `pydot` is installed, which draws models."""
    return importlib.util.find_spec("pydot") is not None


def standardize_tuple(value: Any, n: int, name: str, allow_zero: bool = False) -> tuple[int, ...]:
    """n whole numbers, from one or from n of them.

    Raises:  ArgumentError: another count, or numbers that are too small.
    """
    try:
        numbers = (value,) * n if isinstance(value, int) else tuple(int(one) for one in value)
    except (TypeError, ValueError):
        numbers = ()
    least = 0 if allow_zero else 1
    if len(numbers) != n or any(one < least for one in numbers):
        raise ArgumentError(
            f"{name} does not fit.", expected=f"{n} whole numbers of at least {least}", received=repr(value)
        )
    return numbers


def standardize_padding(value: Any, allow_causal: bool = False) -> Any:
    """The checked padding, in small letters; a list or tuple as it is."""
    if isinstance(value, (list, tuple)):
        return value
    allowed = ("valid", "same", "causal") if allow_causal else ("valid", "same")
    if str(value).lower() not in allowed:
        raise ArgumentError("Unknown padding.", expected=allowed, received=repr(value))
    return str(value).lower()


# keras.src.ops and keras.src.legacy


def compute_conv_output_shape(
    input_shape: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = 1,
) -> tuple[int | None, ...]:
    """The shape that a convolution returns.

    Example: >>> compute_conv_output_shape((None, 32, 32, 3), 8, (3, 3))
             (None, 30, 30, 8)
    """
    shape = standardize_shape(input_shape)
    rank = len(shape) - 2
    first = data_format == "channels_first"
    sizes = shape[2:] if first else shape[1:-1]
    kernels, steps, rates = (
        (one,) * rank if isinstance(one, int) else tuple(one) for one in (kernel_size, strides, dilation_rate)
    )

    def length(size: int | None, kernel: int, step: int, rate: int) -> int | None:
        if size is None:
            return None
        lost = rate * (kernel - 1) if padding == "valid" else 0
        return -(-(size - lost) // step)

    spatial = tuple(length(*one) for one in zip(sizes, kernels, steps, rates, strict=True))
    return (shape[0], filters, *spatial) if first else (shape[0], *spatial, filters)


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """The shape of a tensor, None where a size is not known."""
    shape = getattr(x, "shape", None)
    return None if shape is None else tuple(shape)


class Reduction:
    """Names of the ways to reduce a loss over a batch; "auto" is what a loss takes by default."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return (cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE)

    @classmethod
    def validate(cls, key: str) -> None:
        """Refuses a name that is none of them."""
        if key not in cls.all():
            raise ArgumentError("Unknown reduction.", expected=cls.all(), received=repr(key))
