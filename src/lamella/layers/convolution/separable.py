"""SeparableConv1D and 2D: first every channel by itself, then every place by itself."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import ops
from lamella.layers.configured import Shape, rules
from lamella.layers.convolution.sliding import WINDOW, Sliding
from lamella.layers.keywords import RegularizedKeywords

__all__ = ["SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D"]


class SeparableConv(Sliding):
    """A separable convolution over `rank` axes; see SeparableConv2D."""

    config_names = (
        *("filters", "depth_multiplier", *WINDOW),
        *(*rules("depthwise", "pointwise", "bias"), "activity_regularizer"),
    )

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Unpack[RegularizedKeywords],
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = self._positive_("filters", filters)
        self.depth_multiplier = self._positive_("depth_multiplier", depth_multiplier)
        self._keep_window_(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias)
        self._rule_("depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self._rule_("pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint)
        self._rule_("bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Shape) -> None:
        channels = self._channels_(input_shape)
        depthwise = (*self.kernel_size, channels, self.depth_multiplier)
        pointwise = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.depthwise_kernel = self._add_ruled_("depthwise_kernel", depthwise, "depthwise")
        self.pointwise_kernel = self._add_ruled_("pointwise_kernel", pointwise, "pointwise")
        self._add_bias_(self.filters)

    def call(self, inputs: Any) -> Any:
        return self._activated_(
            ops.separable_conv(inputs, self.depthwise_kernel, self.pointwise_kernel, **self._how_())
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._window_shape_(input_shape, self.filters)


class SeparableConv1D(SeparableConv):
    """A depthwise convolution over steps, then a mix of channels at every step.

    Shape:   in (batch, steps, channels) → out (batch, new_steps, filters)
    State:   depthwise_kernel (kernel_size, channels, depth_multiplier);
             pointwise_kernel (1, channels · depth_multiplier, filters); bias (filters,)
    Example: >>> SeparableConv1D(4, 3)(Input((10, 2))).shape
             (None, 8, 4)
    """

    rank = 1


class SeparableConv2D(SeparableConv):
    """A depthwise convolution over an image, then a mix of channels at every pixel.

    Shape:   in (batch, height, width, channels) → out (batch, new_height, new_width, filters)
    State:   depthwise_kernel (height, width, channels, depth_multiplier);
             pointwise_kernel (1, 1, channels · depth_multiplier, filters); bias (filters,)
    Source:  Chollet 2017, Xception: Deep Learning with Depthwise Separable Convolutions.
    Example: >>> SeparableConv2D(4, 3, strides=2, padding="same")(Input((8, 8, 2))).shape
             (None, 4, 4, 4)
    """

    rank = 2


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
