"""MobileNetV2: inverted residuals with linear bottlenecks.

Source: Sandler et al. 2018, arXiv:1801.04381.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from lamella.applications.application import Recipe, preprocessing
from lamella.applications.blocks import chain, channels, divisible, headed
from lamella.applications.card import STORE, Card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.mobile import filtered, normalized, pointwise
from lamella.applications.request import Request, image_parts
from lamella.applications.scales import Scales, agreed, checked_width
from lamella.graph import KerasTensor
from lamella.layers import Add, Conv2D, ReLU
from lamella.models import Functional

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

_SCALES = Scales(widths=(0.35, 0.50, 0.75, 1.0, 1.3, 1.4), sizes=(96, 128, 160, 192, 224))
_STAGES = (  # expansion, filters, blocks, stride of the first block: table 2 of the paper
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)

preprocess_input = preprocessing("tf", __name__)


def MobileNetV2(
    input_shape: Any = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: KerasTensor | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """MobileNetV2, for pixels in [-1, 1] (`preprocess_input`).

    Args:    input_shape: of an image, at least 32 × 32; (224, 224, 3) if None.
             alpha: width, a multiplier of the number of filters.
             include_top: with the classifier, or features only.
             weights: "imagenet" (downloaded once), the path of a weights file, or None (random).
             input_tensor: a symbolic tensor to start from, in place of an Input.
             pooling: "avg", "max" or None, without a classifier.
             classes: how many; 1000 with the published weights.
             classifier_activation: None for logits.
    Raises:  ArgumentError, ShapeError: what is asked for does not go together.
    Source:  Sandler et al. 2018, arXiv:1801.04381
    Example: >>> features = keras.applications.MobileNetV2((32, 32, 3), 0.35, include_top=False, weights=None)
             >>> features.output_shape
             (None, 1, 1, 1280)
    """
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    alpha = checked_width(alpha)
    shape = request.shape(_SCALES.size(agreed(request)), smallest=32)
    size = _SCALES.published(request, alpha, shape)
    if name is None:
        request.name = f"mobilenetv2_{alpha:0.2f}_{size if request.pretrained else image_parts(shape)[0][0]}"
    kernels = f"{STORE}/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels"
    card = Card(f"{kernels}_{float(alpha)}_{size}", bare="_no_top")
    return Recipe(partial(_network, alpha=alpha), card).make(request, shape)


def _network(x: KerasTensor, request: Request, alpha: float) -> KerasTensor:
    x = chain(
        x,
        Conv2D(divisible(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1"),
        normalized("bn_Conv1"),
        ReLU(6.0, name="Conv1_relu"),
    )
    number = 0
    for expansion, filters, blocks, stride in _STAGES:
        for first in (True, *[False] * (blocks - 1)):
            x = _block(x, expansion, divisible(int(filters * alpha)), stride if first else 1, number)
            number += 1
    x = chain(
        x,
        Conv2D(divisible(1280 * max(alpha, 1.0)), 1, use_bias=False, name="Conv_1"),
        normalized("Conv_1_bn"),
        ReLU(6.0, name="out_relu"),
    )
    return headed(x, request, None, names=(None, None))


def _block(inputs: KerasTensor, expansion: int, filters: int, stride: int, number: int) -> KerasTensor:
    """Widens by 1 × 1, filters each channel by 3 × 3, narrows by 1 × 1; residual where shapes allow."""
    name = f"block_{number}" if number else "expanded_conv"
    x, before = inputs, channels(inputs)
    if number:
        x = chain(x, *pointwise(expansion * before, f"{name}_expand", "_BN"), ReLU(6.0, name=f"{name}_expand_relu"))
    x = filtered(x, 3, stride, (f"{name}_pad", f"{name}_depthwise", f"{name}_depthwise_BN"))
    x = chain(x, ReLU(6.0, name=f"{name}_depthwise_relu"), *pointwise(filters, f"{name}_project", "_BN"))
    return Add(name=f"{name}_add")([inputs, x]) if stride == 1 and before == filters else x
