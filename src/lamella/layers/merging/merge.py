"""Merge: what the layers over a list of tensors share."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from lamella import ops
from lamella.errors import ShapeError
from lamella.graph import KerasTensor
from lamella.layers.configured import Configured, Shape
from lamella.layers.keywords import LayerKeywords


class Merge(Configured):
    """Makes one tensor of a list of them, as numpy broadcasts; see Add.

    Ranks may differ: axes of size 1 are put in after the batch.  A step of the
    result counts if it does in any input, and if every input has a mask.
    """

    def __init__(self, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        return self._merge(_of_one_rank(inputs))

    def _merge(self, inputs: list[Any]) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define _merge().")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = self._shapes(input_shape)
        batch, inner = shapes[0][0], shapes[0][1:]
        for shape in shapes[1:]:
            batch, inner = batch if batch is not None else shape[0], self._broadcast(inner, shape[1:], shapes)
        return (batch, *inner)

    def compute_output_spec(self, inputs: Any) -> Any:
        shape = self.compute_output_shape([x.shape for x in self._listed(inputs)])
        return KerasTensor(shape, jnp.result_type(*(x.dtype for x in inputs)))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = self._masks_(inputs, mask)
        if not masks or any(one is None for one in masks):
            return None
        either = masks[0]
        for one in masks[1:]:
            either = ops.logical_or(either, one)
        return either

    def _masks_(self, inputs: Any, mask: Any) -> list[Any]:
        """The masks of the inputs, one for each; an empty list if there are none."""
        if mask is None:
            return []
        if not isinstance(mask, (list, tuple)) or len(mask) != len(self._listed(inputs)):
            raise self._unmergeable(f"a list of {len(inputs)} masks", mask)
        return list(mask)

    # Checks

    def _listed(self, inputs: Any) -> Any:
        if not isinstance(inputs, (list, tuple)):
            raise self._unmergeable("a list of tensors", getattr(inputs, "shape", inputs))
        return inputs

    def _shapes(self, input_shape: Any, one_batch: bool = True) -> list[Shape]:
        """The shapes, if they are of a list of tensors, with one batch size."""
        if not isinstance(input_shape, (list, tuple)) or not all(isinstance(s, (list, tuple)) for s in input_shape):
            raise self._unmergeable("a list of tensors", input_shape)
        shapes = [tuple(shape) for shape in input_shape]
        if not shapes:
            raise self._unmergeable("at least one tensor", "an empty list")
        if one_batch and len({shape[0] for shape in shapes if shape} - {None}) > 1:
            raise self._unmergeable("tensors with one batch size", shapes)
        return shapes

    def _broadcast(self, a: Shape, b: Shape, shapes: list[Shape]) -> Shape:
        a, b = ((1,) * (max(len(a), len(b)) - len(s)) + s for s in (a, b))
        for m, n in zip(a, b, strict=True):
            if None not in (m, n) and m != n and 1 not in (m, n):
                raise self._unmergeable("shapes that are equal, or 1 where they differ", shapes)
        return tuple(_wider(m, n) for m, n in zip(a, b, strict=True))

    def _unmergeable(self, expected: str, received: Any) -> ShapeError:
        return ShapeError(f"{self._where_()} cannot merge this.", expected=expected, received=received)


def _of_one_rank(inputs: Any) -> list[Any]:
    """Tensors with axes of size 1 after the batch where they have fewer than the others."""
    most = max(x.ndim for x in inputs)
    return [x if x.ndim == most else ops.expand_dims(x, tuple(range(1, 1 + most - x.ndim))) for x in inputs]


def _wider(m: int | None, n: int | None) -> int | None:
    if m == 1 or n == 1:
        return n if m == 1 else m
    return None if None in (m, n) else m
