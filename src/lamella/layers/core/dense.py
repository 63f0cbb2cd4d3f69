"""Dense: one matrix, one bias, one activation."""

from __future__ import annotations

from typing import Any, Unpack

from lamella import activations, ops
from lamella.layers.configured import Shape, rules
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import RegularizedKeywords
from lamella.layers.lora import LowRank

__all__ = ["Dense"]


class Dense(LowRank):
    """Multiplies by a learned matrix and adds a bias: activation(x @ kernel + bias).

    Args:    units: number of output features, positive.
             lora_rank: trains a product of this inner size in place of the kernel.
    Shape:   in (..., features) → out (..., units)
    State:   kernel (features, units); bias (units,) if use_bias
    Raises:  ShapeError: the last dimension of the input is unknown.
    Example: >>> Dense(4)(Input((3,))).shape
             (None, 4)
    """

    differs_in_training = False  # Keras's `call` has the argument too
    config_names = ("units", "activation", "use_bias", *rules("kernel", "bias"), "quantization_config")

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Unpack[RegularizedKeywords],
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = self._positive_("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._rule_("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._rule_("bias", bias_initializer, bias_regularizer, bias_constraint)
        self._keep_lora_(lora_rank, lora_alpha)
        self._refuse_quantization_(quantization_config)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        features = self._known_size_(input_shape, -1)
        self._kernel = self._add_ruled_("kernel", (features, self.units))
        self.bias = self._add_ruled_("bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        self._adapt_()

    @property
    def kernel(self) -> Any:
        """The matrix (features, units), with its adaptation where there is one."""
        return self._adapted_kernel_()

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return x if self.activation is None else self.activation(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)
