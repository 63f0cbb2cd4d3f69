"""Conv1DTranspose, Conv2DTranspose, Conv3DTranspose: the gradient of a convolution, as a layer."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import ops
from lamella.layers.configured import Shape, rules
from lamella.layers.convolution.sliding import WINDOW, Sliding
from lamella.layers.keywords import RegularizedKeywords

__all__ = [
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "Convolution1DTranspose",
    "Convolution2DTranspose",
    "Convolution3DTranspose",
]


class ConvTranspose(Sliding):
    """A transposed convolution over `rank` axes; see Conv2DTranspose."""

    strides_or_dilates = True
    config_names = ("filters", "output_padding", *WINDOW, *rules("kernel", "bias"), "activity_regularizer")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Unpack[RegularizedKeywords],
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = self._positive_("filters", filters)
        self._keep_window_(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias)
        self.output_padding = self._extra(output_padding)
        self._rule_("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._rule_("bias", bias_initializer, bias_regularizer, bias_constraint)

    def _extra(self, output_padding: Any) -> tuple[int, ...] | None:
        if output_padding is None:
            return None
        extra = self._sizes_("output_padding", output_padding, self.rank, least=0)
        if any(more >= stride for more, stride in zip(extra, self.strides, strict=True)):
            raise self._refusal_("output_padding", output_padding, f"less than strides={self.strides}")
        return extra

    def build(self, input_shape: Shape) -> None:
        channels = self._channels_(input_shape)
        self.kernel = self._add_ruled_("kernel", (*self.kernel_size, self.filters, channels))
        self._add_bias_(self.filters)

    def call(self, inputs: Any) -> Any:
        return self._activated_(
            ops.conv_transpose(inputs, self.kernel, output_padding=self.output_padding, **self._how_())
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        spatial = [self._spread(axis, size) for axis, size in enumerate(self._spatial_(input_shape))]
        return self._shaped_(input_shape, spatial, self.filters)

    def _spread(self, axis: int, size: int | None) -> int | None:
        """The output's size along an axis: the input's, spread by the stride, and what the window adds."""
        if size is None:
            return None
        stride, span = self.strides[axis], (self.kernel_size[axis] - 1) * self.dilation_rate[axis] + 1
        if self.output_padding is None:
            return size * stride + (max(span - stride, 0) if self.padding == "valid" else 0)
        added = span if self.padding == "valid" else span % 2
        return (size - 1) * stride + added + self.output_padding[axis]


class Conv1DTranspose(ConvTranspose):
    """Spreads every step over a learned window: the gradient of Conv1D.

    Shape:   in (batch, steps, channels) → out (batch, new_steps, filters)
    State:   kernel (kernel_size, filters, channels); bias (filters,)
    Example: >>> Conv1DTranspose(4, 3, strides=2, padding="same")(Input((10, 2))).shape
             (None, 20, 4)
    """

    rank = 1


class Conv2DTranspose(ConvTranspose):
    """Spreads every pixel over a learned window: the gradient of Conv2D.

    Args:    output_padding: outputs added at the end, less than the stride; None:
                 with "same", stride times the input.
    Shape:   in (batch, height, width, channels) → out (batch, new_height, new_width, filters)
    State:   kernel (height, width, filters, channels); bias (filters,)
    Example: >>> Conv2DTranspose(4, 3, strides=2, padding="same")(Input((8, 8, 2))).shape
             (None, 16, 16, 4)
    """

    rank = 2


class Conv3DTranspose(ConvTranspose):
    """Spreads every voxel over a learned window: the gradient of Conv3D.

    Shape:   in (batch, depth, height, width, channels) → out (batch, …, filters)
    State:   kernel (depth, height, width, filters, channels); bias (filters,)
    Example: >>> Conv3DTranspose(4, 2, strides=2)(Input((4, 4, 4, 2))).shape
             (None, 8, 8, 8, 4)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        *args: Any,
        **kwargs: Any,
    ):
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, *args, **kwargs)


Convolution1DTranspose, Convolution2DTranspose, Convolution3DTranspose = (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
)
