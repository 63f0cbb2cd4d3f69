"""`keras.backend` of Keras 2, the `K` of old programs: `keras.ops` under its old names and arguments."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lamella import activations, config, ops
from lamella import random as keras_random
from lamella.errors import ArgumentError

# As they are.
abs, cos, exp, log, shape, sign, sin, square = (
    ops.abs,
    ops.cos,
    ops.exp,
    ops.log,
    ops.shape,
    ops.sign,
    ops.sin,
    ops.square,
)
softplus, softsign, tanh, sigmoid, cast = ops.softplus, ops.softsign, ops.tanh, ops.sigmoid, ops.cast
softmax, hard_sigmoid, stack = activations.softmax, activations.hard_sigmoid, ops.stack


def _of_two(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `x` and `y`, as they were named."""

    def compute(x: Any, y: Any) -> Any:
        return function(x, y)

    compute.__name__, compute.__doc__ = function.__name__, f"`keras.ops.{function.__name__}`."
    return compute


equal, not_equal, maximum, minimum = map(_of_two, (ops.equal, ops.not_equal, ops.maximum, ops.minimum))
greater, greater_equal, less, less_equal = map(_of_two, (ops.greater, ops.greater_equal, ops.less, ops.less_equal))


def arange(start: int, stop: int | None = None, step: int = 1, dtype: str = "int32") -> Any:
    """Numbers from `start`, or from 0 up to it; integers by default."""
    if stop is None and start < 0:
        start = 0
    return ops.arange(start, stop, step, dtype)


# Reductions


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all values are true."""
    return ops.all(ops.cast(x, "bool"), axis=axis, keepdims=keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether any value is true."""
    return ops.any(ops.cast(x, "bool"), axis=axis, keepdims=keepdims)


