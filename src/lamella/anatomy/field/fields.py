"""Receptive fields: how much of the input each place of a feature map has been computed from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lamella import config, layers
from lamella.anatomy.blocks.roles import op_name
from lamella.anatomy.cost.programs import is_ours, kind, program, sizes
from lamella.anatomy.field.sight import run, sights
from lamella.anatomy.field.span import Seen, Sight, Span, joined
from lamella.anatomy.wiring import Wiring, is_library_layer
from lamella.errors import ArgumentError
from lamella.graph import Site, Value


@dataclass(frozen=True)
class Field:
    """What each place of a call's first output has been computed from.

    axes:   for each spatial axis it still has, on the ways that look at a part only: its `size` (places of the
            input that one of its places sees), `jump` (from one place to the next), `start` (the first that
            place 0 sees, negative in the padding), `of` (which axis of the input).
    whole:  on some way the whole input is looked at, the first time `by` that call.
    reason: why the field is unknown, if it is.
    """

    axes: tuple[Span, ...]
    whole: bool = False
    by: Site | None = None
    reason: str | None = None

    @property
    def known(self) -> bool:
        return self.reason is None

    @property
    def size(self) -> tuple[int, ...] | None:
        """How many places along each axis; None where it is the whole input or unknown."""
        return tuple(axis.size for axis in self.axes) if self.axes and self.known and not self.whole else None

    def __str__(self) -> str:
        if not self.known:
            return f"unknown: {self.reason}"
        if self.whole:
            return "whole input"
        size, jumps = " × ".join(str(axis.size) for axis in self.axes), {str(axis.jump) for axis in self.axes}
        return f"{size}, every {' × '.join(sorted(jumps))}"


def fields(A: Any, input: int = 0) -> dict[Site, Field]:  # noqa: N803 - an Anatomy is called A everywhere
    """The receptive field of each call with respect to one input of the model, as in inference.

    Calls that do not depend on that input are left out.  Read from the programs
    that the calls run: windows, strides, dilations and paddings.

    Example: >>> A = Sequential([Input((32, 32, 3)), Conv2D(4, 3, name="a"), Conv2D(4, 3, 2, name="b")]).anatomy
             >>> from lamella.anatomy.field.fields import fields
             >>> str(fields(A)[A["b"].sites[0]])
             '5 × 5, every 2'
    """
    return _Fields(A.trace, input).found()


class _Fields:
    """Follows what is seen from call to call."""

    def __init__(self, root: Site, number: int):
        self.root = root
        self.wiring = Wiring(root, closed=is_library_layer)
        self.seen: dict[int, Sight] = {}
        self.by: dict[int, Site] = {}
        self._same: set[Any] = set()  # kinds of calls that change nothing
        self._programs: dict[Any, Any] = {}
        if not 0 <= number < len(self.wiring.entries):
            raise ArgumentError(
                f"There is no input {number}.", expected=f"0 to {len(self.wiring.entries) - 1}", received=number
            )
        entry = self.wiring.entries[number]
        self.seen[id(entry)] = Sight(_spatial(entry, root))
        for site in self.wiring.sites:
            self._follow(site)

    def _follow(self, site: Site) -> None:
        taken = [self.wiring.source(value) for value in site.inputs]
        given = [self.seen.get(id(value)) for value in taken]
        if not any(given):
            return
        by = next((self.by[id(value)] for value in taken if id(value) in self.by), site)
        for value, seen in zip(site.outputs, self._results(site, given), strict=False):
            if seen is not None:
                self.seen[id(value)] = seen
                if seen.whole:
                    self.by[id(value)] = by

    def _results(self, site: Site, given: list[Seen]) -> list[Seen]:
        if site.note or getattr(site.operation, "runs_on_host", False):
            return [Sight((), reason=site.note or "it works outside of compiled code")] * len(site.outputs)
        if not any(one is not None and one.local for one in given):
            return [_seen_by_all(given, value) for value in site.outputs]
        if site.operation is None:
            return self._of_code(site, given)
        if isinstance(site.operation, layers.Embedding):
            return [replace(given[0], axes=(*given[0].axes, None))] if given[0] else []
        if _interpolates(site):
            return [_interpolated(site.operation, given[0])] if given[0] else []
        return self._of_layer(site, given)

    def _of_layer(self, site: Site, given: list[Seen]) -> list[Seen]:
        like = kind(site)
        if like in self._same and len(given) == 1:
            return given
        key = like, sizes(site)
        if key not in self._programs:
            self._programs[key] = program(site)
        found = sights(self._programs[key].jaxpr, given)
        if found == given and given[0] and not given[0].whole and is_ours(site):
            self._same.add(like)
        return found

    def _of_code(self, site: Site, given: list[Seen]) -> list[Seen]:
        """Values that come into plain code are told by their shapes."""
        by_shape: dict[Any, list[Seen]] = {}
        for value, seen in zip(site.inputs, given, strict=True):
            by_shape.setdefault(value.sized().shape, []).append(seen)
        equations = [equation for equation, _ in site.steps]
        made = {v for equation in equations for v in equation.outvars}
        known: dict[Any, Seen] = {}
        for v in (v for equation in equations for v in equation.invars if not hasattr(v, "val")):
            if v not in made and v.aval.shape in by_shape:
                known[v] = joined(by_shape[v.aval.shape], v.aval.ndim)
        run(equations, known)
        return [known.get(equations[-1].outvars[0])]

    # What is handed out

    def found(self) -> dict[Site, Field]:
        return {site: field for site in self.root.walk() if (field := self._of(site)) is not None}

    def _of(self, site: Site) -> Field | None:
        value = self.wiring.source(site.outputs[0]) if site.outputs else None
        seen = self.seen.get(id(value))
        if seen is None:
            return None
        axes = tuple(span for span in seen.axes if span is not None)
        return Field(axes, seen.whole, self.by.get(id(value)), seen.reason)


def _seen_by_all(given: list[Seen], value: Value) -> Seen:
    """Once the whole is seen, every later place sees it too."""
    rank = value.ndim
    return joined([replace(one, axes=(None,) * rank) for one in given if one is not None], rank)


def _interpolates(site: Site) -> bool:
    return op_name(site) == "Resize" or getattr(site.operation, "interpolation", "nearest") != "nearest"


def _interpolated(operation: Any, seen: Sight) -> Sight:
    if isinstance(operation, layers.UpSampling2D) and operation.interpolation == "bilinear":
        return _bilinear(operation, seen)
    return Sight((), seen.whole, seen.reason or "it blends places by interpolation")


def _bilinear(operation: Any, seen: Sight) -> Sight:
    """Each new place lies between two old ones."""
    axes = list(seen.axes)
    for axis, factor in zip(operation._spatial_axes_, operation._factors, strict=True):
        span = axes[axis]
        axes[axis] = span and span.seen(*_between(factor), up=factor)
    return replace(seen, axes=tuple(axes))


def _between(factor: int) -> tuple[Any, Any]:
    """The old places below and above a new one: (i + ½) / factor - ½, rounded down and up."""
    return lambda i: (2 * i + 1 - factor) // (2 * factor), lambda i: -(-(2 * i + 1 - factor) // (2 * factor))


def _spatial(entry: Value, root: Site) -> tuple[Span | None, ...]:
    """The axes of an input that count as space: all but the batch and the channels, if it has three or more."""
    rank = entry.ndim
    if rank < 3:
        return (None, Span(1))[:rank]
    formats = (getattr(site.operation, "data_format", None) for site in _with_format(root))
    first = next((one for one in formats if one), config.image_data_format()) == "channels_first"
    places = range(2, rank) if first else range(1, rank - 1)
    return tuple(Span(axis) if axis in places else None for axis in range(rank))


def _with_format(root: Site) -> Iterator[Site]:
    return (site for site in root.walk() if hasattr(site.operation, "data_format"))
