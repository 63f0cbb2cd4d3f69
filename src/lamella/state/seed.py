"""Random seeds as state: a key and a counter in a variable, so draws can be replayed."""

from __future__ import annotations

import random as python_random
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax.experimental import io_callback

from lamella.errors import ArgumentError, parameters_of, unknown_arguments
from lamella.state.frame import current, frame
from lamella.state.later import is_traced
from lamella.state.names import auto_name
from lamella.state.variable import Variable
from lamella.state.walk import Owner


class SeedGenerator(Owner):
    """Gives a new seed at every call of `next`, from a state that is a variable.

    Args:    seed: an int for a stream that can be repeated; None draws one.
    State:   seed_generator_state (2,) uint32: the seed, and the count of draws.
    Example: >>> SeedGenerator(7).next().tolist()
             [7, 0]
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any):
        if set(kwargs) - {"backend"}:  # Keras takes its backend modules, of which there is one here
            raise unknown_arguments("SeedGenerator()", kwargs, parameters_of(SeedGenerator))
        self._initial_seed = seed
        seed = make_default_seed() if seed is None else seed
        if not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ArgumentError("A seed is an integer of at least 0.", received=repr(seed))
        self.name = name or auto_name(type(self).__name__)
        start = np.array([seed % 2**32, 0], np.uint32)
        with frame(path=(*current().path, self.name)):
            self.state = Variable(start, trainable=False, name="seed_generator_state")

    def next(self, ordered: bool = True) -> jax.Array:
        """A seed (2,) uint32 that it has not given before.

        Args: ordered: counts up; else the next state is scattered as Keras does for draws without a seed.

        Inside of a JAX transformation that was not entered through `pure`, the
        counter lives outside of the compiled code: each execution asks for it.
        """
        if current().overlay is None and is_traced():
            return io_callback(lambda: self._advanced(ordered), jax.ShapeDtypeStruct((2,), np.uint32))
        return self._advanced(ordered)

    def _advanced(self, ordered: bool) -> Any:
        seed = self.state.raw
        if ordered:
            self.state.assign(seed + np.array([0, 1], np.uint32))
        else:
            self.state.assign((seed + np.uint32(1)) * np.uint32(5387) % np.uint32(933199))
        return seed

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        return cls(**config)


_global: list[SeedGenerator] = []


def global_seed() -> SeedGenerator:
    """The generator behind every draw that names no seed."""
    if not _global:
        _global.append(SeedGenerator(make_default_seed(), name="global_seed_generator"))
    return _global[0]


def global_seed_if_used() -> SeedGenerator | None:
    """The generator behind draws without a seed, or None while there was no such draw.

    Making it takes a number from Python's generator, so that asking alone must not make it.
    """
    return _global[0] if _global else None


def reset_global_seed() -> None:
    """Forgets the global generator (part of `clear_session` and `set_random_seed`)."""
    _global.clear()


def make_default_seed() -> int:
    """A seed from Python's own generator, which `set_random_seed` seeds."""
    return python_random.randint(1, int(1e9))


def draw_seed(seed: Any) -> jax.Array:
    """A key (2,) uint32 from an int, a `SeedGenerator`, a key, or None (the global one).

    Raises: ArgumentError: `seed` is none of these.
    """
    if seed is None:
        return global_seed().next(ordered=False)
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, (int, np.integer)):
        return jnp.asarray(np.array([int(seed) % 2**32, 0], np.uint32))
    if getattr(seed, "shape", None) == (2,):
        return jnp.asarray(seed, "uint32")
    raise ArgumentError(
        "A random seed is of another kind.", expected="an int, a SeedGenerator, or None", received=repr(seed)
    )
