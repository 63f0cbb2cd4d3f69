"""The same inputs and the same weights for every peer.  NumPy is imported late: some rows measure imports."""

from __future__ import annotations

from math import prod
from typing import Any


def _generator() -> Any:
    from numpy.random import default_rng

    return default_rng(0)


def normal(*shape: int) -> Any:
    """Standard normal float32 numbers."""
    return _generator().standard_normal(shape, dtype="float32")


def integers(below: int, *shape: int) -> Any:
    """Whole numbers in [0, below)."""
    return _generator().integers(0, below, shape).astype("int32")


def images(count: int, size: int) -> Any:
    """(count, size, size, 3) images with values in [-1, 1]."""
    return _generator().uniform(-1, 1, (count, size, size, 3)).astype("float32")


def same_weights(model: Any) -> Any:
    """The model, its matrices and kernels drawn by NumPy, scaled to keep the variance through a ReLU."""
    generator = _generator()
    weights = model.get_weights()
    drawn = (generator.standard_normal(w.shape, "float32") * (2 / _fan_in(w.shape)) ** 0.5 for w in weights)
    model.set_weights([new if w.ndim > 1 else w for w, new in zip(weights, drawn, strict=True)])
    return model


def _fan_in(shape: tuple[int, ...]) -> int:
    """Inputs of one output; a kernel that ends in 1 is a depthwise one."""
    return prod(shape[:-2] if shape[-1:] == (1,) and len(shape) == 4 else shape[:-1]) or 1
