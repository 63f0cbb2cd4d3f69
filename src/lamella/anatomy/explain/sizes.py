"""The way of an image through a model: where it gets smaller, and what sets its channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamella.anatomy.explain.shapes import channel_axis
from lamella.anatomy.explain.words import by, counted, power, quoted
from lamella.graph import Site, Value, origin


@dataclass(frozen=True)
class Step:
    """A call on the way that changes the size: from `before` to `after` along the spatial axes."""

    site: Site
    before: tuple[Any, ...]
    after: tuple[Any, ...]

    @property
    def stride(self) -> int | None:
        """By how much it divides every side, if it does so; 1 where it only cuts or pads borders."""
        strides = getattr(self.site.operation, "strides", None)
        if strides is None:
            return 1
        return strides[0] if len(set(strides)) == 1 else None


def way(value: Value) -> list[Site]:
    """The longest chain of innermost calls that leads to a value, first call first."""
    end = origin(value).site
    if end is None:
        return []
    length: dict[Site, int] = {}
    before: dict[Site, Site | None] = {}
    stack = [end]
    while stack:
        site = stack[-1]
        makers = [made for v in site.inputs if (made := origin(v).site) is not None]
        missing = [made for made in makers if made not in length]
        if missing:
            stack += missing
            continue
        stack.pop()
        best = max(makers, key=length.__getitem__, default=None)
        length[site] = 1 + (length[best] if best is not None else 0)
        before[site] = best
    chain, at = [], end
    while at is not None:
        chain.append(at)
        at = before[at]
    return chain[::-1]


def steps(chain: list[Site]) -> list[Step]:
    """The calls on a way that change the spatial sizes."""
    found = []
    for site in chain:
        if not site.inputs or not site.outputs:
            continue
        axis = channel_axis(site.operation)
        values = [v for v in site.inputs if len(v.shape) == len(site.outputs[0].shape) > 2]
        if not values:
            continue
        before, after = _places(values[0].shape, axis), _places(site.outputs[0].shape, axis)
        if before != after:
            found.append(Step(site, before, after))
    return found


def _places(sizes: Any, axis: int) -> tuple[Any, ...]:
    return tuple(sizes[2:] if axis == 1 else sizes[1:-1])


def story(value: Value, address_of: Any) -> tuple[list[str], dict[str, Any]]:
    """Why a feature map is as large as it is, in sentences, and the numbers in them."""
    chain = way(value)
    changes = [step for step in steps(chain) if step.before]
    facts: dict[str, Any] = {"strided": [], "channels_from": None}
    said: list[str] = []
    if len(value.shape) > 3 or changes:
        strided = [step for step in changes if step.stride != 1]
        facts["strided"] = [address_of(step.site) for step in strided]
        said += _sizes(changes, strided, address_of)
    source = _channel_source(chain, value) if len(value.shape) > 1 else None
    if source is not None:
        facts["channels_from"] = address_of(source)
        axis = channel_axis(source.operation)
        said.append(f"{value.shape[axis]} = {_what(source)} of `{facts['channels_from']}`.")
    return said, facts


def _sizes(changes: list[Step], strided: list[Step], address_of: Any) -> list[str]:
    if not changes:
        return []
    first, last = changes[0].before, changes[-1].after
    if not strided or None in (*first, *last):
        return []
    strides = [step.stride for step in strided]
    names = quoted([address_of(step.site) for step in strided], most=12)
    same = len(set(strides)) == 1 and strides[0] is not None
    product = 1
    for stride in strides:
        product *= stride or 1
    square = len({*first}) == len({*last}) == 1
    runs = [[first]]
    for step in changes:
        if step.before != runs[-1][-1]:  # it was made flat, or reshaped, meanwhile
            runs.append([step.before])
        runs[-1].append(step.after)
    if same and square and len(runs) == 1 and first[0] == last[0] * product:
        many = counted(len(strided), f"stride-{strides[0]} layer")
        return [f"{many.capitalize()} ({names}): {first[0]} / {power(strides[0] or 1, len(strided))} = {last[0]}."]
    path = ", then from ".join(" → ".join(map(by, run)) for run in runs)
    return [f"The sides go {path}; the strides are those of {names}."]


def _channel_source(chain: list[Site], value: Value) -> Site | None:
    """The last call on the way that decided how many channels there are."""
    for site in reversed(chain):
        layer: Any = site.operation
        if any(hasattr(layer, name) for name in ("filters", "units", "output_dim")) and not site.inner:
            return site if site.outputs[0].shape[channel_axis(layer)] == value.shape[channel_axis(layer)] else None
        if type(layer).__name__ in ("Concatenate", "Flatten", "Reshape", "InputLayer") or layer is None:
            return None
    return None


def _what(site: Site) -> str:
    layer: Any = site.operation
    return "the filters" if hasattr(layer, "filters") else "the units" if hasattr(layer, "units") else "the output_dim"
