"""What InceptionV3 and InceptionResNetV2 are made of: branches of convolutions, side by side."""

from __future__ import annotations

from typing import NamedTuple

from lamella.applications.blocks import chain, channel_axis
from lamella.graph import KerasTensor
from lamella.layers import Activation, AveragePooling2D, BatchNormalization, Concatenate, Conv2D, MaxPooling2D


class Unit(NamedTuple):
    """A convolution that is normalised and activated."""

    filters: int
    rows: int = 1
    columns: int = 1
    stride: int = 1
    padding: str = "same"
    name: str | None = None


Branch = tuple[Unit, ...]


def halving(filters: int) -> Unit:
    """A unit that halves the size."""
    return Unit(filters, 3, 3, 2, "valid")


def stem(x: KerasTensor) -> KerasTensor:
    """From the image to an eighth of its size."""
    x = branched(x, Unit(32, 3, 3, 2, "valid"), Unit(32, 3, 3, 1, "valid"), Unit(64, 3, 3))
    x = MaxPooling2D(3, strides=2)(x)
    x = branched(x, Unit(80, padding="valid"), Unit(192, 3, 3, 1, "valid"))
    return MaxPooling2D(3, strides=2)(x)


def mixed(x: KerasTensor, branches: tuple[Branch, ...], name: str) -> KerasTensor:
    """Branches beside each other, the last one after a pooling."""
    *convolved, last = branches
    parts = [branched(x, *branch) for branch in convolved]
    return side_by_side([*parts, averaged(x, *last)], name)


def smaller(x: KerasTensor, branches: tuple[Branch, ...], name: str) -> KerasTensor:
    """Branches that halve the size, and a pooling that does."""
    parts = [branched(x, *branch) for branch in branches]
    return side_by_side([*parts, MaxPooling2D(3, strides=2)(x)], name)


def averaged(x: KerasTensor, *units: Unit) -> KerasTensor:
    """A branch that pools before it convolves."""
    return branched(AveragePooling2D(3, strides=1, padding="same")(x), *units)


def side_by_side(parts: list[KerasTensor], name: str | None) -> KerasTensor:
    """The channels of all parts."""
    return Concatenate(axis=channel_axis(), name=name)(parts)


def branched(x: KerasTensor, *units: Unit) -> KerasTensor:
    """One unit after the other."""
    for filters, rows, columns, stride, padding, name in units:
        convolution = Conv2D(filters, (rows, columns), strides=stride, padding=padding, use_bias=False, name=name)
        normalization, activation = (None, None) if name is None else (f"{name}_bn", f"{name}_ac")
        x = chain(
            x,
            convolution,
            BatchNormalization(axis=channel_axis(), scale=False, name=normalization),
            Activation("relu", name=activation),
        )
    return x
