"""The arithmetic of shapes, in words: why an output is as large as it is."""

from __future__ import annotations

import math
from typing import Any

from lamella import layers
from lamella.anatomy.explain.words import by, shape
from lamella.graph import Site

_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
_WHOLE = {
    "average": (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D),
    "largest": (layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D),
}
_PADDING = (layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D)
_CROPPING = (layers.Cropping1D, layers.Cropping2D, layers.Cropping3D)
_UPSAMPLING = (layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D)
_RECURRENT = (layers.RNN, layers.Bidirectional)
_RECURRENT_IMAGES = (layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)


def shape_words(site: Site) -> list[str]:
    """Why a call's output has its shape, in sentences."""
    if not site.inputs or not site.outputs:
        return [f"It gives {shape(site.outputs[0].shape)}; the first size, None, is the batch."] if site.outputs else []
    before, after = site.inputs[0].shape, site.outputs[0].shape
    sizes = f"{shape(before)} → {shape(after)}"
    why = _why(site, before, after)
    return [f"{sizes}: {why}." if why else f"{sizes}."]


def _why(site: Site, before: Any, after: Any) -> str:
    layer: Any = site.operation
    if isinstance(layer, _RECURRENT_IMAGES):
        here, there = (before[0], *before[2:]), after if len(after) < len(before) else (after[0], *after[2:])
        return f"{_steps(layer)}; in a step {_window(layer, here, there)}; {_channels(layer, here, there)}"
    if hasattr(layer, "strides") and hasattr(layer, "data_format"):
        return f"{_window(layer, before, after)}; {_channels(layer, before, after)}"
    for word, kinds in _WHOLE.items():
        if isinstance(layer, kinds):
            return _whole(layer, word, before)
    if isinstance(layer, layers.Dense):
        return f"the last size becomes units={layer.units}"
    if isinstance(layer, layers.Flatten) and None not in before[1:]:
        return f"{'·'.join(map(str, before[1:]))} = {math.prod(before[1:]):,} numbers in a row"
    if isinstance(layer, _PADDING + _CROPPING):
        return _border(layer, before, after)
    if isinstance(layer, _UPSAMPLING):
        factors = layer.size if isinstance(layer.size, tuple) else (layer.size,)
        return f"each position is repeated {by(factors)} times"
    if isinstance(layer, layers.Concatenate) or type(layer).__name__ == "Concatenate":
        return _joined(site, after)
    if isinstance(layer, layers.Embedding):
        return f"each id becomes a vector of output_dim={layer.output_dim} numbers"
    if isinstance(layer, _RECURRENT):
        return f"{_steps(layer)}, of {after[-1]} numbers"
    if before == after:
        return "the shape stays"
    if isinstance(layer, layers.Reshape):
        return "the same numbers, in another shape"
    return ""


def _steps(layer: Any) -> str:
    return "one output for each step" if layer.return_sequences else "only the last step's output"


def _window(layer: Any, before: Any, after: Any) -> str:
    """How the positions of a sliding window count."""
    inside, outside = spatial(layer, before), spatial(layer, after)
    window = getattr(layer, "kernel_size", None) or layer.pool_size
    dilations = getattr(layer, "dilation_rate", (1,) * len(window))
    along = list(zip(inside, outside, window, layer.strides, dilations, strict=True))
    same = len({(i, o, w, s, d) for i, o, w, s, d in along}) == 1
    said = [_along(layer, *one) for one in (along[:1] if same else along)]
    each = "each side: " if same and len(along) > 1 else ""
    return each + "; ".join(said)


def _along(layer: Any, size: int | None, result: int | None, window: int, stride: int, dilation: int) -> str:
    padding = layer.padding
    if size is None or result is None:
        return f"a window of {window} with stride {stride} over an unknown size"
    if isinstance(layer, _TRANSPOSED):
        return f"{size} → {result}, stride {stride} puts {stride - 1} zeros between neighbours"
    if padding in ("same", "causal"):
        kept = f"padding={padding!r} keeps the size" if stride == 1 else f"stride {stride} with padding={padding!r}"
        return kept if stride == 1 else f"{kept}: {size} / {stride}, rounded up, is {result}"
    span = (window - 1) * dilation + 1
    reach = f"{window}" if dilation == 1 else f"{span} (a window of {window}, dilated by {dilation})"
    if stride == 1:
        return "a window of 1 keeps the size" if span == 1 else f"{size} − {reach} + 1 = {result} places for the window"
    return f"({size} − {reach}) / {stride}, rounded down, + 1 = {result} places for the window"


def _channels(layer: Any, before: Any, after: Any) -> str:
    axis = channel_axis(layer)
    if isinstance(layer, _DEPTHWISE):
        factor = layer.depth_multiplier
        return (
            f"each of the {before[axis]} channels has a window of its own"
            if factor == 1
            else f"each of the {before[axis]} channels gives {factor}: {after[axis]}"
        )
    if isinstance(layer, _CONVOLUTIONS + _SEPARABLE + _TRANSPOSED):
        return f"{after[axis]} channels are its filters"
    return f"the {after[axis]} channels stay"


def channel_axis(layer: Any) -> int:
    """The axis of the channels."""
    return 1 if getattr(layer, "data_format", None) == "channels_first" else -1


def spatial(layer: Any, sizes: Any) -> tuple[Any, ...]:
    """The sizes along the spatial axes."""
    return tuple(sizes[2:] if channel_axis(layer) == 1 else sizes[1:-1])


def _whole(layer: Any, word: str, before: Any) -> str:
    places = spatial(layer, before)
    what = "their average" if word == "average" else "the largest of them"
    return f"the {by(places)} positions of each of the {before[channel_axis(layer)]} channels become {what}"


def _border(layer: Any, before: Any, after: Any) -> str:
    sign = "+" if isinstance(layer, _PADDING) else "−"
    borders = [(p,) if isinstance(p, int) else p for p in layer._borders]
    inside, outside = spatial(layer, before), spatial(layer, after)
    said = [
        f"{i} {sign} {' '.join(f'{b} {sign}' for b in border[:-1])} {border[-1]} = {o}"
        for i, border, o in zip(inside, borders, outside, strict=True)
    ]
    return "; ".join(dict.fromkeys(said))


def _joined(site: Site, after: Any) -> str:
    shapes = [value.shape for value in site.inputs]
    axis = next((a for a in range(len(after)) if len({s[a] for s in shapes}) > 1 or after[a] != shapes[0][a]), None)
    if axis is None or any(s[axis] is None for s in shapes):
        return ""
    return f"along axis {axis}, {' + '.join(str(s[axis]) for s in shapes)} = {after[axis]}"
