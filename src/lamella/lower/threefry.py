"""Random numbers on the host: the bits that `jax.random` draws, without compiling anything.

JAX's default generator is elementwise: element i of an array has the bits
x0 ^ x1 of threefry2x32(key, (high and low word of i)).  So NumPy can draw the
same ones, and a weight of a new shape costs no compilation (~50 ms each in XLA).

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3";
        Giles 2010, "Approximating the erfinv function".
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_BLOCK = 32768  # elements whose intermediate values stay in the processor's cache
_UNSIGNED = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


def _single(*coefficients: float) -> tuple[np.float32, ...]:
    return tuple(map(np.float32, coefficients))


# Highest power first.
_CENTRE = _single(
    *(2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087),
    *(-0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
)
_TAIL = _single(
    *(-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773),
    *(-0.0076224613, 0.00943887047, 1.00167406, 2.83297682),
)


def uniform(key: Any, shape: tuple[int, ...], minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = "float32") -> Any:
    """What `jax.random.uniform` draws, as a NumPy array.

    Args:    key: two uint32 words.
    Example: >>> from lamella.lower.threefry import uniform
             >>> bool((uniform((0, 7), (3,)) == jax.random.uniform(jax.random.key(7), (3,))).all())
             True
    """
    dtype = jnp.dtype(dtype)
    low, high = np.asarray(minval, dtype), np.asarray(maxval, dtype)
    out = np.empty(math.prod(shape), dtype)
    for start in range(0, out.size, _BLOCK):
        block = out[start : start + _BLOCK]
        unit = _unit(*_threefry(key, start, block.size), dtype)
        np.maximum(low, unit * (high - low) + low, out=block)
    return out.reshape(shape)


def normal(key: Any, shape: tuple[int, ...], dtype: Any = "float32") -> Any:
    """What `jax.random.normal` draws, as a NumPy array."""
    dtype = jnp.dtype(dtype)
    below = np.nextafter(np.asarray(-1, dtype), np.asarray(0, dtype))
    return _gaussian(uniform(key, shape, below, 1.0, dtype))


def truncated_normal(key: Any, shape: tuple[int, ...], bound: float = 2.0, dtype: Any = "float32") -> Any:
    """What `jax.random.truncated_normal` draws between -bound and bound, as a NumPy array."""
    dtype = jnp.dtype(dtype)
    edge = math.erf(bound / math.sqrt(2))
    most = np.nextafter(np.asarray(bound, dtype), np.asarray(0, dtype))
    return np.clip(_gaussian(uniform(key, shape, -edge, edge, dtype)), -most, most)


def _threefry(key: Any, start: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The two words of elements start … start + count, 20 rounds on their numbers."""
    k0, k1 = (np.uint32(word) for word in np.asarray(key))
    keys = (k0, k1, k0 ^ k1 ^ np.uint32(0x1BD11BDA))
    numbers = np.arange(start, start + count, dtype=np.uint64)
    x0, x1 = (numbers >> np.uint64(32)).astype(np.uint32), numbers.astype(np.uint32)
    rotated = np.empty_like(x1)
    x0 += keys[0]
    x1 += keys[1]
    for step in range(5):
        for rotation in _ROTATIONS[step % 2]:
            x0 += x1
            np.left_shift(x1, np.uint32(rotation), out=rotated)
            x1 >>= np.uint32(32 - rotation)
            x1 |= rotated
            x1 ^= x0
        x0 += keys[(step + 1) % 3]
        x1 += np.uint32((int(keys[(step + 2) % 3]) + step + 1) % 2**32)
    return x0, x1


def _unit(x0: np.ndarray, x1: np.ndarray, dtype: Any) -> np.ndarray:
    """Numbers in [0, 1): the bits fill the mantissa of a number in [1, 2), less 1."""
    info = jnp.finfo(dtype)
    drawn = 8 if info.nmant < 8 else info.bits
    word = _UNSIGNED[info.bits]
    one = np.ones((), dtype).view(word)
    bits = (x0.astype(np.uint64) << np.uint64(32)) | x1 if drawn == 64 else (x0 ^ x1).astype(_UNSIGNED[drawn])
    return (bits.astype(word) >> word(drawn - info.nmant) | one).view(dtype) - np.ones((), dtype)


def _gaussian(u: np.ndarray) -> np.ndarray:
    """√2 · erfinv(u), block by block."""
    flat = u.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        block[...] = np.asarray(np.sqrt(2), u.dtype) * _erfinv(block).astype(u.dtype)
    return u


def _erfinv(x: np.ndarray) -> np.ndarray:
    """The inverse of erf, as XLA computes it: a polynomial in w = -log(1 - x²), another in the tails."""
    if x.dtype == np.float64:
        from scipy.special import erfinv

        return erfinv(x)
    x = x.astype(np.float32)
    w = -np.log1p(-x * x)
    result = _polynomial(_CENTRE, w - np.float32(2.5))
    tail = np.flatnonzero(w >= 5)
    if tail.size:
        result[tail] = _polynomial(_TAIL, np.sqrt(w[tail]) - np.float32(3))
    return result * x


def _polynomial(coefficients: tuple[np.float32, ...], w: np.ndarray) -> np.ndarray:
    result = np.full_like(w, coefficients[0])
    for coefficient in coefficients[1:]:
        result *= w
        result += coefficient
    return result
