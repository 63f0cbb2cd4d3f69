"""Connectionist temporal classification: labels for a sequence whose timing is unknown.

Source: Graves et al. 2006, "Connectionist temporal classification".
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax, nn

from lamella.errors import ArgumentError
from lamella.graph import op
from lamella.ops.tensors import tensor, wide

_NEVER = -1e5  # the logarithm of a probability that is as good as 0; -inf would make gradients NaN


@op(name="CTCLoss")
def ctc_loss(target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0) -> Any:
    """-log of the probability of all timings that give the target.

    Args:  target: (batch, labels) integers; output: (batch, time, classes) logits.
           target_length, output_length: (batch,), how much of each counts.
           mask_index: the class that stands for "no label".
    Shape: → (batch,)
    """
    output = tensor(output)
    logs = nn.log_softmax(output.astype(wide(output.dtype)))
    lengths = (tensor(target_length, "int32"), tensor(output_length, "int32"))
    return jax.vmap(_ctc_loss_of_one, in_axes=(0, 0, 0, 0, None))(tensor(target, "int32"), logs, *lengths, mask_index)


def _ctc_loss_of_one(target: Any, logs: Any, target_length: Any, output_length: Any, blank: int) -> Any:
    """The forward pass over the labels with a blank before, between and behind them."""
    states = jnp.full(2 * target.size + 1, blank).at[1::2].set(target)
    skips = jnp.where((states != blank) & (states != jnp.roll(states, 2)), 0.0, _NEVER).at[:2].set(_NEVER)
    start = jnp.full(states.shape, _NEVER, logs.dtype).at[0].set(0.0)  # before time 0, on the blank

    def step(alpha: Any, time: Any) -> Any:
        before = jnp.pad(alpha, (2, 0), constant_values=_NEVER)
        stay_or_next = jnp.logaddexp(alpha, before[1:-1])
        new = jnp.logaddexp(stay_or_next, before[:-2] + skips) + logs[time, states]
        return jnp.where(time < output_length, new, alpha), None

    alpha, _ = lax.scan(step, start, jnp.arange(logs.shape[0]))
    on_label = jnp.where(target_length > 0, alpha[2 * target_length - 1], _NEVER)
    return -jnp.logaddexp(alpha[2 * target_length], on_label)


@op(name="CTCDecode")
def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> Any:
    """The most likely labels, and their scores.

    Args:   inputs: (batch, time, classes) logits; sequence_lengths: (batch,).
            strategy: "greedy" (the best class at each time) or "beam_search".
    Shape:  → (paths, batch, time) labels, filled up with -1; (batch, paths) scores
    Raises: ArgumentError: any other strategy.
    """
    x, lengths = tensor(inputs), tensor(sequence_lengths, "int32")
    x = x.astype(wide(x.dtype))
    if strategy == "greedy":
        return _greedy(x, lengths, merge_repeated, mask_index)
    if strategy == "beam_search":
        search = jax.vmap(_beam_search, in_axes=(0, 0, None, None, None))
        paths, scores = search(nn.log_softmax(x), lengths, beam_width, top_paths, mask_index)
        return jnp.swapaxes(paths, 0, 1), scores
    raise ArgumentError("Unknown strategy.", expected="'greedy' or 'beam_search'", received=repr(strategy))


def _greedy(x: Any, lengths: Any, merge_repeated: bool, blank: int) -> tuple[Any, Any]:
    over = jnp.arange(x.shape[1]) >= lengths[:, None]
    best = jnp.where(over, blank, jnp.argmax(x, axis=-1))
    scores = jnp.where(over, 0.0, jnp.max(x, axis=-1))
    if merge_repeated:
        repeats = jnp.pad(best[:, 1:] == best[:, :-1], ((0, 0), (1, 0)))
        best = jnp.where(repeats, blank, best)
    labels = jnp.where(best == blank, -1, best)
    order = jnp.argsort(labels == -1, axis=-1, stable=True)  # labels first, in their order
    return jnp.take_along_axis(labels, order, axis=-1)[None], -jnp.sum(scores, axis=1, keepdims=True)


def _beam_search(logs: Any, length: Any, width: int, top: int, blank: int) -> tuple[Any, Any]:
    """The best label sequences of one example.

    Each path keeps two scores: that of the timings that end on its last label
    (where the same label again adds nothing), and of those that end on a blank.
    """
    times = logs.shape[0]
    paths = jnp.full((width, times), -1, "int32")
    on_label = jnp.full(width, -jnp.inf, logs.dtype)
    on_blank = on_label.at[0].set(0.0)  # only the empty path is there

    def step(beam: Any, time: Any) -> Any:
        return lax.cond(time < length, lambda: _extended(beam, logs[time], blank), lambda: beam), None

    (paths, on_label, on_blank), _ = lax.scan(step, (paths, on_label, on_blank), jnp.arange(times))
    scores, best = lax.top_k(jnp.logaddexp(on_label, on_blank), top)
    return paths[best], scores


def _extended(beam: Any, log: Any, blank: int) -> Any:
    """A beam one time later: paths that stay, paths with one more label, the best ones kept."""
    paths, on_label, on_blank = beam
    width, classes = len(paths), len(log)
    both, size = jnp.logaddexp(on_label, on_blank), jnp.sum(paths >= 0, axis=1)
    last = jnp.where(size > 0, paths[jnp.arange(width), size - 1], -1)
    repeats = last[:, None] == jnp.arange(classes)
    grown_score = jnp.where(repeats, on_blank[:, None], both[:, None]) + log.at[blank].set(-jnp.inf)
    at_end = jnp.arange(paths.shape[1]) == size[:, None]
    grown = jnp.where(at_end[:, None, :], jnp.arange(classes)[:, None], paths[:, None, :])
    stay_score = jnp.where(last >= 0, on_label + log[last], -jnp.inf)
    candidates = jnp.concatenate([paths, grown.reshape(-1, paths.shape[1])])
    label_scores = jnp.concatenate([stay_score, grown_score.ravel()])
    blank_scores = jnp.concatenate([both + log[blank], jnp.full(width * classes, -jnp.inf)])
    return _best_different(candidates, label_scores, blank_scores, width)


def _best_different(paths: Any, on_label: Any, on_blank: Any, width: int) -> Any:
    """The `width` best paths, those that are equal taken together."""
    paths, which = jnp.unique(paths, return_inverse=True, axis=0, size=len(paths), fill_value=-1)
    on_label, on_blank = (_added_up(scores, which.ravel()) for scores in (on_label, on_blank))
    _, best = lax.top_k(jnp.logaddexp(on_label, on_blank), width)
    return paths[best], on_label[best], on_blank[best]


def _added_up(logs: Any, which: Any) -> Any:
    """The sums of probabilities, given as logarithms, by group."""
    most = jnp.max(logs)
    most = jnp.where(jnp.isfinite(most), most, 0.0)
    return jnp.log(jnp.zeros_like(logs).at[which].add(jnp.exp(logs - most))) + most
