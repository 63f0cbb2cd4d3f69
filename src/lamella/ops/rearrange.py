"""Axes by name: "b (h w) c -> b h w c"."""

from __future__ import annotations

import math
import re
from typing import Any

import jax.numpy as jnp

from lamella.errors import ArgumentError, ShapeError
from lamella.graph import op
from lamella.ops.tensors import tensor


@op
def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """Splits, reorders and joins axes as a pattern tells, in the manner of einops.

    Args:    axes_lengths: sizes of axes in a group; one of each group may be left out.
    Raises:  ArgumentError, ShapeError: the two sides or the tensor's axes do not go together.
    Example: >>> ops.rearrange(Input((6, 3)), "b (h w) c -> b h w c", h=2).shape
             (None, 2, 3, 3)
    """
    x = _tensor(tensor)
    before, after = (_groups(side) for side in _sides(pattern))
    if len(before) != x.ndim:
        raise ShapeError("The pattern names other axes.", expected=f"rank {len(before)}", received=x.shape)
    sizes = {
        name: size
        for group, total in zip(before, x.shape, strict=True)
        for name, size in _solved(group, total, axes_lengths)
    }
    flat, wanted = ([name for group in side for name in group] for side in (before, after))
    if sorted(flat) != sorted(wanted):
        raise ArgumentError("Both sides of the pattern name the same axes.", received=repr(pattern))
    x = jnp.transpose(x.reshape([sizes[name] for name in flat]), [flat.index(name) for name in wanted])
    return x.reshape([math.prod(sizes[name] for name in group) for group in after])


_tensor = tensor


def _sides(pattern: str) -> list[str]:
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ArgumentError("A pattern has two sides.", expected="'a b -> b a'", received=repr(pattern))
    return sides


def _groups(side: str) -> list[list[str]]:
    return [part.strip("()").split() for part in re.findall(r"\w+|\(.*?\)", side)]


def _solved(group: list[str], total: int, lengths: dict[str, int]) -> list[tuple[str, int]]:
    """The size of each axis of a group; one that is not given follows from the total."""
    unknown = [name for name in group if name not in lengths]
    known = math.prod(lengths[name] for name in group if name in lengths)
    if len(unknown) > 1 or (unknown and total % known) or (not unknown and known != total):
        raise ArgumentError(f"The axes ({' '.join(group)}) do not make up a size of {total}.", received=lengths)
    return [(name, lengths.get(name, total // known)) for name in group]
