"""Frozen features computed once: what the frozen part of a model gives for each sample, kept for all epochs."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamella.errors import ArgumentError
from lamella.graph import KerasTensor, Key, Observer, Value
from lamella.lower import at_hand, compiled
from lamella.state import StateView, changes, frame, pure
from lamella.train.feed import ArrayFeed, Batch, Feed, with_x
from lamella.train.feed.columns import as_batch, mapped
from lamella.train.frozen import Prefix, frozen_prefix
from lamella.train.own_steps import is_overridden

_MEMORY, _DISK = 2 << 30, 8 << 30  # bytes, if as much as that is free four times over


class Known:
    """What a compiled step knows of features: which values stand for which calls.  Equal for equal prefixes."""

    def __init__(self, prefix: Prefix, inputs: Any, feed: KnownFeed):
        self.prefix, self.inputs, self._feed = prefix, inputs, weakref.ref(feed)
        self._key = prefix.border, tuple(site.key for site in prefix.sites), str(inputs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Known) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def feed(self) -> KnownFeed | None:
        return self._feed()


@jax.tree_util.register_pytree_node_class
class Featured:
    """The x of a batch whose features are known: these, the numbers of the samples, and x where it is needed too."""

    def __init__(self, features: Any, samples: Any, x: Any, known: Known):
        self.features, self.samples, self.x, self.known = features, samples, x, known

    def tree_flatten(self) -> tuple[Any, Any]:
        return (self.features, self.samples, self.x), self.known

    @classmethod
    def tree_unflatten(cls, known: Any, parts: Any) -> Featured:
        features, samples, x = parts
        return cls(features, samples, x, known)


class _Given(Observer):
    """Puts known features in place of the calls that made them; what only they need is not run."""

    def __init__(self, featured: Featured, size: int):
        super().__init__()
        prefix = featured.known.prefix
        self._features = dict(zip(prefix.border, featured.features, strict=True))
        self._skipped = {site.key: site.structure for site in prefix.sites}
        self._size = size

    def ran(self, key: Key, run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if key not in self._skipped:
            return run(*args, **kwargs)

        def value(made: Value) -> Any:
            known = self._features.get((key, made.index))
            return known if known is not None else jnp.zeros(_sized(made.shape, self._size), made.dtype)

        return jax.tree.map(value, self._skipped[key])


class _Taken(Observer):
    """Keeps what some calls returned."""

    def __init__(self, border: tuple[tuple[Key, int], ...]):
        super().__init__()
        self._border = border
        self.found: dict[tuple[Key, int], Any] = {}

    def left(self, key: Key, outputs: Any) -> Any:
        for index, leaf in enumerate(jax.tree.leaves(outputs)):
            self.found[key, index] = leaf
        return outputs


def _sized(shape: Any, size: int) -> tuple[int, ...]:
    return tuple(size if d is None else d for d in shape)


def called_with_features(function: Callable[..., Any], state: Any, batch: Any) -> Any:
    """`pure(function, state, batch)`, with the features of the batch in their places where it has them."""
    x = batch[0]
    if not isinstance(x, Featured):
        return pure(function, state, batch)
    size = x.samples.shape[0]
    blank = jax.tree.map(lambda t: jnp.zeros(_sized(t.shape, size), t.dtype), x.known.inputs)
    with frame(observer=_Given(x, size)):
        return pure(function, state, with_x(batch, blank if x.x is None else x.x))


def up_to_date(batches: list[Any]) -> list[Any]:
    """Batches as they are, or with x again where the features no longer hold."""
    x = batches[0][0]
    if not isinstance(x, Featured) or (x.known.feed is not None and x.known.feed.holds()):
        return batches
    feed = x.known.feed
    assert feed is not None
    return [with_x(batch, feed.original(np.asarray(batch[0].samples))) for batch in batches]


class KnownFeed(ArrayFeed):
    """Arrays in memory, of which the features are known."""

    def __init__(self, feed: ArrayFeed, model: Any, training: bool, prefix: Prefix, inputs: Any, features: list[Any]):
        self.__dict__.update(vars(feed))
        self._model, self._training = model, training
        self._samples = np.arange(feed.num_samples)
        self._features = features
        self._known = Known(prefix, inputs, self)
        self._weights = [(variable, variable.raw) for variable in prefix.variables]
        self._version = changes.count
        self._settings = model._steps_.settings.number
        self._valid = True

    def rows(self, rows: Any) -> Any:
        if not self.holds():
            return super().rows(rows)
        _, *others = mapped(lambda column: as_batch(column[rows]), (None, *self.columns[1:]))
        x = super().rows(rows)[0] if self._known.prefix.inputs else None
        return Batch(Featured([one[rows] for one in self._features], self._samples[rows], x, self._known), *others)

    def original(self, samples: Any) -> Any:
        """The x of some samples."""
        return super().rows(samples)[0]

    def holds(self) -> bool:
        """Whether the features are still those of the model: same weights, same settings, same part frozen."""
        self._valid = self._valid and self._settings == self._model._steps_.settings.number
        if self._valid and any(variable.raw is not before for variable, before in self._weights):
            self._valid = False
        if self._valid and changes.count != self._version:
            now = frozen_prefix(self._model, self._known.inputs, self._training)
            before = self._known.prefix
            self._valid = now.border == before.border and [s.key for s in now.sites] == [s.key for s in before.sites]
            self._version = changes.count
        return self._valid


class Budget:
    """How many bytes features may take in memory, and on disk.

    Raises: ArgumentError: the argument of `fit` is none of those it takes.
    """

    def __init__(self, chosen: Any):
        known = isinstance(chosen, dict) and set(chosen) <= {"memory", "disk"}
        known = known and all(isinstance(size, int) and size >= 0 for size in chosen.values())
        if chosen not in ("auto", True, False, None) and not known:
            raise ArgumentError(
                "fit() does not understand `frozen_features`.",
                expected='"auto", False, or {"memory": bytes, "disk": bytes}',
                received=repr(chosen),
            )
        self.wanted = chosen not in (False, None)
        given = chosen if isinstance(chosen, dict) else {}
        self.memory = given.get("memory", 0 if given else min(_MEMORY, _free_memory() // 4))
        self.disk = given.get("disk", 0 if given else min(_DISK, shutil.disk_usage(tempfile.gettempdir()).free // 4))


def _free_memory() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 4 * _MEMORY


class Features:
    """The features of one model, kept from one `fit` to the next while weights and data are the same."""

    def __init__(self, model: Any):
        self._model = model
        self._held: dict[bool, tuple[Any, list[Any], list[Any]]] = {}
        self.report: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"_model": self._model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_model"])

    def feed(self, data: Feed, budget: Budget, epochs: int, training: bool) -> tuple[Feed, str]:
        """The same data with features where that pays, or as it is; and what there is to say about it."""
        kind = "training" if training else "validation"
        why = self._refusal(data, budget, epochs)
        if why is None:
            assert isinstance(data, ArrayFeed)
            fed, why = self._fed(data, budget, training)
            if isinstance(fed, KnownFeed):
                return fed, why
        self.report[kind] = {"cached": False, "why": why}
        return data, f"Frozen features: none kept for {kind}, because {why}."

    def _fed(self, data: ArrayFeed, budget: Budget, training: bool) -> tuple[ArrayFeed, str]:
        inputs = jax.tree.map(_symbolic, mapped(lambda column: column[:1], data.columns[0]))
        prefix = frozen_prefix(self._model, inputs, training)
        if not prefix.layers:
            ends = "; ".join(f"`{name}` {reason}" for name, reason in list(prefix.stops.items())[:3])
            return data, f"no frozen layer comes before what changes ({ends})"
        size = data.num_samples * sum(_bytes(value) for value in prefix.values)
        if size > max(budget.memory, budget.disk):
            limits = f"{budget.memory / 1e6:,.0f} MB in memory and {budget.disk / 1e6:,.0f} MB on disk"
            return data, f"they take {size / 1e6:,.0f} MB and the budget is {limits}"
        return self._kept(data, prefix, inputs, training, size, on_disk=size > budget.memory)

    def _refusal(self, data: Feed, budget: Budget, epochs: int) -> str | None:
        """Why features cannot be kept for some data, whatever is frozen."""
        model, layers = self._model, self._model._inner_layers_()
        steps = ("train_step", "test_step", "compute_loss", "compute_metrics")
        own = [step for step in steps if is_overridden(model, step)]
        reasons = [
            (not budget.wanted, "frozen_features=False"),
            (epochs < 2, "there is one epoch only"),
            (
                not isinstance(data, ArrayFeed),
                "the data are no arrays, so a sample is not known again in the next epoch",
            ),
            (model.run_eagerly, "run_eagerly=True"),
            (model._compiled_ is not None and not model._compiled_.jits, "jit_compile=False"),
            (bool(own), f"{type(model).__name__} has its own {', '.join(own)}"),
            (any(layer.runs_on_host or not layer.supports_jit for layer in layers), "a layer runs on the host"),
            (not model.trainable_variables, "nothing is trained"),
        ]
        return next((reason for holds, reason in reasons if holds), None)

    def _kept(
        self, data: ArrayFeed, prefix: Prefix, inputs: Any, training: bool, size: int, on_disk: bool
    ) -> tuple[KnownFeed, str]:
        """The features of all samples: those of the `fit` before, if weights and data are the same."""
        key = prefix.border, self._model._steps_.settings.number, _fingerprint(data.columns[0])
        weights = [variable.raw for variable in prefix.variables]
        held, started = self._held.get(training), time.perf_counter()
        same = held is not None and held[0] == key and all(a is b for a, b in zip(held[1], weights, strict=True))
        if held is None or not same:
            self._held[training] = held = (key, weights, self._compute(data, prefix, training, on_disk))
        kind = "training" if training else "validation"
        self.report[kind] = {
            "cached": True,
            "layers": len(prefix.layers),
            "samples": data.num_samples,
            "bytes": size,
            "on_disk": on_disk,
            "seconds": 0.0 if same else time.perf_counter() - started,
            "reused": same,
        }
        took = (
            "are those of the fit before" if same else f"took {self.report[kind]['seconds']:.1f} s, once for all epochs"
        )
        where = "on disk" if on_disk else "in memory"
        told = f"Frozen features: {len(prefix.layers)} frozen layers on {data.num_samples:,} samples for {kind} {took}"
        fed = KnownFeed(data, self._model, training, prefix, inputs, held[2])
        return fed, f"{told} ({size / 1e6:,.1f} MB {where})."

    def _compute(self, data: ArrayFeed, prefix: Prefix, training: bool, on_disk: bool) -> list[Any]:
        """Runs the prefix on all samples, a batch at a time; the last batch is filled up."""
        count, size = data.num_samples, min(data.batch_size, data.num_samples)
        kept = [_blank((count, *value.shape[1:]), value.dtype, on_disk) for value in prefix.values]
        model = self._model

        def forward(state: Any, x: Any) -> list[Any]:
            taken = _Taken(prefix.border)
            with frame(observer=taken, losses=[]):
                pure(model, state, x, training=training)
            return [taken.found[place] for place in prefix.border]

        program, state = compiled(forward), StateView(model).read()
        for start in range(0, count, size):
            rows = np.minimum(np.arange(start, start + size), count - 1)
            for whole, part in zip(kept, program(state, at_hand(ArrayFeed.rows(data, rows)[0])), strict=True):
                whole[start : start + size] = np.asarray(part)[: count - start]
        return kept


def _symbolic(rows: Any) -> KerasTensor:
    """What a column's batches look like."""
    return KerasTensor((None, *rows.shape[1:]), jax.dtypes.canonicalize_dtype(as_batch(rows).dtype).name)


def _bytes(value: Value) -> int:
    return math.prod(d or 1 for d in value.shape[1:]) * np.dtype(jnp.dtype(value.dtype)).itemsize


def _blank(shape: tuple[Any, ...], dtype: Any, on_disk: bool) -> Any:
    if not on_disk:
        return np.empty(shape, jnp.dtype(dtype))
    file = tempfile.TemporaryFile(prefix="lamella-features-")  # noqa: SIM115 - lives as long as the array
    return np.memmap(file, jnp.dtype(dtype), "w+", shape=shape)


def _fingerprint(columns: Any) -> str:
    """A hash of all numbers in some columns."""
    digest = hashlib.sha256()
    for column in jax.tree.leaves(columns):
        digest.update(f"{column.shape} {column.dtype}".encode())
        for start in range(0, column.shape[0], 256):
            digest.update(np.ascontiguousarray(column[start : start + 256]).view(np.uint8).data)
    return digest.hexdigest()
