"""Layers that give the same numbers other axes: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from typing import Any, Unpack

from lamella import config, ops
from lamella.errors import ShapeError
from lamella.layers.configured import Rearranging, Shape
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


def _product(sizes: Shape) -> int | None:
    return None if None in sizes else math.prod(size for size in sizes if size is not None)


class Flatten(Rearranging):
    """Puts all axes but the batch into one.

    Args:    data_format: with "channels_first", channels are put last before.
    Shape:   in (batch, ...) → out (batch, product)
    Example: >>> Flatten()(Input((4, 3))).shape
             (None, 12)
    """

    config_names = ("data_format",)

    def __init__(self, data_format: str | None = None, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        if self.data_format == "channels_first" and inputs.ndim > 1:
            inputs = ops.transpose(inputs, (0, *range(2, inputs.ndim), 1))
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], _product(tuple(input_shape[1:])))


class Reshape(Rearranging):
    """Gives every sample another shape with as many numbers.

    Args:    target_shape: without the batch; one size may be -1 and follows.
    Shape:   in (batch, ...) → out (batch, *target_shape)
    Raises:  ShapeError: the numbers do not fill the shape.
    Example: >>> Reshape((2, -1))(Input((6,))).shape
             (None, 2, 3)
    """

    config_names = ("target_shape",)

    def __init__(self, target_shape: Any, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.target_shape = tuple(-1 if size is None else size for size in target_shape)
        if any(size < -1 for size in self.target_shape) or self.target_shape.count(-1) > 1:
            raise self._refusal_("target_shape", target_shape, "sizes of at least 0, and at most one -1")

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, (inputs.shape[0], *self.compute_output_shape(inputs.shape)[1:]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        count, known = _product(tuple(input_shape[1:])), math.prod(d for d in self.target_shape if d != -1)
        if count is None:
            return (input_shape[0], *(None if size == -1 else size for size in self.target_shape))
        rest = count // known if known else 0
        if known * (rest if -1 in self.target_shape else 1) != count:
            raise ShapeError(
                f"{self._where_()} cannot make {self.target_shape} of its input.",
                expected=f"{'a multiple of ' if -1 in self.target_shape else ''}{known} numbers a sample",
                received=f"{count} numbers a sample, in {tuple(input_shape)}",
            )
        return (input_shape[0], *(rest if size == -1 else size for size in self.target_shape))


class Permute(Rearranging):
    """Puts the axes into another order.

    Args:    dims: the axes in their new order, counted from 1 (0 is the batch).
    Example: >>> Permute((2, 1))(Input((10, 64))).shape
             (None, 64, 10)
    """

    config_names = ("dims",)

    def __init__(self, dims: Any, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise self._refusal_("dims", dims, "each axis from 1 on, once; the batch (0) stays first")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))


class RepeatVector(Rearranging):
    """Repeats every vector n times, as steps of a sequence.

    Shape:   in (batch, features) → out (batch, n, features)
    Example: >>> RepeatVector(3)(Input((32,))).shape
             (None, 3, 32)
    """

    config_names = ("n",)

    def __init__(self, n: int, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.n = self._positive_("n", n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.n, input_shape[1])
