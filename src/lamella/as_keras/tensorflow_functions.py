"""Functions of TensorFlow that differ from `keras.ops` by their arguments only, for the stand-in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax

from lamella import ops, utils
from lamella import random as keras_random
from lamella.state import Variable as KerasVariable

AUTOTUNE = -1
ERROR = logging.ERROR

float16, float32, float64, bfloat16 = "float16", "float32", "float64", "bfloat16"
int8, int16, int32, int64 = "int8", "int16", "int32", "int64"
uint8, uint16, uint32, uint64 = "uint8", "uint16", "uint32", "uint64"
string = "string"
bool = "bool"


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """An array of a value, filled up to a shape if there is one."""
    array = ops.convert_to_tensor(value, dtype=dtype)
    if shape is None:
        return array
    return ops.broadcast_to(array, shape) if array.size == 1 else ops.reshape(array, shape)


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Any:
    """An array of a value."""
    return ops.convert_to_tensor(value, dtype=dtype)


def identity(input: Any, name: str | None = None) -> Any:
    """The same values."""
    return ops.convert_to_tensor(input)


def is_tensor(x: Any) -> Any:
    """Whether it is an array that Lamella computes with, symbolic ones included."""
    return ops.is_tensor(x) or utils.is_keras_tensor(x)


def argmax(input: Any, axis: int | None = None, output_type: Any = "int64", name: str | None = None) -> Any:
    """Where the largest value is, along the first axis by default."""
    return ops.argmax(input, axis=0 if axis is None else axis)


def argmin(input: Any, axis: int | None = None, output_type: Any = "int64", name: str | None = None) -> Any:
    """Where the smallest value is, along the first axis by default."""
    return ops.argmin(input, axis=0 if axis is None else axis)


math_argmax, math_argmin = argmax, argmin


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """Values cut to a range."""
    return ops.clip(t, clip_value_min, clip_value_max)


def concat(values: Sequence[Any], axis: int, name: str | None = "concat") -> Any:
    """Arrays one after the other along an axis."""
    return ops.concatenate(values, axis=axis)


def fill(dims: Any, value: Any, name: str | None = None) -> Any:
    """An array of one value."""
    return ops.full(dims, value)


def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: int = 0, batch_dims: int = 0, name: Any = None
) -> Any:
    """Slices of an array at some places of an axis."""
    if batch_dims:
        params, indices = ops.convert_to_tensor(params), ops.convert_to_tensor(indices)
        return jax.vmap(lambda p, i: gather(p, i, axis=max(axis - 1, 0), batch_dims=batch_dims - 1))(params, indices)
    return ops.take(params, indices, axis=axis)


def linspace(start: Any, stop: Any, num: int, name: str | None = None, axis: int = 0) -> Any:
    """Numbers with even steps."""
    return ops.linspace(start, stop, num, axis=axis)


def matmul(a: Any, b: Any, transpose_a: Any = False, transpose_b: Any = False, **kwargs: Any) -> Any:
    """The product of two matrices, either of them transposed."""
    return ops.matmul(ops.swapaxes(a, -1, -2) if transpose_a else a, ops.swapaxes(b, -1, -2) if transpose_b else b)


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = False, name: str | None = None) -> Any:
    """The norm of an array."""
    flat = axis is None and ord == "euclidean"
    return ops.norm(ops.reshape(tensor, (-1,)) if flat else tensor, ord=None if ord == "euclidean" else ord, axis=axis)


def one_hot(
    indices: Any,
    depth: int,
    on_value: Any = 1,
    off_value: Any = 0,
    axis: int = -1,
    dtype: Any = "float32",
    name: Any = None,
) -> Any:
    """One value at the place of each index, another one elsewhere."""
    hot = ops.one_hot(indices, depth, axis=axis, dtype=dtype)
    return hot if (on_value, off_value) == (1, 0) else hot * (on_value - off_value) + off_value


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None) -> Any:
    """An array with borders."""
    constant = mode.upper() == "CONSTANT"
    return ops.pad(tensor, paddings, mode=mode.lower(), constant_values=constant_values if constant else None)


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None) -> Any:
    """Whole numbers, or even steps, up to a limit."""
    return ops.arange(start, limit, delta, dtype=dtype)


def rank(input: Any, name: str | None = None) -> Any:
    """The number of axes."""
    return ops.ndim(input)


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """An array turned round along some axes."""
    return ops.flip(tensor, axis=tuple(axis) if isinstance(axis, list) else axis)


def shape(input: Any, out_type: Any = "int32", name: str | None = None) -> Any:
    """The shape of an array."""
    return ops.shape(input)


def size(input: Any, out_type: Any = "int32", name: str | None = None) -> Any:
    """How many values an array has."""
    return ops.size(input)


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Any:
    """Sorted values."""
    ascending = ops.sort(values, axis=axis)
    return ascending if direction == "ASCENDING" else ops.flip(ascending, axis=axis)


def split(value: Any, num_or_size_splits: Any, axis: int = 0, num: Any = None, name: str = "split") -> Any:
    """Parts of an array: so many equal ones, or ones of these sizes."""
    if isinstance(num_or_size_splits, int):
        return ops.split(value, num_or_size_splits, axis=axis)
    ends, end = [], 0
    for size in num_or_size_splits[:-1]:
        ends.append(end := end + size)
    return ops.split(value, ends, axis=axis)


def transpose(a: Any, perm: Any = None, conjugate: Any = False, name: str = "transpose") -> Any:
    """An array with its axes in another order."""
    return ops.transpose(a, perm)


def math_squared_difference(x: Any, y: Any, name: str | None = None) -> Any:
    """(x − y)²."""
    return ops.square(ops.subtract(x, y))


def math_l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None) -> Any:
    """Vectors of length one."""
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), epsilon))


nn_l2_normalize = math_l2_normalize


def nn_leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """x where it is positive, alpha · x elsewhere."""
    return ops.leaky_relu(features, negative_slope=alpha)


def nn_moments(x: Any, axes: Any, shift: Any = None, keepdims: Any = False, name: str | None = None) -> Any:
    """Mean and variance along axes."""
    return ops.moments(x, axes, keepdims=keepdims)


def nn_depth_to_space(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Channels put beside one another as pixels."""
    return ops.depth_to_space(input, block_size, data_format=_LAYOUTS[data_format])


