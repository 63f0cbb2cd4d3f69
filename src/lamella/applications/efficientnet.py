"""EfficientNet: inverted residuals that weigh their channels, scaled in width, depth and image size together.

Source: Tan and Le 2019, arXiv:1905.11946.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

from lamella.applications.application import Application, Recipe, application, preprocessing
from lamella.applications.blocks import chain, channel_axis, divisible, halving_pad
from lamella.applications.card import Card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.mbconv import Block, activated, convolution, ended, stacked
from lamella.applications.request import Request
from lamella.graph import KerasTensor
from lamella.layers import Normalization, Rescaling, ZeroPadding2D

__all__ = [
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "decode_predictions",
    "preprocess_input",
]

_STAGES = (  # kernel, blocks, filters, expansion, stride of the first block: table 1 of the paper
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
_HASHES = {  # with and without the classifier
    "EfficientNetB0": ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"),
    "EfficientNetB1": ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"),
    "EfficientNetB2": ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    "EfficientNetB3": ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"),
    "EfficientNetB4": ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    "EfficientNetB5": ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"),
    "EfficientNetB6": ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"),
    "EfficientNetB7": ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
}
_DEVIATION = (0.229, 0.224, 0.225)

preprocess_input = preprocessing(None, __name__)


class Scale(NamedTuple):
    """width and depth are multipliers; dropout is the rate before the classifier."""

    width: float
    depth: float
    size: int
    dropout: float


def _network(x: KerasTensor, request: Request, scale: Scale) -> KerasTensor:
    x = _stem(x, request, divisible(32 * scale.width))
    stages = [
        (math.ceil(scale.depth * count), Block(kernel, divisible(filters * scale.width), expansion, stride))
        for kernel, count, filters, expansion, stride in _STAGES
    ]
    x = stacked(x, stages)
    return ended(x, request, divisible(1280 * scale.width), scale.dropout)


def _stem(x: KerasTensor, request: Request, filters: int) -> KerasTensor:
    x = chain(x, Rescaling(1 / 255), Normalization(axis=channel_axis()))
    if request.pretrained:  # trained on (x - mean) / variance, where Normalization divides by its root
        x = Rescaling([1 / math.sqrt(deviation) for deviation in _DEVIATION])(x)
    return chain(
        x,
        ZeroPadding2D(halving_pad(x, 3), name="stem_conv_pad"),
        convolution(filters, "stem_conv", 3, padding="valid", strides=2),
        *activated("stem_"),
    )


def _efficientnet(title: str, scale: Scale) -> Application:
    card = Card(f"https://storage.googleapis.com/keras-applications/{title.lower()}", _HASHES[title])
    about = f"{title}, for pixels in [0, 255] and images of {scale.size} × {scale.size}."
    return application(title, __name__, Recipe(partial(_network, scale=scale), card, scale.size), about)


EfficientNetB0 = _efficientnet("EfficientNetB0", Scale(1.0, 1.0, 224, 0.2))
EfficientNetB1 = _efficientnet("EfficientNetB1", Scale(1.0, 1.1, 240, 0.2))
EfficientNetB2 = _efficientnet("EfficientNetB2", Scale(1.1, 1.2, 260, 0.3))
EfficientNetB3 = _efficientnet("EfficientNetB3", Scale(1.2, 1.4, 300, 0.3))
EfficientNetB4 = _efficientnet("EfficientNetB4", Scale(1.4, 1.8, 380, 0.4))
EfficientNetB5 = _efficientnet("EfficientNetB5", Scale(1.6, 2.2, 456, 0.4))
EfficientNetB6 = _efficientnet("EfficientNetB6", Scale(1.8, 2.6, 528, 0.5))
EfficientNetB7 = _efficientnet("EfficientNetB7", Scale(2.0, 3.1, 600, 0.5))
