"""EfficientNetV2: EfficientNet whose first blocks filter all channels at once, which is faster.

Source: Tan and Le 2021, arXiv:2104.00298.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from lamella.applications.application import ARGUMENTS, Recipe, named, preprocessing
from lamella.applications.blocks import chain, channel_axis, channels, nearest
from lamella.applications.card import STORE, Card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.mbconv import Block, activated, convolution, ended, stacked
from lamella.applications.request import Request
from lamella.graph import KerasTensor
from lamella.initializers import Constant
from lamella.layers import Activation, Layer, Normalization, Rescaling
from lamella.models import Functional

__all__ = [
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "decode_predictions",
    "preprocess_input",
]

Stage = tuple[int, int, int, int]  # blocks, filters, expansion, stride of the first block: table 4 of the paper
_B: tuple[Stage, ...] = ((1, 16, 1, 1), (2, 32, 4, 2), (2, 48, 4, 2), (3, 96, 4, 2), (5, 112, 6, 1), (8, 192, 6, 2))
_S: tuple[Stage, ...] = ((2, 24, 1, 1), (4, 48, 4, 2), (4, 64, 4, 2), (6, 128, 4, 2), (9, 160, 6, 1), (15, 256, 6, 2))
_M: tuple[Stage, ...] = (
    *((3, 24, 1, 1), (5, 48, 4, 2), (5, 80, 4, 2)),
    *((7, 160, 4, 2), (14, 176, 6, 1), (18, 304, 6, 2), (5, 512, 6, 1)),
)
_L: tuple[Stage, ...] = (
    *((4, 32, 1, 1), (7, 64, 4, 2), (7, 96, 4, 2)),
    *((10, 192, 4, 2), (19, 224, 6, 1), (25, 384, 6, 2), (7, 640, 6, 1)),
)
_FUSED = 3  # stages
_MOMENTUM = 0.9
_HASHES = {  # with and without the classifier
    "b0": ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"),
    "b1": ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"),
    "b2": ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"),
    "b3": ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"),
    "s": ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"),
    "m": ("a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"),
    "l": ("27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"),
}
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

preprocess_input = preprocessing(None, __name__)


class Scale(NamedTuple):
    """stem is the number of its filters; width and depth are multipliers.

    imagenet: whether pixels are scaled by ImageNet's mean and deviation, else to [-1, 1].
    """

    stages: tuple[Stage, ...]
    stem: int
    size: int
    imagenet: bool = False
    width: float = 1.0
    depth: float = 1.0


def _network(x: KerasTensor, request: Request, scale: Scale, preprocessed: bool) -> KerasTensor:
    if preprocessed:
        x = chain(x, *_scaled(scale.imagenet and channels(x) == 3))
    first = convolution(nearest(scale.stem * scale.width), "stem_conv", 3, strides=2)
    x = chain(x, first, *activated("stem_", _MOMENTUM))
    stages = [_stage(scale, number, *stage) for number, stage in enumerate(scale.stages)]
    x = stacked(x, stages, among=sum(count for count, *_ in scale.stages))
    filters = nearest(1280 * scale.width)
    return ended(x, request, filters, dropout=0.2, momentum=_MOMENTUM, bias_initializer=Constant(0.0))


def _scaled(imagenet: bool) -> list[Layer]:
    if not imagenet:
        return [Rescaling(1 / 128, offset=-1)]
    variance = [deviation**2 for deviation in _DEVIATION]
    return [Rescaling(1 / 255), Normalization(mean=list(_MEAN), variance=variance, axis=channel_axis())]


def _stage(scale: Scale, number: int, count: int, filters: int, expansion: int, stride: int) -> tuple[int, Block]:
    """How many blocks, and the first of them."""
    block = FusedBlock if number < _FUSED else DepthwiseBlock
    return math.ceil(scale.depth * count), block(3, nearest(filters * scale.width), expansion, stride, _MOMENTUM)


class DepthwiseBlock(Block):
    """EfficientNet's block, padded otherwise."""

    def _filtered(self, x: KerasTensor) -> KerasTensor:
        return self._each_channel(x, "dwconv2", "same")


@dataclass(frozen=True)
class FusedBlock(Block):
    """Widens and filters in one convolution, then narrows; one convolution does it all if it need not widen."""

    def _between(self, inputs: KerasTensor) -> KerasTensor:
        return self._widened(inputs, self.kernel, self.stride)

    def _narrowed(self, x: KerasTensor, kernel: int = 1, stride: int = 1) -> KerasTensor:
        if self.expansion > 1:
            return super()._narrowed(x)
        x = super()._narrowed(x, self.kernel, self.stride)
        return Activation("swish", name=f"{self.name}project_activation")(x)


def _efficientnet(letter: str, scale: Scale) -> Callable[..., Functional]:
    title, default = f"EfficientNetV2{letter}", f"efficientnetv2-{letter.lower()}"
    card = Card(f"{STORE}/efficientnet_v2/{default}", _HASHES[letter.lower()])

    def make(
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
        name: str | None = default,
    ) -> Functional:
        request = Request(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        network = partial(_network, scale=scale, preprocessed=include_preprocessing)
        return Recipe(network, card, scale.size).make(request)

    about = f"{title}, for pixels in [0, 255], which it scales itself, and images of {scale.size} × {scale.size}."
    return named(make, title, __name__, f"{about}\n{ARGUMENTS}")


EfficientNetV2B0 = _efficientnet("B0", Scale(_B, 32, 224, imagenet=True))
EfficientNetV2B1 = _efficientnet("B1", Scale(_B, 32, 240, imagenet=True, depth=1.1))
EfficientNetV2B2 = _efficientnet("B2", Scale(_B, 32, 260, imagenet=True, width=1.1, depth=1.2))
EfficientNetV2B3 = _efficientnet("B3", Scale(_B, 32, 300, imagenet=True, width=1.2, depth=1.4))
EfficientNetV2S = _efficientnet("S", Scale(_S, 24, 384))
EfficientNetV2M = _efficientnet("M", Scale(_M, 24, 480))
EfficientNetV2L = _efficientnet("L", Scale(_L, 32, 480))
