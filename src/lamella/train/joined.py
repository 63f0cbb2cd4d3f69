"""Many steps as one program: a compiled loop over a stack of batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def joined(step: Callable[..., Any], gathers: bool) -> Callable[..., Any]:
    """A step, made on the first `count` batches of a stack: (state, stack, count) → (result, changed state).

    Args: step: (state, batch) → (result, changed state).
          gathers: whether the results are those of all steps, stacked, or that of the last one.
    """

    def run(state: Any, stack: Any, count: Any) -> Any:
        def one(index: Any, before: Any) -> Any:
            results, changed = before
            result, changed = step({**state, **changed}, _at(stack, index))
            if gathers:
                put = lax.dynamic_update_index_in_dim
                result = jax.tree.map(lambda all_, new: put(all_, new, index, 0), results, result)
            return result, changed

        result, changed = jax.eval_shape(step, state, _at(stack, 0))
        rows = jax.tree.leaves(stack)[0].shape[:1] if gathers else ()
        blank = jax.tree.map(lambda spec: jnp.zeros((*rows, *spec.shape), spec.dtype), result)
        return lax.fori_loop(0, count, one, (blank, {address: state[address] for address in changed}))

    return run


def _at(stack: Any, index: Any) -> Any:
    return jax.tree.map(lambda column: lax.dynamic_index_in_dim(column, index, keepdims=False), stack)


def stacked(batches: list[Any], most: int) -> Any:
    """Batches of one shape along a new first axis of length `most`; what is behind them has any value."""

    def stack(*columns: Any) -> np.ndarray:
        first = columns[0]
        whole = np.empty((most, *first.shape), first.dtype)
        np.concatenate(columns, out=whole[: len(columns)].reshape(-1, *first.shape[1:]))
        return whole

    return jax.tree.map(stack, *batches)
