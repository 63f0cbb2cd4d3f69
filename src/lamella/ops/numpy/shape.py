"""The same numbers in another shape: reshaped, turned, joined, cut, repeated."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from lamella.errors import ArgumentError, ShapeError
from lamella.graph import op
from lamella.ops.table import unary
from lamella.ops.tensors import hashable_axis, tensor, tensors

ravel = unary("ravel", jnp.ravel, "All elements in one row.")
fliplr = unary("fliplr", jnp.fliplr, "The second axis backwards.")
flipud = unary("flipud", jnp.flipud, "The first axis backwards.")


@op
def reshape(x: Any, newshape: Any) -> Any:
    """The elements, in order, in another shape; one size may be -1 and is found out.

    Raises:  ArgumentError: more than one size is -1.
    Example: >>> ops.reshape(Input((4, 3)), (-1, 6)).shape
             (None, 6)
    """
    sizes = tuple(newshape) if hasattr(newshape, "__iter__") else (newshape,)
    if sum(isinstance(size, int) and size == -1 for size in sizes) > 1:
        raise ArgumentError("A shape can have one unknown size (-1).", received=sizes)
    return jnp.reshape(tensor(x), sizes)


@op
def size(x: Any) -> Any:
    """The number of elements."""
    return jnp.size(tensor(x))


@op
def ndim(x: Any) -> Any:
    """The number of axes."""
    return jnp.ndim(tensor(x))


@op
def transpose(x: Any, axes: Any = None) -> Any:
    """The axes in the order `axes`; backwards for None."""
    return jnp.transpose(tensor(x), axes)


@op
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Moves axes to other places; the others keep their order."""
    return jnp.moveaxis(tensor(x), source, destination)


@op
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Exchanges two axes."""
    return jnp.swapaxes(tensor(x), axis1, axis2)


@op
def expand_dims(x: Any, axis: Any) -> Any:
    """Puts an axis of size 1 at each of the places `axis`."""
    return jnp.expand_dims(tensor(x), hashable_axis(axis))


@op
def squeeze(x: Any, axis: Any = None) -> Any:
    """Drops axes of size 1: those named, or all."""
    return jnp.squeeze(tensor(x), hashable_axis(axis))


@op
def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeats axes of size 1 (and puts axes in front) until the shape is reached."""
    return jnp.broadcast_to(tensor(x), tuple(shape))


@op
def flip(x: Any, axis: Any = None) -> Any:
    """The named axes (all for None) backwards."""
    return jnp.flip(tensor(x), hashable_axis(axis))


@op
def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turns a plane by k quarter turns, from the first of its axes towards the second.

    Raises: ShapeError, ArgumentError: `array` has one axis only, `axes` names no plane.
    """
    array = tensor(array)
    if array.ndim < 2:
        raise ShapeError("rot90() turns a plane.", expected="rank 2 or more", received=array.shape)
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ArgumentError("rot90() turns the plane of two different axes.", received=axes)
    return jnp.rot90(array, k, tuple(axes))


@op
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Moves the elements on by `shift` places; what falls off the end comes in at the start."""
    return jnp.roll(tensor(x), shift, hashable_axis(axis))


# Joined


@op
def concatenate(xs: Any, axis: int = 0) -> Any:
    """Joins tensors along an axis they have.

    Example: >>> ops.concatenate([[1, 2], [3]]).tolist()
             [1, 2, 3]
    """
    return jnp.concatenate(tensors(xs), axis)


@op
def stack(x: Any, axis: int = 0) -> Any:
    """Joins tensors of one shape along a new axis."""
    return jnp.stack(tensors(x), axis)


@op
def append(x1: Any, x2: Any, axis: int | None = None) -> Any:
    """x2 behind x1, both in one row if `axis` is None."""
    return jnp.append(tensor(x1), tensor(x2), axis)


@op
def hstack(xs: Any) -> Any:
    """Joins along the second axis (rows: along the only one)."""
    return jnp.hstack(tensors(xs))


@op
def vstack(xs: Any) -> Any:
    """Joins along the first axis; rows become the rows of a matrix."""
    return jnp.vstack(tensors(xs))


@op
def dstack(xs: Any) -> Any:
    """Joins along the third axis."""
    return jnp.dstack(tensors(xs))


# Cut


@op
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Cuts into so many equal parts, or before each of these indices.

    Example: >>> [part.tolist() for part in ops.split([1, 2, 3, 4], [1, 3])]
             [[1], [2, 3], [4]]
    """
    return jnp.split(tensor(x), _static(indices_or_sections), axis)


@op
def array_split(x: Any, indices_or_sections: int, axis: int = 0) -> Any:
    """Cuts into so many parts that are as equal as can be.

    Raises: ArgumentError: the number of parts is not positive.
    """
    if not isinstance(indices_or_sections, int) or indices_or_sections <= 0:
        raise ArgumentError("array_split() cuts into a positive number of parts.", received=repr(indices_or_sections))
    return jnp.array_split(tensor(x), indices_or_sections, axis)


@op
def hsplit(x: Any, indices_or_sections: Any) -> Any:
    """Cuts the second axis (of rows: the only one)."""
    return jnp.hsplit(tensor(x), _static(indices_or_sections))


@op
def vsplit(x: Any, indices_or_sections: Any) -> Any:
    """Cuts the first axis."""
    return jnp.vsplit(tensor(x), _static(indices_or_sections))


@op
def dsplit(x: Any, indices_or_sections: Any) -> Any:
    """Cuts the third axis."""
    return jnp.dsplit(tensor(x), _static(indices_or_sections))


def _static(places: Any) -> Any:
    return [int(place) for place in places] if hasattr(places, "__iter__") else places


# Repeated


@op
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element so many times in a row, e.g. a b → a a b b."""
    return jnp.repeat(tensor(x), repeats if isinstance(repeats, int) else tensor(repeats), axis)


@op
def tile(x: Any, repeats: Any) -> Any:
    """The whole so many times in a row, e.g. a b → a b a b; a number for each axis."""
    return jnp.tile(tensor(x), repeats)


@op
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Puts elements before and after each axis.

    Args:    pad_width: one number, one (before, after), or one of these for each axis.
             mode: what is put there: "constant", "edge", "reflect", "symmetric", "wrap", …
             constant_values: for the mode "constant"; 0 if None.
    Raises:  ArgumentError: a value with another mode, or not one pair an axis.
    Example: >>> ops.pad([1, 2], (1, 2)).tolist()
             [0, 1, 2, 0, 0]
    """
    x, widths = tensor(x), _pairs(pad_width)
    if len(widths) not in (1, x.ndim):
        raise ArgumentError("pad_width needs one pair for each axis.", expected=f"{x.ndim} pairs", received=pad_width)
    if constant_values is None:
        return jnp.pad(x, widths, mode)
    if mode != "constant":
        raise ArgumentError("constant_values goes with mode='constant' only.", received=f"mode={mode!r}")
    return jnp.pad(x, widths, mode, constant_values=constant_values)


def _pairs(pad_width: Any) -> list[tuple[int, int]]:
    if isinstance(pad_width, int):
        return [(pad_width, pad_width)]
    if isinstance(pad_width[0], int):
        return [tuple(pad_width)]
    return [tuple(pair) if len(pair) == 2 else (pair[0], pair[0]) for pair in pad_width]
