"""Functions of each element by itself."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from lamella.config import floatx
from lamella.dtypes import is_int
from lamella.errors import DtypeError
from lamella.graph import op
from lamella.ops.table import unary
from lamella.ops.tensors import definite, floating, tensor

# Waves and angles, in radians
sin = unary("sin", jnp.sin, "The sine.", floating)
cos = unary("cos", jnp.cos, "The cosine.", floating)
tan = unary("tan", jnp.tan, "The tangent.", floating)
arcsin = unary("arcsin", jnp.arcsin, "The angle in [-π/2, π/2] that has this sine.", floating)
arccos = unary("arccos", jnp.arccos, "The angle in [0, π] that has this cosine.", floating)
arctan = unary("arctan", jnp.arctan, "The angle in [-π/2, π/2] that has this tangent.", floating)
sinh = unary("sinh", jnp.sinh, "The hyperbolic sine.", floating)
cosh = unary("cosh", jnp.cosh, "The hyperbolic cosine.", floating)
tanh = unary("tanh", jnp.tanh, "The hyperbolic tangent.", floating)
arcsinh = unary("arcsinh", jnp.arcsinh, "The inverse of sinh.", floating)
arccosh = unary("arccosh", jnp.arccosh, "The inverse of cosh, at least 0.", floating)
arctanh = unary("arctanh", jnp.arctanh, "The inverse of tanh.", floating)
sinc = unary("sinc", jnp.sinc, "sin(πx) / (πx), which is 1 at 0.", floating)
deg2rad = unary("deg2rad", jnp.deg2rad, "Degrees as radians.", floating)
rad2deg = unary("rad2deg", jnp.rad2deg, "Radians as degrees.", floating)
angle = unary("angle", jnp.angle, "The angle of a complex number in the plane, in radians.", floating)

# Powers, roots and logarithms
exp = unary("exp", jnp.exp, "e to the power of x.", floating)
exp2 = unary("exp2", jnp.exp2, "2 to the power of x.", floating)
expm1 = unary("expm1", jnp.expm1, "exp(x) - 1, exact near 0.", floating)
log = unary("log", jnp.log, "The natural logarithm.", floating)
log10 = unary("log10", jnp.log10, "The logarithm to base 10.", floating)
log1p = unary("log1p", jnp.log1p, "log(1 + x), exact near 0.", floating)
log2 = unary("log2", jnp.log2, "The logarithm to base 2.", floating)
sqrt = unary("sqrt", jnp.sqrt, "The square root.", floating)
cbrt = unary("cbrt", jnp.cbrt, "The cube root.", floating)
square = unary("square", jnp.square, "x times x.")
reciprocal = unary("reciprocal", jnp.reciprocal, "1 / x.")
i0 = unary("i0", jnp.i0, "The modified Bessel function of the first kind, order 0.", floating)

# Signs and whole numbers
absolute = unary("absolute", jnp.absolute, "The distance from 0.")
negative = unary("negative", jnp.negative, "-x.")
sign = unary("sign", jnp.sign, "-1, 0 or 1, as x is negative, zero or positive.")
signbit = unary("signbit", jnp.signbit, "Whether the sign is minus (of -0.0 too).")
ceil = unary("ceil", jnp.ceil, "The smallest whole number that is not below x.", floating)
floor = unary("floor", jnp.floor, "The largest whole number that is not above x.", floating)

# Complex numbers
conjugate = unary("conjugate", jnp.conjugate, "The complex conjugate.")
real = unary("real", jnp.real, "The real part.")
imag = unary("imag", jnp.imag, "The imaginary part.")

# Questions
isfinite = unary("isfinite", jnp.isfinite, "Whether x is neither infinite nor NaN.")
isinf = unary("isinf", jnp.isinf, "Whether x is infinite.")
isnan = unary("isnan", jnp.isnan, "Whether x is not a number.")
isneginf = unary("isneginf", jnp.isneginf, "Whether x is -∞.")
isposinf = unary("isposinf", jnp.isposinf, "Whether x is +∞.")
isreal = unary("isreal", jnp.isreal, "Whether the imaginary part is 0.")
logical_not = unary("logical_not", jnp.logical_not, "Whether x is false (or 0).")
bitwise_not = unary("bitwise_not", jnp.invert, "Every bit the other way round.")
bitwise_invert = unary("bitwise_invert", jnp.invert, "Every bit the other way round.")

copy = unary("copy", jnp.copy, "The same values in an array of their own.")


def abs(x: Any) -> Any:
    """The distance from 0; another name of `absolute`."""
    return absolute(x)


def conj(x: Any) -> Any:
    """The complex conjugate; another name of `conjugate`."""
    return conjugate(x)


@op
def fabs(x: Any) -> Any:
    """The distance from 0, as a float.

    Raises: DtypeError: `x` is complex.
    """
    x = tensor(x)
    if jnp.iscomplexobj(x):
        raise DtypeError("fabs() takes real numbers.", received=x.dtype.name, fix="use absolute()")
    return jnp.fabs(x)


@op
def trunc(x: Any) -> Any:
    """The whole number next to x on the side of 0."""
    x = tensor(x)
    return jnp.trunc(x) if jnp.issubdtype(x.dtype, jnp.inexact) else x


@op
def round(x: Any, decimals: int = 0) -> Any:
    """Rounds to `decimals` places, halves to the even neighbour.

    Example: >>> ops.round([0.5, 1.5, 2.345], 0).tolist()
             [0.0, 2.0, 2.0]
    """
    x = tensor(x)
    if decimals < 0 and is_int(x.dtype):
        tens = jnp.asarray(10.0**decimals, floatx())
        return (jnp.round(x.astype(floatx()) * tens) / tens).astype(x.dtype)
    return jnp.round(x, decimals)


@op
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """Moves what lies outside of [x_min, x_max] to its nearer end.

    Example: >>> ops.clip([-1, 2, 9], 0, 5).tolist()
             [0, 2, 5]
    """
    x = tensor(x)
    x = x.astype("int32") if x.dtype == bool else x
    return jnp.clip(x, *(None if limit is None else tensor(limit) for limit in (x_min, x_max)))


@op
def nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Replaces NaN and the infinities (by the largest finite numbers, if None)."""
    return jnp.nan_to_num(tensor(x), nan=nan, posinf=posinf, neginf=neginf)


@op
def view(x: Any, dtype: Any = None) -> Any:
    """The same bits read as another dtype."""
    return tensor(x).view(definite(dtype))
