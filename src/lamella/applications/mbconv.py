"""What EfficientNet and EfficientNetV2 are made of: inverted residuals that weigh their channels.

Source: Tan and Le 2019, arXiv:1905.11946; Tan and Le 2021, arXiv:2104.00298.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lamella.applications.blocks import chain, channel_axis, channels, halving_pad, headed
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
    Reshape,
    ZeroPadding2D,
)

_DROP = 0.2  # the rate of dropping a residual that blocks grow towards, from 0


@dataclass(frozen=True)
class Block:
    """Widens, filters each channel, weighs the channels, narrows."""

    kernel: int
    filters: int
    expansion: int
    stride: int
    momentum: float = 0.99
    name: str = ""

    def on(self, inputs: KerasTensor, drop: float) -> KerasTensor:
        """The block's outputs, added to the inputs where shapes allow; `drop` is the rate of not adding."""
        x = self._narrowed(self._between(inputs))
        if self.stride > 1 or channels(inputs) != self.filters:
            return x
        if drop > 0:
            x = Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{self.name}drop")(x)
        return Add(name=f"{self.name}add")([x, inputs])

    def _between(self, inputs: KerasTensor) -> KerasTensor:
        return self._weighed(self._filtered(self._widened(inputs)), max(1, channels(inputs) // 4))

    def _widened(self, x: KerasTensor, kernel: int = 1, stride: int = 1) -> KerasTensor:
        if self.expansion == 1:
            return x
        widen = convolution(channels(x) * self.expansion, f"{self.name}expand_conv", kernel, strides=stride)
        return chain(x, widen, *self._activated("expand_"))

    def _filtered(self, x: KerasTensor) -> KerasTensor:
        if self.stride == 2:
            x = ZeroPadding2D(halving_pad(x, self.kernel), name=f"{self.name}dwconv_pad")(x)
        return self._each_channel(x, "dwconv", "valid" if self.stride == 2 else "same")

    def _each_channel(self, x: KerasTensor, name: str, padding: str) -> KerasTensor:
        depthwise = DepthwiseConv2D(
            self.kernel,
            strides=self.stride,
            padding=padding,
            use_bias=False,
            depthwise_initializer=_normal(),
            name=f"{self.name}{name}",
        )
        return chain(x, depthwise, *self._activated())

    def _weighed(self, x: KerasTensor, squeezed: int) -> KerasTensor:
        """Squeeze and excitation: channels weighed by what their averages say."""
        filters = channels(x)
        weights = chain(
            x,
            GlobalAveragePooling2D(name=f"{self.name}se_squeeze"),
            Reshape(image_shape((1, 1), filters), name=f"{self.name}se_reshape"),
            convolution(squeezed, f"{self.name}se_reduce", activation="swish", use_bias=True),
            convolution(filters, f"{self.name}se_expand", activation="sigmoid", use_bias=True),
        )
        return Multiply(name=f"{self.name}se_excite")([x, weights])

    def _narrowed(self, x: KerasTensor, kernel: int = 1, stride: int = 1) -> KerasTensor:
        narrow = convolution(self.filters, f"{self.name}project_conv", kernel, strides=stride)
        return chain(x, narrow, normalization(f"{self.name}project_bn", self.momentum))

    def _activated(self, part: str = "") -> tuple[BatchNormalization, Activation]:
        return activated(f"{self.name}{part}", self.momentum)


def stacked(x: KerasTensor, stages: list[tuple[int, Block]], among: int = 0) -> KerasTensor:
    """Blocks in stages, each dropped more often than the one before.

    Args: stages: of each, how many blocks, and the first of them.
          among: how many blocks the rate of dropping grows over; all that there are if 0.
    """
    total, done = among or sum(count for count, _ in stages), 0
    for stage, (count, first) in enumerate(stages, start=1):
        for number in range(count):
            name = f"block{stage}{chr(ord('a') + number)}_"
            block = replace(first, name=name, stride=1 if number else first.stride)
            x = block.on(x, drop=_DROP * done / total)
            done += 1
    return x


def ended(
    x: KerasTensor, request: Request, filters: int, dropout: float, momentum: float = 0.99, **options: Any
) -> KerasTensor:
    """The last convolution, and the classifier or the pooling in its place."""
    x = chain(x, convolution(filters, "top_conv"), *activated("top_", momentum))
    uniform = VarianceScaling(1 / 3, "fan_out", "uniform")
    return headed(x, request, dropout=dropout, kernel_initializer=uniform, **options)


def convolution(
    filters: int, name: str, kernel: int = 1, padding: str = "same", use_bias: bool = False, **options: Any
) -> Conv2D:
    """A convolution whose first values keep the variance of what comes out."""
    options |= {"padding": padding, "use_bias": use_bias, "kernel_initializer": _normal()}
    return Conv2D(filters, kernel, name=name, **options)


def activated(name: str, momentum: float = 0.99) -> tuple[BatchNormalization, Activation]:
    """What follows a convolution."""
    return normalization(f"{name}bn", momentum), Activation("swish", name=f"{name}activation")


def normalization(name: str, momentum: float) -> BatchNormalization:
    """Over each channel."""
    return BatchNormalization(axis=channel_axis(), momentum=momentum, name=name)


def _normal() -> VarianceScaling:
    return VarianceScaling(2.0, "fan_out", "truncated_normal")
