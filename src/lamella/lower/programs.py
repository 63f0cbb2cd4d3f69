"""How the programs of whole steps are compiled.

XLA's CPU backend hands convolutions to a library (YNNPACK) that computes most of them on one core, and takes two to
three times as long for the derivative by the kernel.  In the programs that are compiled here XLA's own code computes
them; a `Slide` remembers that it was made in one, for the phrasings of `lower.dense`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import jax

from lamella.uncollected import uncollected

_LIBRARY_FOR = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"}
_inside = ContextVar("lamella_inside_of_a_program", default=False)


def compiled(function: Callable[..., Any], takes_first: bool = False) -> Any:
    """`jax.jit`, with the options that suit the device at hand.

    Args: takes_first: whether results may be computed in the memory of the first argument, whose arrays are then gone.

    What has options cannot stand inside of another program: there its `__wrapped__` can, traced once for both.
    """
    traced, options = jax.jit(function), _options()

    def program(*args: Any) -> Any:
        token = _inside.set(bool(options))
        try:
            with uncollected():
                return traced(*args)
        finally:
            _inside.reset(token)

    return jax.jit(program, compiler_options=options, donate_argnums=(0,) if takes_first else ())


def convolves_by_xla() -> bool:
    """Whether what is traced now will be computed by XLA's own convolutions."""
    return _inside.get()


@functools.cache
def _options() -> dict[str, str] | None:
    """None of them where no CPU computes, or where this JAX knows no such option."""
    if jax.default_backend() != "cpu":
        return None
    try:
        jax.jit(lambda: 0, compiler_options=_LIBRARY_FOR).lower().compile()
    except jax.errors.JaxRuntimeError:
        return None
    return _LIBRARY_FOR
