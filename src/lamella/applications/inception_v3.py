"""InceptionV3: convolutions of several sizes side by side.

Source: Szegedy et al. 2015, arXiv:1512.00567.
"""

from __future__ import annotations

from lamella.applications.application import Recipe, application, preprocessing
from lamella.applications.blocks import headed
from lamella.applications.card import kernels_card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.inception import Branch, Unit, averaged, branched, halving, mixed, side_by_side, smaller, stem
from lamella.applications.request import Request
from lamella.graph import KerasTensor

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf", __name__)


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


_SMALLER = ((halving(384),), (Unit(64), Unit(96, 3, 3), halving(96)))
_SMALLEST = (
    (Unit(192), halving(320)),
    (Unit(192), Unit(192, 1, 7), Unit(192, 7, 1), halving(192)),
)
_MIXED = (_small(32), _small(64), _small(64), _SMALLER, _long(128), _long(160), _long(160), _long(192), _SMALLEST)


def _network(x: KerasTensor, request: Request) -> KerasTensor:
    x = stem(x)
    for number, branches in enumerate(_MIXED):
        join = smaller if number in (3, 8) else mixed
        x = join(x, branches, f"mixed{number}")
    for number in (0, 1):
        x = _wide(x, number)
    return headed(x, request, names=(None, None))


def _wide(x: KerasTensor, number: int) -> KerasTensor:
    """Figure 7: branches that fork into a row and a column."""
    one = branched(x, Unit(320))
    three = _forked(branched(x, Unit(384)), f"mixed9_{number}")
    twice = _forked(branched(x, Unit(448), Unit(384, 3, 3)))
    return side_by_side([one, three, twice, averaged(x, Unit(192))], f"mixed{9 + number}")


def _forked(x: KerasTensor, name: str | None = None) -> KerasTensor:
    return side_by_side([branched(x, Unit(384, 1, 3)), branched(x, Unit(384, 3, 1))], name)


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
