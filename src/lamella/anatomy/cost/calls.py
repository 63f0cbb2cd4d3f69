"""What each call of a model costs: multiply-accumulates, parameters, bytes of its outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax

from lamella.anatomy.cost.growth import Growth, growths
from lamella.anatomy.cost.macs import macs_in, macs_of, total
from lamella.anatomy.cost.memory import Memory, bytes_of, memory
from lamella.anatomy.cost.programs import is_ours, kind, program, sizes
from lamella.errors import ArgumentError
from lamella.graph import KerasTensor, Site, Value, trace
from lamella.layers import Layer


@dataclass(frozen=True)
class CallCost:
    """What one call costs, all that is inside included, for one sample.

    macs:   multiply-accumulates of all its runs; None if unknown, and then `reason` says why.
    output_bytes: of what it returns once; None if a size is unknown.
    trainable, frozen: parameters of its layer, by whether training may change them.
    runs:   how often loops run it; None if that depends on data.
    """

    site: Site
    macs: int | None
    output_bytes: int | None
    trainable: int
    frozen: int
    runs: int | None = 1
    reason: str | None = None


class Costs:
    """What a model costs, call by call; `costs[site]` for one call.

    calls: one for each call, in the order of `A.trace.walk()`.
    macs:  of the whole for one sample; None if some are unknown: `known_macs` are the others, `reasons` say why.
    trainable, frozen: parameters, a shared one once.
    batch: 1; or, for a model that runs on one batch size only, that: then MACs and bytes are for such a batch.
    """

    def __init__(self, subject: Any, root: Site, calls: dict[Site, CallCost], single: Site, batch: int):
        self._subject, self._root, self._of, self._single, self.batch = subject, root, calls, single, batch
        self.calls = list(calls.values())
        whole = calls[root]
        self.macs, self.trainable, self.frozen = whole.macs, whole.trainable, whole.frozen

    def __repr__(self) -> str:
        macs = f"{self.macs:,}" if self.macs is not None else str(self.growth(self._root) or "an unknown number of")
        parameters = f"{self.trainable:,} trainable and {self.frozen:,} frozen parameters"
        return f"<Costs of {self._subject.name!r}: {macs} MACs, {parameters}; costs[site], costs.memory() tell more>"

    def __getitem__(self, site: Site) -> CallCost:
        if site not in self._of:
            raise ArgumentError(
                "This is no call of the model.", received=repr(site), fix='costs[A["base/conv1"].sites[0]]'
            )
        return self._of[site]

    def __contains__(self, site: object) -> bool:
        return site in self._of

    @property
    def known_macs(self) -> int:
        """The MACs of those calls where they are known."""
        return sum(call.macs or 0 for call in self._innermost())

    def growth(self, site: Site) -> Growth | None:
        """The MACs of a call as a polynomial in the sizes of the input that are not known; None if it is none.

        Example: >>> from lamella.anatomy.cost.calls import costs
                 >>> A = Sequential([Input((None, 4)), Dense(8, name="d")]).anatomy
                 >>> costs(A).growth(A["d"].sites[0])
                 Growth('32·n')
        """
        return self._growths.get(self._marks[self[site].site])

    @cached_property
    def _marks(self) -> dict[Site, Any]:
        return {site: mark for mark, site in _marked(self._root)}

    @cached_property
    def _growths(self) -> dict[Any, Growth]:
        if not any(None in value.shape[1:] for value in self._root.inputs):
            return {}
        try:
            return growths(self._macs_at)
        except (TypeError, ValueError):  # the model cannot do with such sizes
            return {}

    def _macs_at(self, size: int) -> dict[Any, int | None]:
        """The MACs of every call where all sizes that are not known are this one."""
        root = _traced(self._single, lambda shape: tuple(size if d is None else d for d in shape))
        counted = _Counted(root)
        return {mark: counted.of[site][0] for mark, site in _marked(root)}

    @property
    def reasons(self) -> list[str]:
        """Why MACs are unknown, each reason once."""
        return list(dict.fromkeys(call.reason for call in self._innermost() if call.reason))

    def memory(self, batch: int = 1, training: bool = False) -> Memory:
        """The bytes that a batch needs on the device; see `Memory` for what is counted."""
        if batch < 1:
            raise ArgumentError("A batch has samples.", expected="1 or more", received=batch)
        runs = [self._of[site].runs for site in self._root.walk() if site in self._of]
        twins = dict(zip(self._single.walk(), runs, strict=False))
        return memory(self._subject, self._single, twins, -(-batch // self.batch), training)

    def _innermost(self) -> Iterator[CallCost]:
        return (call for call in self.calls if not call.site.inner)


def costs(A: Any) -> Costs:  # noqa: N803 - an Anatomy is called A everywhere
    """What the model costs, counted from the programs that its calls run.

    Every call costs its MACs, a shared layer's each time; every weight counts
    once.  What a layer's `call()` and plain code between layers compute is read
    from their jaxprs, in inference, for one sample.

    Example: >>> A = Sequential([Input((4,)), Dense(8), Dense(2)]).anatomy
             >>> from lamella.anatomy.cost.calls import costs
             >>> costs(A).macs, costs(A).trainable
             (48, 58)
    """
    root = A.trace
    single, batch = one_sample(root)
    counted = _Counted(single)
    trained = {id(v) for v in A.subject.trainable_weights}
    twins = dict(_marked(single))
    calls = {}
    for mark, site in _marked(root):
        macs, runs, reason = counted.of.get(twins.get(mark), (None, None, "a single sample is computed otherwise"))
        size = bytes_of(twins[mark].outputs) if mark in twins else None
        calls[site] = CallCost(site, macs, size, *_parameters(site, trained), runs, reason)
    return Costs(A.subject, root, calls, single, batch)


def one_sample(root: Site) -> tuple[Site, int]:
    """The same call on a single sample; on as many as its inputs fix (also returned) if it cannot do with one."""
    sizes = {value.shape[0] for value in root.inputs if value.ndim}
    fixed = max((size for size in sizes if size is not None), default=1) if len(sizes) == 1 else 1
    if sizes == {fixed}:
        try:
            return _batch_of_one(root, sizes) if fixed > 1 else root, 1
        except (TypeError, ValueError):  # the batch size stands somewhere in the model
            return root, fixed
    return (_batch_of_one(root, {None}) if None in sizes else root), 1


def _batch_of_one(root: Site, sizes: set[int | None]) -> Site:
    """The call with 1 for such sizes of first axes."""
    return _traced(root, lambda shape: (1, *shape[1:]) if shape and shape[0] in sizes else shape)


def _traced(root: Site, shaped: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> Site:
    """The call on inputs of other shapes."""

    def other(leaf: Any) -> Any:
        return KerasTensor(shaped(leaf.shape), leaf.dtype) if isinstance(leaf, Value) else leaf

    args, kwargs = jax.tree.map(other, (root.args, root.kwargs))
    assert root.operation is not None
    traced = trace(root.operation, *args, **kwargs)
    for _ in traced.walk():
        pass  # looks everywhere, so that what cannot be traced fails here
    return traced


def _marked(root: Site) -> Iterator[tuple[Any, Site]]:
    """Every call with what tells it from the others: its key, and for plain code a number."""
    seen: dict[Any, int] = {}
    for site in root.walk():
        key = site.key
        seen[key] = seen.get(key, -1) + 1
        yield (key, seen[key]), site


def _parameters(site: Site, trained: set[int]) -> tuple[int, int]:
    """How many numbers the layer's weights hold, those that train first."""
    weights = site.operation.weights if isinstance(site.operation, Layer) else []
    sizes = [(math.prod(v.shape), id(v) in trained) for v in weights]
    return sum(n for n, trains in sizes if trains), sum(n for n, trains in sizes if not trains)


