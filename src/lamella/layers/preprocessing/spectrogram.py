"""Spectrograms of sound: STFTSpectrogram, whose Fourier transform may be trained, and MelSpectrogram."""

from __future__ import annotations

import math
import warnings
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from lamella import config as settings
from lamella import initializers, ops
from lamella.dtypes import is_float
from lamella.errors import DtypeError, ShapeError
from lamella.layers.configured import Configured, Shape, Weightless
from lamella.layers.input_spec import InputSpec
from lamella.layers.keywords import LayerKeywords
from lamella.layers.windows import places
from lamella.registry import deserialize_keras_object, serialize_keras_object

__all__ = ["MelSpectrogram", "STFTSpectrogram"]

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class STFTSpectrogram(Configured):
    """The Fourier transforms of overlapping pieces of a signal, as convolutions that can be trained.

    Args:    mode: "magnitude", its "log", "psd" (power spectral density), "angle", the "real" or "imag" part,
                 or "stft": both parts.
             frame_length, frame_step: of the pieces; each begins `frame_step` (by default half a piece) later.
             fft_length: what a piece is filled up to; by default the next power of two.
             window: the name of a window of scipy.signal, an array of `frame_length`, or None.
             periodic: whether the window is the periodic one of its name.
             scaling: "density", "spectrum" or None: what the window is divided by.
             expand_dims: channels and frequencies get an axis each, as images have them.
    Shape:   in (batch, time, channels) → out (batch, pieces, channels * bins), or (batch, pieces, bins, channels);
             channels second with data_format="channels_first". bins = fft_length / 2 + 1, twice as many for "stft"
    State:   real_kernel, imag_kernel (frame_length, 1, fft_length / 2 + 1): those that the mode needs
    Example: >>> STFTSpectrogram(frame_length=64)(np.ones((2, 320, 1))).shape
             (2, 9, 33)
    """

    config_names = (
        *("mode", "frame_length", "frame_step", "fft_length", "periodic", "scaling", "padding"),
        *("data_format", "expand_dims"),
    )

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        if mode not in _MODES:
            raise self._refusal_("mode", mode, f"one of {', '.join(_MODES)}")
        if padding not in ("valid", "same"):
            raise self._refusal_("padding", padding, "'valid' or 'same'")
        self.mode, self.padding, self.expand_dims = mode, padding, expand_dims
        self.data_format = settings.standardize_data_format(data_format)
        self._keep_lengths(frame_length, frame_step, fft_length)
        self.window = deserialize_keras_object(window) if isinstance(window, dict) else window
        self.periodic, self.scaling = periodic, scaling
        self._parts = {
            part: initializers.STFT(part, self.window, scaling, periodic)
            for part, other in (("real", "imag"), ("imag", "real"))
            if mode != other
        }
        self.input_spec = InputSpec(ndim=3)

    def _keep_lengths(self, frame_length: int, frame_step: int | None, fft_length: int | None) -> None:
        self.frame_length = self._positive_("frame_length", frame_length)
        self.frame_step = frame_step if frame_step is None else self._positive_("frame_step", frame_step)
        self.fft_length = fft_length if fft_length is None else self._positive_("fft_length", fft_length)
        self._frame_step = frame_step or max(frame_length // 2, 1)
        self._fft_length = fft_length or 2 ** math.ceil(math.log2(frame_length))
        if self._frame_step > frame_length:
            raise self._refusal_("frame_step", frame_step, f"at most frame_length={frame_length}")
        if self._fft_length < frame_length:
            raise self._refusal_("fft_length", fft_length, f"at least frame_length={frame_length}")
        if self._fft_length & (self._fft_length - 1):
            warnings.warn(f"fft_length={fft_length} is no power of two, which would be faster.", stacklevel=4)

    def build(self, input_shape: Shape) -> None:
        shape = (self.frame_length, 1, self._fft_length // 2 + 1)
        for part, initializer in self._parts.items():
            setattr(self, f"{part}_kernel", self.add_weight(shape, initializer, name=f"{part}_kernel"))

    def call(self, inputs: Any) -> Any:
        if not is_float(inputs.dtype.name):
            raise DtypeError(
                f"{self._where_()} takes floats.",
                received=inputs.dtype.name,
                fix="scale the samples to floats in -1 … 1",
            )
        return self._arranged(self._spectrum(*(self._transformed(inputs, part) for part in self._parts)))

    def _spectrum(self, *parts: Any) -> Any:
        """What the mode makes of real and imaginary part, or of the one it has."""
        if len(parts) == 1:
            return parts[0]
        real, imag = parts
        if self.mode == "angle":
            return jnp.arctan2(imag, real)
        if self.mode == "stft":
            return jnp.concatenate([real, imag], axis=-1)
        power = real**2 + imag**2
        if self.mode == "psd":  # all frequencies but the first and the last stand for negative ones too
            return power + jnp.pad(power[..., 1:-1], [(0, 0)] * 3 + [(1, 1)])
        least = settings.epsilon()
        magnitude = jnp.sqrt(jnp.maximum(power, least))
        return magnitude if self.mode == "magnitude" else jnp.log(jnp.maximum(magnitude, least))

    def _transformed(self, inputs: Any, part: str) -> Any:
        """One part of the transform: (batch, channels, pieces, bins)."""
        signals = jnp.swapaxes(inputs, 1, 2) if self.data_format == "channels_last" else inputs
        batch, channels, time = signals.shape
        kernel = getattr(self, f"{part}_kernel").value.astype(inputs.dtype)
        signals = signals.reshape(batch * channels, time, 1)
        found = ops.conv(signals, kernel, self._frame_step, self.padding, "channels_last")
        return found.reshape(batch, channels, *found.shape[1:])

    def _arranged(self, spectrum: Any) -> Any:
        """(batch, channels, pieces, bins) with the axes in the order that was asked for."""
        batch, channels, pieces, bins = spectrum.shape
        if self.data_format == "channels_last":
            if self.expand_dims:
                return spectrum.transpose(0, 2, 3, 1)
            return spectrum.transpose(0, 2, 1, 3).reshape(batch, pieces, channels * bins)
        return spectrum if self.expand_dims else spectrum.swapaxes(2, 3).reshape(batch, channels * bins, pieces)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, time, channels = input_shape
        if self.data_format == "channels_first":
            time, channels = channels, time
        if channels is None:
            raise ShapeError(f"{self._where_()} needs to know the number of channels.", received=tuple(input_shape))
        pieces = places(time, self.frame_length, self._frame_step, self.padding)
        bins = (self._fft_length // 2 + 1) * (2 if self.mode == "stft" else 1)
        if self.data_format == "channels_last":
            return (batch, pieces, bins, channels) if self.expand_dims else (batch, pieces, channels * bins)
        return (batch, channels, pieces, bins) if self.expand_dims else (batch, channels * bins, pieces)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "window": serialize_keras_object(self.window)}


class MelSpectrogram(Weightless):
    """How loud each pitch is at each time: the power of a signal's Fourier transform, in bands of the mel scale.

    Args:    fft_length: samples of a piece, filled up with zeros from `sequence_length` (by default as many).
             sequence_stride: samples from one piece to the next.
             window: "hann", "hamming", an array of `sequence_length`, or None.
             sampling_rate: samples a second, in hertz.
             num_mel_bins: number of bands, from `min_freq` to `max_freq` (by default half the rate) hertz.
             power_to_db: gives decibels, relative to `ref_power`, at most `top_db` below the loudest of the batch.
             mag_exp: 1 for magnitudes, 2 for power.
             min_power: what is quieter counts as this.
    Shape:   in (batch, time), or (time,) → out (batch, num_mel_bins, pieces), or (num_mel_bins, pieces)
    Example: >>> MelSpectrogram(num_mel_bins=8, fft_length=64, sequence_stride=16)(np.ones((2, 160))).shape
             (2, 8, 11)
    """

    config_names = (
        *("fft_length", "sequence_stride", "sequence_length", "sampling_rate", "num_mel_bins", "min_freq"),
        *("max_freq", "power_to_db", "top_db", "mag_exp", "min_power", "ref_power"),
    )

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Unpack[LayerKeywords],
    ):
        super().__init__(**kwargs)
        self.fft_length = self._positive_("fft_length", fft_length)
        self.sequence_stride = self._positive_("sequence_stride", sequence_stride)
        self.sequence_length = self._positive_("sequence_length", sequence_length or fft_length)
        if self.fft_length < self.sequence_length:
            raise self._refusal_("sequence_length", sequence_length, f"at most fft_length={fft_length}")
        self.num_mel_bins = self._positive_("num_mel_bins", num_mel_bins)
        self.sampling_rate, self.min_freq, self.max_freq = sampling_rate, min_freq, max_freq or int(sampling_rate / 2)
        if not self.min_freq < self.max_freq:
            raise self._refusal_("max_freq", max_freq, f"more than min_freq={min_freq}")
        self.window = deserialize_keras_object(window) if isinstance(window, dict) else window
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power

    def call(self, inputs: Any) -> Any:
        signal = jnp.asarray(inputs, "float64" if self.compute_dtype == "float64" else "float32")
        real, imag = ops.stft(signal, self.sequence_length, self.sequence_stride, self.fft_length, self.window)
        spectrum = (real**2 + imag**2) ** (self.mag_exp / 2)
        loudness = spectrum @ self._bands(signal.dtype)
        loudness = self._decibels(loudness) if self.power_to_db else loudness
        return jnp.swapaxes(loudness, -1, -2).astype(self.compute_dtype)

    def _decibels(self, power: Any) -> Any:
        decibels = 10 * (self._log10(power) - self._log10(jnp.abs(jnp.asarray(self.ref_power, power.dtype))))
        return jnp.maximum(decibels, decibels.max() - self.top_db)

    def _log10(self, power: Any) -> Any:
        return jnp.log10(jnp.maximum(power, self.min_power))

    def _bands(self, dtype: Any) -> jax.Array:
        return self.linear_to_mel_weight_matrix(
            self.num_mel_bins, self.fft_length // 2 + 1, self.sampling_rate, self.min_freq, self.max_freq, dtype
        )

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: float = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: Any = "float32",
    ) -> jax.Array:
        """Bands as triangles on the mel scale, by which a spectrum is multiplied.

        Shape:  (num_spectrogram_bins, num_mel_bins)
        Source: HTK, https://htk.eng.cam.ac.uk: mel(f) = 1127 ln(1 + f / 700); the lowest bin has no weight.
        """
        frequencies = jnp.linspace(0.0, sampling_rate / 2, num_spectrogram_bins, dtype=dtype)[1:]
        first, last = _mel(np.asarray(lower_edge_hertz, dtype)), _mel(np.asarray(upper_edge_hertz, dtype))
        edges = jnp.linspace(first, last, num_mel_bins + 2, dtype=dtype)
        lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
        mel = _mel(frequencies)[:, None]
        rising, falling = (mel - lower) / (centre - lower), (upper - mel) / (upper - centre)
        return jnp.pad(jnp.maximum(0, jnp.minimum(rising, falling)), [(1, 0), (0, 0)])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        *batch, time = input_shape
        margin = self.fft_length // 2 * 2 - self.fft_length
        pieces = None if time is None else (time + margin) // self.sequence_stride + 1
        return (*batch, self.num_mel_bins, pieces)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "window": serialize_keras_object(self.window)}


def _mel(hertz: Any) -> Any:
    return 1127.0 * jnp.log(1.0 + hertz / 700.0)
