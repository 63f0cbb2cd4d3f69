"""InputSpec: what a layer asks of an input, and the check of it."""

from __future__ import annotations

from typing import Any

import jax

from lamella.dtypes import standardize_dtype
from lamella.errors import ArgumentError, ShapeError
from lamella.graph import standardize_shape


class InputSpec:
    """Rank, dtype and sizes that an input must have; what is None is free.

    Args:    axes: {axis: size} for single sizes, e.g. {-1: 3}.
             optional: the input may be None.
             allow_last_axis_squeeze: (batch, 1) passes for (batch,) and back.
    Example: >>> InputSpec(min_ndim=2, axes={-1: 3})
             InputSpec(min_ndim=2, axes={-1: 3})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ):
        self.dtype = None if dtype is None else standardize_dtype(dtype)
        self.shape = None if shape is None else standardize_shape(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name, self.optional = name, optional
        most = self.ndim or self.max_ndim
        if self.axes and most is not None and max(self.axes) >= most:
            raise ArgumentError(
                "InputSpec names an axis that the rank does not have.", expected=f"< {most}", received=axes
            )

    def __repr__(self) -> str:
        shown = {k: v for k, v in self.get_config().items() if v and k != "optional"}
        return f"InputSpec({', '.join(f'{k}={v}' for k, v in shown.items())})"

    def get_config(self) -> dict[str, Any]:
        return {k: getattr(self, k) for k in ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        return cls(**config)

    def misfit(self, tensor: Any) -> str | None:
        """What a tensor lacks, in the words of an error's `expected` line; None if it fits."""
        shape, squeeze = tuple(tensor.shape), self.allow_last_axis_squeeze
        if self.ndim is not None and len(shape) != self.ndim and not squeeze:
            return f"rank {self.ndim}"
        if self.max_ndim is not None and len(shape) > self.max_ndim:
            return f"rank {self.max_ndim} at most"
        if self.min_ndim is not None and len(shape) < self.min_ndim:
            return f"rank {self.min_ndim} at least"
        if self.dtype is not None and standardize_dtype(tensor.dtype) != self.dtype:
            return f"dtype {self.dtype}"
        for axis, size in self.axes.items():
            if size is not None and shape[axis] not in (size, None):
                return f"{size} in axis {axis}"
        return self._misshape(shape)

    def _misshape(self, shape: tuple[int | None, ...]) -> str | None:
        if self.shape is None:
            return None
        wanted = self.shape
        if self.allow_last_axis_squeeze:
            shape, wanted = (s[:-1] if s and s[-1] == 1 else s for s in (shape, wanted))
        fits = all(a is None or b is None or a == b for a, b in zip(shape, wanted, strict=False))
        return None if fits else f"shape {self.shape}"


def check_inputs(specs: Any, inputs: Any, what: str) -> None:
    """Raises a `ShapeError` if inputs do not fit their specs.

    Args: what: how the error names the layer ("Conv2D at 'head/conv'").
    """
    flat_specs = [
        s for s in jax.tree.leaves(specs, is_leaf=lambda s: s is None) if s is None or isinstance(s, InputSpec)
    ]
    tensors = _in_order(flat_specs, inputs, what)
    if len(tensors) != len(flat_specs):
        raise ShapeError(f"{what} takes {len(flat_specs)} input(s).", received=f"{len(tensors)}: {describe(inputs)}")
    for number, (spec, tensor) in enumerate(zip(flat_specs, tensors, strict=True)):
        if spec is None or (tensor is None and spec.optional):
            continue
        if not hasattr(tensor, "shape"):
            raise ShapeError(f"{what} takes tensors.", received=f"{tensor!r} of type {type(tensor).__name__}")
        expected = spec.misfit(tensor)
        if expected is not None:
            of = f" as input {number}" if len(tensors) > 1 else ""
            raise ShapeError(f"{what} cannot take this{of}.", expected=expected, received=describe(tensor))


def _in_order(specs: list[InputSpec | None], inputs: Any, what: str) -> list[Any]:
    names = [spec.name for spec in specs if spec is not None and spec.name]
    if isinstance(inputs, dict) and len(names) == len(specs):
        for name in names:
            if name not in inputs:
                raise ShapeError(
                    f"{what} has an input {name!r} that was not given.", expected=names, received=list(inputs)
                )
        return [inputs[name] for name in names]
    return jax.tree.leaves(inputs, is_leaf=lambda x: x is None)


def describe(value: Any) -> str:
    """Tensors as an error shows them: shape, dtype, and for symbolic ones where from."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        maker = getattr(getattr(value, "_keras_history", None), "operation", None)
        origin = f", from {type(maker).__name__} at {maker.name!r}" if maker is not None else ""
        return f"{tuple(value.shape)} {standardize_dtype(value.dtype)}{origin}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {describe(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(describe, value)) + "]"
    return repr(value)
