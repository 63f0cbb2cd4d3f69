"""Connectionist temporal classification: a sequence of labels without their times."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella import ops
from lamella.errors import ShapeError
from lamella.losses.loss import NamedLoss


def ctc(y_true: Any, y_pred: Any) -> jax.Array:
    """-log of the chance of the labels, over all ways to spread them in time.

    Args:   y_true: labels from 1; 0 is the blank, and fills short sequences up.
            y_pred: logits.
    Shape:  y_true (batch, labels), y_pred (batch, steps, classes) → (batch,)
    Source: Graves et al. 2006.
    """
    y_true, y_pred = jnp.asarray(y_true), jnp.asarray(y_pred)
    if y_true.ndim != 2 or y_pred.ndim != 3:
        raise ShapeError(
            "ctc needs a sequence of labels and a sequence of logits for each sample.",
            expected="y_true (batch, labels), y_pred (batch, steps, classes)",
            received=f"y_true {y_true.shape}, y_pred {y_pred.shape}",
        )
    steps = jnp.full(y_pred.shape[:1], y_pred.shape[1], "int32")
    return ops.ctc_loss(y_true, y_pred, jnp.sum(y_true != 0, axis=-1).astype("int32"), steps, mask_index=0)


class CTC(NamedLoss):
    """-log of the chance of the labels, over all ways to spread them in time."""

    _samples_apart_ = False

    def __init__(self, reduction: Any = "sum_over_batch_size", name: str | None = "ctc", dtype: Any = None):
        super().__init__(ctc, reduction, name, dtype)
