"""Taps: a model that returns what passes at some places inside of another model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import get_opaque_trace_state

from lamella import activations
from lamella.anatomy.address import Part
from lamella.anatomy.inside.needed import layers_needed
from lamella.anatomy.inside.within import Place, Within, calls_at, check_side, site_of
from lamella.dtypes import is_float
from lamella.errors import ArgumentError, ConfigError, GraphError, StateError
from lamella.graph import KerasTensor, Site, Value, origin
from lamella.layers import Layer, Softmax
from lamella.models import Model
from lamella.registry import deserialize_keras_object, serialize_keras_object
from lamella.state import Owner, Variable, current, frame, walk_all

_TARGET = "the target"


class Tap(Model):
    """Returns what passes at some places inside of a model; `model.anatomy.tap(…)` makes it.

    It shares the model's layers and has the weights of those that it needs: all
    before the places in a graph; all of a layer or model with a `call()` of its own.
    It computes no more than it has to, and moves no statistics or seeds of the
    model, unless it is called with `training=True`.  It can be a layer of another
    model, be trained there, and be saved.

    Args:    anatomy: the model's.
             taps: {key: address of one call}.
             when: "output", or "input" for what the calls are given.
             grad: returns (value, gradient of the target by it) for each.
             target: an address, a key, or a function of the model's outputs; these themselves if None.
    Example: >>> model = Sequential([Input((3,)), Dense(4, name="a"), Dense(1)])
             >>> model.anatomy.tap("a")(np.ones((2, 3)))["a"].shape
             (2, 4)
    """

    called_on: tuple[tuple[Any, ...], dict[str, Any]]

    def __init__(
        self,
        anatomy: Any,
        taps: dict[str, str],
        when: str = "output",
        grad: bool = False,
        target: Any = None,
        trainable: bool = True,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._init_arguments_ = ((), {})  # a trace is not kept
        self.layer: Layer = anatomy.subject
        self.taps, self.when, self.grad, self.target = dict(taps), when, grad, target
        parts = calls_at(anatomy, self.taps)
        for part in parts.values():
            _check(part, grad, when)
        self._places = {key: Place.of(site_of(part), when) for key, part in parts.items()}
        ends = [value for part in parts.values() for value in _values(site_of(part), when)]
        self._whole = grad and (target is None or callable(target))  # the run must come to its end
        if grad:
            ends += self._aim(anatomy)
        self._needed = layers_needed(ends)
        seen = (anatomy.trace.args, anatomy.trace.kwargs)
        self.called_on = jax.tree.map(lambda v: KerasTensor(v.shape, v.dtype) if isinstance(v, Value) else v, seen)
        self._convert_input_args, self._allow_non_tensor_positional_args = False, True
        self.supports_masking = self.built = True
        if not trainable:
            self.trainable = False

    def _aim(self, anatomy: Any) -> list[Any]:
        """The values that the target follows from."""
        if self._whole:
            ends = anatomy.trace.exits or anatomy.trace.outputs
            if self.target is None:
                _refuse_softmax(ends)
            return ends
        if self.target in self.taps:
            return []
        site = site_of(calls_at(anatomy, {_TARGET: self.target})[_TARGET])
        self._places[_TARGET] = Place.of(site)
        return site.outputs

    # Running

    def call(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        before = current().overlay or {}
        overlay = dict(before)
        if self.grad:
            return self._with_gradients(args, kwargs, before)
        with frame(overlay=overlay):
            _, seen = self._read(args, kwargs)
        for variable in self._moved(before, overlay):
            variable.assign(overlay[variable])
        return {key: seen[key] for key in self.taps}

    def _read(self, args: Any, kwargs: Any, zeros: Any = None) -> tuple[Any, dict[str, Any]]:
        """The model's outputs, if it has to come to its end, and the values by key.

        Args: zeros: {key: what is added to the value}.
        """
        seen: dict[str, Any] = {}
        end, outside = _AllSeen(), get_opaque_trace_state()

        def read(key: str, value: Any) -> Any:
            if get_opaque_trace_state() != outside:
                raise _cannot_leave(self.taps.get(key, self.target), "a JAX transformation (scan, vmap, checkpoint, …)")
            seen[key] = jax.tree.map(jnp.add, value, zeros[key]) if zeros and key in zeros else value
            if len(seen) == len(self._places) and not self._whole:
                raise end
            return seen[key]

        observer = Within(self.layer, [(place, _with_key(read, key)) for key, place in self._places.items()])
        outputs = None
        try:
            with frame(observer=observer):
                outputs = self.layer(*args, **kwargs)
        except _AllSeen as ended:
            if ended is not end:  # that of a tap around this one
                raise
        missing = [self.taps.get(key, self.target) for key in self._places if key not in seen]
        if missing:
            raise StateError(f"This run of {self.layer.name!r} did not come by {', '.join(map(repr, missing))}.")
        return outputs, seen

    def _with_gradients(self, args: Any, kwargs: Any, before: Any) -> dict[str, Any]:
        """The values, and the gradients of the target by what is added to them: zeros."""
        written: list[Variable] = []
        owners: list[Any] = []

        def shapes() -> Any:
            with frame(overlay=dict(before), losses=[]):
                return self._read(args, kwargs)[1]

        def score(zeros: Any) -> Any:
            overlay: dict[Variable, Any] = dict(before)
            with frame(overlay=overlay, losses=[]) as inside:
                outputs, seen = self._read(args, kwargs, zeros)
                value = self._score(outputs, seen)
            written[:] = self._moved(before, overlay)
            owners[:] = [owner for owner, _ in inside.losses or ()]
            return value, (seen, [overlay[v] for v in written], [loss for _, loss in inside.losses or ()])

        zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(shapes))
        zeros = {key: zeros[key] for key in self.taps}
        gradients, (seen, values, losses) = jax.grad(score, has_aux=True)(zeros)
        for variable, value in zip(written, values, strict=True):
            variable.assign(value)
        (current().losses or []).extend(zip(owners, losses, strict=True))
        return {key: (seen[key], gradients[key]) for key in self.taps}

    def _score(self, outputs: Any, seen: dict[str, Any]) -> Any:
        if self._whole:
            target = outputs if self.target is None else self.target(outputs)
        else:
            target = seen[self.target if self.target in self.taps else _TARGET]
        return sum((jnp.sum(leaf) for leaf in jax.tree.leaves(target)), jnp.zeros(()))

    def _moved(self, before: Any, after: dict[Variable, Any]) -> list[Variable]:
        """The variables that the run changed and may change: in training, those of the layers needed."""
        changed = [variable for variable, value in after.items() if value is not before.get(variable)]
        if not changed:
            return []
        kept = {id(v) for v in self.layer.variables}
        if current().training:
            kept -= {id(v) for v in self.variables}
        return [variable for variable in changed if id(variable) not in kept]

    def stage(self, inputs: Any) -> Any:
        return self.layer.stage(inputs) if isinstance(self.layer, Model) else inputs

    # What it is made of

    def called_inside(self) -> Layer:
        return self.layer

    def returned(self, inner: Site) -> list[Any]:
        """The values tapped, in the order of the outputs; a gradient follows from no single call."""
        found = {key: self._places[key].values(inner) for key in sorted(self.taps)}
        nothing = [[Value(v.shape, v.dtype) for v in values] if self.grad else [] for values in found.values()]
        return [value for pair in zip(found.values(), nothing, strict=True) for values in pair for value in values]

    def children(self) -> Iterator[tuple[str, Variable | Owner]]:
        needed = {id(layer) for layer in self._needed}
        for address, thing in [("", self.layer), *walk_all(self.layer)]:
            if id(thing) in needed:
                yield f"{self.layer.name}/{address}".rstrip("/"), thing

    def get_config(self) -> dict[str, Any]:
        if callable(self.target):
            raise ConfigError(
                f"{self.name!r} cannot be written as a config: its target is a function.",
                fix="make the target a layer of the model, and say its address",
            )
        names = ("name", "trainable", "taps", "when", "grad", "target")
        config = {name: getattr(self, name) for name in names}
        config["layer"] = serialize_keras_object(self.layer)
        if self.layer.recorded(*self.called_on) is None:  # its inputs cannot be read from a graph
            config["called_on"] = serialize_keras_object(self.called_on[0])
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Tap:
        config = dict(config)
        layer = deserialize_keras_object(config.pop("layer"), custom_objects=custom_objects)
        called_on = deserialize_keras_object(config.pop("called_on", None))
        return cls(layer.anatomy if called_on is None else layer.anatomy.on(*called_on), **config)


def tap(anatomy: Any, where: Any, when: str = "output", grad: bool = False, target: Any = None) -> Tap:
    """What `Anatomy.tap` does."""
    check_side(when)
    if target is not None and not grad:
        raise ArgumentError("A tap has a target when it has gradients.", received=f"target={target!r}", fix="grad=True")
    parts = calls_at(anatomy, where)
    return Tap(anatomy, {str(key): part.address for key, part in parts.items()}, when, grad, target)


class _AllSeen(BaseException):
    """Ends a run: everything asked for is there."""


def _with_key(read: Callable[[str, Any], Any], key: str) -> Callable[[Any], Any]:
    return lambda value: read(key, value)


def _values(site: Site, when: str) -> list[Any]:
    return site.inputs if when == "input" and site.inputs else site.outputs


def _check(part: Part, grad: bool, when: str) -> None:
    """Whether a value can be had at all."""
    around: Site | None = site_of(part)
    while around is not None:
        if around.repeats != 1:
            times = "times that depend on data" if around.repeats is None else f"{around.repeats} times"
            raise _cannot_leave(part.address, f"a loop, which runs it {times}")
        around = around.parent
    wrong = [value.dtype for value in _values(site_of(part), when) if not is_float(value.dtype)]
    if grad and wrong:
        raise ArgumentError(f"The value at {part.address!r} has no gradient.", expected="floats", received=wrong[0])


def _cannot_leave(address: Any, inside: str) -> GraphError:
    return GraphError(
        f"The value at {address!r} is inside of {inside}, and cannot leave it.",
        fix="tap the layer around it, or leave it out: A.tap(A['**'] - A['that/layer'])",
    )


def _refuse_softmax(ends: list[Any]) -> None:
    """The gradient of a constant is nothing that anybody asks for."""
    for value in ends:
        maker = origin(value).site
        operation: Any = maker.operation if maker is not None else None
        if isinstance(operation, Softmax) or getattr(operation, "activation", None) is activations.softmax:
            raise ArgumentError(
                "The probabilities of a softmax add up to 1, so the gradient of their sum is 0 everywhere.",
                fix="say which is meant: target=lambda y: y[:, 3], or target=lambda y: y.max(-1) for the likeliest",
            )
