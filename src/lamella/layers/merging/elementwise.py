"""Add, Subtract, Multiply, Average, Maximum, Minimum: a number for every place, of several inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from lamella import ops
from lamella.layers.configured import Shape
from lamella.layers.merging.merge import Merge
from lamella.state import get_mask

__all__ = [
    "Add",
    "Average",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]


class Add(Merge):
    """x₁ + x₂ + …, as numpy broadcasts.

    Shape:   in a list of tensors with one batch size → out their common shape
    Raises:  ShapeError: the shapes do not broadcast.
    Example: >>> Add()([np.array([1.0]), np.array([2.0])]).tolist()
             [3.0]
    """

    def _merge(self, inputs: list[Any]) -> Any:
        return reduce(ops.add, inputs)


class Average(Merge):
    """The mean of the inputs, place by place.

    Example: >>> Average()([np.array([1.0]), np.array([2.0])]).tolist()
             [1.5]
    """

    def _merge(self, inputs: list[Any]) -> Any:
        return reduce(ops.add, inputs) / len(inputs)


class Subtract(Merge):
    """x₁ - x₂.

    Raises:  ShapeError: there are not two inputs.
    Example: >>> Subtract()([np.array([1.0]), np.array([2.0])]).tolist()
             [-1.0]
    """

    def _merge(self, inputs: list[Any]) -> Any:
        return ops.subtract(*inputs)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if len(self._shapes(input_shape)) != 2:
            raise self._unmergeable("two tensors", input_shape)
        return super().compute_output_shape(input_shape)


class Multiply(Merge):
    """x₁ · x₂ · …; a masked step counts as 1, and as 0 where it is masked in all.

    Example: >>> Multiply()([np.array([3.0]), np.array([2.0])]).tolist()
             [6.0]
    """

    def _merge(self, inputs: list[Any]) -> Any:
        masks = [_mask_over(x) for x in inputs]
        pairs = zip(inputs, masks, strict=True)
        product = reduce(ops.multiply, [x if mask is None else ops.where(mask, x, 1) for x, mask in pairs])
        if any(mask is None for mask in masks):
            return product
        return ops.where(reduce(ops.logical_or, masks), product, 0)


class Extreme(Merge):
    """The largest or smallest of the inputs, place by place, among those that are not masked."""

    choose: Callable[..., Any]

    def _merge(self, inputs: list[Any]) -> Any:
        result, known = inputs[0], _mask_over(inputs[0])
        for x in inputs[1:]:
            mask = _mask_over(x)
            x = x if mask is None else ops.where(mask, x, result)
            result = result if known is None else ops.where(known, result, x)
            known = None if mask is None or known is None else ops.logical_or(known, mask)
            result = type(self).choose(result, x)
        return result


class Maximum(Extreme):
    """max(x₁, x₂, …), place by place.

    Example: >>> Maximum()([np.array([1.0, 5.0]), np.array([2.0, 3.0])]).tolist()
             [2.0, 5.0]
    """

    choose = staticmethod(ops.maximum)


class Minimum(Extreme):
    """min(x₁, x₂, …), place by place.

    Example: >>> Minimum()([np.array([1.0, 5.0]), np.array([2.0, 3.0])]).tolist()
             [1.0, 3.0]
    """

    choose = staticmethod(ops.minimum)


def _mask_over(x: Any) -> Any:
    """The mask of a tensor, over all of its features; None if it has none."""
    mask = get_mask(x)
    return None if mask is None else ops.broadcast_to(ops.expand_dims(mask, -1), x.shape)


def add(inputs: Any, **kwargs: Any) -> Any:
    """`Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """`Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """`Subtract(**kwargs)(inputs)`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """`Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """`Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """`Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)
