"""A layer, op or weight at its place in a model, in words."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from lamella import layers
from lamella.anatomy.address import Part
from lamella.anatomy.explain.behaviour import behaviour_words
from lamella.anatomy.explain.explanation import Explanation, sections
from lamella.anatomy.explain.nature import Nature, Use, activation_of, bottleneck, nature_of
from lamella.anatomy.explain.shapes import shape_words
from lamella.anatomy.explain.sizes import story, way
from lamella.anatomy.explain.weights import frozen_by, training_words, weight_words
from lamella.anatomy.explain.words import article, by, counted, listed, ordinal, quoted, sentence, shape
from lamella.graph import FunctionOp, Site, Value, origin
from lamella.layers import Layer
from lamella.state import Variable


class Place:
    """A thing in a model, as an explanation sees it: with its calls and what is around it.

    asked: how the reader named it.
    parts: the thing at its place, one part for each call.
    """

    def __init__(self, anatomy: Any, asked: str, parts: list[Part]):
        self.anatomy, self.asked, self.parts = anatomy, asked, parts
        self.thing: Any = parts[0].thing
        self.subject: Any = anatomy.subject
        self.sites = [part.site for part in parts if part.site is not None]
        self.address = parts[0].address if len(parts) == 1 else parts[0].place
        self.container: Any = parts[0].steps[-1].container
        self.around = [step.thing for step in parts[0].steps[:-1]]

    def address_of(self, thing: Any) -> str:
        """The address of a layer or call; the whole by its name, plain code by where it stands."""
        if thing is self.subject or thing is self.anatomy.trace:
            return self.subject.name
        if isinstance(thing, Site) and thing.operation is None:
            return "the code between"
        return self.anatomy.address(thing)


def explain_part(place: Place) -> Explanation:
    """Explains one thing at one place."""
    if isinstance(place.thing, Variable):
        return _weight(place)
    title, where = _title(place), _where(place)
    facts: dict[str, Any] = {"address": place.address, "class": type(place.thing).__name__, "calls": len(place.sites)}
    facts["index"] = index_in(place.container, place.thing)
    facts["older_index"] = older_index(place.container, place.thing)
    if isinstance(place.thing, FunctionOp):
        why = shape_words(place.sites[0]) if place.sites else []
        about = [
            f"An op, not a layer: {_summary(place.thing)}",
            "It has no weights, and `model.layers` does not list it.",
        ]
        return Explanation(title, sections(**{"is": about}, where=where, shape=why), facts)
    layer: Any = place.thing
    trains, numbers = training_words(place.subject, place.around, layer, lambda one: f"`{place.address_of(one)}`")
    said, is_input = _output(place, facts), isinstance(layer, layers.InputLayer)
    return Explanation(
        title,
        sections(
            **{"is": _what(place, facts)},
            where=where,
            block=_block(place, facts),
            shape=_shapes(place),
            weights=[] if is_input else weight_words(layer),
            trains=trains,
            costs=_costs(place, facts),
            runs=[] if is_input else _runs(place),
            gives=said[0],
            next=said[1],
        ),
        {**facts, **numbers},
    )


# What it is


def _title(place: Place) -> str:
    thing = place.thing
    kind = type(thing).__name__
    what = f"{article(kind)} layer" if isinstance(thing, Layer) else f"the op {kind}"
    what = "the input" if isinstance(thing, layers.InputLayer) else what
    if _is_model(thing):
        what = f"{article(kind)} model, used as a layer"
    name = f"`{place.address}`" if place.asked == place.address else f"`{place.asked}` is `{place.address}`:"
    return f"{name} is {what}." if place.asked == place.address else f"{name} {what}."


def _is_model(thing: Any) -> bool:
    return isinstance(thing, Layer) and hasattr(thing, "fit")


def _summary(thing: Any) -> str:
    """The first sentence of what its class says of itself, if it is written there."""
    text = type(thing).__dict__.get("__doc__") or ""
    first = inspect.cleandoc(text).split("\n\n")[0].replace("\n", " ").strip()
    return first or f"{type(thing).__name__} has no description."


def _what(place: Place, facts: dict[str, Any]) -> list[str]:
    layer = place.thing
    if not _is_model(layer):
        activation = activation_of(place.sites[0] if place.sites else None)
        then = isinstance(getattr(layer, "activation", None), Callable) and activation not in (None, "linear")
        same = type(layer).__name__.lower() in ("activation", activation)
        return [_summary(layer), *([f"The activation is {activation}."] if then or (same and activation) else [])]
    inside = layer.layers
    facts["inside"] = len(inside)
    example = next((one for one in inside if one.weights), inside[-1] if inside else None)
    holder = _name(place.container)
    said = [
        f"A model is a layer that has layers of its own ({counted(len(inside), 'layer', figures=True)} here) and can "
        "be trained, saved and used alone.",
        f"Here it is one step of `{holder}`, and `{holder}.layers` counts it as one layer.",
        "Its weights are the same objects wherever it is used: what trains it here changes it everywhere.",
    ]
    return [*said, f"Reach inside by address: `{place.address_of(example)}`."] if example is not None else said


def _name(container: Any) -> str:
    return getattr(container, "name", type(container).__name__)


# Where it stands


def index_in(container: Any, thing: Any) -> int | None:
    """Its index in `container.layers`, or None."""
    listed_layers = getattr(container, "layers", None) or []
    return next((i for i, layer in enumerate(listed_layers) if layer is thing), None)


def older_index(container: Any, thing: Any) -> int | None:
    """Its index in tf.keras 2, which counted ops as layers too; None where there is no graph."""
    graph = getattr(container, "_graph_", None)
    if graph is None or not getattr(container, "calls_itself_first", True):
        return index_in(container, thing)
    return next((i for i, one in enumerate(graph.operations) if one is thing), None)


def _where(place: Place) -> list[str]:
    index, older = index_in(place.container, place.thing), older_index(place.container, place.thing)
    name = _name(place.container)
    said = []
    if index is not None:
        said.append(f"{ordinal(index + 1)} of the {len(place.container.layers)} layers of `{name}`: layers[{index}].")
    if older is not None and older != index:
        said.append(_older(place, index, older))
    if not place.sites:
        return [*said, _uncalled(place)]
    if len(place.sites) == 1:
        site = place.sites[0]
        call = "Called once, " if site.times == 1 else f"The {ordinal(site.number + 1)} of its {site.times} calls: "
        return [*said, f"{call}{_call(place, site)}."]
    calls = [f"`{place.address_of(site)}` {_call(place, site)}" for site in place.sites[:6]]
    return [
        *said,
        f"Called {len(place.sites)} times with the same weights: {'; '.join(calls)}.",
        "Gradients of all calls add up.",
    ]


def _uncalled(place: Place) -> str:
    if not place.anatomy.called:
        return f"`{place.subject.name}` has not been called yet, so what calls it is not known."
    closed = [
        site for site in place.anatomy.trace.walk() if site.note and site.operation in (place.subject, *place.around)
    ]
    if closed:
        return f"Whether it is called cannot be seen: {closed[0].note}."
    return "Nothing calls it: the output of the model does not depend on it."


def _older(place: Place, index: int | None, older: int) -> str:
    operations = place.container._graph_.operations
    if index is None:
        return f"Code for tf.keras 2, where ops counted as layers, calls it layers[{older}]."
    before = [one for one in operations[:older] if isinstance(one, FunctionOp)]
    other = operations[index]
    is_there = "the op " if isinstance(other, FunctionOp) else ""
    names = quoted([place.address_of(one) for one in before])
    return (
        f"{sentence(counted(len(before), 'op'))} ({names}) {'stands' if len(before) == 1 else 'stand'} before it, and "
        f"tf.keras 2 counted ops as layers: code from then calls this layers[{older}], and means {is_there}"
        f"`{place.address_of(other)}` by layers[{index}]."
    )


def _call(place: Place, site: Site) -> str:
    """On what, and for whom."""
    given = [f"{shape(v.shape)} from {_source(place, v)}" for v in site.inputs[:4]]
    if not given:
        return "as the model's input"
    readers = _readers(place, site)
    told = "" if site.training is None else f", with training={site.training}"
    goes = f"; what it returns goes to {quoted(readers)}" if readers else ""
    if any(v in place.anatomy.trace.exits for v in site.outputs):
        goes += " and is an output of the model" if goes else "; what it returns is an output of the model"
    loop = "" if site.repeats == 1 else f", {site.repeats or 'many'} times in a loop"
    return f"on {listed(given)}{told}{loop}{goes}"


def _source(place: Place, value: Value) -> str:
    if value.site is None:
        made = origin(value)
        return f"`{place.address_of(made.site)}`" if made.site is not None else "outside"
    if value.site.operation is None:
        sources = [_source(place, v) for v in value.site.inputs[:3]]
        return f"code on {listed(sources)}" if sources else "code"
    return f"`{place.address_of(value.site)}`"


def _readers(place: Place, site: Site) -> list[str]:
    beside = site.parent.inner if site.parent is not None else []
    made = set(map(id, site.outputs))
    readers = [one for one in beside if any(id(v) in made for v in one.inputs)]
    named = [place.address_of(one) for one in readers if one.operation is not None]
    code = [one for one in readers if one.operation is None]
    after = [r for c in code for r in beside if r.operation is not None and any(v.site is c for v in r.inputs)]
    beyond = [place.address_of(one) for one in after]
    return list(dict.fromkeys([*named, *beyond]))


def _block(place: Place, facts: dict[str, Any]) -> list[str]:
    """The block that it stands in, and on which of its paths."""
    if not place.sites:
        return []
    site = place.sites[0]
    found = next((block for block in place.anatomy.blocks() if block.outer is None and site in block.sites), None)
    if found is None:
        return []
    facts["block"] = found.name
    path = "on its shortcut" if site in found.shortcut else "its end" if site is found.end else "on its main path"
    return [f"In `{found.name}`, {article(found.label)}: {path}."]


# What it costs


def _costs(place: Place, facts: dict[str, Any]) -> list[str]:
    """Multiply-accumulates for a sample, and how much of the input an output sees."""
    if not place.sites or isinstance(place.thing, layers.InputLayer):
        return []
    costs = place.anatomy.costs()
    calls = [costs[site] for site in place.sites]
    facts["macs"] = None if any(call.macs is None for call in calls) else sum(int(call.macs or 0) for call in calls)
    said = [f"{facts['macs']:,} multiply-accumulates for one sample."] if facts["macs"] else []
    growth = costs.growth(place.sites[0]) if facts["macs"] is None and len(place.sites) == 1 else None
    if growth is not None and growth.degree:
        said = [f"{growth} multiply-accumulates for one sample, where n is a size of the input that is not known."]
    field = place.anatomy.fields().get(place.sites[0])
    if field is not None and field.whole:
        return [*said, "One output sees the whole input."]
    if field is not None and field.size is not None and field.size:
        facts["field"] = [int(size) for size in field.size]
        said.append(f"One output sees {by(field.size)} of the input.")
    return said


# What it returns


def _shapes(place: Place) -> list[str]:
    if not place.sites:
        return []
    said = shape_words(place.sites[0]) if not _is_model(place.thing) else _model_shapes(place)
    if len({tuple(v.shape for v in site.outputs) for site in place.sites}) == 1:
        return said
    others = [f"`{place.address_of(site)}` {_ends(site)}" for site in place.sites[1:7]]
    more = len(place.sites) - 7
    return [*said, f"Other calls: {'; '.join([*others, *([f'{more} more'] if more > 0 else [])])}."]


def _ends(site: Site) -> str:
    return " → ".join(shape(values[0].shape) for values in (site.inputs, site.outputs) if values)


def _model_shapes(place: Place) -> list[str]:
    site = place.sites[0]
    said, _ = story(site.exits[0], place.address_of) if site.exits else ([], {})
    ends = ", ".join(shape(v.shape) for v in site.outputs)
    return [f"{', '.join(shape(v.shape) for v in site.inputs)} → {ends}.", *said]


def _runs(place: Place) -> list[str]:
    frozen = frozen_by(place.subject, place.thing) is not None
    return behaviour_words(place.thing, place.sites[0] if place.sites else None, frozen, place.address_of)


def _output(place: Place, facts: dict[str, Any]) -> tuple[list[str], list[str]]:
    if not place.sites or not place.sites[0].outputs:
        return [], []
    site = place.sites[0]
    value = site.outputs[0]
    ends = any(origin(v) is origin(value) for v in place.anatomy.trace.exits)
    if isinstance(place.thing, layers.InputLayer):
        facts["output"] = "input"
        return [f"What the model is given: arrays of shape {shape(value.shape)}, {value.dtype}."], []
    closes = ends or (_is_model(place.thing) and bool(place.thing.weights))
    loss = getattr(place.subject, "loss", None) if ends and len(place.anatomy.trace.exits) == 1 else None
    inputs = site.inputs if _is_model(place.thing) else place.anatomy.trace.inputs
    nature: Nature = nature_of(value, Use(closes, loss, way(value), inputs))
    facts["output"] = nature.kind
    narrow = _narrow(site)
    return [sentence(nature.words) + ".", *([narrow] if narrow else [])], [
        nature.next
    ] if nature.next and closes else []


def _narrow(site: Site) -> str | None:
    """Whether a row of numbers is narrower than what the layers with weights around it make."""
    value = site.outputs[0]
    if len(value.shape) != 2 or not getattr(site.operation, "weights", None) or site.parent is None:
        return None
    after = [
        one.outputs[0].shape[-1]
        for one in site.parent.inner
        if any(v.site is site for v in one.inputs) and getattr(one.operation, "weights", None) and one.outputs
    ]
    before = site.inputs[0].shape[-1] if site.inputs else None
    return bottleneck(before, value.shape[-1], after[0] if after else None)


# A weight


def _weight(place: Place) -> Explanation:
    variable: Variable = place.thing
    owner = place.container
    trained = any(v is variable for v in place.subject.trainable_weights)
    frozen = frozen_by(place.subject, owner) if isinstance(owner, Layer) else None
    if trained:
        why = "Training changes it."
    elif not variable.made_trainable:
        why = "Training does not change it by gradients: it is a statistic or a state that follows the data."
    elif frozen is not None:
        why = f"Training does not change it: `{place.address_of(frozen[1])}` is frozen."
    else:
        why = "Training does not change it: its own `trainable` is False."
    name = f"`{place.asked}`" if place.asked == place.address else f"`{place.asked}` is `{place.address}`:"
    title = f"{name} is a weight of {article(type(owner).__name__)} layer."
    numbers = counted(math.prod(variable.shape), "number", figures=True)
    said = [f"{shape(variable.shape)} {variable.dtype}: {numbers}."]
    rule = variable.regularizer
    more = [f"The loss has a penalty on it: {type(rule).__name__}."] if rule is not None else []
    facts = {"address": place.address, "shape": list(variable.shape), "trained": trained}
    return Explanation(title, sections(shape=said, trains=[why, *more]), facts)
