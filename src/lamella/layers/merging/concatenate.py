"""Concatenate: tensors one behind the other along an axis."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import ops
from lamella.layers.configured import Shape
from lamella.layers.keywords import LayerKeywords
from lamella.layers.merging.merge import Merge

__all__ = ["Concatenate", "concatenate"]


class Concatenate(Merge):
    """Puts tensors one behind the other along an axis.

    Shape:   in a list of tensors, equal but along `axis` → out their sizes along `axis` added
    Raises:  ShapeError: the tensors differ in another axis.
    Example: >>> Concatenate()([np.ones((2, 3)), np.ones((2, 1))]).shape
             (2, 4)
    """

    config_names = ("axis",)

    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        return ops.concatenate(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = self._shapes(input_shape, one_batch=False)
        axis = self._common_axis(shapes)
        lengths = [shape[axis] for shape in shapes]
        whole = None if None in lengths else sum(size for size in lengths if size is not None)
        return (*shapes[0][:axis], whole, *shapes[0][axis + 1 :])

    def _common_axis(self, shapes: list[Shape]) -> int:
        """The axis, counted from the front, if it is the only one in which the shapes differ."""
        rank = len(shapes[0])
        if any(len(shape) != rank for shape in shapes) or not -rank <= self.axis < rank:
            raise self._unmergeable(f"tensors of one rank, with an axis {self.axis}", shapes)
        axis = self.axis % rank
        sizes = [set(column) - {None} for column in zip(*shapes, strict=True)]
        if any(len(known) > 1 for i, known in enumerate(sizes) if i != axis):
            raise self._unmergeable(f"shapes that differ along axis {self.axis} only", shapes)
        return axis

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = self._masks_(inputs, mask)
        if all(one is None for one in masks):
            return None
        full = [_full(x, one) for x, one in zip(inputs, masks, strict=True)]
        return ops.any(ops.concatenate(full, axis=self.axis), axis=-1)


def _full(x: Any, mask: Any) -> Any:
    """A mask with the rank of its tensor; all True for none."""
    if mask is None:
        return ops.ones_like(x, dtype="bool")
    return ops.logical_or(ops.expand_dims(mask, -1), ops.zeros_like(x, dtype="bool")) if mask.ndim < x.ndim else mask


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """`Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)
