"""What a layer's weights are, and whether they train, in words."""

from __future__ import annotations

import math
from typing import Any

from lamella import layers
from lamella.anatomy.explain.words import by, counted, listed, quoted
from lamella.layers import Layer
from lamella.state import Variable


def size(variables: Any) -> int:
    """How many numbers there are in some variables, each counted once."""
    return sum(math.prod(v.shape) for v in {id(v): v for v in variables}.values())


def weight_words(layer: Any) -> list[str]:
    """Each weight with its shape, and how many numbers that makes."""
    if not layer.built:
        return ["It is not built yet: its weights are made when it is first called."]
    if not layer.weights:
        return ["It has none."]
    if isinstance(layer, layers.BatchNormalization):
        return [_normalization(layer)]
    inside = [part for part in layer._inner_layers_() if part._own_variables_()]
    total = f"{counted(size(layer.weights), 'parameter', figures=True)}"
    if inside:
        count = len(layer.weights)
        return [f"{total}, in {counted(count, 'weight', figures=True)} of the {counted(len(inside), 'layer')} inside."]
    own = [f"{_named(layer, v)}: {by(v.shape) or 'one number'}" for v in layer.weights]
    return [f"{total}: {listed([*own[:-1], own[-1]])}.", *_meaning(layer)]


def _named(layer: Any, variable: Variable) -> str:
    return f"`{variable.name}`"


def _meaning(layer: Any) -> list[str]:
    """How the axes of a kernel are to be read."""
    kernel = next((v for v in layer.weights if v.name == "kernel"), None)
    if kernel is None:
        return []
    if isinstance(layer, layers.Dense):
        return [f"The kernel has a row for each of the {kernel.shape[0]:,} inputs and a column for each unit."]
    if hasattr(layer, "kernel_size") and hasattr(layer, "filters"):
        window, (last, filters) = by(kernel.shape[:-2]), kernel.shape[-2:]
        if "Transpose" in type(layer).__name__:
            last, filters = filters, last
        return [f"The kernel is a {window} window over {counted(last, 'channel', figures=True)} for each filter."]
    return []


def _normalization(layer: Any) -> str:
    """Four numbers for each channel, of which training changes two."""
    channels = layer.weights[0].shape[0]
    gamma_beta = [v.name for v in layer.weights if v.made_trainable]
    moving = [v.name for v in layer.weights if not v.made_trainable]
    total = size(layer.weights)
    return (
        f"{total:,} parameters: {len(layer.weights)} for each of {counted(channels, 'channel', figures=True)}. "
        f"Gradients may train {quoted(gamma_beta) or 'none of them'}; {quoted(moving)} are running averages of what "
        "passes through in training."
    )


def frozen_by(subject: Layer, layer: Any) -> tuple[str, Any] | None:
    """Why nothing in a layer trains: ("own", layer) or ("around", the model); None if it may."""
    if not layer.trainable:
        return "own", layer
    return None if subject.trainable else ("around", subject)


def training_words(subject: Layer, around: list[Any], layer: Any, address_of: Any) -> tuple[list[str], dict[str, int]]:
    """How many of a layer's weights training changes, and why."""
    weights = layer.weights
    if not weights:
        return [], {"parameters": 0, "trained": 0}
    ids = {id(v) for v in subject.trainable_weights}
    trained = [v for v in weights if id(v) in ids]
    facts = {"parameters": size(weights), "trained": size(trained)}
    why = None if trained else frozen_by(subject, layer)
    if len(trained) == len(weights):
        return [f"All {facts['parameters']:,} parameters are trained."], facts
    if why is not None:
        place = "its own `trainable` is False" if why[0] == "own" else f"{address_of(why[1])} around it is frozen"
        outer = [one for one in [subject, *around] if isinstance(one, Layer) and not one.trainable]
        if why[0] == "own" and outer:
            place += f", and so is that of {address_of(outer[0])} around it"
        return [f"Nothing in it is trained: {place}."], facts
    said = f"{facts['trained']:,} of {facts['parameters']:,} parameters are trained"
    return [f"{said}; {_others(weights, ids)}."], facts


def _others(weights: list[Variable], trained: set[int]) -> str:
    rest = [v for v in weights if id(v) not in trained]
    moving = [v for v in rest if not v.made_trainable]
    if len(moving) == len(rest):
        return f"the other {size(rest):,} are statistics and states, which follow the data"
    return f"the other {size(rest):,} are frozen ({size(rest) - size(moving):,}) or statistics ({size(moving):,})"
