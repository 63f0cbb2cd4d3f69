"""What several architectures are made of."""

from __future__ import annotations

from functools import reduce
from typing import Any, cast

from lamella import config
from lamella.applications.request import Request, image_parts
from lamella.graph import KerasTensor
from lamella.layers import Dense, Dropout, GlobalAveragePooling2D, GlobalMaxPooling2D


def chain(x: KerasTensor, *layers: Any) -> KerasTensor:
    """Calls one layer after the other.

    Example: >>> from lamella.applications.blocks import chain
             >>> chain(Input((3,)), Dense(4), Dense(5)).shape
             (None, 5)
    """
    return reduce(lambda y, layer: layer(y), layers, x)


def channel_axis(last: int = 3) -> int:
    """The axis of the channels; `last` says how the last of four is written."""
    return 1 if config.image_data_format() == "channels_first" else last


def channels(x: KerasTensor) -> int:
    """How many channels the features have."""
    return cast(int, x.shape[channel_axis()])


def halving_pad(x: KerasTensor, kernel: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The zeros around an image that let a convolution of stride 2 halve it as TensorFlow does.

    Shape: of `x`, the sizes; an open size counts as even.
    """
    sizes, _ = image_parts(x.shape[1:])
    before = [kernel // 2 - (1 if sizes[0] is None else 1 - size % 2) for size in sizes]
    return (before[0], kernel // 2), (before[1], kernel // 2)


def divisible(filters: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `filters`, never less than 90 % of it.

    Example: >>> from lamella.applications.blocks import divisible
             >>> divisible(32 * 0.35), divisible(24 * 0.35)
             (16, 8)
    """
    rounded = nearest(filters, divisor)
    return rounded + divisor if rounded < 0.9 * filters else rounded


def nearest(filters: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `filters`, one `divisor` at least.

    Example: >>> from lamella.applications.blocks import nearest
             >>> nearest(16 * 1.2), nearest(3)
             (16, 8)
    """
    return max(divisor, int(filters + divisor / 2) // divisor * divisor)


def pooled(x: KerasTensor, request: Request, average: str | None = None, maximum: str | None = None) -> KerasTensor:
    """The features, averaged or maximised over the image if asked for."""
    if request.pooling is None:
        return x
    return GlobalAveragePooling2D(name=average)(x) if request.pooling == "avg" else GlobalMaxPooling2D(name=maximum)(x)


def predictions(request: Request, **options: Any) -> Dense:
    """The last layer of a classifier."""
    return Dense(request.classes, activation=request.classifier_activation, name="predictions", **options)


def headed(
    x: KerasTensor,
    request: Request,
    average: str | None = "avg_pool",
    *,
    names: tuple[str | None, str | None] = ("avg_pool", "max_pool"),
    dropout: float = 0,
    **options: Any,
) -> KerasTensor:
    """The classifier that most networks end in, or the pooling in its place.

    Args: average: name of the pooling layer under the classifier.
          names: of the pooling layers without one.
          options: of the last Dense layer.
    """
    if not request.include_top:
        return pooled(x, request, *names)
    drop = [Dropout(dropout, name="top_dropout")] if dropout else []
    return chain(x, GlobalAveragePooling2D(name=average), *drop, predictions(request, **options))
