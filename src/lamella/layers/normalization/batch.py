"""BatchNormalization: every channel gets mean 0 and variance 1 over a batch."""

from __future__ import annotations

from typing import Any, Unpack

import jax
import jax.numpy as jnp

from lamella import config, ops
from lamella.errors import ShapeError
from lamella.layers.configured import Shape
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords
from lamella.layers.normalization.affine import AFFINE, Affine
from lamella.state import Variable

__all__ = ["BatchNormalization"]

_CLIPPING = ("rmax", "rmin", "dmax")


class BatchNormalization(Affine):
    """Normalizes every channel: gamma · (x - mean) / √(variance + epsilon) + beta.

    In training, mean and variance are the batch's, and the moving ones follow
    them: moving · momentum + batch · (1 - momentum).  Otherwise, and in a frozen
    layer, they are the moving ones.

    Args:    axis: the axis of channels; statistics are over all others.
             renorm: corrects the batch's statistics towards the moving ones,
                 within `renorm_clipping` = {"rmax", "rmin", "dmax"}.
             synchronized: accepted; a batch spread over devices has one mean anyway.
    Shape:   in any → out the same; mask: the input's without the channels
    State:   gamma, beta (trained); moving_mean, moving_variance: (channels,) each
    Source:  Ioffe & Szegedy 2015, Batch Normalization; Ioffe 2017, Batch Renormalization.
    Example: >>> layer = BatchNormalization()
             >>> layer(np.array([[1.0], [3.0]]), training=True).round(2).tolist()
             [[-1.0], [1.0]]
    """

    config_names = (
        *("axis", "momentum", *AFFINE, "moving_mean_initializer", "moving_variance_initializer"),
        *("synchronized", "renorm", "renorm_clipping", "renorm_momentum"),
    )

    moving_mean_initializer: Any
    moving_variance_initializer: Any

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        self.axis = int(axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis)
        self.momentum = float(momentum)
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        gamma = (gamma_initializer, gamma_regularizer, gamma_constraint)
        self._keep_affine_(float(epsilon), center, scale, beta, gamma)
        self._rule_("moving_mean", moving_mean_initializer)
        self._rule_("moving_variance", moving_variance_initializer)
        self.renorm, self.renorm_momentum = renorm, renorm_momentum
        self.renorm_clipping = self._checked_(renorm_clipping or {}) if renorm else renorm_clipping
        self.synchronized = synchronized

    def _checked_(self, clipping: dict[str, float]) -> dict[str, float]:
        if not set(clipping) <= set(_CLIPPING):
            raise self._refusal_("renorm_clipping", clipping, f"a dict with keys among {', '.join(_CLIPPING)}")
        if clipping.get("rmin", 0) > clipping.get("rmax", jnp.inf) or clipping.get("dmax", 0) < 0:
            raise self._refusal_("renorm_clipping", clipping, "rmin ≤ rmax and dmax ≥ 0")
        return clipping

    def build(self, input_shape: Shape) -> None:
        shape = (self._known_size_(input_shape, self.axis),)
        self._add_affine_(shape, self.scale, self.center)
        self.moving_mean = self._add_moving_("moving_mean", shape, self.moving_mean_initializer)
        self.moving_variance = self._add_moving_("moving_variance", shape, self.moving_variance_initializer)
        if self.renorm:
            self.moving_stddev = self._add_moving_("moving_stddev", shape, self._initial_stddev_)
            self.renorm_mean = self._add_moving_("renorm_mean", shape, self.moving_mean_initializer)
            self.renorm_stddev = self._add_moving_("renorm_stddev", shape, self._initial_stddev_)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})

    def _add_moving_(self, name: str, shape: Shape, initializer: Any) -> Variable:
        return self.add_weight(shape, initializer, trainable=False, autocast=False, name=name)

    def _initial_stddev_(self, shape: Shape, dtype: Any = None) -> jax.Array:
        return jnp.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        x = ops.cast(inputs, jnp.result_type(inputs.dtype, "float32"))
        scale, offset = (None if w is None else ops.cast(w, x.dtype) for w in (self.gamma, self.beta))
        if training and self.trainable:
            mean, variance = self._moments(x, mask)
            if self.renorm:
                scale, offset = self._renormalized_(mean, variance, scale, offset)
            else:
                _follow(self.moving_mean, mean, self.momentum)
                _follow(self.moving_variance, variance, self.momentum)
        else:
            mean, variance = (ops.cast(moving, x.dtype) for moving in (self.moving_mean, self.moving_variance))
        normal = ops.batch_normalization(
            x, mean, variance, axis=self.axis, offset=offset, scale=scale, epsilon=self.epsilon
        )
        return ops.cast(normal, self.compute_dtype)

    def _moments(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Mean and variance of every channel, over the steps that the mask keeps."""
        axes = [axis for axis in range(x.ndim) if axis != self.axis % x.ndim]
        if mask is None:
            return ops.moments(x, axes=axes)
        if mask.ndim != x.ndim - 1:
            raise ShapeError(
                f"{self._where_()} has a mask that does not fit its input.",
                expected=f"rank {x.ndim - 1}, one less than the input",
                received=mask.shape,
            )
        keep = ops.broadcast_to(ops.expand_dims(ops.cast(mask, "bool"), -1), x.shape)
        count = ops.sum(ops.cast(keep, x.dtype), axes, keepdims=True) + config.epsilon()
        mean = ops.sum(ops.where(keep, x, 0), axes, keepdims=True) / count
        variance = ops.sum(ops.square(ops.where(keep, x - mean, 0)), axes, keepdims=True) / count
        return ops.reshape(mean, -1), ops.reshape(variance, -1)

    def _renormalized_(self, mean: Any, variance: Any, scale: Any, offset: Any) -> tuple[Any, Any]:
        """Scale and offset corrected to the moving statistics, which then follow the batch's.

        r = σ_batch / σ_moving, d = (µ_batch - µ_moving) / σ_moving, not differentiated.
        """
        stddev, clip = jnp.sqrt(variance + self.epsilon), self.renorm_clipping or {}
        renorm_stddev = jnp.maximum(self.renorm_stddev.value.astype(mean.dtype), self.epsilon**0.5)
        r = jnp.clip(stddev / renorm_stddev, clip.get("rmin"), clip.get("rmax"))
        d = (mean - self.renorm_mean.value) / renorm_stddev
        if "dmax" in clip:
            d = jnp.clip(d, -clip["dmax"], clip["dmax"])
        r, d = jax.lax.stop_gradient((r, d))
        if scale is not None:
            r, d = r * scale, d * scale
        _follow(self.renorm_mean, mean, self.renorm_momentum)
        _follow(self.renorm_stddev, stddev, self.renorm_momentum)
        _follow(self.moving_mean, mean, self.momentum)
        moving_stddev = _follow(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(ops.relu(moving_stddev**2 - self.epsilon))
        return r, d if offset is None else d + offset


def _follow(moving: Variable, batch: Any, momentum: float) -> jax.Array:
    """Moves a moving statistic towards the batch's."""
    return moving.assign(moving.value.astype(batch.dtype) * momentum + batch * (1 - momentum))
