"""DepthwiseConv1D and 2D: every channel is convolved by itself."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import ops
from lamella.layers.configured import Shape, rules
from lamella.layers.convolution.sliding import WINDOW, Sliding
from lamella.layers.keywords import RegularizedKeywords

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D"]


class DepthwiseConv(Sliding):
    """A depthwise convolution over `rank` axes; see DepthwiseConv2D."""

    config_names = ("depth_multiplier", *WINDOW, *rules("depthwise", "bias"), "activity_regularizer")

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Unpack[RegularizedKeywords],
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.depth_multiplier = self._positive_("depth_multiplier", depth_multiplier)
        self._keep_window_(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias)
        self._rule_("depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self._rule_("bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Shape) -> None:
        channels = self._channels_(input_shape)
        self.kernel = self._add_ruled_("kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise")
        self._add_bias_(self.depth_multiplier * channels)

    def call(self, inputs: Any) -> Any:
        return self._activated_(ops.depthwise_conv(inputs, self.kernel, **self._how_()))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        channels = self._known_size_(input_shape, self._channel_axis_)
        return self._window_shape_(input_shape, self.depth_multiplier * channels)


class DepthwiseConv1D(DepthwiseConv):
    """Slides a window of its own over every channel of a sequence.

    Shape:   in (batch, steps, channels) → out (batch, new_steps, channels · depth_multiplier)
    State:   kernel (kernel_size, channels, depth_multiplier); bias (channels · depth_multiplier,)
    Example: >>> DepthwiseConv1D(3, depth_multiplier=2)(Input((10, 4))).shape
             (None, 8, 8)
    """

    rank = 1


class DepthwiseConv2D(DepthwiseConv):
    """Slides a window of its own over every channel of an image.

    Args:    depth_multiplier: output channels for every input channel.
    Shape:   in (batch, height, width, channels)
             → out (batch, new_height, new_width, channels · depth_multiplier)
    State:   kernel (height, width, channels, depth_multiplier); bias (channels · depth_multiplier,)
    Example: >>> DepthwiseConv2D(3, padding="same")(Input((8, 8, 4))).shape
             (None, 8, 8, 4)
    """

    rank = 2
