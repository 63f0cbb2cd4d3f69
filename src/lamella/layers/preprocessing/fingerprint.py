"""Hashes of strings that stay the same everywhere: those that Keras files and models rely on.

`farm` is FarmHash's Fingerprint64, `sip` is SipHash-2-4, `joined` mixes two of them.

Source: github.com/google/farmhash; Aumasson and Bernstein 2012, SipHash.
"""

from __future__ import annotations

import struct

_64 = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_KMUL = 0xC6A4A7935BD1E995


def farm(text: bytes) -> int:
    """FarmHash's 64-bit fingerprint of bytes."""
    size = len(text)
    if size <= 16:
        return _farm_16(text, size)
    if size <= 32:
        return _farm_32(text, size)
    return _farm_64(text, size) if size <= 64 else _farm_long(text, size)


def bucket(text: bytes, count: int, key: tuple[int, int] | None = None) -> int:
    """The bucket, below `count`, that a text belongs in; by SipHash if there is a key."""
    return (farm(text) if key is None else sip(text, *key)) % count


def joined(first: int, second: int) -> int:
    """One fingerprint of two."""
    result = first ^ _KMUL ^ (_shift_mix(second * _KMUL & _64) * _KMUL & _64)
    result = _shift_mix(result * _KMUL & _64) * _KMUL & _64
    return _shift_mix(result)


def sip(text: bytes, k0: int, k1: int) -> int:
    """SipHash-2-4 of bytes under a key of two 64-bit numbers."""
    v = (k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573)
    padded = text + bytes(7 - len(text) % 8) + bytes([len(text) & 255])
    for (word,) in struct.iter_unpack("<Q", padded):
        v = _sip_round(_sip_round((v[0], v[1], v[2], v[3] ^ word)))
        v = (v[0] ^ word, v[1], v[2], v[3])
    v = (v[0], v[1], v[2] ^ 255, v[3])
    for _ in range(4):
        v = _sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _sip_round(v: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    a, b, c, d = v
    a, c = a + b & _64, c + d & _64
    b, d = _left(b, 13) ^ a, _left(d, 16) ^ c
    a, c = _left(a, 32) + d & _64, c + b & _64
    b, d = _left(b, 17) ^ c, _left(d, 21) ^ a
    return a, b, _left(c, 32), d


def _left(x: int, by: int) -> int:
    return (x << by | x >> (64 - by)) & _64


def _right(x: int, by: int) -> int:
    x &= _64
    return (x >> by | x << (64 - by)) & _64


def _shift_mix(x: int) -> int:
    return x ^ x >> 47


def _word(text: bytes, at: int) -> int:
    return int.from_bytes(text[at : at + 8], "little")


def _half(text: bytes, at: int) -> int:
    return int.from_bytes(text[at : at + 4], "little")


def _mixed(u: int, v: int, mul: int) -> int:
    a = _shift_mix(((u ^ v) & _64) * mul & _64)
    b = _shift_mix(((v & _64) ^ a) * mul & _64)
    return b * mul & _64


def _farm_16(s: bytes, n: int) -> int:
    mul = _K2 + 2 * n
    if n >= 8:
        a, b = _word(s, 0) + _K2, _word(s, n - 8)
        c, d = _right(b, 37) * mul + a, (_right(a, 25) + b) * mul
        return _mixed(c, d, mul)
    if n >= 4:
        return _mixed(n + (_half(s, 0) << 3), _half(s, n - 4), mul)
    if n == 0:
        return _K2
    y, z = s[0] + (s[n >> 1] << 8), n + (s[-1] << 2)
    return _shift_mix((y * _K2 ^ z * _K0) & _64) * _K2 & _64


def _farm_32(s: bytes, n: int) -> int:
    mul = _K2 + 2 * n
    a, b, c, d = _word(s, 0) * _K1, _word(s, 8), _word(s, n - 8) * mul, _word(s, n - 16) * _K2
    return _mixed(_right(a + b, 43) + _right(c, 30) + d, a + _right(b + _K2, 18) + c, mul)


def _farm_64(s: bytes, n: int) -> int:
    mul = _K2 + 2 * n
    a, b, c, d = _word(s, 0) * _K2, _word(s, 8), _word(s, n - 8) * mul, _word(s, n - 16) * _K2
    y = _right(a + b, 43) + _right(c, 30) + d
    z = _mixed(y, a + _right(b + _K2, 18) + c, mul)
    e, f = _word(s, 16) * mul, _word(s, 24)
    g, h = (y + _word(s, n - 32)) * mul, (z + _word(s, n - 24)) * mul
    return _mixed(_right(e + f, 43) + _right(g, 30) + h, e + _right(f + a, 18) + g, mul)


def _farm_long(s: bytes, n: int) -> int:
    x, y = 81 * _K2 + _word(s, 0) & _64, 81 * _K1 + 113 & _64
    z = _shift_mix(y * _K2 + 113 & _64) * _K2 & _64
    v, w = (0, 0), (0, 0)
    for at in range(0, (n - 1) // 64 * 64, 64):
        x, y, z, v, w = _farm_block(s, at, x, y, z, v, w, _K1, 1)
    mul = _K1 + ((z & 255) << 1)
    w = (w[0] + (n - 1 & 63), w[1])
    v = (v[0] + w[0] & _64, v[1])
    w = (w[0] + v[0] & _64, w[1])
    x, y, z, v, w = _farm_block(s, n - 64, x, y, z, v, w, mul, 9)
    first = _mixed(v[0], w[0], mul) + _shift_mix(y) * _K0 + z
    return _mixed(first, _mixed(v[1], w[1], mul) + x, mul)


Pair = tuple[int, int]


def _farm_block(
    s: bytes, at: int, x: int, y: int, z: int, v: Pair, w: Pair, mul: int, times: int
) -> tuple[int, int, int, Pair, Pair]:
    x = _right(x + y + v[0] + _word(s, at + 8), 37) * mul & _64
    y = _right(y + v[1] + _word(s, at + 48), 42) * mul & _64
    x ^= w[1] * times & _64
    y = y + v[0] * times + _word(s, at + 40) & _64
    z = _right(z + w[0], 33) * mul & _64
    v = _weak(s, at, v[1] * mul, x + w[0])
    w = _weak(s, at + 32, z + w[1], y + _word(s, at + 16))
    return z, y, x, v, w


def _weak(s: bytes, at: int, a: int, b: int) -> Pair:
    first, second, third, fourth = (_word(s, at + 8 * i) for i in range(4))
    a += first
    b = _right(b + a + fourth, 21)
    c = a
    a += second + third
    b += _right(a, 44)
    return a + fourth & _64, b + c & _64
