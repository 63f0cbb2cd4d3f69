"""Which part of a model training leaves as it is: frozen, and the same for a sample in every epoch.

That prefix of the graph needs to be computed once for each sample, not once an epoch
(see `lamella.train.features`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax

from lamella.graph import FunctionOp, Key, Site, Value, trace
from lamella.layers import InputLayer, Layer
from lamella.state import SeedGenerator, frame, get_mask, walk_all

_RANDOM = "is different at random in each epoch"


@dataclass(frozen=True)
class Prefix:
    """The largest part that begins at the inputs and stays the same.

    sites:  the calls in it.
    border: (call, which output) for each value that the rest of the model takes from it.
    inputs: whether the rest takes inputs of the model too.
    stops:  {call that ends it: why}, the first of each kind.
    """

    sites: tuple[Site, ...]
    border: tuple[tuple[Key, int], ...]
    values: tuple[Value, ...]
    inputs: bool
    stops: dict[str, str] = field(default_factory=dict)

    @property
    def layers(self) -> list[Layer]:
        """The layers in it that have weights."""
        found = (site.operation for site in self.sites)
        return list(dict.fromkeys(layer for layer in found if isinstance(layer, Layer) and layer.weights))

    @property
    def variables(self) -> list[Any]:
        """Their weights."""
        return list(dict.fromkeys(v for layer in self.layers for v in layer.variables))


def frozen_prefix(model: Any, inputs: Any, training: bool) -> Prefix:
    """Finds it: calls whose inputs are in it, that hold no weights which train, and that draw and change nothing.

    Args: inputs: symbolic tensors, as the model is called on them.
          training: whether it is for training steps, or for those of `evaluate`.
    """
    root = trace(model, inputs)
    trained = {id(variable) for variable in model.trainable_variables}
    inside: dict[Site, None] = {}
    stops: dict[str, str] = {}
    leaves = list(_leaves(root))
    for site in leaves:
        if isinstance(site.operation, InputLayer):
            continue
        if not site.inputs or not all(_comes_from(value, inside) for value in site.inputs):
            continue
        why = _why_not(site, trained, training)
        if why is None:
            inside[site] = None
        else:
            stops.setdefault(why, site.operation.name if site.operation else "code")
    border = _border(root, leaves, inside)
    values = tuple(value for value in border if value.site in inside)
    keys = tuple((value.site.key, value.index) for value in values if value.site is not None)
    return Prefix(tuple(inside), keys, values, len(values) < len(border), {name: why for why, name in stops.items()})


def _leaves(site: Site) -> Any:
    """The calls that are looked at whole: those inside of graphs, and layers as they stand there."""
    for inner in site.inner:
        operation = inner.operation
        if operation is not None and operation.recorded(inner.args, inner.kwargs) is not None:
            yield from _leaves(inner)
        else:
            yield inner


def _source(value: Value) -> Value:
    """Where a value comes from, seen through the borders of models with graphs, not into other layers."""
    while True:
        if value.enters is not None and value.enters[0].parent is not None:
            site, index = value.enters
            value = site.inputs[index]
            continue
        site = value.site
        operation = site.operation if site is not None else None
        if operation is not None and operation.recorded(site.args, site.kwargs) is not None:  # type: ignore[union-attr]
            value = site.exits[value.index]  # type: ignore[union-attr]
            continue
        return value


def _is_input(value: Value) -> bool:
    return value.site is None or isinstance(value.site.operation, InputLayer)


def _comes_from(value: Value, inside: dict[Site, None]) -> bool:
    source = _source(value)
    return _is_input(source) or source.site in inside


def _border(root: Site, leaves: list[Site], inside: dict[Site, None]) -> list[Value]:
    """What calls outside of the prefix, and the outputs, take from the prefix or the inputs."""
    taken = [value for site in leaves if site not in inside for value in site.inputs] + root.exits
    sources = dict.fromkeys(_source(value) for value in taken)
    return [value for value in sources if _is_input(value) or value.site in inside]


def _why_not(site: Site, trained: set[int], training: bool) -> str | None:
    """Why a call does not belong to it, or None."""
    operation = site.operation
    if operation is None:
        return "is code between layers, which may use weights"
    if isinstance(operation, FunctionOp):
        return None
    layer: Any = operation
    if any(id(variable) in trained for variable in layer.variables):
        return "is trained"
    if layer.runs_on_host:
        return "works on strings"
    if _is_plain(layer):
        return None
    in_training = _changes(layer, site, True)
    if training or in_training is None:
        return in_training
    return _changes(layer, site, False) if in_training == _RANDOM else in_training


def _is_plain(layer: Layer) -> bool:
    """Whether a layer of ours certainly draws nothing, keeps nothing and adds no loss."""
    ours = type(layer).__module__.startswith("lamella.") and type(layer).compute_mask is Layer.compute_mask
    states = any(isinstance(one, SeedGenerator) for _, one in walk_all(layer))
    return (
        ours
        and not states
        and layer.activity_regularizer is None
        and all(variable.made_trainable for variable in layer.variables)
    )


def _changes(layer: Layer, site: Site, training: bool) -> str | None:
    """Runs a call on shapes, as training does, and sees whether it changes anything."""
    told, frozen, at = None, False, site
    while at is not None:
        told = at.training if told is None else told
        frozen = frozen or not getattr(at.operation, "trainable", True)
        at = at.parent
    overlay: dict[Any, Any] = {}
    losses: list[Any] = []
    masks: list[Any] = []

    def run(*values: Any) -> None:
        with frame(overlay=overlay, losses=losses, training=training if told is None else told, frozen=frozen):
            outputs = site.again(*values)
        masks.extend(get_mask(leaf) for leaf in jax.tree.leaves(outputs) if get_mask(leaf) is not None)

    try:
        jax.eval_shape(run, *(value.sized() for value in site.inputs))
    except Exception:
        return "does not run on shapes alone"
    if overlay:
        seeds = {id(one.state) for _, one in walk_all(layer) if isinstance(one, SeedGenerator)}
        draws = any(id(variable) in seeds or variable not in set(layer.variables) for variable in overlay)
        return _RANDOM if draws else "moves its statistics or states"
    if losses:
        return "adds to the loss"
    return "gives a mask" if masks else None
