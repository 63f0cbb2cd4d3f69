"""SpectralNormalization: keeps the largest singular value of a layer's kernel at 1."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp

from lamella import initializers, ops
from lamella.errors import ArgumentError
from lamella.layers.configured import Shape
from lamella.layers.core.wrapper import Wrapper
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords

__all__ = ["SpectralNormalization"]


class SpectralNormalization(Wrapper):
    """In training, divides the kernel of the layer inside by its largest singular value.

    That value is found by power iteration, from where the last call ended.

    Args:    layer: a layer with a `kernel` or `embeddings`.
             power_iterations: how many steps a call.
    State:   vector_u (1, last size of the kernel); the layer's own
    Source:  Miyato et al. 2018, Spectral Normalization for GANs.
    Example: >>> SpectralNormalization(Dense(2))(np.ones((1, 3)), training=True).shape
             (1, 2)
    """

    config_names = ("power_iterations",)

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Unpack[LayerKeywords]):
        super().__init__(layer, **kwargs)
        self.power_iterations = self._positive_("power_iterations", power_iterations)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        names = [name for name in ("kernel", "embeddings") if hasattr(self.layer, name)]
        if not names:
            raise ArgumentError(f"{type(self.layer).__name__} has neither `kernel` nor `embeddings` to normalize.")
        self.kernel = getattr(self.layer, names[0])
        self.vector_u = self.add_weight(
            (1, self.kernel.shape[-1]), initializers.TruncatedNormal(stddev=0.02), trainable=False, name="vector_u"
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            vector, kernel = jax.lax.cond(jnp.any(self.kernel.value != 0), self.normalized_weights, self._unchanged)
            self.vector_u.assign(vector)
            self.kernel.assign(kernel)
        return ops.cast(self.layer(inputs), inputs.dtype)

    def normalized_weights(self) -> tuple[Any, Any]:
        """The next vector of the power iteration, and the kernel divided by the value it finds."""
        matrix = jnp.reshape(self.kernel.value, (-1, self.kernel.shape[-1]))
        u = self.vector_u.value
        for _ in range(self.power_iterations):
            v = ops.normalize(u @ matrix.T, axis=None)
            u = ops.normalize(v @ matrix, axis=None)
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = v @ matrix @ u.T
        return u, self.kernel.value / sigma[0, 0]

    def _unchanged(self) -> tuple[Any, Any]:
        return self.vector_u.value, self.kernel.value

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.layer.compute_output_shape(input_shape)
