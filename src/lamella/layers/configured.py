"""What most layers share: arguments checked as they come, and written as they went.

Configured    its config is read off its attributes; knows the three rules of a weight
Weightless    has no weights, so it is built from the start
Elementwise   … and neither shape nor mask change
Rearranging   … and the dtype is that of the input, whatever it is
"""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import numpy as np

from lamella import activations, constraints, initializers, regularizers
from lamella.errors import ArgumentError, ShapeError, UnknownSizeError
from lamella.graph import KerasTensor
from lamella.layers.keywords import LayerKeywords
from lamella.layers.layer import Layer
from lamella.state import Variable

Shape = tuple[int | None, ...]
_RULES = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}
_ROOMS = {**_RULES, "activation": activations}  # by the last word of an argument's name


class RefusedError(ArgumentError, TypeError):
    """An argument of a layer is not one it can take (for some, Keras code catches TypeError)."""


def rules(*weights: str) -> tuple[str, ...]:
    """The names of the arguments that rule weights.

    Example: >>> rules("bias")
             ('bias_initializer', 'bias_regularizer', 'bias_constraint')
    """
    return tuple(f"{weight}_{rule}" for weight in weights for rule in _RULES)


class Configured(Layer):
    """A layer whose config is read off its attributes.

    config_names: the constructor's arguments that it keeps under their names.
    """

    config_names: ClassVar[tuple[str, ...]] = ()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: _written(name, getattr(self, name)) for name in self.config_names}}

    # Weights and their rules

    def _rule_(self, weight: str, initializer: Any, regularizer: Any = None, constraint: Any = None) -> None:
        """Keeps how a weight starts, what it costs and what it must obey."""
        for rule, value in (("initializer", initializer), ("regularizer", regularizer), ("constraint", constraint)):
            setattr(self, f"{weight}_{rule}", _RULES[rule].get(value))

    def _add_ruled_(self, name: str, shape: Any, ruled_as: str | None = None, **options: Any) -> Variable:
        """Makes a weight by the rules kept for it."""
        kept = {rule: getattr(self, f"{ruled_as or name}_{rule}", None) for rule in _RULES}
        return self.add_weight(shape=shape, name=name, **{**kept, **options})

    # Checks

    def _refusal_(self, argument: str, value: Any, expected: str, fix: str | None = None) -> RefusedError:
        """The error for an argument that has a wrong value or type."""
        return RefusedError(f"{type(self).__name__} cannot take {argument}={value!r}.", expected=expected, fix=fix)

    def _positive_(self, argument: str, value: Any) -> int:
        """A whole number of at least 1."""
        if not _is_int(value) or value <= 0:
            raise self._refusal_(argument, value, "a positive integer")
        return int(value)

    def _sizes_(self, argument: str, value: Any, count: int, least: int = 1) -> tuple[int, ...]:
        """`count` whole numbers; a single one stands for all of them."""
        sizes = (value,) * count if _is_int(value) else value
        sizes = tuple(sizes) if isinstance(sizes, np.ndarray) and sizes.ndim == 1 else sizes
        fits = isinstance(sizes, (tuple, list)) and len(sizes) == count and all(map(_is_int, sizes))
        if not fits or min(sizes) < least:
            raise self._refusal_(argument, value, f"an integer or {count} integers, each at least {least}")
        return tuple(map(int, sizes))

    def _known_size_(self, input_shape: Any, axis: int) -> int:
        """The size of an axis that weights depend on."""
        self._check_axes_(input_shape, axis)
        if input_shape[axis] is None:
            raise UnknownSizeError(
                f"{self._where_()} needs to know the size of axis {axis} of its input.",
                expected=f"a number in axis {axis}",
                received=tuple(input_shape),
                fix="give the size where the input is made, e.g. Input((32, 32, 3))",
            )
        return input_shape[axis]

    def _check_axes_(self, input_shape: Any, *axes: int) -> None:
        rank = len(input_shape)
        for axis in axes:
            if not -rank <= axis < rank:
                raise ShapeError(
                    f"{self._where_()} has axis={axis}, which its input lacks.",
                    expected=f"an axis from {-rank} to {rank - 1}",
                    received=tuple(input_shape),
                )


class Weightless(Configured):
    """A layer without weights: nothing is left to build."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.built = type(self).build is Layer.build


class Elementwise(Weightless):
    """A layer without weights that changes numbers, and neither shape nor mask."""

    def __init__(self, **kwargs: Unpack[LayerKeywords]):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class Rearranging(Weightless):
    """A layer without weights that moves numbers about, so that their dtype stays."""

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), inputs.dtype)


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _written(name: str, value: Any) -> Any:
    room = _ROOMS.get(name.rpartition("_")[2])
    return value if room is None or value is None else room.serialize(value)
