"""`model.anatomy`: one accessor to everything that a model is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import jax

from lamella.anatomy.address import Part, Selection, matching, parts_of
from lamella.anatomy.inside import Patch, Tap, tap
from lamella.anatomy.summary import Table, table
from lamella.anatomy.trains import Trainability, freeze, trainability, unfreeze
from lamella.errors import ArgumentError, StateError, UnknownNameError, unknown
from lamella.graph import KerasTensor, Site, trace
from lamella.layers import Layer
from lamella.state import Owner, Variable, changes

if TYPE_CHECKING:
    from lamella.anatomy.blocks import Block, Counts
    from lamella.anatomy.cost import Costs
    from lamella.anatomy.diff import Diff
    from lamella.anatomy.explain import Explanation
    from lamella.anatomy.field import Field

_still: ContextVar[Mapping[Anatomy, Any]] = ContextVar("lamella_still", default=MappingProxyType({}))


class Anatomy:
    """What a model or a layer is made of, by address.

    `A["base/conv1"]`, `A["base/block_6_*"]`, `A["enc@1/d1"]`, `A["layers[4]"]`
    pick parts; see `lamella.anatomy.address.pattern` for the grammar.

    Example: >>> A = Sequential([Input((4,)), Dense(8, name="a"), Dense(2, name="b")]).anatomy
             >>> A["a"].layers[0].units, A["a/kernel"].weights[0].shape
             (8, (4, 8))
    """

    def __init__(self, subject: Layer, inputs: Any = None):
        self.subject = subject
        self._inputs = inputs
        self._seen: tuple[Any, Site] | None = None
        self._parts: list[Part] | None = None
        self._places: tuple[list[Part], dict[int, str]] | None = None
        self._read: tuple[Any, dict[str, Any]] = (None, {})
        self._lock = RLock()  # two threads that look first must see one trace, since its calls are compared

    def on(self, *inputs: Any) -> Anatomy:
        """The anatomy for given inputs: arrays, symbolic tensors or shapes."""
        return Anatomy(self.subject, tuple(jax.tree.map(_symbolic, one, is_leaf=_is_shape) for one in inputs))

    @property
    def trace(self) -> Site:
        """The call of the whole, with every call inside.

        Raises: StateError: what it is called on is not known yet.
        """
        with self._lock:
            key = self._key()
            if self._seen is None or self._seen[0] != key:
                args, kwargs = _inputs_of(self.subject) if self._inputs is None else (self._inputs, {})
                if self._inputs:
                    self.subject._check_(self._inputs[0])
                self._seen, self._parts = (key, trace(self.subject, *args, **kwargs)), None
            return self._seen[1]

    @property
    def called(self) -> bool:
        """Whether it is known what it is called on."""
        try:
            return self.trace is not None
        except StateError:
            return False

    @contextmanager
    def still(self) -> Iterator[None]:
        """While it holds, the model is taken not to change, so whether it did is looked up once."""
        token = _still.set({**_still.get(), self: self._key()})
        try:
            yield
        finally:
            _still.reset(token)

    def _key(self) -> Any:
        """What the trace depends on: the graph, and which layers there are."""
        if self in _still.get():
            return _still.get()[self]
        return id(getattr(self.subject, "_graph_", None)), tuple(map(id, self.subject._inner_layers_()))

    @property
    def parts(self) -> list[Part]:
        """Every layer, op and weight at every place, in order; without calls if it was never called."""
        try:
            root = self.trace
        except StateError:
            return parts_of(Site(self.subject, None))
        with self._lock:
            if self._parts is None:
                self._parts = parts_of(root)
            return self._parts

    @property
    def notes(self) -> list[str]:
        """Where one cannot see inside, and why."""
        found = [(self.subject.name, self.trace), *((part.address, part.site) for part in self.parts)]
        return [f"{address}: {site.note}" for address, site in found if site is not None and site.note]

    # Picking

    def __getitem__(self, pattern: Any) -> Selection:
        """The parts that an address or pattern means.

        Raises: UnknownNameError: there is none; the nearest addresses are named.
        """
        if isinstance(pattern, Selection):
            return pattern
        if isinstance(pattern, (list, tuple)) and pattern:
            return _union([self[one] for one in pattern])
        if isinstance(pattern, (Layer, Variable)):
            found = [part for part in self.parts if part.thing is pattern]
        elif isinstance(pattern, str):
            found = matching(pattern, self.parts)
        else:
            raise ArgumentError("An address is a string.", received=repr(pattern), fix='write A["base/conv1"]')
        if not found and isinstance(pattern, str):
            self._check_index(pattern)
        if not found:
            places = list(dict.fromkeys(part.place for part in self.parts))
            raise unknown(f"part of {self.subject.name!r}", getattr(pattern, "name", pattern), places)
        return Selection(found, self.parts, repr(pattern) if isinstance(pattern, str) else f"{pattern.name!r}")

    def _check_index(self, pattern: str) -> None:
        """Raises UnknownNameError where an address ends in an index that its container does not have."""
        match = re.fullmatch(r"(?:(?P<above>.+)/)?(?:layers)?\[(?P<index>-?\d+)\]", pattern)
        if match is None:
            return
        container: Any = self[match["above"]].layers[0] if match["above"] else self.subject
        count = len(getattr(container, "layers", None) or container._sublayers_())
        raise UnknownNameError(
            f"{container.name!r} has no layer at index {match['index']}.",
            expected=f"0 to {count - 1}, or {-count} to -1" if count else "a layer that has layers inside",
        )

    def select(self, pattern: Any = "**", type: Any = None) -> Selection:
        """Like `A[pattern]`, of one type; may be empty.

        Args: type: a class, or a tuple of classes; `Variable` for weights.
        """
        kinds = type if isinstance(type, tuple) else (type,)
        if type is not None and not all(isinstance(kind, builtin_type) for kind in kinds):
            raise ArgumentError("`type` is a class, or a tuple of classes.", received=repr(type))
        wants_weights = isinstance(type, builtin_type) and issubclass(type, Variable)
        parts = self.parts if wants_weights and pattern == "**" else self._matching(pattern)
        chosen = parts if type is None else [part for part in parts if isinstance(part.thing, type)]
        return Selection(chosen, self.parts, repr(pattern))

    def _matching(self, pattern: Any) -> list[Part]:
        return matching(pattern, self.parts) if isinstance(pattern, str) else self[pattern].parts

    @property
    def places(self) -> dict[int, str]:
        """{id: address} of every layer, op, weight (where it stands first) and call."""
        parts = self.parts
        if self._places is None or self._places[0] is not parts:
            found: dict[int, str] = {}
            for part in parts:
                found.setdefault(id(part.thing), part.place)
                if part.site is not None:
                    found[id(part.site)] = part.address
            self._places = (parts, found)
        return self._places[1]

    def address(self, thing: Owner | Variable | Site) -> str:
        """The address of a layer, weight or call.

        Raises: UnknownNameError: it is no part of the model.
        """
        if id(thing) not in self.places:
            named = f"{builtin_type(thing).__name__} {getattr(thing, 'name', thing)!r}"
            raise UnknownNameError(f"{named} is no part of {self.subject.name!r}.")
        return self.places[id(thing)]

    # What it is

    def explain(self, address: Any = None) -> Explanation:
        """The whole, or one part of it, in words; print it, or take its `facts`.

        Args:    address: of a layer, a call (`enc@1/d1`), an op or a weight; or the thing itself.
        Raises:  ArgumentError: the address means several things.
        Example: >>> A = Sequential([Input((4,)), Dense(8, name="a"), Dense(2, name="b")]).anatomy
                 >>> A.explain("a").facts["parameters"]
                 40
        """
        from lamella.anatomy.explain import explain

        with self.still():
            return explain(self, address)

    def summary(
        self,
        columns: str | Sequence[str] = (),
        blocks: bool = False,
        depth: int | None = None,
        expand_nested: bool = False,
        layer_range: Any = None,
        show_trainable: bool = False,
    ) -> Table:
        """The summary as a table that prints, shows itself in notebooks, and has `to_dict()`.

        Args: columns: of "address", "calls", "output", "params", "trainable", "frozen", "macs", "memory",
                  "field", "connected"; also as one text with commas.
              blocks: layers of a block stand under its heading, and equal neighbours fold.
              depth: how many levels of layers in layers are shown.
        """
        return table(self.subject, expand_nested, layer_range, columns, blocks, depth, show_trainable)

    def counts(self) -> Counts:
        """How many layers, layers with weights and blocks there are, and how deep it is."""
        from lamella.anatomy.blocks import counts

        return self._once("counts", lambda: counts(self))

    def costs(self) -> Costs:
        """Multiply-accumulates, parameters and memory, call by call and in all."""
        from lamella.anatomy.cost import costs

        return self._once("costs", lambda: costs(self))

    def blocks(self) -> list[Block]:
        """Its residual, dense, attention … blocks, with the evidence for each."""
        from lamella.anatomy.blocks import blocks

        return self._once("blocks", lambda: blocks(self))

    def fields(self, input: int = 0) -> dict[Site, Field]:
        """The receptive field of every call: how much of an input one output sees."""
        from lamella.anatomy.field import fields

        return self._once(f"fields {input}", lambda: fields(self, input))

    def _once(self, what: str, read: Callable[[], Any]) -> Any:
        """What was read before, unless the model has changed since: its calls, or what of it trains."""
        with self._lock:
            now = self.trace, changes.count
            if self._read[0] != now:
                self._read = (now, {})
            if what not in self._read[1]:
                self._read[1][what] = read()
            return self._read[1][what]

    def diff(self, other: Any, data: Any = None, tolerance: float = 1e-5) -> Diff:
        """What differs between this model and another; see `lamella.anatomy.diff`."""
        from lamella.anatomy.diff import diff

        return diff(self.subject, getattr(other, "subject", other), data, tolerance)

    # What passes inside

    def tap(self, where: Any, when: str = "output", grad: bool = False, target: Any = None) -> Tap:
        """A model that returns what passes at some places: `{address or key: tensor}`.

        It shares the weights, computes only what is needed, and may be a layer of another
        model.  With `grad=True` it returns `{…: (tensor, gradient)}`, where the gradient is
        that of the target's sum by the tensor.

        Args:    where: an address, pattern or selection, a list of these, or {key: address}.
                 when: "output" of the calls, or "input".
                 target: an address, a key, or a function of the model's outputs; these themselves if None.
        Raises:  GraphError: an address means several calls and has no `@k`; the value is in a loop and
                     cannot leave it; the place cannot be looked into.
        Example: >>> A = Sequential([Input((4,)), Dense(8, name="a"), Dense(2)]).anatomy
                 >>> value, slope = A.tap("a", grad=True, target=lambda y: y[:, 0])(np.ones((3, 4)))["a"]
                 >>> value.shape, slope.shape
                 ((3, 8), (3, 8))
        """
        return tap(self, where, when, grad, target)

    def patch(self, changes: dict[str, Any], when: str = "output") -> Patch:
        """Changes values inside of the model for the length of a `with` block, in compiled code too.

        Args:    changes: {address or pattern: function of the value, or a value to put in its place}.
        Raises:  ShapeError: the new value has another shape (when the model runs).
        Example: >>> model = Sequential([Input((4,)), Dense(8, name="a"), Dense(2, use_bias=False)])
                 >>> with model.anatomy.patch({"a": lambda value: value * 0}):
                 ...     model(np.ones((1, 4))).tolist()
                 [[0.0, 0.0]]
        """
        return Patch(self, changes, when)

    # What trains

    def freeze(self, where: Any = None, bn: str = "inference") -> None:
        """Keeps layers and weights from being trained, from the next step on; nothing is to be compiled anew.

        A frozen layer freezes everything inside.

        Args:    where: address, pattern or selection; the whole if None.
                 bn: what frozen BatchNormalization does in training: "inference" (as Keras has it: it uses its
                     moving statistics, which stand still), "stats" (gamma and beta are frozen, the statistics
                     go on moving), or "train" (it is not frozen).  A call with `training=False` always wins.
        Example: >>> model = Sequential([Input((4,)), Dense(8, name="a"), Dense(2)])
                 >>> model.anatomy.freeze("a"); len(model.trainable_weights)
                 2
        """
        freeze(self, where, bn)

    def unfreeze(self, where: Any = None, from_: str | int | None = None) -> None:
        """Lets layers and weights be trained, whatever around them is frozen; what is beside them stays as it is.

        Args:    where: address, pattern or selection; the whole if None.
                 from_: an address inside of the one model selected, or an index into its layers: what
                     comes before is frozen.
        Raises:  ArgumentError: `from_` is out of range, or several models are selected.
        Example: >>> model = Sequential([Input((4,)), Dense(8, name="a"), Dense(2, name="b")])
                 >>> model.anatomy.unfreeze(from_="b"); len(model.trainable_weights)
                 2
        """
        unfreeze(self, where, from_)

    def trainability(self) -> Trainability:
        """For each layer whether it trains, and why; print it, or take its rows.

        Example: >>> model = Sequential([Input((4,)), Dense(8, name="a"), Dense(2, name="b")])
                 >>> model.anatomy.freeze("a"); model.anatomy.trainability()["a"].why
                 'its own flag: trainable=False'
        """
        return trainability(self)

    def __repr__(self) -> str:
        subject = f"{type(self.subject).__name__} {self.subject.name!r}"
        return f"<Anatomy of {subject}; .explain() tells it in words, .parts lists addresses>"


builtin_type = type


def _union(selections: list[Selection]) -> Selection:
    result = selections[0]
    for one in selections[1:]:
        result = result | one
    return result


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(d is None or isinstance(d, int) for d in value)


def _symbolic(value: Any) -> KerasTensor:
    if isinstance(value, KerasTensor):
        return value
    if _is_shape(value):
        return KerasTensor(value)
    return KerasTensor((None, *value.shape[1:]), str(value.dtype)) if hasattr(value, "shape") else value


def _inputs_of(subject: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the subject is called on: its graph's inputs, a recorded call's, or those it was built on."""
    if getattr(subject, "_graph_", None) is not None:
        return (subject.input,), {}
    if subject.inbound_nodes:
        node = subject.inbound_nodes[0]
        return node.args, node.kwargs
    if subject.called_on is not None:
        return subject.called_on
    shapes = subject._build_shapes_ or {}
    if shapes and all(shape is not None for shape in shapes.values()):
        dtype = subject.input_dtype
        make = partial(jax.tree.map, lambda shape: KerasTensor(shape, dtype), is_leaf=_is_shape)
        return tuple(map(make, shapes.values())), {}
    raise StateError(
        f"{type(subject).__name__} {subject.name!r} has not been called yet, so what is inside cannot be traced.",
        fix="call it on data once, or say what it is called on: model.anatomy.on((None, 224, 224, 3))",
    )
