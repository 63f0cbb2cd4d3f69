"""Layers that scale numbers: Rescaling by given ones, Normalization by learned ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from lamella import config as settings
from lamella.errors import DataError, DtypeError, ShapeError, StateError
from lamella.graph import KerasTensor
from lamella.layers.configured import Configured, Elementwise, Shape
from lamella.layers.keywords import LayerKeywords
from lamella.registry import deserialize_keras_object, serialize_keras_object

__all__ = ["Normalization", "Rescaling"]


class Rescaling(Elementwise):
    """Multiplies and adds: x * scale + offset.

    Args:    scale, offset: numbers, or one for each channel.
    Example: >>> Rescaling(1 / 127.5, offset=-1)(np.array([0.0, 255.0])).tolist()
             [-1.0, 1.0]
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.scale, self.offset = (deserialize_keras_object(v) if isinstance(v, dict) else v for v in (scale, offset))

    def call(self, inputs: Any) -> Any:
        scale, offset = (jnp.asarray(value, self.compute_dtype) for value in (self.scale, self.offset))
        if scale.ndim and settings.image_data_format() == "channels_first":
            scale = scale.reshape(*scale.shape, *[1] * (3 - scale.ndim))
        return inputs.astype(self.compute_dtype) * scale + offset

    def get_config(self) -> dict[str, Any]:
        own = {"scale": serialize_keras_object(self.scale), "offset": serialize_keras_object(self.offset)}
        return {**super().get_config(), **own}


class Normalization(Configured):
    """Brings data to mean 0 and variance 1: (x - mean) / √variance.

    Args:    axis: axes that have a mean of their own each; None for one mean of all.
             mean, variance: given numbers; `adapt` learns them otherwise.
             invert: goes back: x * √variance + mean.
    State:   mean, variance (sizes of `axis`); count (): none of them is trained
    Example: >>> layer = Normalization(axis=None); layer.adapt(np.array([1.0, 3.0]))
             >>> layer(np.array([1.0, 3.0])).tolist()
             [-1.0, 1.0]
    """

    config_names = ("axis", "invert")

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if (mean is None) != (variance is None):
            raise self._refusal_(
                "variance" if mean is None else "mean", variance or mean, "`mean` and `variance` together"
            )
        if np.shape(mean) != np.shape(variance):
            raise self._refusal_("variance", variance, f"the shape of `mean`, {np.shape(mean)}")
        if np.ndim(mean) > len(self.axis):
            raise self._refusal_("mean", mean, f"as many axes as `axis` has: {len(self.axis)}")
        self.input_mean, self.input_variance, self.invert = mean, variance, invert
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        rank = len(input_shape)
        sizes = [self._known_size_(input_shape, axis) for axis in self.axis]
        kept = sorted(axis % rank for axis in self.axis)
        self._reduced = tuple(axis for axis in range(rank) if axis not in kept)
        self._broadcast_shape = tuple(input_shape[axis] if axis in kept else 1 for axis in range(rank))
        if self.input_mean is None:
            shape = tuple(input_shape[axis] for axis in kept) if sizes else ()
            self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")

    @property
    def mean(self) -> Any:
        """The mean, shaped to be subtracted from inputs."""
        return self._shaped_("mean")

    @property
    def variance(self) -> Any:
        """The variance, shaped to divide inputs by its root."""
        return self._shaped_("variance")

    def _shaped_(self, name: str) -> Any:
        if not self.built:
            raise StateError(f"Normalization {self.name!r} has no mean yet.", fix="call adapt(data), or build(shape)")
        given = getattr(self, f"input_{name}")
        value = jnp.asarray(getattr(self, f"adapt_{name}").value if given is None else given, self.compute_dtype)
        sizes = [size for axis, size in enumerate(self._broadcast_shape) if axis not in self._reduced]
        return jnp.broadcast_to(value, sizes).reshape(self._broadcast_shape)

    def call(self, inputs: Any) -> Any:
        inputs = inputs.astype(self.compute_dtype)
        deviation = jnp.maximum(jnp.sqrt(self.variance), settings.epsilon())
        return inputs * deviation + self.mean if self.invert else (inputs - self.mean) / deviation

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def compute_output_spec(self, inputs: Any) -> Any:
        missing = len(self._broadcast_shape) - len(inputs.shape) if self.built else 0
        return KerasTensor(
            (*[1] * missing, *inputs.shape), self.compute_dtype
        )  # a single sample becomes a batch of one

    # Learning

    def finalize_state(self) -> None:
        """Does nothing: mean and variance are read from their weights in each call."""

    def adapt(self, data: Any) -> None:
        """Learns mean and variance from an array, or from batches of arrays.

        Raises: DataError: there is no data.
                ShapeError: it has other sizes than the layer was built for.
        """
        batches = iter(_batches(data))
        first = next(batches, None)
        if first is None:
            raise DataError(f"Normalization {self.name!r} cannot adapt to no data at all.")
        if not self.built:
            self.build(np.shape(first))
        if self.input_mean is not None:
            raise StateError(
                f"Normalization {self.name!r} was given its mean and variance.", fix="leave them out to adapt"
            )
        mean, variance, seen = self._moments(first)
        for batch in batches:
            batch_mean, batch_variance, count = self._moments(batch)
            weight = count / (seen + count)
            total = mean + (batch_mean - mean) * weight
            variance = (variance + (mean - total) ** 2) * (1 - weight)
            variance = variance + (batch_variance + (batch_mean - total) ** 2) * weight
            mean, seen = total, seen + count
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def _moments(self, batch: Any) -> tuple[Any, Any, int]:
        batch = np.asarray(batch)
        sizes = tuple(1 if axis in self._reduced else size for axis, size in enumerate(batch.shape))
        if sizes != self._broadcast_shape:
            raise ShapeError(
                f"Normalization {self.name!r} cannot adapt.", expected=self._broadcast_shape, received=batch.shape
            )
        count = int(np.prod([batch.shape[axis] for axis in self._reduced]))
        return batch.mean(self._reduced), batch.var(self._reduced), count

    def get_config(self) -> dict[str, Any]:
        given = {"mean": np.array(self.input_mean).tolist(), "variance": np.array(self.input_variance).tolist()}
        return {**super().get_config(), **given}


def _batches(data: Any) -> Iterator[Any]:
    """The arrays in data: itself, or what an iterable yields (the first of a tuple)."""
    if isinstance(data, (np.ndarray, jax.Array)):
        yield data
        return
    if not isinstance(data, Iterable) and not hasattr(data, "__getitem__"):
        raise DtypeError("adapt() takes an array, or batches of arrays.", received=type(data).__name__)
    batches = data if isinstance(data, Iterable) else (data[i] for i in range(len(data)))
    for batch in batches:
        batch = batch[0] if isinstance(batch, tuple) else batch
        if not hasattr(batch, "shape"):
            raise DtypeError(
                "adapt() takes an array, or batches of arrays.", received=f"a {type(batch).__name__} in it"
            )
        yield batch
