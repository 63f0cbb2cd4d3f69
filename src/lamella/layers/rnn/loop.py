"""The loop over time that every recurrent layer runs: one `lax.scan`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from lamella.state import Owner, Variable, current, frame, walk

Step = Callable[[Any, Any], tuple[Any, Any]]


def scan(
    step: Step,
    sequences: jax.Array,
    states: list[Any],
    *,
    mask: jax.Array | None = None,
    variables: Sequence[Variable] = (),
    go_backwards: bool = False,
    unroll: bool = False,
    zero_output_for_mask: bool = False,
) -> tuple[jax.Array, jax.Array, list[Any]]:
    """Runs `step(x, states) -> (output, states)` along axis 1 of the sequences.

    A masked step keeps the states; its output is the one before (taken from the
    first state), or zero.

    Args:    mask: (batch, steps, ...), False where a step is skipped.
             variables: what the step assigns; each step sees what the one before left.
             go_backwards: starts at the end; outputs are in the order of the steps run.
             unroll: writes the steps out; faster to run, slower to compile.
    Returns: the last output, all outputs (batch, steps, ...), the last states.
    """
    treedef = jax.tree.structure(states)

    def body(carry: Any, now: tuple[Any, Any]) -> tuple[Any, Any]:
        (states, values), (x, keep) = carry, now
        overlay = {**(current().overlay or {}), **dict(zip(variables, values, strict=True))}
        with frame(overlay=overlay):
            output, new = step(x, states)
        new = jax.tree.map(
            lambda n, old: n.astype(old.dtype), jax.tree.unflatten(treedef, jax.tree.leaves(new)), states
        )
        if keep is not None:
            output = _where(keep, output, jnp.zeros_like(output) if zero_output_for_mask else _output_of(states))
            new = jax.tree.map(lambda n, old: _where(keep, n, old), new, states)
        return (new, [overlay[v] for v in variables]), output

    keep = None if mask is None else mask.astype(bool).reshape(*mask.shape[:2], -1).any(-1).T
    start, xs = (states, [v.raw for v in variables]), (jnp.swapaxes(sequences, 0, 1), keep)
    (states, values), outputs = jax.lax.scan(body, start, xs, reverse=go_backwards, unroll=unroll)
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    outputs = jnp.flip(outputs, 0) if go_backwards else outputs
    return outputs[-1], jnp.swapaxes(outputs, 0, 1), states


def assigned_by(cell: Any) -> list[Variable]:
    """The variables of a cell that its calls may assign: seeds, moving statistics."""
    return [v for _, v in walk(cell) if not v.made_trainable] if isinstance(cell, Owner) else []


def _output_of(states: list[Any]) -> Any:
    return states[-1][0] if isinstance(states[0], (list, tuple)) else states[0]


def _where(keep: jax.Array, new: jax.Array, old: jax.Array) -> jax.Array:
    return jnp.where(keep.reshape(-1, *[1] * (new.ndim - 1)), new, old)
