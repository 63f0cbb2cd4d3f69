"""Class indices as vectors, and the cross-entropies of class probabilities."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import nn

from lamella.config import epsilon, floatx
from lamella.errors import ArgumentError, ShapeError
from lamella.graph import op
from lamella.ops.tensors import definite, tensor


@op
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """A vector for each index, 1 at the index and 0 elsewhere (everywhere, if it is no class).

    Raises:  ArgumentError: `sparse`.
    Example: >>> ops.one_hot([1], 3).tolist()
             [[0.0, 1.0, 0.0]]
    """
    _refuse_sparse(sparse)
    return nn.one_hot(tensor(x), num_classes, axis=axis, dtype=_float_or(dtype))


@op
def multi_hot(
    inputs: Any, num_classes: int | None = None, axis: int = -1, dtype: Any = None, sparse: bool = False, **kwargs: Any
) -> Any:
    """A vector for each row of indices, 1 at all of them and 0 elsewhere.

    Raises:  ArgumentError: no `num_classes`, or `sparse`.
    Example: >>> ops.multi_hot([0, 2], 3).tolist()
             [1.0, 0.0, 1.0]
    """
    num_classes = kwargs.pop("num_tokens", None) if num_classes is None else num_classes
    if num_classes is None:
        raise ArgumentError("multi_hot() needs num_classes.")
    _refuse_sparse(sparse)
    x = tensor(inputs, "int32")
    vectors = nn.one_hot(x, num_classes, axis=axis, dtype=_float_or(dtype))
    return jnp.max(vectors, axis=1 if x.ndim > 1 else 0)


def _float_or(dtype: Any) -> Any:
    return definite(dtype or floatx())


def _refuse_sparse(sparse: bool) -> None:
    if sparse:
        raise ArgumentError("Sparse tensors are not supported; JAX has dense arrays.", fix="leave out sparse=True")


@op
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """-sum(target * log(output)): how badly probabilities predict a distribution.

    Args:   from_logits: `output` is before, not after, the softmax.
    Raises: ShapeError: target and output have different shapes, or none.
    """
    target, output = tensor(target), tensor(output)
    _need_same_shape(target, output)
    return -jnp.sum(target * _log_probabilities(output, from_logits, axis), axis=axis)


@op
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """-log(output) at the class that is the target, an integer.

    Args:   from_logits: `output` is before, not after, the softmax.
    Raises: ShapeError: the target is not one class for each vector of the output.
    """
    target, output = tensor(target, "int32"), tensor(output)
    if target.ndim == output.ndim and target.shape[-1:] == (1,):
        target = jnp.squeeze(target, axis=-1)
    if output.ndim < 1 or target.shape != output.shape[:-1]:
        raise ShapeError(
            "Classes and probabilities do not go together.", expected=output.shape[:-1], received=target.shape
        )
    vectors = nn.one_hot(target, output.shape[axis], axis=axis)
    return -jnp.sum(vectors * _log_probabilities(output, from_logits, axis), axis=axis)


@op
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """-(target * log(output) + (1 - target) * log(1 - output)).

    Args:   from_logits: `output` is before, not after, the sigmoid.
    Raises: ShapeError: target and output have different shapes.
    """
    target, output = tensor(target), tensor(output)
    _need_same_shape(target, output, least=0)
    if from_logits:
        return -target * nn.log_sigmoid(output) - (1.0 - target) * nn.log_sigmoid(-output)
    output = _within(output)
    return -(target * jnp.log(output) + (1.0 - target) * jnp.log(1.0 - output))


def _log_probabilities(output: Any, from_logits: bool, axis: int) -> Any:
    if from_logits:
        return nn.log_softmax(output, axis)
    return jnp.log(_within(output / jnp.sum(output, axis, keepdims=True)))


def _within(probabilities: Any) -> Any:
    return jnp.clip(probabilities, epsilon(), 1.0 - epsilon())


def _need_same_shape(target: Any, output: Any, least: int = 1) -> None:
    if target.shape != output.shape or target.ndim < least:
        raise ShapeError("Target and output do not go together.", expected=output.shape, received=target.shape)


@op(name="PSNR")
def psnr(x1: Any, x2: Any, max_val: float) -> Any:
    """The peak signal-to-noise ratio of two images, in decibels.

    Args:   max_val: the largest value a pixel can have.
    Raises: ShapeError: the images have different shapes.
    """
    x1, x2 = tensor(x1), tensor(x2)
    _need_same_shape(x1, x2, least=0)
    return 20 * jnp.log10(tensor(max_val, x2.dtype)) - 10 * jnp.log10(jnp.mean(jnp.square(x1 - x2)))
