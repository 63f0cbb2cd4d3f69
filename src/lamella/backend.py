"""What `keras.backend` promises."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from lamella.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from lamella.dtypes import is_float, is_int, standardize_dtype
from lamella.graph import is_keras_tensor
from lamella.state import get_uid
from lamella.utils import clear_session

is_float_dtype, is_int_dtype = is_float, is_int


def result_type(*dtypes: Any) -> str:
    """The dtype of what is computed from arrays of these dtypes; Python's int and float give way.

    Example: >>> result_type("int32", float), result_type("bfloat16", float)
             ('float32', 'bfloat16')
    """
    return jnp.result_type(*[floatx() if dtype is None else dtype for dtype in dtypes or [None]]).name


__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]
