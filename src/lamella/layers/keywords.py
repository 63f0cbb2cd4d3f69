"""The keyword arguments that every layer takes, so that editors and type checkers know them.

A layer's `__init__` ends in `**kwargs: Unpack[LayerKeywords]` and hands them to `Layer`.
Those that a layer names itself must not be among them, hence several classes.
"""

from __future__ import annotations

from typing import Any, TypedDict


class CommonKeywords(TypedDict, total=False):
    """Those that no layer names itself."""

    trainable: bool
    autocast: bool
    input_shape: Any


class NamedKeywords(CommonKeywords, total=False):
    """For layers that name `activity_regularizer` and `input_dim` themselves."""

    name: str | None
    dtype: Any


class NamelessKeywords(CommonKeywords, total=False):
    """For layers that name `name` themselves."""

    dtype: Any
    input_dim: int
    activity_regularizer: Any


class RegularizedKeywords(NamedKeywords, total=False):
    """For layers that name `activity_regularizer` themselves."""

    input_dim: int


class LayerKeywords(RegularizedKeywords, total=False):
    """For all others."""

    activity_regularizer: Any


def take_input_shape(kwargs: dict[str, Any]) -> tuple[int | None, ...] | None:
    """Takes out Keras 2's `input_shape=` and `input_dim=`, still understood in a Sequential."""
    shape = kwargs.pop("input_shape", None)
    dim = kwargs.pop("input_dim", None)
    if dim is not None:
        shape = (dim,)
    return None if shape is None else tuple(shape)
