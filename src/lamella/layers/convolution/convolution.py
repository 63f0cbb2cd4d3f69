"""Conv1D, Conv2D, Conv3D: every output channel sees all input channels, or its group's."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import ops
from lamella.errors import ShapeError
from lamella.layers.configured import Shape, rules
from lamella.layers.convolution.sliding import WINDOW, Sliding
from lamella.layers.keywords import RegularizedKeywords
from lamella.layers.lora import LowRank

__all__ = ["Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D"]


class _ConvKeywords(RegularizedKeywords, total=False):
    lora_rank: int | None
    lora_alpha: float | None


class Conv(Sliding, LowRank):
    """A convolution over `rank` axes; see Conv2D."""

    strides_or_dilates = True
    config_names = ("filters", "groups", *WINDOW, *rules("kernel", "bias"), "activity_regularizer")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Unpack[_ConvKeywords],
    ):
        self._keep_lora_(kwargs.pop("lora_rank", None), kwargs.pop("lora_alpha", None))
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = self._positive_("filters", filters)
        self.groups = self._positive_("groups", groups)
        if filters % groups:
            raise self._refusal_("filters", filters, f"a multiple of groups={groups}")
        self._keep_window_(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias)
        self._rule_("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._rule_("bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Shape) -> None:
        channels = self._channels_(input_shape)
        if channels % self.groups:
            raise ShapeError(
                f"{self._where_()} cannot split its input into groups={self.groups}.",
                expected=f"channels in multiples of {self.groups}",
                received=f"{channels} channels, in {tuple(input_shape)}",
            )
        self._kernel = self._add_ruled_("kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self._add_bias_(self.filters)
        self._adapt_()

    @property
    def kernel(self) -> Any:
        """The window (*kernel_size, channels / groups, filters), with its adaptation where there is one."""
        return self._adapted_kernel_()

    def call(self, inputs: Any) -> Any:
        return self._activated_(self.convolution_op(inputs, self.kernel))

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """The convolution alone; override it to change how the window slides."""
        return ops.conv(inputs, kernel, **self._how_())

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._window_shape_(input_shape, self.filters)


class Conv1D(Conv):
    """Slides a learned window over one axis, such as time.

    Args:    filters: number of output channels, a multiple of `groups`.
             padding: "valid", "same", or "causal": no step sees a later one.
             dilation_rate: distance between the steps of a window.
    Shape:   in (batch, steps, channels) → out (batch, new_steps, filters)
    State:   kernel (kernel_size, channels / groups, filters); bias (filters,)
    Example: >>> Conv1D(4, 3, padding="causal")(Input((10, 2))).shape
             (None, 10, 4)
    """

    rank = 1
    supports_causal = True

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        if self.padding != "causal":
            return super().convolution_op(inputs, kernel)
        margins = [(0, 0)] * 3
        margins[self._spatial_axes_[0]] = (self.dilation_rate[0] * (self.kernel_size[0] - 1), 0)
        return ops.conv(ops.pad(inputs, margins), kernel, **{**self._how_(), "padding": "valid"})


class Conv2D(Conv):
    """Slides a learned window over two axes, such as an image's.

    Args:    filters: number of output channels, a multiple of `groups`.
             kernel_size, strides, dilation_rate: one integer, or (height, width).
             padding: "valid", or "same": as many outputs as inputs (by stride).
             groups: channels are split into so many groups that do not see each other.
             lora_rank, lora_alpha: by keyword; as in Dense.
    Shape:   in (batch, height, width, channels) → out (batch, new_height, new_width, filters)
             (channels second with data_format="channels_first")
    State:   kernel (height, width, channels / groups, filters); bias (filters,)
    Raises:  ShapeError: channels unknown or not a multiple of `groups`; window larger than the input.
    Example: >>> Conv2D(8, 3, strides=2, padding="same")(Input((32, 32, 3))).shape
             (None, 16, 16, 8)
    """

    rank = 2


class Conv3D(Conv):
    """Slides a learned window over three axes, such as a volume's or a film's.

    Shape:   in (batch, depth, height, width, channels) → out (batch, …, filters)
    State:   kernel (depth, height, width, channels / groups, filters); bias (filters,)
    Example: >>> Conv3D(8, 3)(Input((8, 8, 8, 1))).shape
             (None, 6, 6, 6, 8)
    """

    rank = 3


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
