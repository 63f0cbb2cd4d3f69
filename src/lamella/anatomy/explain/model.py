"""A whole model in words: what it is made of, how deep it is, what trains, what it gives."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lamella import layers
from lamella.anatomy.blocks import Block, Counts
from lamella.anatomy.explain.behaviour import behaviour_words
from lamella.anatomy.explain.explanation import Explanation, sections
from lamella.anatomy.explain.nature import Use, nature_of
from lamella.anatomy.explain.sizes import story, way
from lamella.anatomy.explain.weights import size
from lamella.anatomy.explain.words import article, counted, listed, quoted, sentence, shape, spelled
from lamella.graph import Site, origin
from lamella.layers import Layer


def explain_model(anatomy: Any) -> Explanation:
    """Explains what an anatomy is about, as a whole."""
    subject: Any = anatomy.subject
    root: Site = anatomy.trace
    kind = "model" if hasattr(subject, "fit") else "layer"
    title = f"`{subject.name}` is {article(type(subject).__name__)} {kind}: {_ends(root)}."
    found, number = anatomy.blocks(), anatomy.counts()
    said, sizes = _story(anatomy, root)
    trains, trained = training_words(anatomy)
    gives, then, outputs = _outputs(anatomy, root)
    facts = {**count_facts(number), **sizes, **trained, "outputs": outputs}
    return Explanation(
        title,
        sections(
            layers=layer_words(anatomy, number),
            depth=depth_words(number, anatomy.address),
            blocks=block_words(found),
            shared=_shared(anatomy, root),
            shape=said,
            trains=trains,
            runs=behaviour_words(subject, root, not subject.trainable, anatomy.address) if subject.composite else [],
            gives=gives,
            next=then,
            note=[f"{note}." for note in anatomy.notes],
        ),
        facts,
    )


def explain_uncalled(anatomy: Any) -> Explanation:
    """Explains what has not been called yet: what is in it."""
    subject: Any = anatomy.subject
    kind = "model" if hasattr(subject, "fit") else "layer"
    title = f"`{subject.name}` is {article(type(subject).__name__)} {kind} that has not been called yet."
    inside = subject._sublayers_()
    said = [f"{counted(len(inside), 'layer', figures=True)}: {_classes(inside)}."] if inside else []
    trains, facts = training_words(anatomy)
    then = ["Call it on data once, or say what it is called on: A.on((None, 224, 224, 3))."]
    return Explanation(title, sections(layers=said, trains=trains, next=then), facts)


def _ends(root: Site) -> str:
    into = ", ".join(shape(value.shape) for value in root.inputs)
    return f"{into} → {', '.join(shape(value.shape) for value in root.outputs) or 'not known'}"


# How many layers


def count_facts(number: Counts) -> dict[str, Any]:
    """The counts as plain numbers."""
    return {
        "listed": number.listed,
        "with_weights": number.with_weights,
        "convolutions": number.convolutions,
        "dense": number.dense,
        "projections": len(number.projections),
        "depth": number.depth,
        "blocks": dict(number.blocks),
    }


def layer_words(anatomy: Any, number: Counts) -> list[str]:
    """How many layers are listed, how many have weights, and of which classes they are."""
    subject = anatomy.subject
    listed_layers = getattr(subject, "layers", None)
    listed_layers = subject._sublayers_() if listed_layers is None else listed_layers
    having = [layer for layer in listed_layers if layer.weights]
    without = [layer for layer in listed_layers if not layer.weights]
    said = f"{counted(len(listed_layers), 'layer', figures=True)} listed, of which {len(having):,} "
    said += f"{'has' if len(having) == 1 else 'have'} weights"
    said += f": {_classes(having)}." if having else "."
    if without and having:
        said += f" Without weights: {_classes(without)}."
    nested = [layer for layer in listed_layers if layer.composite and not isinstance(layer, layers.RNN)]
    inside = [f"`{anatomy.address(layer)}` holds {_number_inside(layer):,}" for layer in nested[:4]]
    return [said, *([f"Layers inside of layers: {listed(inside)}."] if inside else []), *_ops(number)]


def _number_inside(layer: Any) -> int:
    return len(layer.layers) if hasattr(layer, "fit") else len(layer._inner_layers_())


def _classes(group: list[Layer]) -> str:
    return listed([f"{n:,} {name}" for name, n in Counter(type(layer).__name__ for layer in group).most_common()], 12)


def _ops(number: Counts) -> list[str]:
    if not number.ops:
        return []
    stand = "stands" if number.ops == 1 else "stand"
    return [f"{sentence(counted(number.ops, 'op'))} {stand} between them, which `layers` does not list."]


def depth_words(number: Counts, address_of: Any) -> list[str]:
    """How deep it is, as the literature counts."""
    if not number.convolutions and not number.recurrent:
        return []
    kinds = {"convolution": number.convolutions, "recurrent layer": number.recurrent, "dense layer": number.dense}
    said = [listed([counted(many, kind, figures=True) for kind, many in kinds.items() if many]) + "."]
    if number.projections:
        names = quoted([address_of(site) for site in number.projections], 6)
        count = len(number.projections)
        are = "is a shortcut projection" if count == 1 else "are shortcut projections"
        said.append(f"{sentence(spelled(count))} of them {are} ({names}), which the literature does not count.")
    stand = "stands" if number.depth == 1 else "stand"
    return [*said, f"On the longest way from input to output {stand} {number.depth}: that is its depth."]


# Blocks


def block_words(found: list[Block]) -> list[str]:
    """Which blocks there are; each with its evidence where they are few."""
    outer = [block for block in found if block.outer is None]
    if not outer:
        return []
    said = [sentence(listed([_kind(kind, outer) for kind in dict.fromkeys(block.kind for block in outer)])) + "."]
    if len(outer) <= 4:
        return said + [_ended(block.evidence) for block in outer]
    return [*said, f"The first is `{outer[0].name}`, the last `{outer[-1].name}`."]


def _kind(kind: str, outer: list[Block]) -> str:
    """How many blocks there are of one kind, and how many of them of each variety."""
    labels = Counter(block.label for block in outer if block.kind == kind)
    varieties = {label.partition("(")[2].rstrip(")"): number for label, number in labels.items()}
    many = counted(sum(labels.values()), f"{kind} block", figures=True)
    if len(varieties) == 1:
        only = next(iter(varieties))
        return f"{many} ({only})" if only else many
    return f"{many} ({'; '.join(f'{number}: {variety}' for variety, number in varieties.items())})"


def _ended(text: str) -> str:
    return sentence(text if text.endswith(".") else f"{text}.")


# What is shared, what trains


def _shared(anatomy: Any, root: Site) -> list[str]:
    twice = {
        id(site.operation): site for site in root.inner if site.times > 1 and getattr(site.operation, "weights", None)
    }
    return [
        f"`{anatomy.address(site.operation)}` is called {site.times} times, each time with the same weights."
        for site in list(twice.values())[:6]
    ]


def training_words(anatomy: Any) -> tuple[list[str], dict[str, Any]]:
    """How many parameters training changes, and which layers are frozen."""
    subject = anatomy.subject
    weights = subject.weights
    trained, everything = {id(v) for v in subject.trainable_weights}, {id(v) for v in weights}
    numbers = {"parameters": size(weights), "trained": size(v for v in weights if id(v) in trained)}
    moving = size(v for v in weights if not v.made_trainable)
    if not numbers["parameters"]:
        return ["It has no weights." if subject.built else "It is not built yet."], numbers
    total = counted(numbers["parameters"], "parameter", figures=True)
    said = [f"{numbers['trained']:,} of {total} are trained." if trained != everything else f"All {total} are trained."]
    frozen = _frozen(anatomy)
    if frozen:
        said.append(f"Frozen: {quoted(frozen, 6)}.")
    if moving:
        said.append(f"{moving:,} are statistics or states, which follow the data and not the gradients.")
    return said, numbers


def _frozen(anatomy: Any) -> list[str]:
    """The outermost layers that are frozen, with all that is in them."""
    if not anatomy.subject.trainable:
        return [anatomy.subject.name]
    frozen: list[str] = []
    trained = {id(v) for v in anatomy.subject.trainable_weights}
    for part in anatomy.parts:
        layer: Any = part.thing
        if (
            isinstance(layer, Layer)
            and layer.weights
            and not layer.trainable
            and trained.isdisjoint(map(id, layer.weights))
        ):
            inside = any(part.place == one or part.place.startswith(f"{one}/") for one in frozen)
            frozen += [] if inside else [part.place]
    return frozen


# What comes out


def _story(anatomy: Any, root: Site) -> tuple[list[str], dict[str, Any]]:
    if not root.exits or not any(site.operation is not None for site in root.inner):
        return [], {}
    for value in root.exits:
        said, facts = story(value, anatomy.address)
        if said:
            return said, facts
    return [], {}


def _loss_of(loss: Any, number: int, name: str | None, count: int) -> Any:
    """What `compile` was given for one output, where that is plain to see; None where it is nothing."""
    if isinstance(loss, dict):
        return loss.get(name) if name in loss else next(iter(loss.values()), None)
    if isinstance(loss, (list, tuple)):
        return loss[number] if len(loss) == count else next(iter(loss), None)
    return loss


def _outputs(anatomy: Any, root: Site) -> tuple[list[str], list[str], list[str]]:
    gives, then, kinds = [], [], []
    several = len(root.exits) > 1
    for number, value in enumerate(root.exits):
        maker = origin(value).site
        name = anatomy.address(maker) if several and maker is not None and maker.operation is not None else None
        loss = _loss_of(getattr(anatomy.subject, "loss", None), number, name, len(root.exits))
        nature = nature_of(value, Use(True, loss, way(value), root.inputs))
        gives.append(f"`{name}`: {nature.words}." if name else sentence(nature.words) + ".")
        kinds.append(nature.kind)
        advice = f"`{name}`: {nature.next}" if name and nature.next else nature.next
        then += [advice] if advice else []
    if kinds == ["feature map"] and not any(
        isinstance(layer, layers.Dense) for layer in anatomy.subject._inner_layers_()
    ):
        gives.append("There is no classifier in it (as with include_top=False).")
    return gives, then, kinds
