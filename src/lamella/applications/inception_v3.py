"""InceptionV3: convolutions of several sizes side by side.

Source: Szegedy et al. 2015, arXiv:1512.00567.
"""

from __future__ import annotations

from typing import NamedTuple

from lamella.applications.application import Recipe, application, preprocessing
from lamella.applications.blocks import chain, channel_axis, headed
from lamella.applications.card import kernels_card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.request import Request
from lamella.graph import KerasTensor
from lamella.layers import Activation, AveragePooling2D, BatchNormalization, Concatenate, Conv2D, MaxPooling2D

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf", __name__)


class Unit(NamedTuple):
    """A convolution that is normalised and activated."""

    filters: int
    rows: int = 1
    columns: int = 1
    stride: int = 1
    padding: str = "same"


Branch = tuple[Unit, ...]


def _halving(filters: int) -> Unit:
    return Unit(filters, 3, 3, 2, "valid")


def _small(pool: int) -> tuple[Branch, ...]:
    """Figure 5 of the paper; the last branch comes after a pooling."""
    five = (Unit(48), Unit(64, 5, 5))
    return (Unit(64),), five, (Unit(64), Unit(96, 3, 3), Unit(96, 3, 3)), (Unit(pool),)


def _long(inner: int) -> tuple[Branch, ...]:
    """Figure 6: 7 × 7 in two or four steps."""
    row, column = Unit(inner, 1, 7), Unit(inner, 7, 1)
    once = (Unit(inner), row, Unit(192, 7, 1))
    twice = (Unit(inner), column, row, column, Unit(192, 1, 7))
    return (Unit(192),), once, twice, (Unit(192),)


_SMALLER = ((_halving(384),), (Unit(64), Unit(96, 3, 3), _halving(96)))
_SMALLEST = (
    (Unit(192), _halving(320)),
    (Unit(192), Unit(192, 1, 7), Unit(192, 7, 1), _halving(192)),
)
_MIXED = (_small(32), _small(64), _small(64), _SMALLER, _long(128), _long(160), _long(160), _long(192), _SMALLEST)


def _network(x: KerasTensor, request: Request) -> KerasTensor:
    x = _branch(x, Unit(32, 3, 3, 2, "valid"), Unit(32, 3, 3, 1, "valid"), Unit(64, 3, 3))
    x = MaxPooling2D(3, strides=2)(x)
    x = _branch(x, Unit(80, padding="valid"), Unit(192, 3, 3, 1, "valid"))
    x = MaxPooling2D(3, strides=2)(x)
    for number, branches in enumerate(_MIXED):
        x = _smaller(x, branches, number) if number in (3, 8) else _mixed(x, branches, number)
    for number in (0, 1):
        x = _wide(x, number)
    return headed(x, request, names=(None, None))


def _mixed(x: KerasTensor, branches: tuple[Branch, ...], number: int) -> KerasTensor:
    *convolved, last = branches
    parts = [_branch(x, *branch) for branch in convolved]
    return _side_by_side([*parts, _averaged(x, *last)], f"mixed{number}")


def _smaller(x: KerasTensor, branches: tuple[Branch, ...], number: int) -> KerasTensor:
    """Branches that halve the size, and a pooling that does."""
    parts = [_branch(x, *branch) for branch in branches]
    return _side_by_side([*parts, MaxPooling2D(3, strides=2)(x)], f"mixed{number}")


def _wide(x: KerasTensor, number: int) -> KerasTensor:
    """Figure 7: branches that fork into a row and a column."""
    one = _branch(x, Unit(320))
    three = _forked(_branch(x, Unit(384)), f"mixed9_{number}")
    twice = _forked(_branch(x, Unit(448), Unit(384, 3, 3)))
    return _side_by_side([one, three, twice, _averaged(x, Unit(192))], f"mixed{9 + number}")


def _forked(x: KerasTensor, name: str | None = None) -> KerasTensor:
    return _side_by_side([_branch(x, Unit(384, 1, 3)), _branch(x, Unit(384, 3, 1))], name)


def _averaged(x: KerasTensor, *units: Unit) -> KerasTensor:
    return _branch(AveragePooling2D(3, strides=1, padding="same")(x), *units)


def _side_by_side(parts: list[KerasTensor], name: str | None) -> KerasTensor:
    return Concatenate(axis=channel_axis(), name=name)(parts)


def _branch(x: KerasTensor, *units: Unit) -> KerasTensor:
    for filters, rows, columns, stride, padding in units:
        convolution = Conv2D(filters, (rows, columns), strides=stride, padding=padding, use_bias=False)
        x = chain(x, convolution, BatchNormalization(axis=channel_axis(), scale=False), Activation("relu"))
    return x


InceptionV3 = application(
    "InceptionV3",
    __name__,
    Recipe(
        _network,
        kernels_card(
            "inception_v3", "inception_v3", "9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63"
        ),
        size=299,
        smallest=75,
    ),
    "InceptionV3, for pixels in [-1, 1] (`preprocess_input`) and images of 299 × 299.",
    default="inception_v3",
)
