"""Sliding: what all convolutions share, from their arguments to bias and activation."""

from __future__ import annotations

from typing import Any

from lamella import activations, ops
from lamella.layers.configured import Shape
from lamella.layers.input_spec import InputSpec
from lamella.layers.windows import Spatial, places

WINDOW = ("kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation", "use_bias")
"""The arguments that every convolution keeps, beside those of its weights."""


class Sliding(Spatial):
    """A learned window that slides over the spatial axes, then a bias and an activation."""

    supports_causal = False
    strides_or_dilates = False  # not both at once
    bias: Any = None

    def _keep_window_(
        self,
        kernel_size: Any,
        strides: Any,
        padding: Any,
        data_format: Any,
        dilation_rate: Any,
        activation: Any,
        use_bias: Any,
    ) -> None:
        self.kernel_size = self._sizes_("kernel_size", kernel_size, self.rank)
        self.strides = self._sizes_("strides", strides, self.rank)
        self.padding = self._padding_(padding, *(("causal",) if self.supports_causal else ()))
        self._keep_data_format_(data_format)
        self.dilation_rate = self._sizes_("dilation_rate", dilation_rate, self.rank)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.input_spec = InputSpec(ndim=self.rank + 2)
        if self.strides_or_dilates and max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise self._refusal_("dilation_rate", dilation_rate, f"1, because strides={self.strides}")

    def _channels_(self, input_shape: Shape) -> int:
        """The input's channels, which hold from now on; checks that the window fits too."""
        channels = self._known_size_(input_shape, self._channel_axis_)
        self.compute_output_shape(input_shape)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis_: channels})
        return channels

    def _add_bias_(self, filters: int) -> None:
        self.bias = self._add_ruled_("bias", (filters,)) if self.use_bias else None

    def _window_shape_(self, input_shape: Shape, filters: int | None) -> Shape:
        padding = (self.padding,) * self.rank
        windows = zip(
            self._spatial_(input_shape), self.kernel_size, self.strides, padding, self.dilation_rate, strict=True
        )
        return self._shaped_(input_shape, [places(*window) for window in windows], filters)

    def _how_(self) -> dict[str, Any]:
        """How the window slides, as the convolutions in lamella.ops are told."""
        names = ("strides", "padding", "data_format", "dilation_rate")
        return {name: getattr(self, name) for name in names}

    def _biased_(self, x: Any) -> Any:
        """x + bias, along the channels."""
        if self.bias is None:
            return x
        ahead = self.data_format == "channels_first"
        return x + (ops.reshape(self.bias, (-1, *(1,) * self.rank)) if ahead else self.bias)

    def _activated_(self, x: Any) -> Any:
        x = self._biased_(x)
        return x if self.activation is None else self.activation(x)
