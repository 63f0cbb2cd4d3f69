"""Xception: separable convolutions with residual connections.

Source: Chollet 2016, arXiv:1610.02357.
"""

from __future__ import annotations

from lamella.applications.application import Recipe, application, preprocessing
from lamella.applications.blocks import chain, channel_axis, headed
from lamella.applications.card import kernels_card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.request import Request
from lamella.graph import KerasTensor
from lamella.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, SeparableConv2D

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf", __name__)


def _network(x: KerasTensor, request: Request) -> KerasTensor:
    for number, (filters, stride) in enumerate(((32, 2), (64, 1)), start=1):
        name = f"block1_conv{number}"
        convolution = Conv2D(filters, 3, strides=stride, use_bias=False, name=name)
        x = chain(x, convolution, _normalization(f"{name}_bn"), _relu(f"{name}_act"))
    for block, filters in ((2, 128), (3, 256), (4, 728)):
        x = _halved(x, f"block{block}", (filters, filters), active=block == 2)
    for block in range(5, 13):
        separated = _separated(x, f"block{block}", (728, 728, 728))
        x = Add()([separated, x])
    x = _halved(x, "block13", (728, 1024))
    for number, filters in ((1, 1536), (2, 2048)):
        name = f"block14_sepconv{number}"
        x = chain(x, _separable(filters, name), _normalization(f"{name}_bn"), _relu(f"{name}_act"))
    return headed(x, request, names=(None, None))


def _halved(x: KerasTensor, name: str, filters: tuple[int, int], active: bool = False) -> KerasTensor:
    """Separable convolutions and a pooling, beside a projection of stride 2."""
    project = Conv2D(filters[-1], 1, strides=2, padding="same", use_bias=False)
    shortcut = chain(x, project, _normalization())
    x = _separated(x, name, filters, active)
    x = MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return Add()([x, shortcut])


def _separated(x: KerasTensor, block: str, filters: tuple[int, ...], active: bool = False) -> KerasTensor:
    """Separable convolutions, each activated before; the first not, if `x` is active already."""
    for number, count in enumerate(filters, start=1):
        name = f"{block}_sepconv{number}"
        if not (active and number == 1):
            x = _relu(f"{name}_act")(x)
        x = chain(x, _separable(count, name), _normalization(f"{name}_bn"))
    return x


def _separable(filters: int, name: str) -> SeparableConv2D:
    return SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)


def _normalization(name: str | None = None) -> BatchNormalization:
    return BatchNormalization(axis=channel_axis(-1), name=name)


def _relu(name: str) -> Activation:
    return Activation("relu", name=name)


Xception = application(
    "Xception",
    __name__,
    Recipe(
        _network,
        kernels_card("xception", "xception", "0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97"),
        size=299,
        smallest=71,
    ),
    "Xception, for pixels in [-1, 1] (`preprocess_input`) and images of 299 × 299.",
)
