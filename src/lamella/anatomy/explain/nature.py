"""What an output is: probabilities, logits, a feature map …; and what one does with it."""

from __future__ import annotations

from collections.abc import Sequence
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


_EXPANDS = (
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
    layers.UpSampling1D,
    layers.UpSampling2D,
    layers.UpSampling3D,
)
_POOLS = (
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.MaxPooling3D,
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.AveragePooling3D,
)


@dataclass(frozen=True)
class Nature:
    """kind: one word or two; words: what it is; next: what one usually does with it."""

    kind: str
    words: str
    next: str


@dataclass(frozen=True)
class Use:
    """How a value is used.

    ends:   whether it is an output of the whole model.
    loss:   the loss that it is trained with, if the model is compiled.
    way:    the calls that lead to it.
    inputs: what the model is called on.
    """

    ends: bool = False
    loss: Any = None
    way: Sequence[Site] = ()
    inputs: Sequence[Value] = ()

    @property
    def learned(self) -> bool:
        """Whether layers with weights have worked on the value."""
        return any(getattr(site.operation, "weights", None) for site in self.way)


def nature_of(value: Value, use: Use) -> Nature:
    """What a value is, from its shape, from what made it and from what it is trained for."""
    maker = origin(value).site
    rank, width = len(value.shape), value.shape[-1] if value.shape else None
    activation = activation_of(maker)
    if width is None or rank < 2:
        return Nature("values", f"an array of shape {value.shape}", "")
    if activation == "softmax":
        return _classes(value, width, use)
    if rank in (4, 5) and use.learned and use.ends and _is_for_each_place(value, use):
        return _numbers_at_places(value, activation, use)
    if use.ends and activation == "sigmoid":
        return _sigmoids(width, rank, use)
    if maker is not None and isinstance(maker.operation, _WHOLE):
        return Nature(
            "feature vector",
            f"a feature vector: {width:,} numbers for each sample, wherever in it the features stand",
            "Add your own head to it: Dense(classes, activation='softmax').",
        )
    if rank in (4, 5):
        return _map(value, 1 if _channels_first(maker) else -1, use)
    if rank == 3:
        steps = "steps" if value.shape[1] is None else counted(value.shape[1], "step", figures=True)
        return Nature("sequence", f"a sequence: {steps} of {counted(width, 'feature', figures=True)} each", "")
    return _row(width, activation, use)


def _classes(value: Value, width: int, use: Use) -> Nature:
    untrained = (
        " The loss to train it with is sparse_categorical_crossentropy for labels 0 … n−1, or "
        "categorical_crossentropy for one-hot labels."
    )
    return Nature(
        "probabilities",
        f"{width:,} probabilities{_at_each(value)}, one for each class, which sum to 1",
        f"The class is the largest one: np.argmax(prediction, axis=-1).{'' if use.loss else untrained}",
    )


def _at_each(value: Value) -> str:
    """Where along the axes between the first and the last a value has its numbers."""
    sizes = value.shape[1:-1]
    if not sizes:
        return ""
    name = "step" if len(sizes) == 1 else "place"
    return f" at each {name}" if None in sizes else f" at each of {by(sizes)} {name}s"


def _sigmoids(width: int, rank: int, use: Use) -> Nature:
    many = f"{counted(width, 'number')} between 0 and 1, each a probability of its own"
    each = " at each step" if rank == 3 else ""
    return Nature(
        "probabilities",
        f"one number between 0 and 1{each}: a probability" if width == 1 else many + each,
        "" if use.loss else "The loss to train it with is binary_crossentropy.",
    )


# A number for each place of a picture, a volume, a film


def _is_for_each_place(value: Value, use: Use) -> bool:
    """Whether places are what the model is about: as many as it was given, or more than there were on the way."""
    spatial = value.shape[1:-1]
    if any(v.shape[1:-1] == spatial and None not in spatial for v in use.inputs if len(v.shape) == len(value.shape)):
        return True
    if any(isinstance(site.operation, _EXPANDS) for site in use.way):
        return True
    if None not in spatial:
        return False
    return not any(isinstance(one.operation, _POOLS) or _strides(one.operation) for one in use.way)


def _strides(operation: Any) -> bool:
    strides = getattr(operation, "strides", None)
    return isinstance(strides, (tuple, list)) and max(strides, default=1) > 1


def _numbers_at_places(value: Value, activation: str | None, use: Use) -> Nature:
    ranges = {"sigmoid": " between 0 and 1", "tanh": " between −1 and 1"}
    width = value.shape[-1] or 0
    plain = activation in (None, "linear")
    number = counted(width, "raw number" if plain else "number", figures=True)
    after = ranges.get(activation or "", "" if plain else f" after {activation}")
    sizes = value.shape[1:-1]
    known = f"{by(sizes)} places, with {number}{after} at each"
    follows = f"a map whose size follows from that of the input, with {number}{after} at each place"
    advice = {
        "sigmoid": "If they are masks, each is a probability, and the loss is binary_crossentropy; if they are the "
        "values of pixels, mse, mae or binary_crossentropy.",
        "tanh": "Scale what they are compared with to −1 … 1.",
    }
    otherwise = "For values to predict, the loss is mse or mae; as logits of classes, give the loss from_logits=True."
    return Nature(
        "places",
        follows if None in sizes else known,
        "" if use.loss else advice.get(activation or "", otherwise if plain else ""),
    )


def _map(value: Value, axis: int, use: Use) -> Nature:
    sizes = value.shape[2:] if axis == 1 else value.shape[1:-1]
    channels = counted(value.shape[axis] or 0, "channel", figures=True)
    if not use.learned:
        pixels = "pixels" if None in sizes else f"{by(sizes)} pixels"
        return Nature("images", f"images of {pixels} with {channels}", "")
    follows = f"whose size follows from that of the input, with {channels} at each place"
    words = f"a feature map {follows}" if None in sizes else f"a feature map: {by(sizes)} places, each with {channels}"
    pool = f"Pool it (GlobalAveragePooling{len(sizes)}D), then add your own head: Dense(classes, activation='softmax')."
    return Nature("feature map", words, pool if use.ends and not use.loss else "")


def _row(width: int, activation: str | None, use: Use) -> Nature:
    if not use.ends:
        return Nature("features", f"a vector of {counted(width, 'feature', figures=True)} for each sample", "")
    if activation not in (None, "linear"):
        return Nature("features", f"{counted(width, 'number', figures=True)} for each sample, after {activation}", "")
    if getattr(use.loss, "from_logits", None) or getattr(use.loss, "_from_logits", False):
        return Nature(
            "logits",
            f"{counted(width, 'logit', figures=True)}: the loss it is compiled with has from_logits=True",
            "For probabilities, apply lamella.ops.softmax (or sigmoid) to a prediction.",
        )
    of_classes = "crossentropy" in _name_of(use.loss)
    advice = "For classes these are logits: give the loss from_logits=True. For a regression they are the predictions."
    missing = (
        f"{_name_of(use.loss)} takes probabilities unless it has from_logits=True: say so, or end in an activation."
    )
    return Nature(
        "raw numbers",
        f"{counted(width, 'raw number', figures=True)} for each sample: no activation follows",
        missing if of_classes else "" if use.loss else advice,
    )


def _name_of(loss: Any) -> str:
    return loss if isinstance(loss, str) else str(getattr(loss, "name", None) or getattr(loss, "__name__", ""))


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
