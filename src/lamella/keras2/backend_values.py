"""`keras.backend` of Keras 2, second part: values, variables, and control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from lamella import config, ops
from lamella import random as keras_random
from lamella.errors import ArgumentError
from lamella.state import Variable


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """An array of a value."""
    array = ops.convert_to_tensor(value, dtype=dtype or config.floatx())
    return array if shape is None else ops.broadcast_to(array, shape)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of zeros."""
    return Variable(ops.zeros(shape, dtype or config.floatx()), name=name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of ones."""
    return Variable(ops.ones(shape, dtype or config.floatx()), name=name)


def eye(size: int, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of ones on the diagonal."""
    return Variable(ops.eye(size, dtype=dtype or config.floatx()), name=name)


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Any:
    """A variable of normally distributed numbers."""
    return Variable(keras_random.normal(shape, mean, scale, dtype, seed), name=name)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Any:
    """A variable of evenly distributed numbers."""
    return Variable(keras_random.uniform(shape, low, high, dtype, seed), name=name)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros in the shape of x."""
    return ops.zeros_like(x, dtype=dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones in the shape of x."""
    return ops.ones_like(x, dtype=dtype)


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A variable."""
    return Variable(value, dtype=dtype or config.floatx(), name=name)


def random_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normally distributed numbers."""
    return keras_random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Evenly distributed numbers."""
    return keras_random.uniform(shape, minval, maxval, dtype, seed)


def truncated_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normally distributed numbers, at most two standard deviations off."""
    return keras_random.truncated_normal(shape, mean, stddev, dtype, seed)


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """1 with probability p, else 0."""
    return ops.cast(keras_random.uniform(shape, seed=seed) < p, dtype or config.floatx())


def cast_to_floatx(x: Any) -> Any:
    """NumPy's array, in the default float dtype."""
    return np.asarray(x, dtype=config.floatx()) if not hasattr(x, "devices") else ops.cast(x, config.floatx())


def get_value(x: Any) -> Any:
    """The values as a NumPy array."""
    return ops.convert_to_numpy(x)


eval = get_value


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """The values of several variables."""
    return [get_value(one) for one in tensors]


def set_value(x: Variable, value: Any) -> None:
    """Sets a variable, a learning rate say."""
    x.assign(np.asarray(value))


def batch_set_value(tuples: Sequence[tuple[Variable, Any]]) -> None:
    """Sets several variables."""
    for one, value in tuples:
        set_value(one, value)


def update(x: Variable, new_x: Any) -> Any:
    """Sets a variable."""
    return x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Any:
    """Adds to a variable."""
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: Any) -> Any:
    """Takes from a variable."""
    return x.assign_sub(decrement)


def moving_average_update(x: Variable, value: Any, momentum: float) -> Any:
    """Moves a variable towards a value, by 1 − momentum of the way."""
    return x.assign(x - (x - ops.convert_to_tensor(value, x.dtype)) * (1 - momentum))


# Looking at tensors


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(x.shape)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The shape, None where a size is not known."""
    return tuple(x.shape)


def dtype(x: Any) -> str:
    """The dtype's name."""
    return ops.dtype(x)


def count_params(x: Any) -> int:
    """How many values a tensor has."""
    return int(np.prod(x.shape))


def is_sparse(tensor: Any) -> bool:
    """False: there are no sparse tensors."""
    return False


def to_dense(tensor: Any) -> Any:
    """The tensor itself."""
    return tensor


# Control


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two tensors, or of what two functions return."""
    parts: list[Any] = [part() if callable(part) else part for part in (then_expression, else_expression)]
    one, other = parts
    condition = ops.cast(condition, "bool")
    missing = len(one.shape) - len(condition.shape)
    return ops.where(ops.reshape(condition, (*condition.shape, *(1,) * missing)), one, other)


def map_fn(fn: Callable[..., Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """A function of each row."""
    return ops.map(fn, elems)


def foldl(fn: Callable[..., Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """A function of what came before and each row, from the first to the last."""
    start, rest = (elems[0], elems[1:]) if initializer is None else (initializer, elems)
    return jax.lax.scan(lambda carry, row: (fn(carry, row), None), start, rest)[0]


def foldr(fn: Callable[..., Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """A function of what came before and each row, from the last to the first."""
    return foldl(fn, ops.flip(elems, axis=0), initializer)


def learning_phase() -> int:
    """0: a layer's `training` argument says whether it trains."""
    return 0


def rnn(
    step_function: Callable[..., Any],
    inputs: Any,
    initial_states: Any,
    go_backwards: bool = False,
    mask: Any = None,
    constants: Any = None,
    unroll: bool = False,
    input_length: Any = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
) -> tuple[Any, Any, Any]:
    """Steps of a function over time: the last output, all of them, and the last states."""
    if mask is not None:
        raise ArgumentError("K.rnn() takes no mask here.", fix="a cell in keras.layers.RNN is masked")
    series = inputs if time_major else ops.swapaxes(inputs, 0, 1)
    series = ops.flip(series, axis=0) if go_backwards else series

    def step(states: Any, x: Any) -> tuple[Any, Any]:
        output, new = step_function(x, [*states, *(constants or ())])
        return list(new), output

    states, outputs = jax.lax.scan(step, list(initial_states), series)
    return outputs[-1], outputs if time_major else ops.swapaxes(outputs, 0, 1), states
