"""Affine: the learned scale and offset that normalizations end with."""

from __future__ import annotations

from typing import Any

from lamella.layers.configured import Configured, Shape, rules

AFFINE = ("epsilon", "center", "scale", *rules("beta", "gamma"))
"""The arguments that they all keep."""


class AlongAxes(Configured):
    """A layer that computes along `axis`, one or several, and changes no shape."""

    axis: Any

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self._check_axes_(input_shape, *(self.axis if isinstance(self.axis, (list, tuple)) else (self.axis,)))
        return input_shape


class Affine(AlongAxes):
    """A layer that scales by gamma, if `scale`, and adds beta, if `center`.

    Both stay in their own dtype: normalization is computed in float32 at least.
    """

    gamma: Any = None
    beta: Any = None
    scale: Any
    center: bool

    def _keep_affine_(self, epsilon: float, center: bool, scale: bool, beta: Any, gamma: Any) -> None:
        """Args: beta, gamma: (initializer, regularizer, constraint) of each."""
        self.epsilon, self.center, self.scale = epsilon, center, scale
        self._rule_("beta", *beta)
        self._rule_("gamma", *gamma)
        self.supports_masking = True

    def _add_affine_(self, shape: Shape, scale: bool, center: bool) -> None:
        self.gamma = self._add_ruled_("gamma", shape, autocast=False) if scale else None
        self.beta = self._add_ruled_("beta", shape, autocast=False) if center else None
