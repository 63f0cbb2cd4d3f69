"""Process-wide settings: Keras's `keras.config`, without a file in the home folder."""

from __future__ import annotations

import os
from typing import Any

from lamella.dtypes import default_float, standardize_dtype
from lamella.errors import ArgumentError

__all__ = [
    "are_steps_in_place",
    "are_steps_joined",
    "backend",
    "compile_cache",
    "disable_allocator_tuning",
    "disable_flash_attention",
    "disable_in_place_steps",
    "disable_inline_dispatch",
    "disable_interactive_logging",
    "disable_joined_steps",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_flash_attention",
    "enable_in_place_steps",
    "enable_interactive_logging",
    "enable_joined_steps",
    "enable_traceback_filtering",
    "enable_unsafe_deserialization",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_allocator_tuned",
    "is_dispatch_inline",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "is_unsafe_deserialization_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_backend",
    "set_compile_cache",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
    "standardize_data_format",
]

_FLOATS = ("bfloat16", "float16", "float32", "float64")
_FORMATS = ("channels_last", "channels_first")
_cache = os.environ.get("LAMELLA_COMPILE_CACHE", "1")
_values: dict[str, Any] = {
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "interactive_logging": True,
    "traceback_filtering": True,
    "flash_attention": None,
    "max_epochs": None,
    "max_steps_per_epoch": None,
    "unsafe_deserialization": False,
    "allocator_tuning": os.environ.get("LAMELLA_ALLOCATOR") != "0",
    "compile_cache": {"0": False, "1": True}.get(_cache, _cache),
    "in_place_steps": os.environ.get("LAMELLA_IN_PLACE_STEPS") != "0",
    "inline_dispatch": os.environ.get("LAMELLA_INLINE_DISPATCH") != "0",
    "joined_steps": os.environ.get("LAMELLA_JOINED_STEPS") != "0",
}


def backend() -> str:
    """The engine's name, always "jax"."""
    return "jax"


def floatx() -> str:
    """The default float dtype, "float32" unless `set_floatx` changed it."""
    return default_float()


def set_floatx(value: str) -> None:
    """Sets the default float dtype, one of bfloat16, float16, float32, float64."""
    value = standardize_dtype(value)
    if value not in _FLOATS:
        raise ArgumentError("set_floatx() needs a float dtype.", expected=_FLOATS, received=repr(value))
    default_float(value)


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite, 1e-7 by default."""
    return _values["epsilon"]


def set_epsilon(value: float) -> None:
    """Sets the small number that keeps divisions and logarithms finite."""
    _values["epsilon"] = float(value)


def image_data_format() -> str:
    """Where images keep their channels by default: "channels_last" or "channels_first"."""
    return _values["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Sets where images keep their channels by default."""
    _values["image_data_format"] = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """The checked data format; the default one for None."""
    if data_format is None:
        return image_data_format()
    value = str(data_format).lower()
    if value not in _FORMATS:
        raise ArgumentError("Unknown data_format.", expected=_FORMATS, received=repr(data_format))
    return value