Count = tuple[int | None, int | None, str | None]
"""MACs, runs, and why the MACs are unknown."""


class _Counted:
    """The MACs of every call below a root."""

    def __init__(self, root: Site):
        self.of: dict[Any, Count] = {}
        self._programs: dict[Any, int | None] = {}
        self._equations: set[int] = set()
        self._open = any(None in value.shape for value in root.inputs)
        self._visit(root, 1)

    def _visit(self, site: Site, around: int | None) -> int | None:
        """Counts a call in a program that loops run `around` times."""
        runs = _times(around, site.repeats)
        if site.inner:
            inside = runs if _starts_anew(site) else around
            macs, reason = total([self._visit(inner, inside) for inner in site.inner]), None
        else:
            macs, reason = self._innermost(site, around, runs)
        self.of[site] = macs, runs, reason
        return macs

    def _innermost(self, site: Site, around: int | None, runs: int | None) -> tuple[int | None, str | None]:
        if site.note:
            return None, site.note
        once = self._of_code(site, around) if site.operation is None else self._of_layer(site)
        if once == 0 or not site.inputs:
            return 0, None
        unknown = _unknown(site)
        if unknown:
            return None, unknown
        if once is None or runs is None:
            return None, self._loop_reason(once)
        return (once if site.operation is None else once * runs), None

    def _loop_reason(self, once: int | None) -> str:
        if once is None or not self._open:
            return "runs in a loop whose length depends on data"
        return f"{once:,} for each run of a loop over a size that is not known"

    def _of_code(self, site: Site, around: int | None) -> int | None:
        """Equations that several calls follow from are counted with the first of them."""
        new = [(equation, times) for equation, times in site.steps if id(equation) not in self._equations]
        self._equations.update(id(equation) for equation, _ in new)
        counts = [(macs_of(equation), _times(around, times)) for equation, times in new]
        return total(0 if macs == 0 else _times(macs, times) for macs, times in counts)

    def _of_layer(self, site: Site) -> int | None:
        if not site.inputs or getattr(site.operation, "runs_on_host", False):
            return 0
        like, size, known = kind(site), sizes(site), self._programs
        if known.get((like, None)) == 0:
            return 0
        if (like, size) not in known:
            known[like, size] = _macs_in_program(site)
            if known[like, size] == 0 and is_ours(site):
                known[like, None] = 0  # no products in it, so there are none at other sizes
        return known[like, size]


def _macs_in_program(site: Site) -> int | None:
    try:
        return macs_in(program(site))
    except (TypeError, ValueError):
        if all(None not in value.shape for value in site.inputs):
            raise
        return None  # it does not run on the numbers that stand for unknown sizes


def _times(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a * b


def _starts_anew(site: Site) -> bool:
    """Whether loops are counted anew inside: it is a graph, or looked into for itself."""
    return site.parent is None or _recorded(site) or _recorded(site.parent)


def _recorded(site: Site) -> bool:
    return site.operation is not None and site.operation.recorded(site.args, site.kwargs) is not None


def _unknown(site: Site) -> str | None:
    for value in (*site.inputs, *site.outputs):
        if None in value.shape:
            axes = [str(axis) for axis, size in enumerate(value.shape) if size is None]
            which = f"axis {axes[0]}" if len(axes) == 1 else f"axes {' and '.join(axes)}"
            return f"depends on {which} of {'its input' if value in site.inputs else 'what it returns'} {value.shape}"
    return None
