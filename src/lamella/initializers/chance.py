"""Initializers that draw: normal, uniform, and those scaled by the number of connections."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from lamella.errors import ArgumentError, ShapeError
from lamella.initializers.initializer import HostInitializer, Initializer, cast, on_host
from lamella.lower import threefry
from lamella.registry import deserialize_keras_object, serialize_keras_object
from lamella.state import SeedGenerator, draw_seed, make_default_seed

_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")
_STD_OF_TRUNCATED = 0.8796256610342398  # of a normal distribution cut at ±2


class RandomInitializer(Initializer):
    """An initializer that draws.  With an int as seed every call draws the same numbers.

    Args: seed: an int, a SeedGenerator (each call draws anew), or None for a seed of its own.
    """

    def __init__(self, seed: Any = None):
        self._init_seed = seed
        if seed is None:
            seed = make_default_seed()
        elif isinstance(seed, dict):
            seed = deserialize_keras_object(seed)
        if not isinstance(seed, (int, np.integer, SeedGenerator)):
            raise ArgumentError("`seed` must be an integer or a SeedGenerator.", received=repr(seed))
        self.seed = seed

    def get_config(self) -> dict[str, Any]:
        return {"seed": serialize_keras_object(self._init_seed)}

    def _key_(self) -> np.ndarray:
        if isinstance(self.seed, SeedGenerator):
            return np.asarray(draw_seed(self.seed))
        return np.array([int(self.seed) % 2**32, 0], np.uint32)


class RandomNormal(HostInitializer, RandomInitializer):
    """A normal distribution.

    Example: >>> RandomNormal(stddev=0.1, seed=1)((2, 3)).shape
             (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def numbers_later(self, shape: Any, dtype: Any) -> Any:
        return partial(_normal, self._key_(), shape, dtype, self.stddev, self.mean)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """A normal distribution cut at two standard deviations from the mean."""

    def numbers_later(self, shape: Any, dtype: Any) -> Any:
        return partial(_truncated_normal, self._key_(), shape, dtype, self.stddev, self.mean)


class RandomUniform(HostInitializer, RandomInitializer):
    """Equally likely between `minval` and `maxval`."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None):
        self.minval, self.maxval = minval, maxval
        super().__init__(seed)

    def numbers_later(self, shape: Any, dtype: Any) -> Any:
        return partial(threefry.uniform, self._key_(), shape, self.minval, self.maxval, dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class VarianceScaling(HostInitializer, RandomInitializer):
    """Draws with variance scale / n, where n counts connections, so that signals keep their size.

    Args: mode: n is the number of inputs ("fan_in"), of outputs ("fan_out"), or their mean ("fan_avg").
          distribution: "truncated_normal", "untruncated_normal" or "uniform".
          input_axes, output_axes: the axes of the weight that count as inputs and as outputs;
              by default the last two, times the size of the others.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Any = None,
        output_axes: Any = None,
    ):
        distribution = str(distribution).lower()
        self.distribution = "truncated_normal" if distribution == "normal" else distribution
        if scale <= 0:
            raise ArgumentError("Argument `scale` must be positive.", received=f"scale={scale!r}")
        if mode not in _MODES:
            raise ArgumentError("Invalid `mode` argument.", expected=_MODES, received=repr(mode))
        if self.distribution not in _DISTRIBUTIONS:
            raise ArgumentError(
                "Invalid `distribution` argument.", expected=_DISTRIBUTIONS, received=repr(distribution)
            )
        self.scale, self.mode, self.input_axes, self.output_axes = scale, mode, input_axes, output_axes
        super().__init__(seed)

    def numbers_later(self, shape: Any, dtype: Any) -> Any:
        variance = self.scale / max(1.0, self._connections_(shape))
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return partial(threefry.uniform, self._key_(), shape, -limit, limit, dtype)
        if self.distribution == "untruncated_normal":
            return partial(_normal, self._key_(), shape, dtype, math.sqrt(variance))
        return partial(_truncated_normal, self._key_(), shape, dtype, math.sqrt(variance) / _STD_OF_TRUNCATED)

    def _connections_(self, shape: Any) -> float:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        return {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]

    def get_config(self) -> dict[str, Any]:
        scaling = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return {**super().get_config(), **scaling, "input_axes": self.input_axes, "output_axes": self.output_axes}


def _normal(key: Any, shape: Any, dtype: Any, deviation: float, mean: float = 0.0) -> np.ndarray:
    return cast(threefry.normal(key, shape, dtype) * deviation + mean, dtype)


def _truncated_normal(key: Any, shape: Any, dtype: Any, deviation: float, mean: float = 0.0) -> np.ndarray:
    return cast(threefry.truncated_normal(key, shape, 2.0, dtype) * deviation + mean, dtype)


def compute_fans(shape: Any, input_axes: Any = None, output_axes: Any = None) -> tuple[int, int]:
    """How many inputs and outputs a weight of a shape connects.

    Example: >>> from lamella.initializers import compute_fans
             >>> compute_fans((3, 3, 16, 32))
             (144, 288)
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[axis] for axis in input_axes), math.prod(shape[axis] for axis in output_axes)
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    field = math.prod(shape[:-2])
    return int(shape[-2] * field), int(shape[-1] * field)


class _Scaled(VarianceScaling):
    """A variance scaling that has a name."""

    _scaling_: tuple[float, str, str]

    def __init__(self, seed: Any = None, input_axes: Any = None, output_axes: Any = None):
        super().__init__(*self._scaling_, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self) -> dict[str, Any]:
        return {**RandomInitializer.get_config(self), "input_axes": self.input_axes, "output_axes": self.output_axes}


class GlorotUniform(_Scaled):
    """Uniform, variance 2 / (inputs + outputs).

    Source:  Glorot & Bengio 2010.
    Example: >>> float(abs(GlorotUniform(seed=0)((3, 3))).max()) <= 1.0
             True
    """

    _scaling_ = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal, variance 2 / (inputs + outputs).

    Source: Glorot & Bengio 2010.
    """

    _scaling_ = (1.0, "fan_avg", "truncated_normal")


class LecunNormal(_Scaled):
    """Truncated normal, variance 1 / inputs.

    Source: LeCun et al. 1998, "Efficient BackProp".
    """

    _scaling_ = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform, variance 1 / inputs.

    Source: LeCun et al. 1998, "Efficient BackProp".
    """

    _scaling_ = (1.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal, variance 2 / inputs: for ReLU.

    Source: He et al. 2015.
    """

    _scaling_ = (2.0, "fan_in", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform, variance 2 / inputs: for ReLU.

    Source: He et al. 2015.
    """

    _scaling_ = (2.0, "fan_in", "uniform")


class Orthogonal(RandomInitializer):
    """Orthonormal columns, or rows where there are fewer of these, times `gain`.

    Axes but the last are taken as one.

    Raises: ShapeError: fewer than two axes.
    Source: Saxe et al. 2014.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        self.gain = gain
        super().__init__(seed)

    @on_host
    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        if len(shape) < 2:
            raise ShapeError("Orthogonal makes arrays that are at least two-dimensional.", received=shape)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        drawn = threefry.normal(self._key_(), (max(rows, columns), min(rows, columns)), dtype)
        q, r = np.linalg.qr(drawn.astype(np.float64 if drawn.dtype == np.float64 else np.float32))
        q = q * np.sign(np.diag(r))
        return cast(self.gain * (q.T if rows < columns else q).reshape(shape), dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}