def enable_interactive_logging() -> None:
    """Progress bars and messages go to standard output (the default)."""
    _values["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Progress bars and messages go to the `logging` module instead."""
    _values["interactive_logging"] = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress goes to standard output."""
    return _values["interactive_logging"]


def enable_traceback_filtering() -> None:
    """Accepted for Keras code; Lamella's tracebacks are short already."""
    _values["traceback_filtering"] = True


def disable_traceback_filtering() -> None:
    """Accepted for Keras code; Lamella's tracebacks are short already."""
    _values["traceback_filtering"] = False


def is_traceback_filtering_enabled() -> bool:
    """The flag set by the two functions above."""
    return _values["traceback_filtering"]


def enable_flash_attention() -> None:
    """Attention may use a fused kernel where the device has one."""
    _values["flash_attention"] = True


def disable_flash_attention() -> None:
    """Attention never uses a fused kernel."""
    _values["flash_attention"] = False


def is_flash_attention_enabled() -> bool | None:
    """True, False, or None: decide by device and shape."""
    return _values["flash_attention"]


def enable_unsafe_deserialization() -> None:
    """Lets files load Python lambdas.  Only for files you wrote yourself."""
    _values["unsafe_deserialization"] = True


def is_unsafe_deserialization_enabled() -> bool:
    """Whether `enable_unsafe_deserialization` was called."""
    return _values["unsafe_deserialization"]


def max_epochs() -> int | None:
    """An upper limit on the epochs of every `fit`, or None."""
    return _values["max_epochs"]


def set_max_epochs(value: int | None) -> None:
    """Limits the epochs of every `fit` (to try a long script quickly)."""
    _values["max_epochs"] = value


def max_steps_per_epoch() -> int | None:
    """An upper limit on the steps of every epoch, or None."""
    return _values["max_steps_per_epoch"]


def set_max_steps_per_epoch(value: int | None) -> None:
    """Limits the steps of every epoch, `evaluate` and `predict`."""
    _values["max_steps_per_epoch"] = value


def disable_allocator_tuning() -> None:
    """Leaves the C library's allocator alone; has an effect before the first layer is named (or `LAMELLA_ALLOCATOR=0`).

    Else, on Linux with glibc, where JAX runs on the CPU, freed memory stays with the process.
    """
    _values["allocator_tuning"] = False


def is_allocator_tuned() -> bool:
    """Whether Lamella may set options of the C library's allocator."""
    return _values["allocator_tuning"]


def disable_inline_dispatch() -> None:
    """Leaves JAX's dispatch alone; has an effect before the first layer is named (or `LAMELLA_INLINE_DISPATCH=0`).

    Else, where JAX runs on the CPU, the thread that calls a program runs it: small ones take a third of the time.
    """
    _values["inline_dispatch"] = False


def is_dispatch_inline() -> bool:
    """Whether Lamella may have JAX run programs in the thread that calls them."""
    return _values["inline_dispatch"]


def set_compile_cache(folder: str | bool) -> None:
    """Where compiled steps are kept for later processes; before the first step (or `LAMELLA_COMPILE_CACHE`).

    Args: folder: a path; True for the user's cache folder, the default; False to keep nothing.
    """
    _values["compile_cache"] = folder if isinstance(folder, bool) else os.fspath(folder)


def compile_cache() -> str | bool:
    """What `set_compile_cache` chose."""
    return _values["compile_cache"]


def enable_joined_steps() -> None:
    """Many small steps on arrays may run as one program, where no callback listens to batches (the default)."""
    _values["joined_steps"] = True


def disable_joined_steps() -> None:
    """Every step is run on its own (or `LAMELLA_JOINED_STEPS=0`)."""
    _values["joined_steps"] = False


def are_steps_joined() -> bool:
    """Whether many steps may run as one program."""
    return _values["joined_steps"]


def enable_in_place_steps() -> None:
    """Training steps that change much memory compute the new values in that of the old ones (the default)."""
    _values["in_place_steps"] = True


def disable_in_place_steps() -> None:
    """Old values stay until the new ones are there, in memory of their own (or `LAMELLA_IN_PLACE_STEPS=0`)."""
    _values["in_place_steps"] = False


def are_steps_in_place() -> bool:
    """Whether training steps may compute in the memory of what they change."""
    return _values["in_place_steps"]


def is_nnx_enabled() -> bool:
    """Always False: Lamella needs no flax."""
    return False


def set_backend(name: str) -> None:
    """Accepts "jax", the one engine there is."""
    if name != "jax":
        raise ArgumentError("Lamella runs on JAX only.", expected="'jax'", received=repr(name))


def dtype_policy() -> Any:
    """The dtype policy of layers that name none."""
    from lamella import dtype_policies

    return dtype_policies.dtype_policy()


def set_dtype_policy(policy: Any) -> None:
    """Sets the dtype policy of layers that name none: a name such as "mixed_bfloat16", or a policy."""
    from lamella import dtype_policies

    dtype_policies.set_dtype_policy(policy)
