"""Fourier transforms, and signals cut into overlapping pieces.

Complex tensors are pairs (real, imaginary), as in Keras.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from lamella.errors import ArgumentError, DtypeError, ShapeError
from lamella.graph import op
from lamella.ops.tensors import tensor


def _complex(x: Any) -> jax.Array:
    """One complex array from a pair (real, imaginary)."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ArgumentError("A complex tensor is a pair (real, imaginary).", received=type(x).__name__)
    real, imag = map(tensor, x)
    if real.shape != imag.shape:
        raise ShapeError("Real and imaginary parts differ in shape.", received=(real.shape, imag.shape))
    if not all(jnp.issubdtype(part.dtype, jnp.floating) for part in (real, imag)):
        raise ArgumentError("Real and imaginary parts are floats.", received=(real.dtype.name, imag.dtype.name))
    return lax.complex(real, imag)


def _pair(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    return jnp.real(x), jnp.imag(x)


@op(name="FFT")
def fft(x: Any) -> Any:
    """The discrete Fourier transform along the last axis."""
    return _pair(jnp.fft.fft(_complex(x)))


@op(name="FFT2")
def fft2(x: Any) -> Any:
    """The discrete Fourier transform along the last two axes."""
    return _pair(jnp.fft.fft2(_complex(x)))


@op(name="IFFT2")
def ifft2(x: Any) -> Any:
    """The inverse of `fft2`."""
    return _pair(jnp.fft.ifft2(_complex(x)))


@op(name="RFFT")
def rfft(x: Any, fft_length: int | None = None) -> Any:
    """The first half of the Fourier transform of real numbers; the rest mirrors it.

    Args: fft_length: cuts x or fills it up with zeros.
    """
    return _pair(jnp.fft.rfft(tensor(x), fft_length))


@op(name="IRFFT")
def irfft(x: Any, fft_length: int | None = None) -> Any:
    """The inverse of `rfft`."""
    return jnp.fft.irfft(_complex(x), fft_length)


@op
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """The pieces of a signal under a window that moves by `sequence_stride`.

    Shape:   (…, time) → (…, pieces, sequence_length)
    Example: >>> ops.extract_sequences([1, 2, 3, 4], 2, 2).tolist()
             [[1, 2], [3, 4]]
    """
    x = tensor(x)
    starts = jnp.arange(0, x.shape[-1] - sequence_length + 1, sequence_stride)
    return x[..., starts[:, None] + jnp.arange(sequence_length)]


@op(name="STFT")
def stft(
    x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann", center: bool = True
) -> Any:
    """The Fourier transforms of overlapping, windowed pieces of a signal.

    Args:   window: "hann", "hamming", an array of `sequence_length`, or None.
            center: the signal is mirrored at its ends, so that piece i is centred at i * stride.
    Shape:  (…, time) → (real, imaginary), each (…, pieces, fft_length // 2 + 1)
    Raises: DtypeError: x is not float32.  ArgumentError: a stride below 1, a piece longer than `fft_length`.
    """
    x = tensor(x)
    if x.dtype not in ("float32", "float64"):
        raise DtypeError("stft() takes float32.", received=x.dtype.name, fix="cast the signal")
    _check_pieces(sequence_length, sequence_stride, fft_length)
    if center:
        x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(fft_length // 2, fft_length // 2)], "reflect")
    pieces = extract_sequences(x, fft_length, sequence_stride)
    return _pair(jnp.fft.rfft(pieces * _window(window, sequence_length, fft_length, x.dtype)))


@op(name="ISTFT")
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Any:
    """The signal whose `stft` this is: the pieces overlapped, added, and divided by the windows.

    Args:   length: of the signal; None: all there is.
    Raises: ArgumentError: a stride below 1, a piece longer than `fft_length`.  ShapeError: rank below 2.
    """
    spectrum = _complex(x)
    if spectrum.ndim < 2:
        raise ShapeError("istft() takes (…, pieces, bins).", expected="rank 2 or more", received=spectrum.shape)
    _check_pieces(sequence_length, sequence_stride, fft_length)
    pieces = jnp.fft.irfft(spectrum, fft_length)
    weights = _window(window, sequence_length, fft_length, pieces.dtype)
    weight = _overlapped(jnp.broadcast_to(weights**2, pieces.shape[-2:]), sequence_stride)
    signal = _overlapped(pieces * weights, sequence_stride) / jnp.where(weight > 1e-10, weight, 1.0)
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else signal.shape[-1] - start
    return signal[..., start:end]


def _check_pieces(length: int, stride: int, fft_length: int) -> None:
    if not isinstance(stride, int) or stride <= 0:
        raise ArgumentError("sequence_stride is a positive integer.", received=repr(stride))
    if fft_length < length:
        raise ArgumentError(
            "fft_length is at least sequence_length.", expected=f"{length} or more", received=fft_length
        )


def _window(window: Any, length: int, fft_length: int, dtype: Any) -> jax.Array:
    """The window with zeros on both sides, so that it is `fft_length` long."""
    left = (fft_length - length) // 2
    if window is None:
        return jnp.ones(fft_length, dtype)
    if isinstance(window, str):
        window = _periodic(window, length)
    window = tensor(window, dtype)
    if window.shape != (length,):
        raise ShapeError("The window has another length.", expected=(length,), received=window.shape)
    return jnp.pad(window, (left, fft_length - length - left))


def _periodic(name: str, length: int) -> jax.Array:
    shapes = {"hann": jnp.hanning, "hamming": jnp.hamming}
    if name not in shapes:
        raise ArgumentError("Unknown window.", expected="'hann', 'hamming', an array or None", received=repr(name))
    return shapes[name](length + 1)[:-1]


def _overlapped(pieces: jax.Array, stride: int) -> jax.Array:
    """Adds pieces up, each `stride` behind the one before."""
    *batch, count, length = pieces.shape
    places = jnp.arange(count)[:, None] * stride + jnp.arange(length)
    return jnp.zeros((*batch, (count - 1) * stride + length), pieces.dtype).at[..., places].add(pieces)