def argmax(x: Any, axis: int = -1) -> Any:
    """Where the largest value is, along the last axis by default."""
    return ops.argmax(x, axis=axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Where the smallest value is, along the last axis by default."""
    return ops.argmin(x, axis=axis)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest value."""
    return ops.max(x, axis=axis, keepdims=keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest value."""
    return ops.min(x, axis=axis, keepdims=keepdims)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum."""
    return ops.sum(x, axis=axis, keepdims=keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The product."""
    return ops.prod(x, axis=axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean, of truth values too."""
    return ops.mean(_floats(x), axis=axis, keepdims=keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation."""
    return ops.std(_floats(x), axis=axis, keepdims=keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance."""
    return ops.var(_floats(x), axis=axis, keepdims=keepdims)


def _floats(x: Any) -> Any:
    return ops.cast(x, config.floatx()) if str(x.dtype) == "bool" else x


def cumsum(x: Any, axis: int = 0) -> Any:
    """Running sums."""
    return ops.cumsum(x, axis=axis)


def cumprod(x: Any, axis: int = 0) -> Any:
    """Running products."""
    return ops.cumprod(x, axis=axis)


# Elementwise


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """Values within two limits, of which None is none."""
    low = -np.inf if min_value is None else min_value
    high = np.inf if max_value is None else max_value
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        high = builtins.max(low, high)
    return ops.clip(x, low, high)


def pow(x: Any, a: Any) -> Any:
    """x to the power of a."""
    return ops.power(x, a)


def round(x: Any) -> Any:
    """The nearest whole number."""
    return ops.round(x)


def stop_gradient(variables: Any) -> Any:
    """The same, through which no gradient flows; of each of a list."""
    return (
        [ops.stop_gradient(one) for one in variables]
        if isinstance(variables, (list, tuple))
        else ops.stop_gradient(variables)
    )


def sqrt(x: Any) -> Any:
    """The square root; 0 below zero."""
    return ops.sqrt(ops.maximum(x, 0.0))


def relu(x: Any, alpha: float = 0.0, max_value: Any = None, threshold: float = 0.0) -> Any:
    """max(x, 0), with a slope below the threshold and an upper limit if asked."""
    return activations.relu(x, negative_slope=alpha, max_value=max_value, threshold=threshold)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x, and alpha · (exp(x) − 1) below zero."""
    return ops.elu(x, alpha=alpha)


def l2_normalize(x: Any, axis: Any = None) -> Any:
    """Vectors of length one."""
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Some values set to zero, the others scaled up."""
    return keras_random.dropout(x, level, noise_shape=noise_shape, seed=seed)


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Whether each target is among the k largest predictions."""
    return ops.in_top_k(targets, predictions, k)


# Shapes


def expand_dims(x: Any, axis: int = -1) -> Any:
    """One axis more, the last by default."""
    return ops.expand_dims(x, axis)


def squeeze(x: Any, axis: Any) -> Any:
    """Without an axis of size 1."""
    return ops.squeeze(x, axis)


def transpose(x: Any) -> Any:
    """The axes in reverse order."""
    return ops.transpose(x)


def tile(x: Any, n: Any) -> Any:
    """Repeated along each axis."""
    return ops.tile(x, n)


def flatten(x: Any) -> Any:
    """One axis."""
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Any:
    """One axis beside the batch."""
    return ops.reshape(x, (-1, int(np.prod(x.shape[1:]))))


def reshape(x: Any, shape: Any) -> Any:
    """Another shape."""
    return ops.reshape(x, shape)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """Axes in another order."""
    return ops.transpose(x, pattern)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """Arrays one after the other, along the last axis by default."""
    return ops.concatenate(tensors, axis=axis)


def repeat(x: Any, n: int) -> Any:
    """(batch, features) → (batch, n, features)."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Each element of an axis several times."""
    return ops.repeat(x, rep, axis=axis)


def reverse(x: Any, axes: Any) -> Any:
    """Turned round along axes."""
    return ops.flip(x, axis=axes)


def gather(reference: Any, indices: Any) -> Any:
    """Rows at indices."""
    return ops.take(reference, ops.cast(indices, "int32"), axis=0)


def one_hot(indices: Any, num_classes: int) -> Any:
    """1 at the place of each index."""
    return ops.one_hot(indices, num_classes)


# Products


def dot(x: Any, y: Any) -> Any:
    """The product along the last axis of x and the last but one of y."""
    return ops.dot(x, y)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """The product of each sample of x with the one of y, along one axis of each.

    Example: >>> batch_dot(np.ones((2, 3, 4)), np.ones((2, 4, 5))).shape
             (2, 3, 5)
    """
    ranks = (len(x.shape), len(y.shape))
    if builtins.min(ranks) < 2:
        raise ArgumentError("batch_dot() needs a batch axis and one more.", received=f"ranks {ranks}")
    if axes is None:
        axes = (ranks[0] - 1, 1 if ranks[1] == 2 else ranks[1] - 2)
    first, second = (axes, axes) if isinstance(axes, int) else axes
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    product = _contracted(first % ranks[0] - 1, second % ranks[1] - 1, x, y)
    return ops.expand_dims(product, -1) if len(product.shape) == 1 else product


def _contracted(first: int, second: int, x: Any, y: Any) -> Any:
    """tensordot of each sample, along one axis of each."""
    letters = "bcdefghijklmnop"
    left = list(letters[: len(x.shape) - 1])
    right = [letter.upper() for letter in letters[: len(y.shape) - 1]]
    left[first] = right[second] = "z"
    out = [one for one in left + right if one != "z"]
    return ops.einsum(f"a{''.join(left)},a{''.join(right)}->a{''.join(out)}", x, y)


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    """A value for each channel added."""
    if config.standardize_data_format(data_format) == "channels_first" and len(x.shape) > 2:
        return x + ops.reshape(bias, (1, -1, *(1,) * (len(x.shape) - 2)))
    return x + bias


# Losses


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """The binary crossentropy of each value."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """The crossentropy with one-hot targets."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1, ignore_class: int | None = None
) -> Any:
    """The crossentropy with class numbers; 0 where the class is `ignore_class`."""
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)
    target = ops.cast(target, "int32")
    counts = target != ignore_class
    loss = ops.sparse_categorical_crossentropy(ops.where(counts, target, 0), output, from_logits=from_logits, axis=axis)
    return ops.where(counts, loss, 0.0)


def binary_focal_crossentropy(
    target: Any,
    output: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
) -> Any:
    """The binary crossentropy of each value, less for what is predicted well."""
    probability = ops.sigmoid(output) if from_logits else output
    right = target * probability + (1 - target) * (1 - probability)
    loss = ops.power(1.0 - right, gamma) * ops.binary_crossentropy(target, output, from_logits=from_logits)
    return loss * (target * alpha + (1 - target) * (1 - alpha)) if apply_class_balancing else loss


def categorical_focal_crossentropy(
    target: Any, output: Any, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False, axis: int = -1
) -> Any:
    """The crossentropy with one-hot targets, less for what is predicted well."""
    output = ops.softmax(output, axis=axis) if from_logits else ops.convert_to_tensor(output)
    output = output / ops.sum(output, axis=axis, keepdims=True)
    output = ops.clip(output, config.epsilon(), 1.0 - config.epsilon())
    return ops.sum(-target * ops.log(output) * ops.power(1.0 - output, gamma) * alpha, axis=axis)


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    """Normalized by a mean and a variance; `beta` is added and `gamma` multiplied where they are not None."""
    scale = ops.rsqrt(var + epsilon) * (1.0 if gamma is None else gamma)
    return x * scale + ((0.0 if beta is None else beta) - mean * scale)


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
    """The CTC loss of each sample, (batch, 1); the last class is blank."""
    last = y_pred.shape[-1] - 1
    logits = ops.log(ops.concatenate([y_pred[..., last:], y_pred[..., :last]], axis=-1) + config.epsilon())
    lengths = [ops.reshape(ops.cast(one, "int32"), (-1,)) for one in (label_length, input_length)]
    loss = ops.ctc_loss(ops.cast(y_true, "int32") + 1, logits, *lengths, mask_index=0)
    return ops.expand_dims(loss, 1)


def ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[Any], Any]:
    """The likeliest labels: a list of (batch, time) with -1 behind each end, and their scores; the last class is blank.

    Args: y_pred: (batch, time, classes), probabilities.
          input_length: (batch,), how many of the times count.
    """
    decoded, scores = ops.ctc_decode(
        ops.log(ops.convert_to_tensor(y_pred) + config.epsilon()),
        ops.reshape(ops.cast(input_length, "int32"), (-1,)),
        strategy="greedy" if greedy else "beam_search",
        beam_width=beam_width,
        top_paths=top_paths,
        mask_index=y_pred.shape[-1] - 1,
    )
    return [decoded[path] for path in range(decoded.shape[0])], scores
