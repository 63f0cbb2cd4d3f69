"""Rematerialization: what a function computes is not kept for its gradient, but computed again."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import wraps
from typing import Any, NamedTuple

import jax
import numpy as np

from lamella.errors import ArgumentError
from lamella.state.frame import current, frame
from lamella.state.variable import Variable

MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class RematMode(NamedTuple):
    """What is rematerialized: see `RematScope`."""

    mode: str | None
    output_size_threshold: int
    layer_names: list[str]


_scope: ContextVar[RematMode | None] = ContextVar("lamella_remat", default=None)


def current_remat() -> RematMode | None:
    """The mode that layers made here take, or None."""
    return _scope.get()


class RematScope:
    """Layers made inside of it are computed again for their gradients, instead of kept: less memory, more time.

    Args:    mode: "full" (every layer), "activations" (activation functions of layers), "larger_than" (layers whose
                 output has more elements than `output_size_threshold`), "list_of_layers" (those in `layer_names`),
                 or None (no layer).
    Raises:  ArgumentError: another mode.
    Example: >>> with RematScope(mode="list_of_layers", layer_names=["wide"]):
             ...     layer = Dense(4, name="wide")
    """

    def __init__(
        self, mode: str | None = "full", output_size_threshold: int = 1024, layer_names: list[str] | None = None
    ):
        if mode not in MODES:
            raise ArgumentError("There is no such mode of rematerialization.", expected=MODES, received=repr(mode))
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = layer_names or []
        self._tokens: list[Token[RematMode | None]] = []

    def __enter__(self) -> RematScope:
        self._tokens.append(_scope.set(RematMode(self.mode, self.output_size_threshold, self.layer_names)))
        return self

    def __exit__(self, *_: object) -> None:
        _scope.reset(self._tokens.pop())


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, whose intermediate results are computed again for its gradient.

    Variables that it reads get their gradients, and what it assigns to variables or adds as losses stays.

    Example: >>> float(jax.grad(remat(lambda x: x * x))(3.0))
             6.0
    """

    @wraps(f, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        leaves, treedef = jax.tree.flatten((args, kwargs), is_leaf=lambda leaf: isinstance(leaf, Variable))
        traced = [i for i, leaf in enumerate(leaves) if isinstance(leaf, (jax.Array, np.ndarray))]
        before, losses = current().overlay, current().losses
        written: list[Variable] = []
        added: list[Any] = []

        def inner(arrays: list[Any]) -> Any:
            filled = list(leaves)
            for index, array in zip(traced, arrays, strict=True):
                filled[index] = array
            overlay, entries = dict(before or {}), [] if losses is not None else None
            with frame(overlay=overlay, losses=entries):
                positional, named = jax.tree.unflatten(treedef, filled)
                outputs = f(*positional, **named)
            written[:] = [v for v, new in overlay.items() if new is not (before or {}).get(v)]
            added[:] = [owner for owner, _ in entries or ()]
            return outputs, [overlay[v] for v in written], [value for _, value in entries or ()]

        outputs, news, values = jax.checkpoint(inner)([leaves[i] for i in traced])
        for variable, new in zip(written, news, strict=True):
            variable.assign(new)
        if losses is not None:
            losses.extend(zip(added, values, strict=True))
        return outputs

    return call
