"""What programs are made of: which may run inside of a compiled loop, which call back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax

from lamella.lower.sliding import BY_CPU


def is_fast_in_a_loop(program: Any) -> bool:
    """Whether a program is as fast in the body of a loop as on its own, and has no effects on the host.

    XLA's CPU backend computes convolutions in a loop naively: 20 to 200 times slower.

    Args:    program: what `jax.make_jaxpr` makes.
    Example: >>> from lamella.lower import is_fast_in_a_loop
             >>> is_fast_in_a_loop(jax.make_jaxpr(lambda x: x @ x)(np.ones((2, 2))))
             True
    """
    if program.effects:
        return False
    return jax.default_backend() != "cpu" or "conv_general_dilated" not in set(_operations(program))


def calls_the_host(program: Any) -> bool:
    """Whether a program calls Python functions while it runs, which may fail, or read what it is changing."""
    return bool(program.effects) or any("callback" in one.primitive.name for one in _equations(program))


def _operations(program: Any) -> Iterator[str]:
    """The names of all operations, also of the programs inside and of what a CPU makes of convolutions."""
    for equation in _equations(program):
        yield equation.primitive.name
        if equation.primitive in BY_CPU:
            function = partial(BY_CPU[equation.primitive], **equation.params)
            yield from _operations(jax.make_jaxpr(function)(*(name.aval for name in equation.invars)))


def _equations(program: Any) -> Iterator[Any]:
    """Those of a program and of all programs inside of it."""
    for equation in program.eqns:
        yield equation
        for parameter in equation.params.values():
            for inner in parameter if isinstance(parameter, (tuple, list)) else (parameter,):
                if hasattr(inner, "eqns"):
                    yield from _equations(inner)
