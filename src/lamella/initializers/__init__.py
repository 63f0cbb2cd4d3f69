"""What weights start as: Keras's `keras.initializers`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamella.dtypes import standardize_dtype
from lamella.errors import ShapeError
from lamella.initializers.chance import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)
from lamella.initializers.constant import STFT, Constant, Identity, Ones, Zeros
from lamella.initializers.initializer import Initializer
from lamella.registry import Catalog, serialize_keras_object

constant, identity, ones, stft, zeros = Constant, Identity, Ones, STFT, Zeros
glorot_normal, glorot_uniform, he_normal, he_uniform = GlorotNormal, GlorotUniform, HeNormal, HeUniform
lecun_normal, lecun_uniform, orthogonal, variance_scaling = LecunNormal, LecunUniform, Orthogonal, VarianceScaling
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT

_INITIALIZERS = Catalog(
    "initializer",
    (
        Initializer,
        *(Constant, Identity, Ones, STFT, Zeros),
        *(GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform),
        *(Orthogonal, RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling),
    ),
    {
        "IdentityInitializer": Identity,
        "OrthogonalInitializer": Orthogonal,
        "STFTInitializer": STFT,
        "normal": RandomNormal,
        "one": Ones,
        "uniform": RandomUniform,
        "zero": Zeros,
    },
)


def serialize(initializer: Any) -> Any:
    """The config of an initializer."""
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer that a config describes."""
    return _INITIALIZERS.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """An initializer from its name, a config, an array (the value itself), or anything to call.

    Example: >>> get("he_normal").scale
             2.0
    """
    return (
        _given(identifier)
        if isinstance(identifier, (jax.Array, np.ndarray, np.generic))
        else _INITIALIZERS.get(identifier)
    )


def _given(value: Any) -> Any:
    """An initializer that returns one array, for the array's shape."""

    def initialize(shape: Any, dtype: Any = None) -> jax.Array:
        if tuple(shape) != tuple(value.shape):
            raise ShapeError(
                "The array given as initializer has another shape.", expected=tuple(shape), received=value.shape
            )
        return jnp.asarray(value, standardize_dtype(dtype))

    return initialize


__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]
