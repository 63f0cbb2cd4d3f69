"""Normalizations that look at one sample at a time: over features, in groups, to unit length."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from lamella import ops
from lamella.errors import ShapeError
from lamella.layers.configured import Elementwise, Shape
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords
from lamella.layers.normalization.affine import AFFINE, Affine, AlongAxes

__all__ = ["GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"]


class _LayerNormalizationKeywords(LayerKeywords, total=False):
    rms_scaling: bool


class LayerNormalization(Affine):
    """Normalizes every sample: gamma · (x - mean) / √(variance + epsilon) + beta.

    Args:    axis: the axis, or axes, that mean and variance are over.
    Shape:   in any → out the same
    State:   gamma, beta: the sizes of `axis`
    Source:  Ba et al. 2016, Layer Normalization.
    Example: >>> LayerNormalization()(np.array([[1.0, 3.0]])).round(2).tolist()
             [[-1.0, 1.0]]
    """

    config_names = ("axis", *AFFINE, "rms_scaling")

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Unpack[_LayerNormalizationKeywords],
    ):
        self.rms_scaling = kwargs.pop("rms_scaling", False)  # older files': no mean taken off, no beta
        super().__init__(**kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise self._refusal_("axis", axis, "an integer, or a list of them")
        self.axis = axis if isinstance(axis, int) else list(axis)
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        gamma = (gamma_initializer, gamma_regularizer, gamma_constraint)
        self._keep_affine_(epsilon, center, scale, beta, gamma)
        self.autocast = False

    def build(self, input_shape: Shape) -> None:
        self.axis = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        shape = tuple(self._known_size_(input_shape, axis) for axis in self.axis)
        self._add_affine_(shape, self.scale or self.rms_scaling, self.center and not self.rms_scaling)

    def call(self, inputs: Any) -> Any:
        normal = ops.layer_normalization(
            inputs, self.gamma, self.beta, self.axis, self.epsilon, rms_scaling=self.rms_scaling
        )
        return ops.cast(normal, self.compute_dtype)


class GroupNormalization(Affine):
    """Normalizes groups of channels of every sample, and scales channels by gamma and beta.

    Args:    groups: how many; -1 for as many as channels (instance normalization).
    Shape:   in (batch, ..., channels) → out the same
    State:   gamma, beta (channels,)
    Raises:  ShapeError: channels are unknown, or no multiple of `groups`.
    Source:  Wu & He 2018, Group Normalization.
    Example: >>> GroupNormalization(2)(np.array([[1.0, 3.0, 10.0, 30.0]])).round(2).tolist()
             [[-1.0, 1.0, -1.0, 1.0]]
    """

    config_names = ("groups", "axis", *AFFINE)

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        self.groups = groups if groups == -1 else self._positive_("groups", groups)
        self.axis = axis
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        gamma = (gamma_initializer, gamma_regularizer, gamma_constraint)
        self._keep_affine_(epsilon, center, scale, beta, gamma)
        self.autocast = False

    def build(self, input_shape: Shape) -> None:
        channels = self._known_size_(input_shape, self.axis)
        self.groups = channels if self.groups == -1 else self.groups
        if channels % self.groups:
            raise ShapeError(
                f"{self._where_()} cannot split its input into groups={self.groups}.",
                expected=f"a multiple of {self.groups} in axis {self.axis}",
                received=tuple(input_shape),
            )
        self._add_affine_((channels,), self.scale, self.center)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: Any) -> Any:
        place = self.axis % inputs.ndim
        x = ops.cast(inputs, jnp.result_type(inputs.dtype, "float32"))
        x = ops.reshape(x, self._grouped(inputs.shape, place))
        mean, variance = ops.moments(x, axes=[i for i in range(1, x.ndim) if i != place], keepdims=True)
        gamma, beta = (self._along(weight, inputs, place) for weight in (self.gamma, self.beta))
        inverse = ops.rsqrt(variance + self.epsilon)
        inverse = inverse if gamma is None else inverse * gamma
        offset = -mean * inverse if beta is None else beta - mean * inverse
        return ops.cast(ops.reshape(x * inverse + offset, inputs.shape), self.compute_dtype)

    def _grouped(self, shape: Any, place: int) -> tuple[int, ...]:
        """A shape with the channels split in two: groups, and channels of a group."""
        return (*shape[:place], self.groups, shape[place] // self.groups, *shape[place + 1 :])

    def _along(self, weight: Any, inputs: Any, place: int) -> Any:
        if weight is None:
            return None
        shape = [1] * inputs.ndim
        shape[place] = inputs.shape[place]
        return ops.reshape(weight, self._grouped(shape, place))


class RMSNormalization(AlongAxes):
    """Divides by the root of the mean square: scale · x / √(mean(x²) + epsilon).

    Args:    axis: the axis, or axes, that the mean is over.
    State:   scale: the sizes of `axis`
    Source:  Zhang & Sennrich 2019, Root Mean Square Layer Normalization.
    Example: >>> RMSNormalization()(np.array([[3.0, -3.0]])).round(2).tolist()
             [[1.0, -1.0]]
    """

    config_names = ("axis", "epsilon")

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.axis, self.epsilon = axis, epsilon

    def build(self, input_shape: Shape) -> None:
        self.axis = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        shape = tuple(self._known_size_(input_shape, axis) for axis in self.axis)
        self.scale = self.add_weight(shape, "ones", name="scale")

    def call(self, x: Any) -> Any:
        axes = [axis % x.ndim for axis in self.axis]
        scale = ops.reshape(self.scale, [size if i in axes else 1 for i, size in enumerate(x.shape)])
        return ops.rms_normalization(x, scale=scale, axis=self.axis, epsilon=self.epsilon)


class UnitNormalization(AlongAxes, Elementwise):
    """Brings vectors to length 1 (in the sense of the sum of squares).

    Args:    axis: the axis, or axes, that vectors lie along.
    Example: >>> UnitNormalization()(np.array([[0.0, 4.0]])).round(2).tolist()
             [[0.0, 1.0]]
    """

    config_names = ("axis",)

    def __init__(self, axis: Any = -1, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise self._refusal_("axis", axis, "an integer, or a list of them")
        self.axis = axis if isinstance(axis, int) else list(axis)

    def call(self, inputs: Any) -> Any:
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)
