"""Multiply-accumulates of a program, counted from its jaxpr.

One multiply-accumulate (MAC) is a product of two numbers that is added to a sum,
as in matrix products and convolutions; the literature's "FLOPs" of a network are
often these.  Elementwise work is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr


def macs_in(program: Any) -> int | None:
    """The MACs of a jaxpr; None if a loop in it runs as often as data say.

    A loop counts as often as it runs; of alternatives (`lax.cond`) the dearest,
    of those for different platforms the one for any platform.

    Example: >>> from lamella.anatomy.cost.macs import macs_in
             >>> macs_in(jax.make_jaxpr(lambda x: x @ x)(np.ones((4, 4))))
             64
    """
    jaxpr = program.jaxpr if isinstance(program, ClosedJaxpr) else program
    return total(map(macs_of, jaxpr.eqns))


def total(numbers: Iterable[int | None]) -> int | None:
    """The sum, or None if one is unknown."""
    known = list(numbers)
    return None if None in known else sum(number for number in known if number is not None)


def macs_of(equation: Any) -> int | None:
    """The MACs of one equation of a jaxpr, programs inside of it included."""
    name = equation.primitive.name
    if name in _PRODUCTS:
        return _PRODUCTS[name](equation)
    if name in _RUNS:
        return _RUNS[name](equation)
    return total(map(macs_in, _programs(equation.params)))


def _programs(params: dict[str, Any]) -> Iterator[Any]:
    """What an equation runs; of a function with a derivative of its own, the function."""
    for key, value in params.items():
        if isinstance(value, (ClosedJaxpr, Jaxpr)) and key not in ("transpose", "cond_jaxpr"):
            yield value


# Products


def _shapes(equation: Any) -> tuple[Any, ...]:
    return tuple(variable.aval.shape for variable in (*equation.invars, *equation.outvars))


def _dot(equation: Any) -> int:
    left, _, out = _shapes(equation)
    (contracted, _), _ = equation.params["dimension_numbers"]
    return math.prod(out) * math.prod(left[axis] for axis in contracted)


def _convolution(equation: Any) -> int:
    """Every output sums the window times the channels of its group; zeros put between inputs do not count."""
    inputs, kernel, out = _shapes(equation)
    layout, params = equation.params["dimension_numbers"], equation.params
    window = math.prod(kernel[axis] for axis in layout.rhs_spec[2:])
    features, channels = (kernel[axis] for axis in layout.rhs_spec[:2])
    if max(params["lhs_dilation"], default=1) > 1:  # a transposed convolution: every input goes to a window of outputs
        return math.prod(inputs) * window * features // params["feature_group_count"]
    return math.prod(out) * window * channels // params["batch_group_count"]


def _sliding(outputs: int, kernel: int) -> Callable[[Any], int]:
    """For the primitives of lamella.lower: at each place, the window times the input channels."""

    def count(equation: Any) -> int:
        shapes = _shapes(equation)
        return math.prod(shapes[outputs]) * math.prod(shapes[kernel][:-1])

    return count


_PRODUCTS: dict[str, Callable[[Any], int]] = {
    "dot_general": _dot,
    "conv_general_dilated": _convolution,
    "convolve": _sliding(outputs=2, kernel=1),
    "spread": _sliding(outputs=0, kernel=1),
    "correlate": _sliding(outputs=1, kernel=2),
}


# What runs programs


def _loop(equation: Any) -> int | None:
    once = macs_in(equation.params["jaxpr"])
    return None if once is None else once * equation.params["length"]


def _while(equation: Any) -> int | None:
    return 0 if macs_in(equation.params["body_jaxpr"]) == 0 else None


def _choice(equation: Any) -> int | None:
    branches, platforms = equation.params["branches"], equation.params.get("branches_platforms")
    if platforms and None in platforms:
        return macs_in(branches[platforms.index(None)])
    counts = [macs_in(branch) for branch in branches]
    return None if None in counts else max(count for count in counts if count is not None)


_RUNS: dict[str, Callable[[Any], int | None]] = {"scan": _loop, "while": _while, "cond": _choice}
