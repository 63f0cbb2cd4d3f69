"""Functions of two tensors, element by element; shapes broadcast."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from lamella.errors import DtypeError
from lamella.graph import op
from lamella.ops.table import binary, bitwise
from lamella.ops.tensors import tensor

add = binary("add", jnp.add, "x1 + x2.")
subtract = binary("subtract", jnp.subtract, "x1 - x2.")
multiply = binary("multiply", jnp.multiply, "x1 * x2.")
divide = binary("divide", jnp.divide, "x1 / x2.")
true_divide = binary("true_divide", jnp.divide, "x1 / x2.")
floor_divide = binary("floor_divide", jnp.floor_divide, "x1 / x2, rounded down.")
mod = binary("mod", jnp.mod, "What is left of x1 / x2, with the sign of x2.")
fmod = binary("fmod", jnp.fmod, "What is left of x1 / x2, with the sign of x1.")
power = binary("power", jnp.power, "x1 to the power of x2.")
maximum = binary("maximum", jnp.maximum, "The larger one; NaN if either is.")
minimum = binary("minimum", jnp.minimum, "The smaller one; NaN if either is.")
fmax = binary("fmax", jnp.fmax, "The larger one; NaN only if both are.")
fmin = binary("fmin", jnp.fmin, "The smaller one; NaN only if both are.")
hypot = binary("hypot", jnp.hypot, "√(x1² + x2²), without overflow.")
arctan2 = binary("arctan2", jnp.arctan2, "The angle of the point (x2, x1), in [-π, π].")
logaddexp = binary("logaddexp", jnp.logaddexp, "log(exp(x1) + exp(x2)), without overflow.")
logaddexp2 = binary("logaddexp2", jnp.logaddexp2, "log2(2**x1 + 2**x2), without overflow.")
heaviside = binary("heaviside", jnp.heaviside, "0 below 0, 1 above, and x2 where x1 is 0.")
nextafter = binary("nextafter", jnp.nextafter, "The float that follows x1 on the way to x2.")
gcd = binary("gcd", jnp.gcd, "The greatest common divisor.")
lcm = binary("lcm", jnp.lcm, "The least common multiple.")

equal = binary("equal", jnp.equal, "Whether x1 == x2.")
not_equal = binary("not_equal", jnp.not_equal, "Whether x1 != x2.")
less = binary("less", jnp.less, "Whether x1 < x2.")
less_equal = binary("less_equal", jnp.less_equal, "Whether x1 <= x2.")
greater = binary("greater", jnp.greater, "Whether x1 > x2.")
greater_equal = binary("greater_equal", jnp.greater_equal, "Whether x1 >= x2.")
logical_and = binary("logical_and", jnp.logical_and, "Whether both are true.")
logical_or = binary("logical_or", jnp.logical_or, "Whether one or both are true.")
logical_xor = binary("logical_xor", jnp.logical_xor, "Whether exactly one is true.")

bitwise_and = bitwise("bitwise_and", jnp.bitwise_and, "The bits set in both.")
bitwise_or = bitwise("bitwise_or", jnp.bitwise_or, "The bits set in one or both.")
bitwise_xor = bitwise("bitwise_xor", jnp.bitwise_xor, "The bits set in exactly one.")
bitwise_left_shift = bitwise("bitwise_left_shift", jnp.left_shift, "The bits of x moved up by y places.")
bitwise_right_shift = bitwise("bitwise_right_shift", jnp.right_shift, "The bits of x moved down by y places.")
left_shift = bitwise("left_shift", jnp.left_shift, "The bits of x moved up by y places.")
right_shift = bitwise("right_shift", jnp.right_shift, "The bits of x moved down by y places.")


@op
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """x1 / x2, and 0 where x2 is 0.

    Example: >>> ops.divide_no_nan([1.0, 2.0], [0.0, 4.0]).tolist()
             [0.0, 0.5]
    """
    x1, x2 = tensor(x1), tensor(x2)
    return jnp.where(x2 == 0, 0, x1 / jnp.where(x2 == 0, 1, x2))


@op
def ldexp(x1: Any, x2: Any) -> Any:
    """x1 * 2**x2, for whole x2.

    Raises: DtypeError: x2 has no integer dtype.
    """
    x1, x2 = tensor(x1), tensor(x2)
    if not jnp.issubdtype(x2.dtype, jnp.integer):
        raise DtypeError("The exponent of ldexp() is an integer.", received=x2.dtype.name)
    return jnp.ldexp(x1, x2)


@op
def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |x1 - x2| <= atol + rtol * |x2|."""
    return jnp.isclose(tensor(x1), tensor(x2), rtol, atol, equal_nan)


@op(name="AllClose")
def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether all elements are close, as `isclose` says."""
    return jnp.allclose(tensor(x1), tensor(x2), rtol, atol, equal_nan)
