"""keras.random: random tensors that an integer seed makes repeatable.

The same seed gives the same numbers as in Keras on JAX.  `seed` is an int (the
same numbers at every call), a SeedGenerator (others at every call), or None.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import floatx
from lamella.dtypes import is_float, is_int, standardize_dtype
from lamella.errors import ArgumentError, ShapeError
from lamella.graph import op
from lamella.ops import convert_to_tensor
from lamella.state import SeedGenerator, draw_seed

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]


def _float(dtype: Any) -> Any:
    """The float dtype to draw in; floatx for None."""
    name = standardize_dtype(dtype or floatx())
    if not is_float(name):
        raise ArgumentError("These numbers are drawn as floats.", expected="a float dtype", received=name)
    return jax.dtypes.canonicalize_dtype(name)


def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normally distributed numbers.

    Example: >>> bool((random.normal((2,), seed=1) == random.normal((2,), seed=1)).all())
             True
    """
    return jax.random.normal(draw_seed(seed), shape, _float(dtype)) * stddev + mean


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normally distributed numbers, none farther than 2 `stddev` from the mean."""
    return jax.random.truncated_normal(draw_seed(seed), -2.0, 2.0, shape, _float(dtype)) * stddev + mean


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers from [minval, maxval), all alike likely.

    Raises: ArgumentError: the dtype is no float; `randint` draws integers.
    """
    return jax.random.uniform(draw_seed(seed), shape, _float(dtype), minval, maxval)


def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Any:
    """Integers from [minval, maxval), all alike likely.

    Raises: ArgumentError: the dtype is no integer.
    """
    name = standardize_dtype(dtype)
    if not is_int(name):
        raise ArgumentError(
            "randint() draws integers.", expected="an integer dtype", received=name, fix="use uniform()"
        )
    return jax.random.randint(draw_seed(seed), shape, minval, maxval, jax.dtypes.canonicalize_dtype(name))


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers from the gamma distribution of shape `alpha` and scale 1."""
    return jax.random.gamma(draw_seed(seed), alpha, shape, _float(dtype))


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers in [0, 1] from the beta distribution."""
    return jax.random.beta(draw_seed(seed), jnp.asarray(alpha), jnp.asarray(beta), shape, _float(dtype))


def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Any:
    """How many of `counts` trials succeed, each with a probability."""
    trials, chances = jnp.asarray(counts), jnp.asarray(probabilities)
    return jax.random.binomial(draw_seed(seed), trials, chances, shape, _float(dtype))


@op(name="RandomCategorical")
def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Draws classes, each as likely as the softmax of its logit.

    Shape:  (batch, classes) → (batch, num_samples)
    Raises: ShapeError: the logits have another rank than 2.
    """
    logits = convert_to_tensor(logits)
    if logits.ndim != 2:
        raise ShapeError("categorical() takes (batch, classes).", expected="rank 2", received=logits.shape)
    drawn = jax.random.categorical(draw_seed(seed), logits[..., None], 1, (logits.shape[0], num_samples))
    return drawn.astype(dtype)


@op(name="RandomShuffle")
def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """The elements along an axis in another order, drawn for each line by itself."""
    return jax.random.permutation(draw_seed(seed), convert_to_tensor(x), axis, independent=True)


@op(name="RandomDropout")
def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Sets a share `rate` of the elements to 0 and scales the others up, so that the mean stays.

    Args: noise_shape: along axes where it is 1, all elements are dropped or kept together; None
          stands for the size of the input.
    """
    x = convert_to_tensor(inputs)
    if rate >= 1.0:
        return jnp.zeros_like(x)
    if rate <= 0.0:
        return x
    sizes = [None] * x.ndim if noise_shape is None else noise_shape
    drawn = [own if size is None else size for own, size in zip(x.shape, sizes, strict=True)]
    kept = jax.random.bernoulli(draw_seed(seed), 1.0 - rate, drawn)
    return jnp.where(kept, x / (1.0 - rate), jnp.zeros_like(x))
