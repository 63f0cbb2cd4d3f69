"""MobileNetV3: inverted residuals found by search, some of which weigh their channels.

Source: Howard et al. 2019, arXiv:1905.02244.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from lamella import ops
from lamella.applications.application import Recipe, named, preprocessing
from lamella.applications.blocks import chain, channels, divisible, pooled
from lamella.applications.card import STORE, Card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.mobile import filtered, normalized, pointwise
from lamella.applications.request import Request
from lamella.applications.scales import Scales, agreed, checked_width
from lamella.graph import KerasTensor
from lamella.layers import (
    Activation,
    Add,
    Conv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    Multiply,
    ReLU,
    Rescaling,
)
from lamella.models import Functional

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

Row = tuple[float, int, int, int, bool, bool]  # expansion, filters, kernel, stride, weighs its channels, swish
_LARGE: tuple[Row, ...] = (  # table 1 of the paper
    (1, 16, 3, 1, False, False),
    (4, 24, 3, 2, False, False),
    (3, 24, 3, 1, False, False),
    (3, 40, 5, 2, True, False),
    *[(3, 40, 5, 1, True, False)] * 2,
    (6, 80, 3, 2, False, True),
    (2.5, 80, 3, 1, False, True),
    *[(2.3, 80, 3, 1, False, True)] * 2,
    *[(6, 112, 3, 1, True, True)] * 2,
    (6, 160, 5, 2, True, True),
    *[(6, 160, 5, 1, True, True)] * 2,
)
_SMALL: tuple[Row, ...] = (  # table 2
    (1, 16, 3, 2, True, False),
    (72 / 16, 24, 3, 2, False, False),
    (88 / 24, 24, 3, 1, False, False),
    (4, 40, 5, 2, True, True),
    *[(6, 40, 5, 1, True, True)] * 2,
    *[(3, 48, 5, 1, True, True)] * 2,
    (6, 96, 5, 2, True, True),
    *[(6, 96, 5, 1, True, True)] * 2,
)
_HASHES = {  # with and without the classifier
    "large_224_0.75": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0": ("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973"),
    "small_224_0.75": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0": ("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4"),
}

preprocess_input = preprocessing(None, __name__)


class Style(NamedTuple):
    """What sets one of the networks apart.

    last:         filters of the convolution under the classifier.
    minimalistic: no weighing of channels, no swish, no kernel over 3 × 3.
    """

    rows: tuple[Row, ...]
    last: int
    alpha: float
    minimalistic: bool
    dropout: float
    preprocessed: bool

    def activation(self, swish: bool = True) -> Layer:
        return Activation("hard_swish") if swish and not self.minimalistic else ReLU()


def _network(x: KerasTensor, request: Request, style: Style) -> KerasTensor:
    if style.preprocessed:
        x = Rescaling(1 / 127.5, offset=-1.0)(x)
    first = Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")
    x = chain(x, first, normalized("conv_bn"), style.activation())
    for number, row in enumerate(style.rows):
        x = _block(x, f"expanded_conv_{number}_" if number else "expanded_conv_", style, *row)
    x = chain(x, *pointwise(divisible(channels(x) * 6), "conv_1", "_bn"), style.activation())
    return _classified(x, request, style) if request.include_top else pooled(x, request, "avg_pool", "max_pool")


def _block(
    inputs: KerasTensor,
    name: str,
    style: Style,
    expansion: float,
    filters: int,
    kernel: int,
    stride: int,
    weighs: bool,
    swish: bool,
) -> KerasTensor:
    """Widens by 1 × 1, filters each channel, may weigh the channels, narrows by 1 × 1; residual where shapes allow."""
    x, before = inputs, channels(inputs)
    filters = divisible(filters * style.alpha)
    if name != "expanded_conv_":
        x = chain(x, *pointwise(divisible(before * expansion), f"{name}expand", "_bn"), style.activation(swish))
    names = (f"{name}depthwise_pad", f"{name}depthwise", f"{name}depthwise_bn")
    x = filtered(x, 3 if style.minimalistic else kernel, stride, names)
    x = style.activation(swish)(x)
    if weighs and not style.minimalistic:
        x = _weighed(x, f"{name}squeeze_excite_")
    x = chain(x, *pointwise(filters, f"{name}project", "_bn"))
    return Add(name=f"{name}add")([inputs, x]) if stride == 1 and before == filters else x


def _weighed(x: KerasTensor, name: str) -> KerasTensor:
    """Squeeze and excitation: channels weighed by what their averages say."""
    filters = channels(x)
    weights = chain(
        x,
        GlobalAveragePooling2D(keepdims=True, name=f"{name}avg_pool"),
        Conv2D(divisible(filters * 0.25), 1, padding="same", name=f"{name}conv"),
        ReLU(name=f"{name}relu"),
        Conv2D(filters, 1, padding="same", name=f"{name}conv_1"),
    )
    weights = ops.multiply(ReLU(6.0)(ops.add(weights, 3.0)), 1 / 6)
    return Multiply(name=f"{name}mul")([x, weights])


def _classified(x: KerasTensor, request: Request, style: Style) -> KerasTensor:
    last = divisible(style.last * style.alpha) if style.alpha > 1 else style.last
    return chain(
        x,
        GlobalAveragePooling2D(keepdims=True),
        Conv2D(last, 1, padding="same", name="conv_2"),
        style.activation(),
        *([Dropout(style.dropout)] if style.dropout else []),
        Conv2D(request.classes, 1, padding="same", name="logits"),
        Flatten(),
        Activation(request.classifier_activation, name="predictions"),
    )


def _mobilenet(title: str, rows: tuple[Row, ...], last: int) -> Callable[..., Functional]:
    size = title.removeprefix("MobileNetV3").lower()

    def make(
        input_shape: Any = None,
        alpha: float = 1.0,
        minimalistic: bool = False,
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: KerasTensor | None = None,
        classes: int = 1000,
        pooling: str | None = None,
        dropout_rate: float = 0.2,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
        name: str | None = title,
    ) -> Functional:
        request = Request(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        style = Style(rows, last, checked_width(alpha), minimalistic, dropout_rate, include_preprocessing)
        shape = _shape(request, style)
        network = partial(_network, style=style)
        return Recipe(network, _card(size, style)).make(request, shape)

    return named(make, title, __name__, f"{title}, for pixels in [0, 255], which it scales itself.\n{_ARGUMENTS}")


def _shape(request: Request, style: Style) -> Any:
    """Of an image: any, as the classifier is made of convolutions too."""
    request.input_shape = agreed(request)
    shape = request.shape(None, smallest=32)
    Scales((1.0,) if style.minimalistic else (0.75, 1.0), sizes=(224,)).published(request, style.alpha, shape)
    return shape


def _card(size: str, style: Style) -> Card:
    name = f"{size}{'_minimalistic' if style.minimalistic else ''}_224_{float(style.alpha)}"
    address = f"{STORE}/mobilenet_v3/weights_mobilenet_v3_{name}_float"
    return Card(address, _HASHES.get(name, (None, None)), bare="_no_top_v2")


_ARGUMENTS = """
    Args:    input_shape: of an image, at least 32 × 32; sizes are left open if None.
             alpha: width, a multiplier of the number of filters.
             minimalistic: only ReLU and 3 × 3 convolutions, no channels weighed: fast on any hardware.
             include_top: with the classifier, or features only.
             weights: "imagenet" (downloaded once), the path of a weights file, or None (random).
             input_tensor: a symbolic tensor to start from, in place of an Input.
             classes: how many; 1000 with the published weights.
             pooling: "avg", "max" or None, without a classifier.
             dropout_rate: before the classifier.
             classifier_activation: None for logits.
             include_preprocessing: whether pixels are scaled from [0, 255]; else they come in [-1, 1].
    Raises:  ArgumentError, ShapeError: what is asked for does not go together.
"""
MobileNetV3Large = _mobilenet("MobileNetV3Large", _LARGE, 1280)
MobileNetV3Small = _mobilenet("MobileNetV3Small", _SMALL, 1024)
