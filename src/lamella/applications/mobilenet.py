"""MobileNet: depthwise separable convolutions.

Source: Howard et al. 2017, arXiv:1704.04861.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from lamella.applications.application import Recipe, preprocessing
from lamella.applications.blocks import chain, channel_axis, pooled
from lamella.applications.card import STORE, Card
from lamella.applications.imagenet_utils import decode_predictions
from lamella.applications.request import Request, image_parts
from lamella.applications.scales import Scales, checked_width
from lamella.errors import ArgumentError
from lamella.graph import KerasTensor
from lamella.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from lamella.models import Functional

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

_SCALES = Scales(widths=(0.25, 0.50, 0.75, 1.0), sizes=(128, 160, 192, 224))
_IN_FILES = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}
_BLOCKS = (  # filters, stride: table 1 of the paper
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *[(512, 1)] * 5,
    (1024, 2),
    (1024, 1),
)

preprocess_input = preprocessing("tf", __name__)


def MobileNet(
    input_shape: Any = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 0.001,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: KerasTensor | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """MobileNet, for pixels in [-1, 1] (`preprocess_input`).

    Args:    input_shape: of an image, at least 32 × 32; (224, 224, 3) if None.
             alpha: width, a multiplier of the number of filters.
             depth_multiplier: filters that each channel gets in a depthwise convolution.
             dropout: rate before the classifier.
             include_top: with the classifier, or features only.
             weights: "imagenet" (downloaded once), the path of a weights file, or None (random).
             input_tensor: a symbolic tensor to start from, in place of an Input.
             pooling: "avg", "max" or None, without a classifier.
             classes: how many; 1000 with the published weights.
             classifier_activation: None for logits.
    Raises:  ArgumentError, ShapeError: what is asked for does not go together.
    Source:  Howard et al. 2017, arXiv:1704.04861
    """
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    alpha = checked_width(alpha)
    shape = request.shape(_SCALES.size(request.input_shape), smallest=32)
    size = _SCALES.published(request, alpha, shape)
    if request.pretrained and depth_multiplier != 1:
        raise ArgumentError("The published weights have depth_multiplier=1.", received=depth_multiplier)
    if name is None:
        request.name = f"mobilenet_{alpha:0.2f}_{size if request.pretrained else image_parts(shape)[0][0]}"
    card = Card(f"{STORE}/mobilenet/mobilenet_{_IN_FILES.get(alpha)}_{size}_tf", bare="_no_top")
    network = partial(_network, alpha=alpha, depth_multiplier=depth_multiplier, dropout=dropout)
    return Recipe(network, card).make(request, shape)


def _network(x: KerasTensor, request: Request, alpha: float, depth_multiplier: int, dropout: float) -> KerasTensor:
    first = Conv2D(int(32 * alpha), 3, padding="same", use_bias=False, strides=2, name="conv1")
    x = chain(x, first, *_activated("conv1"))
    for number, (filters, stride) in enumerate(_BLOCKS, start=1):
        if stride == 2:
            x = ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
        options = {"padding": "same" if stride == 1 else "valid", "depth_multiplier": depth_multiplier}
        x = chain(
            x,
            DepthwiseConv2D(3, strides=stride, use_bias=False, name=f"conv_dw_{number}", **options),
            *_activated(f"conv_dw_{number}"),
            Conv2D(int(filters * alpha), 1, padding="same", use_bias=False, name=f"conv_pw_{number}"),
            *_activated(f"conv_pw_{number}"),
        )
    return _classified(x, request, dropout) if request.include_top else pooled(x, request)


def _activated(name: str) -> tuple[BatchNormalization, ReLU]:
    return BatchNormalization(axis=channel_axis(-1), name=f"{name}_bn"), ReLU(6.0, name=f"{name}_relu")


def _classified(x: KerasTensor, request: Request, dropout: float) -> KerasTensor:
    return chain(
        x,
        GlobalAveragePooling2D(keepdims=True),
        Dropout(dropout, name="dropout"),
        Conv2D(request.classes, 1, padding="same", name="conv_preds"),
        Reshape((request.classes,), name="reshape_2"),
        Activation(request.classifier_activation, name="predictions"),
    )