def nn_space_to_depth(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Blocks of pixels put behind one another as channels."""
    return ops.space_to_depth(input, block_size, data_format=_LAYOUTS[data_format])


_LAYOUTS = {"NHWC": "channels_last", "NCHW": "channels_first"}


def nn_dropout(x: Any, rate: float, noise_shape: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """Some values set to zero, the others scaled up."""
    return keras_random.dropout(x, rate, noise_shape=noise_shape, seed=seed)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = "float32", seed: Any = None, name: Any = None
) -> Any:
    """Normally distributed numbers."""
    return keras_random.normal(shape, mean=mean, stddev=stddev, dtype=dtype, seed=seed)


def random_truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = "float32", seed: Any = None, name: Any = None
) -> Any:
    """Normally distributed numbers, at most two standard deviations off."""
    return keras_random.truncated_normal(shape, mean=mean, stddev=stddev, dtype=dtype, seed=seed)


def random_uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", seed: Any = None, name: Any = None
) -> Any:
    """Evenly distributed numbers: floats in [0, 1) by default, or integers below maxval."""
    if "int" in str(dtype):
        return keras_random.randint(shape, minval, maxval, dtype=dtype, seed=seed)
    return keras_random.uniform(shape, minval, 1.0 if maxval is None else maxval, dtype=dtype, seed=seed)


def random_shuffle(value: Any, seed: Any = None, name: str | None = None) -> Any:
    """Rows in another order."""
    return keras_random.shuffle(value, seed=seed)


def random_set_seed(seed: int) -> None:
    """Seeds Python, NumPy and Lamella."""
    utils.set_random_seed(seed)


def image_resize(images: Any, size: Any, method: str = "bilinear", antialias: Any = False, **kwargs: Any) -> Any:
    """Images of another size."""
    return ops.image.resize(images, tuple(size), interpolation=method, antialias=antialias)


class Variable(KerasVariable):
    """A variable with TensorFlow's order of arguments."""

    def __init__(
        self,
        initial_value: Any = None,
        trainable: Any = True,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            initial_value() if callable(initial_value) else initial_value, dtype=dtype, trainable=trainable, name=name
        )


def function(func: Callable[..., Any] | None = None, **kwargs: Any) -> Any:
    """The function itself: Lamella compiles its own steps, and computes the same without."""
    return (lambda inner: inner) if func is None else func


def executing_eagerly() -> Any:
    """True."""
    return True


class PhysicalDevice(NamedTuple):
    """A device that JAX computes on, as TensorFlow names it."""

    name: str
    device_type: str


def config_list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices that JAX computes on, of one kind if asked: "CPU", "GPU" or "TPU"."""
    found = [
        PhysicalDevice(f"/physical_device:{device.platform.upper()}:{device.id}", device.platform.upper())
        for device in jax.local_devices()
    ]
    return [device for device in found if device_type in (None, device.device_type)]


config_list_logical_devices = config_experimental_list_physical_devices = config_list_physical_devices


def config_experimental_set_memory_growth(device: Any, enable: Any) -> None:
    """Nothing: JAX's memory is set up by XLA_PYTHON_CLIENT_PREALLOCATE."""


def config_run_functions_eagerly(run_eagerly: Any) -> None:
    """Nothing: functions of the program run at once."""


def test_is_gpu_available(*args: Any, **kwargs: Any) -> Any:
    """Whether JAX computes on a GPU."""
    return len(config_list_physical_devices("GPU")) > 0


def test_is_built_with_cuda() -> Any:
    """Whether JAX computes on a GPU."""
    return test_is_gpu_available()


def test_gpu_device_name() -> str:
    """ "/device:GPU:0", or an empty string without one."""
    return "/device:GPU:0" if test_is_gpu_available() else ""


def get_logger() -> logging.Logger:
    """The logger named "tensorflow"."""
    return logging.getLogger("tensorflow")


def logging_set_verbosity(*args: Any, **kwargs: Any) -> None:
    """Nothing: TensorFlow is not here to say anything."""


autograph_set_verbosity = logging_set_verbosity
