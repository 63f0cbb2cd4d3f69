"""Dot: products of two tensors, summed along an axis of each."""

from __future__ import annotations

from typing import Any, Unpack

import jax

from lamella import ops
from lamella.layers.configured import Shape
from lamella.layers.keywords import LayerKeywords
from lamella.layers.merging.merge import Merge

__all__ = ["Dot", "dot"]


class Dot(Merge):
    """Sums the products of two tensors along one axis of each, sample by sample.

    Args:    axes: the axis to sum along, or one for each input; 0 is the batch.
             normalize: vectors are brought to length 1 before: cosine similarity.
    Shape:   in [(batch, ...), (batch, ...)] → out (batch, others of the first, others of the second);
             (batch, 1) if there are no others
    Raises:  ShapeError: the axes differ in size.
    Example: >>> Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
             [[11.0]]
    """

    config_names = ("axes", "normalize")

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        pair = (axes, axes) if isinstance(axes, int) else axes
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(a, int) for a in pair):
            raise self._refusal_("axes", axes, "an integer, or two")
        if 0 in pair:
            raise self._refusal_("axes", axes, "other axes than 0, the batch")
        self.axes, self.normalize = axes, normalize

    def call(self, inputs: Any) -> Any:
        axes = self._summed([x.shape for x in inputs])
        if self.normalize:
            inputs = [ops.normalize(x, axis=axis) for x, axis in zip(inputs, axes, strict=True)]
        x, y = inputs
        product = jax.lax.dot_general(x, y, (((axes[0],), (axes[1],)), ((0,), (0,))))
        return product if product.ndim > 1 else ops.expand_dims(product, 1)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = self._shapes(input_shape)
        if len(shapes) != 2:
            raise self._unmergeable("two tensors", shapes)
        others = [shape[1:axis] + shape[axis + 1 :] for shape, axis in zip(shapes, self._summed(shapes), strict=True)]
        return (shapes[0][0], *((*others[0], *others[1]) or (1,)))

    def _summed(self, shapes: list[Shape]) -> tuple[int, int]:
        """The axis of each input that is summed along, counted from the front."""
        pair = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        for shape, axis in zip(shapes, pair, strict=True):
            if not -len(shape) < axis < len(shape):
                raise self._unmergeable(f"tensors with axes={self.axes} beside the batch", shapes)
        a, b = (axis % len(shape) for shape, axis in zip(shapes, pair, strict=True))
        if None not in (shapes[0][a], shapes[1][b]) and shapes[0][a] != shapes[1][b]:
            raise self._unmergeable(f"as many numbers in axis {a} of the first as in axis {b} of the second", shapes)
        return a, b

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """`Dot(axes, **kwargs)(inputs)`."""
    return Dot(axes=axes, **kwargs)(inputs)
