"""What MobileNetV2 and MobileNetV3 are made of: convolutions that are normalised, and one for each channel."""

from __future__ import annotations

from lamella.applications.blocks import chain, channel_axis, halving_pad
from lamella.graph import KerasTensor
from lamella.layers import BatchNormalization, Conv2D, DepthwiseConv2D, ZeroPadding2D


def pointwise(filters: int, name: str, normalization: str) -> tuple[Conv2D, BatchNormalization]:
    """A convolution by 1 × 1, normalised; `normalization` is what the second layer's name adds."""
    return Conv2D(filters, 1, padding="same", use_bias=False, name=name), normalized(f"{name}{normalization}")


def filtered(x: KerasTensor, kernel: int, stride: int, names: tuple[str, str, str]) -> KerasTensor:
    """Each channel convolved and normalised, padded before if that halves the size.

    Args: names: of the padding, the convolution and the normalisation.
    """
    pad, convolution, normalization = names
    if stride == 2:
        x = ZeroPadding2D(halving_pad(x, kernel), name=pad)(x)
    padding = "same" if stride == 1 else "valid"
    depthwise = DepthwiseConv2D(kernel, strides=stride, padding=padding, use_bias=False, name=convolution)
    return chain(x, depthwise, normalized(normalization))


def normalized(name: str) -> BatchNormalization:
    """Over each channel, as slowly as these networks were trained."""
    return BatchNormalization(axis=channel_axis(-1), epsilon=1e-3, momentum=0.999, name=name)
