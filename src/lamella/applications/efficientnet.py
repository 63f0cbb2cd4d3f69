"""EfficientNet: inverted residuals that weigh their channels, scaled in width, depth and image size together.

Source: Tan and Le 2019, arXiv:1905.11946.
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

from lamella.applications.application import Application, Recipe, application, preprocessing
from lamella.applications.blocks import chain, channel_axis, channels, divisible, halving_pad, headed
from lamella.applications.card import Card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.request import Request, image_shape
from lamella.graph import KerasTensor
from lamella.initializers import VarianceScaling
from lamella.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Multiply,
    Normalization,
    Rescaling,
    Reshape,
    ZeroPadding2D,
)

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
_DROP = 0.2  # the rate at which the last block's residual is dropped; the first one's is 0
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
    blocks = [math.ceil(scale.depth * count) for _, count, *_ in _STAGES]
    done = 0
    for stage, (kernel, _, filters, expansion, stride) in enumerate(_STAGES):
        for number in range(blocks[stage]):
            name = f"block{stage + 1}{chr(ord('a') + number)}_"
            block = Block(name, kernel, divisible(filters * scale.width), expansion, 1 if number else stride)
            x = block.on(x, drop=_DROP * done / sum(blocks))
            done += 1
    x = chain(x, _pointwise(divisible(1280 * scale.width), "top_conv"), *_activated("top_bn", "top_activation"))
    return headed(x, request, dropout=scale.dropout, kernel_initializer=VarianceScaling(1 / 3, "fan_out", "uniform"))


def _stem(x: KerasTensor, request: Request, filters: int) -> KerasTensor:
    x = chain(x, Rescaling(1 / 255), Normalization(axis=channel_axis()))
    if request.pretrained:  # trained on (x - mean) / variance, where Normalization divides by its root
        x = Rescaling([1 / math.sqrt(deviation) for deviation in _DEVIATION])(x)
    return chain(
        x,
        ZeroPadding2D(halving_pad(x, 3), name="stem_conv_pad"),
        Conv2D(filters, 3, strides=2, padding="valid", use_bias=False, kernel_initializer=_normal(), name="stem_conv"),
        *_activated("stem_bn", "stem_activation"),
    )


class Block(NamedTuple):
    """Widens, filters each channel, weighs the channels, narrows."""

    name: str
    kernel: int
    filters: int
    expansion: int
    stride: int

    def on(self, inputs: KerasTensor, drop: float) -> KerasTensor:
        """The block's outputs, added to the inputs where shapes allow; `drop` is the rate of not adding."""
        before = channels(inputs)
        x = self._weighed(self._filtered(self._widened(inputs)), max(1, before // 4))
        narrow = _pointwise(self.filters, f"{self.name}project_conv")
        x = chain(x, narrow, _normalization(f"{self.name}project_bn"))
        if self.stride > 1 or before != self.filters:
            return x
        if drop > 0:
            x = Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{self.name}drop")(x)
        return Add(name=f"{self.name}add")([x, inputs])

    def _widened(self, x: KerasTensor) -> KerasTensor:
        if self.expansion == 1:
            return x
        widen = _pointwise(channels(x) * self.expansion, f"{self.name}expand_conv")
        return chain(x, widen, *_activated(f"{self.name}expand_bn", f"{self.name}expand_activation"))

    def _filtered(self, x: KerasTensor) -> KerasTensor:
        if self.stride == 2:
            x = ZeroPadding2D(halving_pad(x, self.kernel), name=f"{self.name}dwconv_pad")(x)
        depthwise = DepthwiseConv2D(
            self.kernel,
            strides=self.stride,
            padding="valid" if self.stride == 2 else "same",
            use_bias=False,
            depthwise_initializer=_normal(),
            name=f"{self.name}dwconv",
        )
        return chain(x, depthwise, *_activated(f"{self.name}bn", f"{self.name}activation"))

    def _weighed(self, x: KerasTensor, squeezed: int) -> KerasTensor:
        """Squeeze and excitation: channels weighed by what their averages say."""
        filters = channels(x)
        weights = chain(
            x,
            GlobalAveragePooling2D(name=f"{self.name}se_squeeze"),
            Reshape(image_shape((1, 1), filters), name=f"{self.name}se_reshape"),
            _pointwise(squeezed, f"{self.name}se_reduce", activation="swish", use_bias=True),
            _pointwise(filters, f"{self.name}se_expand", activation="sigmoid", use_bias=True),
        )
        return Multiply(name=f"{self.name}se_excite")([x, weights])


def _pointwise(filters: int, name: str, use_bias: bool = False, activation: str | None = None) -> Conv2D:
    options = {"use_bias": use_bias, "activation": activation, "kernel_initializer": _normal()}
    return Conv2D(filters, 1, padding="same", name=name, **options)


def _activated(normalization: str, activation: str) -> tuple[BatchNormalization, Activation]:
    return _normalization(normalization), Activation("swish", name=activation)


def _normalization(name: str) -> BatchNormalization:
    return BatchNormalization(axis=channel_axis(), name=name)


def _normal() -> VarianceScaling:
    return VarianceScaling(2.0, "fan_out", "truncated_normal")


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
