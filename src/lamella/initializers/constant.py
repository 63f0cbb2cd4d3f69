"""Initializers without chance: constants, identity, Fourier kernels."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lamella.errors import ArgumentError, ShapeError
from lamella.initializers.initializer import HostInitializer, Initializer, cast, on_host
from lamella.registry import deserialize_keras_object, serialize_keras_object


class Constant(HostInitializer):
    """Every weight is `value`, a number or an array that fits the shape.

    Example: >>> Constant(3.0)((2,)).tolist()
             [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0):
        self.value = value

    def numbers_later(self, shape: Any, dtype: Any) -> Any:
        value = cast(self.value, dtype)
        try:
            return partial(np.array, np.broadcast_to(value, shape))
        except ValueError:
            raise ShapeError(
                "Constant holds an array that does not fit the weight.",
                expected=f"a number, or an array that broadcasts to {tuple(shape)}",
                received=f"an array of shape {value.shape}",
            ) from None

    def get_config(self) -> dict[str, Any]:
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(deserialize_keras_object(config["value"]))


class Zeros(HostInitializer):
    """Every weight is 0."""

    def numbers_later(self, shape: Any, dtype: Any) -> Any:
        return partial(np.zeros, shape, dtype)


class Ones(HostInitializer):
    """Every weight is 1."""

    def numbers_later(self, shape: Any, dtype: Any) -> Any:
        return partial(np.ones, shape, dtype)


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere.

    Raises: ShapeError: the shape is not that of a matrix.
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    @on_host
    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        if len(shape) != 2:
            raise ShapeError("Identity makes matrices only.", expected="a shape of rank 2", received=shape)
        return cast(self.gain * np.eye(*shape), dtype)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


class STFT(Initializer):
    """Kernels of a one-dimensional convolution that computes a short-time Fourier transform.

    Args:  side: "real" or "imag" part.
           window: the name of a window of scipy.signal, an array, or None.
           scaling: "density", "spectrum" or None.
           periodic: whether the window is the periodic one of its name.
    Shape: (frame_length, 1, fft_length / 2 + 1)
    """

    def __init__(
        self, side: str = "real", window: Any = "hann", scaling: str | None = "density", periodic: bool = False
    ):
        if side not in ("real", "imag"):
            raise ArgumentError("Unknown `side`.", expected="'real' or 'imag'", received=repr(side))
        if scaling not in (None, "density", "spectrum"):
            raise ArgumentError("Unknown `scaling`.", expected="None, 'density' or 'spectrum'", received=repr(scaling))
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic
        self._window_of(1)

    @on_host
    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        frame_length, _, bins = shape
        time = np.arange(frame_length).reshape(-1, 1, 1)
        angle = -2 * np.pi * time * np.arange(bins) / (2 * (bins - 1))
        wave = np.cos(angle) if self.side == "real" else np.sin(angle)
        window = self._window_of(frame_length)
        if window is None:
            return cast(wave, dtype)
        if window.shape != (frame_length,):
            raise ShapeError(
                "The window has another length than the frames.", expected=(frame_length,), received=window.shape
            )
        scale = {"density": np.sqrt(np.sum(window**2)), "spectrum": np.sum(np.abs(window))}.get(self.scaling or "", 1)
        return cast(wave * window.reshape(-1, 1, 1) / scale, dtype)

    def _window_of(self, length: int) -> np.ndarray | None:
        if not isinstance(self.window, str):
            return None if self.window is None else np.asarray(self.window)
        from scipy.signal import get_window

        try:
            return np.asarray(get_window(self.window, length, self.periodic))
        except ValueError:
            raise ArgumentError(f"scipy.signal has no window {self.window!r}.") from None

    def get_config(self) -> dict[str, Any]:
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}
