"""What two models have in common, and where they part: layers, weights, flags, behaviour."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from lamella.anatomy.address import Part
from lamella.anatomy.explain.words import article, counted
from lamella.anatomy.likeness import config_of
from lamella.errors import ArgumentError, ConfigError
from lamella.graph import FunctionOp, Key, Observer
from lamella.layers import Layer
from lamella.registry import comparing, serialize_keras_object
from lamella.state import Variable, frame


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    kind:  added, removed, renamed, class, config, trainable, sharing, shape, values or behaviour.
    left, right: its address in each model, or None.
    what:  the rest of the sentence.
    facts: the values that differ.
    """

    kind: str
    left: str | None
    right: str | None
    what: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        place = self.left if self.right in (None, self.left) else self.right if self.left is None else None
        return f"{self.kind:<10}{place or f'{self.left} → {self.right}'}  {self.what}".rstrip()


@dataclass(frozen=True)
class Diff:
    """What differs between two models, in the order they run.

    Example: >>> a, b = [Sequential([Input((2,)), Dense(n, name="d")]) for n in (3, 4)]
             >>> print(diff(a, b).differences[0])
             config    d  units: 3 → 4
    """

    names: tuple[str, str]
    differences: tuple[Difference, ...]
    pairs: tuple[tuple[str, str], ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def of(self, kind: str) -> list[Difference]:
        """The differences of one kind."""
        return [one for one in self.differences if one.kind == kind]

    def __str__(self) -> str:
        head = f"{self.names[0]} → {self.names[1]}: {counted(len(self.pairs), 'layer', figures=True)} in common"
        if self.same:
            return f"{head}, and nothing differs.\n"
        return (
            "\n".join(
                [f"{head}, {counted(len(self.differences), 'difference', figures=True)}.", *map(str, self.differences)]
            )
            + "\n"
        )

    def __repr__(self) -> str:
        found = counted(len(self.differences), "difference", figures=True) if self.differences else "no difference"
        return f"<Diff of {self.names[0]!r} and {self.names[1]!r}: {found}; print() lists them>"

    def __bool__(self) -> bool:
        return not self.same

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        shown = [
            {"kind": d.kind, "left": d.left, "right": d.right, "what": d.what, "facts": d.facts}
            for d in self.differences
        ]
        return {"names": list(self.names), "same": self.same, "common": len(self.pairs), "differences": shown}


def diff(left: Any, right: Any, data: Any = None, tolerance: float = 1e-5) -> Diff:
    """Compares two models.

    Args: left, right: models or layers.
          data: inputs for both; then the first call is named where their outputs part.
          tolerance: by how much outputs may differ, as a share of their size.
    """
    for model in (left, right):
        if not isinstance(model, Layer):
            raise ArgumentError("diff() compares two models or layers.", received=repr(model))
    parts = _layers(left), _layers(right)
    pairs, found = _aligned(*parts)
    for a, b in pairs:
        found += list(_compared(a, b))
    found += list(_sharing(pairs))
    if data is not None:
        found += list(_behaviour(left, right, pairs, data, tolerance))
    order = {part.place: index for side in reversed(parts) for index, part in enumerate(side)}
    found.sort(key=lambda one: (one.kind == "behaviour", _position(one, order)))
    return Diff((left.name, right.name), tuple(found), tuple((a.place, b.place) for a, b in pairs))


def _position(one: Difference, order: dict[str, int]) -> int:
    """Where the layer stands that differs, or whose weight does."""
    place = one.left or one.right or ""
    return order.get(place, order.get(place.rpartition("/")[0], len(order)))


def _layers(model: Any) -> list[Part]:
    """Every layer and op, each place once."""
    return list({part.place: part for part in model.anatomy.parts if not isinstance(part.thing, Variable)}.values())


# Which layer is which


def _aligned(left: list[Part], right: list[Part]) -> tuple[list[tuple[Part, Part]], list[Difference]]:
    """Pairs of the same layer, and what was added, removed or renamed."""
    pairs: list[tuple[Part, Part]] = []
    found: list[Difference] = []
    matcher = SequenceMatcher(None, [_signature(p) for p in left], [_signature(p) for p in right], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            pairs += zip(left[a:b], right[c:d], strict=True)
        else:
            pairs += _like(left[a:b], right[c:d], found)
    for one, other in pairs:
        given = not (getattr(one.thing, "auto_named", True) and getattr(other.thing, "auto_named", True))
        if one.steps[-1].name != other.steps[-1].name and given:
            found.append(Difference("renamed", one.place, other.place, ""))
    return pairs, found


def _like(left: list[Part], right: list[Part], found: list[Difference]) -> Iterator[tuple[Part, Part]]:
    """Within a stretch that differs: the same address, else the next of the same class."""
    free = list(right)
    for part in left:
        same = [p for p in free if p.place == part.place] or [p for p in free if type(p.thing) is type(part.thing)]
        if same:
            free.remove(same[0])
            yield part, same[0]
        else:
            found.append(Difference("removed", part.place, None, article(type(part.thing).__name__)))
    found += [Difference("added", None, part.place, article(type(part.thing).__name__)) for part in free]


def _signature(part: Part) -> str:
    """What makes two layers the same but for their names."""
    thing: Any = part.thing
    composite = isinstance(thing, Layer) and thing.composite
    return f"{len(part.steps)} {type(thing).__name__} {'' if composite else json.dumps(_config(thing), sort_keys=True)}"


def _config(thing: Any) -> dict[str, Any]:
    config = json.loads(json.dumps(config_of(thing) or {}, default=_written, skipkeys=True))
    return {key: value for key, value in config.items() if key not in ("name", "trainable", "auto_named", "layers")}


def _written(value: Any) -> Any:
    """A value in a config that is not plain."""
    with comparing():
        try:
            return serialize_keras_object(value)
        except ConfigError:
            return str(value)


# What differs in it


def _compared(a: Part, b: Part) -> Iterator[Difference]:
    left, right = a.thing, b.thing
    here = partial(Difference, left=a.place, right=b.place)
    if type(left) is not type(right):
        yield here("class", what=f"{type(left).__name__} → {type(right).__name__}")
    elif not (isinstance(left, Layer) and left.composite):
        before, after = _config(left), _config(right)
        changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        if changed:
            said = ", ".join(f"{key}: {_short(before.get(key))} → {_short(after.get(key))}" for key in changed)
            yield here("config", what=said, facts={key: [before.get(key), after.get(key)] for key in changed})
    if isinstance(left, Layer) and isinstance(right, Layer):
        if left.trainable != right.trainable:
            yield here("trainable", what=f"{left.trainable} → {right.trainable}")
        yield from _weights(a, b)


def _sharing(pairs: list[tuple[Part, Part]]) -> Iterator[Difference]:
    """Layers that stand at several places in one model, and are several layers in the other."""
    said = ("the same layer as {} → a layer of its own", "a layer of its own → the same layer as {}")
    for side, text in enumerate(said):
        first: dict[Any, tuple[Part, Part]] = {}
        for pair in pairs:
            before = first.setdefault(pair[side].thing, pair)
            if before[1 - side].thing is not pair[1 - side].thing and getattr(pair[side].thing, "weights", None):
                yield Difference("sharing", pair[0].place, pair[1].place, text.format(before[side].place))


def _weights(a: Any, b: Any) -> Iterator[Difference]:
    own = [{v.name: v for v in p.thing._own_variables_()} for p in (a, b)]
    for name in {**own[0], **own[1]}:
        here = partial(Difference, left=f"{a.place}/{name}", right=f"{b.place}/{name}")
        left, right = own[0].get(name), own[1].get(name)
        if left is None or right is None:
            kind = "added" if left is None else "removed"
            places = (None, f"{b.place}/{name}") if left is None else (f"{a.place}/{name}", None)
            yield Difference(kind, *places, "a weight")
        elif left.shape != right.shape:
            yield here("shape", what=f"{left.shape} → {right.shape}")
        elif left is not right and not np.array_equal(left.numpy(), right.numpy(), equal_nan=_floats(left)):
            apart = np.abs(left.numpy().astype("float64") - right.numpy().astype("float64"))
            number, most = int((apart > 0).sum() + np.isnan(apart).sum()), float(np.nanmax(apart, initial=0))
            yield here(
                "values",
                what=f"{number:,} of {apart.size:,} numbers differ, by at most {most:.3g}",
                facts={"differing": number, "of": int(apart.size), "most": most},
            )


def _floats(variable: Variable) -> bool:
    return np.dtype(variable.numpy().dtype).kind == "f"


def _short(value: Any) -> str:
    if isinstance(value, dict) and "class_name" in value:
        value = value["class_name"]
    text = json.dumps(value) if not isinstance(value, str) else value
    return text if len(text) <= 40 else f"{text[:37]}…"


# Where they part


class _Outputs(Observer):
    """Keeps what every call returned."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[Key, list[Any]] = {}

    def left(self, key: Key, outputs: Any) -> Any:
        leaves = jax.tree.leaves(outputs)
        if not any(isinstance(leaf, Tracer) for leaf in leaves):  # as inside of loops
            self.seen[key] = [np.asarray(leaf) for leaf in leaves]
        return outputs


def _behaviour(
    left: Any, right: Any, pairs: list[tuple[Part, Part]], data: Any, tolerance: float
) -> Iterator[Difference]:
    """The first calls, in order, whose outputs differ."""
    runs = []
    for model in (left, right):
        observer = _Outputs()
        with frame(observer=observer):
            final = model(data, training=False)
        runs.append((observer.seen, [np.asarray(leaf) for leaf in jax.tree.leaves(final)]))
    (mine, end), (theirs, other_end) = runs
    first: Difference | None = None
    for a, b in pairs:
        if a.site is None or b.site is None or isinstance(a.thing, FunctionOp):
            continue
        if first is not None and not a.address.startswith(f"{first.left}/"):
            break  # what is inside of a call stands behind it, and ran before
        one, other = mine.get(a.site.key), theirs.get(b.site.key)
        if one is not None and other is not None and (apart := _apart(one, other, tolerance)) is not None:
            first = Difference("behaviour", a.address, b.address, f"outputs part here first: {apart}")
    if first is not None:
        yield first
        return
    if (apart := _apart(end, other_end, tolerance)) is not None:
        yield Difference("behaviour", left.name, right.name, f"outputs of the whole differ: {apart}")


def _apart(one: list[Any], other: list[Any], tolerance: float) -> str | None:
    for a, b in zip(one, other, strict=False):
        if a.shape != b.shape:
            return f"shapes {a.shape} and {b.shape}"
        if a.dtype.kind not in "fc":
            if not np.array_equal(a, b):
                return "values differ"
            continue
        size = float(np.max(np.abs(a), initial=0))
        most = float(np.max(np.abs(a.astype("float64") - b.astype("float64")), initial=0))
        if not most <= tolerance * max(size, 1.0):
            return f"by at most {most:.3g}, where the largest number is {size:.3g}"
    return None
