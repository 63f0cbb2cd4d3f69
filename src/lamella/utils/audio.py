"""Sound files as arrays."""

from __future__ import annotations

import math
import wave

import numpy as np

from lamella.errors import DataError, FileError

_LOUDEST = {1: ("u1", 128), 2: ("<i2", 32768), 4: ("<i4", 2**31)}  # by bytes of a sample; one byte has its zero at 128


def read_wav(path: str, sampling_rate: int | None = None, length: int | None = None) -> np.ndarray:
    """The samples of a WAV file, (samples, channels), float32, from -1 to 1.

    Args:   sampling_rate: samples a second to bring it to.
            length: cuts it, or fills it up with zeros.
    Raises: FileError: no WAV file of 8, 16 or 32 bits, uncompressed.
    """
    try:
        with wave.open(path, "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise FileError(f"{path}: no sound can be read there: {error}") from error
    if width not in _LOUDEST:
        raise FileError(f"{path}: sounds have 8, 16 or 32 bits.", received=f"{8 * width} bits")
    dtype, loudest = _LOUDEST[width]
    whole = len(data) // (width * channels) * width * channels  # of a file that was cut off
    samples = np.frombuffer(data[:whole], dtype).reshape(-1, channels).astype("float64") / loudest
    samples = resampled(samples - (width == 1), rate, sampling_rate or rate)
    return fitted(samples.astype("float32"), length)


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Samples at another rate, by a polyphase filter.

    Example: >>> from lamella.utils.audio import resampled
             >>> resampled(np.zeros((8, 1)), 16000, 8000).shape
             (4, 1)
    """
    if rate == wanted:
        return samples
    from scipy.signal import resample_poly

    common = math.gcd(rate, wanted)
    return resample_poly(samples, wanted // common, rate // common)


def fitted(samples: np.ndarray, length: int | None) -> np.ndarray:
    """Samples cut, or filled up with zeros, to a length."""
    if length is None:
        return samples
    return np.pad(samples[:length], ((0, max(length - len(samples), 0)), (0, 0)))


def padded_stack(sounds: list[np.ndarray]) -> np.ndarray:
    """Sounds as one array, filled up with zeros to the longest.

    Raises: DataError: they differ in the number of channels.
    """
    channels = sorted({sound.shape[1] for sound in sounds})
    if len(channels) > 1:
        raise DataError("The sounds of a batch have different numbers of channels.", received=channels)
    longest = max(map(len, sounds))
    return np.stack([fitted(sound, longest) for sound in sounds])
