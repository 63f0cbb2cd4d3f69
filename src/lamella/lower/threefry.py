"""Random numbers on the host: the bits that `jax.random` draws, without a compilation for each shape.

JAX's default generator is elementwise: element i of an array has the bits
x0 ^ x1 of threefry2x32(key, (high and low word of i)).  So NumPy can draw the
same ones, and a weight of a new shape costs no compilation (~50 ms each in XLA).
Where millions are drawn, one program that XLA compiles for blocks of them, whatever
the shapes, is ten times as fast.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3";
        Giles 2010, "Approximating the erfinv function".
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_BLOCK = 32768  # elements whose intermediate values stay in the processor's cache
_MANY = 1 << 22  # numbers drawn in this process from which on compiling pays off
_LARGE = 1 << 18  # arrays that are worth a program's run
_PROGRAMS_BLOCK = 1 << 20
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
    if _pays(out):
        words = np.asarray(key).astype(np.uint32)
        _by_program(_uniform_block, out, lambda start: (words, np.uint32(start >> 32), np.uint32(start), low, high))
        return out.reshape(shape)
    for start in range(0, out.size, _BLOCK):
        block = out[start : start + _BLOCK]
        unit = _unit(*_threefry(key, start, block.size), dtype)
        unit *= high - low
        unit += low
        np.maximum(low, unit, out=block)
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
    if start + count <= 2**32:
        x0, x1 = np.zeros(count, np.uint32), np.arange(start, start + count, dtype=np.uint32)
    else:
        numbers = np.arange(start, start + count, dtype=np.uint64)
        x0, x1 = (numbers >> np.uint64(32)).astype(np.uint32), numbers.astype(np.uint32)
    rotated = np.empty_like(x1)

    def rotate(x: np.ndarray, by: int) -> np.ndarray:
        np.left_shift(x, np.uint32(by), out=rotated)
        x >>= np.uint32(32 - by)
        x |= rotated
        return x

    return _rounds(k0, k1, x0, x1, rotate)


def _rounds(k0: Any, k1: Any, x0: Any, x1: Any, rotate: Callable[[Any, int], Any]) -> tuple[Any, Any]:
    """The 20 rounds on two words, in place where these are NumPy's."""
    keys = (k0, k1, k0 ^ k1 ^ np.uint32(0x1BD11BDA))
    x0 += keys[0]
    x1 += keys[1]
    for step in range(5):
        for rotation in _ROTATIONS[step % 2]:
            x0 += x1
            x1 = rotate(x1, rotation)
            x1 ^= x0
        x0 += keys[(step + 1) % 3]
        x1 += keys[(step + 2) % 3]
        x1 += np.uint32(step + 1)
    return x0, x1


def _unit(x0: np.ndarray, x1: np.ndarray, dtype: Any) -> np.ndarray:
    """Numbers in [0, 1): the bits fill the mantissa of a number in [1, 2), less 1."""
    info = jnp.finfo(dtype)
    drawn = 8 if info.nmant < 8 else info.bits
    word = _UNSIGNED[info.bits]
    one = np.ones((), dtype).view(word)
    bits = (x0.astype(np.uint64) << np.uint64(32)) | x1 if drawn == 64 else np.bitwise_xor(x0, x1, out=x0)
    bits = bits.astype(_UNSIGNED[drawn], copy=False).astype(word, copy=False)
    bits >>= word(drawn - info.nmant)
    bits |= one
    unit = bits.view(dtype)
    unit -= np.ones((), dtype)
    return unit


def _gaussian(u: np.ndarray) -> np.ndarray:
    """√2 · erfinv(u), block by block."""
    flat = u.reshape(-1)
    if _pays(flat):
        _by_program(_gaussian_block, flat, lambda start: (_whole(flat[start : start + _PROGRAMS_BLOCK]),))
        return u
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


# Many numbers

_drawn = [0]


def _pays(out: np.ndarray) -> bool:
    """Whether to fill an array by a compiled program: after so many numbers that compiling takes as long again."""
    if out.dtype != np.float32 or out.size < _LARGE or _drawn[0] + out.size < _MANY:
        _drawn[0] += out.size
        return False
    return _processor() is not None


@functools.cache
def _processor() -> Any:
    """The CPU as JAX knows it; None where JAX was told to use others alone."""
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return None


def _by_program(function: Callable[..., Any], out: np.ndarray, arguments: Callable[[int], Any]) -> None:
    """Fills an array with what a function, compiled, gives for each block."""
    program = _program(function, _PROGRAMS_BLOCK, *(jax.ShapeDtypeStruct(one.shape, one.dtype) for one in arguments(0)))
    for start in range(0, out.size, _PROGRAMS_BLOCK):
        block = out[start : start + _PROGRAMS_BLOCK]
        block[...] = np.asarray(program(*arguments(start)))[: block.size]


@functools.cache
def _program(function: Callable[..., Any], size: int, *arguments: Any) -> Any:
    """The compiled function; made in a thread of its own, so as not to become part of what is being traced here."""

    def compile() -> Any:
        with jax.default_device(_processor()):
            return jax.jit(functools.partial(function, size)).lower(*arguments).compile()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(compile).result()


def _whole(block: np.ndarray) -> np.ndarray:
    """The last block of an array, filled up."""
    return np.resize(block, _PROGRAMS_BLOCK) if block.size < _PROGRAMS_BLOCK else block


def _uniform_block(size: int, key: Any, high_word: Any, low_word: Any, low: Any, high: Any) -> Any:
    x0, x1 = jnp.full(size, high_word), jax.lax.iota(jnp.uint32, size) + low_word
    x0, x1 = _rounds(key[0], key[1], x0, x1, lambda x, by: (x << by) | (x >> (32 - by)))
    unit = jax.lax.bitcast_convert_type(((x0 ^ x1) >> 9) | np.uint32(0x3F800000), jnp.float32) - np.float32(1)
    return jnp.maximum(low, unit * (high - low) + low)


def _gaussian_block(_: int, u: Any) -> Any:
    return np.float32(np.sqrt(2)) * jax.lax.erf_inv(u)
