"""Circle loss: embeddings of one class near each other, those of others apart."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.losses.loss import NamedLoss
from lamella.state import set_mask


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> jax.Array:
    """softplus(log Σ exp over the same class + log Σ exp over other classes), on weighted cosine distances.

    Args:   y_pred: embeddings of length 1.
            ref_labels, ref_embeddings: what to compare with; the batch itself if None.
            remove_diagonal: whether a sample is not compared with itself.
    Shape:  y_true (batch,), y_pred (batch, size) → (batch,)
    Source: Sun et al. 2020.
    """
    y_pred, labels = jnp.asarray(y_pred), jnp.asarray(y_true).astype("int32").reshape(-1, 1)
    others = y_pred if ref_embeddings is None else jnp.asarray(ref_embeddings)
    their_labels = labels if ref_labels is None else jnp.asarray(ref_labels).astype("int32").reshape(-1, 1)
    distance = jnp.maximum(1 - y_pred @ others.T, 0)
    same = labels == their_labels.T
    other = ~same
    if remove_diagonal:
        same &= ~jnp.eye(*same.shape, dtype="bool")
    pull = -gamma * jnp.maximum(margin + distance, 0) * (margin - distance)
    push = gamma * jnp.maximum(1 + margin - distance, 0) * (1 - margin - distance)
    near, far = (
        jax.nn.logsumexp(jnp.where(mask, logits, -jnp.inf), axis=1) for mask, logits in ((same, pull), (other, push))
    )
    values = jax.nn.softplus(near + far)
    set_mask(values, values > 0)  # a sample without another one of its class does not count
    return values


class Circle(NamedLoss):
    """Pulls embeddings of one class together and pushes those of others apart."""

    _samples_apart_ = False

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ):
        options = {"gamma": gamma, "margin": margin, "remove_diagonal": remove_diagonal}
        super().__init__(circle, reduction, name, dtype, **options)
