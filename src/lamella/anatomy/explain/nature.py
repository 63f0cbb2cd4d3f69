"""What an output is: probabilities, logits, a feature map …; and what one does with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamella import layers
from lamella.anatomy.explain.words import article, by, counted
from lamella.graph import Site, Value, origin

_WHOLE = (
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.GlobalAveragePooling3D,
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
    layers.GlobalMaxPooling3D,
)


@dataclass(frozen=True)
class Nature:
    """kind: one word or two; words: what it is; next: what one usually does with it."""

    kind: str
    words: str
    next: str


def nature_of(value: Value, ends: bool, features: bool, loss: Any = None) -> Nature:
    """What a value is, from its shape and from what made it.

    Args: ends: whether it is an output of the whole model.
          features: whether layers with weights have worked on it.
          loss: the loss that the model is trained with, if it is compiled.
    """
    maker = origin(value).site
    rank, width = len(value.shape), value.shape[-1] if value.shape else None
    activation = activation_of(maker)
    if width is None or rank < 2:
        return Nature("values", f"an array of shape {value.shape}", "")
    if activation == "softmax":
        return _classes(value, width)
    if ends and activation == "sigmoid":
        return _sigmoids(width)
    if maker is not None and isinstance(maker.operation, _WHOLE):
        return Nature(
            "feature vector",
            f"a feature vector: {width:,} numbers for each sample, wherever in it the features stand",
            "Add your own head to it: Dense(classes, activation='softmax').",
        )
    if rank in (4, 5):
        return _map(value, 1 if _channels_first(maker) else -1, ends, features)
    if rank == 3:
        steps = "steps" if value.shape[1] is None else counted(value.shape[1], "step", figures=True)
        return Nature("sequence", f"a sequence: {steps} of {counted(width, 'feature', figures=True)} each", "")
    return _row(width, activation, ends, loss)


def _classes(value: Value, width: int) -> Nature:
    each = "" if len(value.shape) == 2 else f" at each of {by(value.shape[1:-1])} positions"
    return Nature(
        "probabilities",
        f"{width:,} probabilities{each}, one for each class, which sum to 1",
        "The class is the largest one: np.argmax(prediction, axis=-1). The loss to train it with is "
        "sparse_categorical_crossentropy for labels 0 … n−1, or categorical_crossentropy for one-hot labels.",
    )


def _sigmoids(width: int) -> Nature:
    many = f"{counted(width, 'number')} between 0 and 1, each a probability of its own"
    return Nature(
        "probabilities",
        "one number between 0 and 1: a probability" if width == 1 else many,
        "The loss to train it with is binary_crossentropy.",
    )


def _map(value: Value, axis: int, ends: bool, features: bool) -> Nature:
    places = by(value.shape[2:] if axis == 1 else value.shape[1:-1])
    channels = counted(value.shape[axis] or 0, "channel", figures=True)
    if not features:
        return Nature("images", f"images of {places} pixels with {channels}", "")
    head = "Pool it (GlobalAveragePooling2D), then add your own head: Dense(classes, activation='softmax')."
    return Nature("feature map", f"a feature map: {places} places, each with {channels}", head if ends else "")


def _row(width: int, activation: str | None, ends: bool, loss: Any) -> Nature:
    if not ends:
        return Nature("features", f"a vector of {counted(width, 'feature', figures=True)} for each sample", "")
    if activation not in (None, "linear"):
        return Nature("features", f"{counted(width, 'number', figures=True)} for each sample, after {activation}", "")
    if getattr(loss, "from_logits", None) or getattr(loss, "_from_logits", False):
        return Nature(
            "logits",
            f"{counted(width, 'logit', figures=True)}: the loss it is compiled with has from_logits=True",
            "For probabilities, apply lamella.ops.softmax (or sigmoid) to a prediction.",
        )
    return Nature(
        "raw numbers",
        f"{counted(width, 'raw number', figures=True)} for each sample: no activation follows",
        "For classes these are logits: give the loss from_logits=True. For a regression they are the predictions.",
    )


def activation_of(site: Site | None) -> str | None:
    """The name of the activation that ends a call."""
    operation: Any = site.operation if site is not None else None
    if operation is None:
        return None
    activation = getattr(operation, "activation", None)
    if activation is not None:
        return getattr(activation, "__name__", getattr(activation, "name", type(activation).__name__)).lower()
    name = type(operation).__name__.lower()
    return name if name in ("softmax", "sigmoid", "relu", "tanh", "relu6", "elu", "leakyrelu") else None


def _channels_first(site: Site | None) -> bool:
    return getattr(site.operation if site is not None else None, "data_format", None) == "channels_first"


def bottleneck(before: int | None, width: int | None, after: int | None) -> str | None:
    """A sentence where an output is narrower than what comes before and after it."""
    if None in (before, width, after) or not width < min(before, after):  # type: ignore[operator, type-var]
        return None
    return f"It is a bottleneck: {width:,} numbers between {before:,} before it and {after:,} after it."


def classed(thing: Any) -> str:
    """The class of a layer, with its article.

    Example: >>> classed(Dense(1))
             'a Dense layer'
    """
    return f"{article(type(thing).__name__)} layer"
