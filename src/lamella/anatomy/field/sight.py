"""Sight: what each output of a program sees of the model's input, axis by axis, read from its jaxpr.

Convolutions, pooling, padding and slices move and widen what is seen;
reductions and products over an axis see the whole of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from jax.extend.core import Literal

from lamella.anatomy.field.span import Seen, Sight, Span, joined


def sights(jaxpr: Any, seen: Sequence[Seen]) -> list[Seen]:
    """What the outputs of a jaxpr see, given what its inputs see."""
    known: dict[Any, Seen] = dict(zip(jaxpr.invars, seen, strict=True))
    run(jaxpr.eqns, known)
    return [None if isinstance(v, Literal) else known.get(v) for v in jaxpr.outvars]


def run(equations: Iterable[Any], known: dict[Any, Seen]) -> None:
    """Follows equations, and adds what their results see to what is known."""
    rows: Rows = {}
    for equation in equations:
        operands = [None if isinstance(v, Literal) else known.get(v) for v in equation.invars]
        if any(one is not None for one in operands):
            known.update(zip(equation.outvars, _results(equation, operands), strict=True))
            _by_rows(equation, operands, known, rows)


Rows = dict[Any, tuple[Sight, tuple[int, ...]]]
"""{a matrix: what the value saw whose places are its rows, and the sizes of these places}"""


def _by_rows(equation: Any, operands: list[Seen], known: dict[Any, Seen], rows: Rows) -> None:
    """Places that are put into rows, multiplied row by row and put back have seen what they saw before."""
    name, value, made = equation.primitive.name, equation.invars[0], equation.outvars[0]
    if isinstance(value, Literal) or operands[0] is None:
        return
    *places, channels = value.aval.shape or (None,)
    if value not in rows:
        if name == "reshape" and made.aval.shape[1:] == (channels,) and operands[0].axes[-1] is None:
            rows[made] = operands[0], tuple(places)
    elif name == "reshape" and made.aval.shape[:-1] == rows[value][1]:
        known[made] = rows[value][0]
    elif name == "dot_general" and operands[1] is None and _joins_last_with_first(equation):
        rows[made] = rows[value]


def _joins_last_with_first(equation: Any) -> bool:
    contracted, batched = equation.params["dimension_numbers"]
    return [*contracted[0], *contracted[1]] == [1, 0] and not batched[0]


def _results(equation: Any, operands: list[Seen]) -> list[Seen]:
    name, params = equation.primitive.name, equation.params
    if name == "cond":
        branches = [sights(branch.jaxpr, operands[1:]) for branch in _alternatives(params)]
        return [
            joined(ways, v.aval.ndim) for v, ways in zip(equation.outvars, zip(*branches, strict=True), strict=True)
        ]
    inner = params.get("jaxpr") or params.get("call_jaxpr") or params.get("callee")
    if inner is not None and name not in ("scan", "while"):
        return sights(getattr(inner, "jaxpr", inner), operands)
    made = [_RULES[name](equation, operands)] if name in _RULES else None
    return made or [_other(equation, operands, v) for v in equation.outvars]


def _alternatives(params: dict[str, Any]) -> list[Any]:
    platforms = params.get("branches_platforms")
    return [params["branches"][platforms.index(None)]] if platforms and None in platforms else params["branches"]


def _other(equation: Any, operands: list[Seen], out: Any) -> Seen:
    name = equation.primitive.name
    if name in _ELEMENTWISE:
        return _elementwise(equation, operands)
    both = joined([Sight(()) if one is None else replace(one, axes=()) for one in operands if one], 0)
    assert both is not None
    if not any(one is not None and one.local for one in operands) or name in _WHOLE:
        return replace(both, axes=(None,) * out.aval.ndim, whole=True)
    return replace(both, axes=(None,) * out.aval.ndim, reason=both.reason or f"`{name}` may look anywhere")


_ELEMENTWISE = {
    *("abs", "add", "add_any", "and", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "clamp"),
    *("convert_element_type", "copy", "copy_p", "cos", "cosh", "div", "eq", "erf", "erf_inv", "erfc", "exp"),
    *("exp2", "expm1", "floor", "ge", "gt", "integer_pow", "is_finite", "le", "log", "log1p", "logistic", "lt"),
    *("max", "min", "mul", "name", "ne", "neg", "not", "optimization_barrier", "or", "pow", "reduce_precision"),
    *("rem", "round", "rsqrt", "select_n", "sign", "sin", "sinh", "sqrt", "square", "stop_gradient", "sub"),
    *("tan", "tanh", "xor"),
}
_WHOLE = {"scan", "while", "cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp", "sort", "fft", "top_k"}


# Rules: what the result of one equation sees


def _elementwise(equation: Any, operands: list[Seen]) -> Seen:
    return joined(operands, equation.outvars[0].aval.ndim)


def _first(rule: Callable[[Any, Sight], Sight]) -> Callable[[Any, list[Seen]], Seen]:
    """A rule for what depends on its first operand; others are joined elementwise if they see something too."""

    def of(equation: Any, operands: list[Seen]) -> Seen:
        rank = equation.outvars[0].aval.ndim
        others = [replace(one, axes=(None,) * rank) for one in operands[1:] if one is not None]
        return joined([None if operands[0] is None else rule(equation, operands[0]), *others], rank)

    return of


def _left_out(sight: Sight, axes: Iterable[int]) -> bool:
    """Whether the whole has been seen once some axes are summed up."""
    return sight.whole or any(sight.axes[axis] is not None for axis in axes)


def _reduced(equation: Any, sight: Sight) -> Sight:
    gone = equation.params["axes"]
    axes = tuple(axis for index, axis in enumerate(sight.axes) if index not in gone)
    return replace(sight, axes=axes, whole=_left_out(sight, gone))


def _broadcast(equation: Any, sight: Sight) -> Sight:
    shape, old = equation.params["shape"], equation.invars[0].aval.shape
    axes: list[Span | None] = [None] * len(shape)
    whole = sight.whole
    for index, place in enumerate(equation.params["broadcast_dimensions"]):
        kept = old[index] == shape[place]
        axes[place] = sight.axes[index] if kept else None
        whole = whole or (not kept and sight.axes[index] is not None)
    return replace(sight, axes=tuple(axes), whole=whole)


def _transposed(equation: Any, sight: Sight) -> Sight:
    return replace(sight, axes=tuple(sight.axes[axis] for axis in equation.params["permutation"]))


def _squeezed(equation: Any, sight: Sight) -> Sight:
    gone = equation.params["dimensions"]
    return replace(sight, axes=tuple(axis for index, axis in enumerate(sight.axes) if index not in gone))


def _reshaped(equation: Any, sight: Sight) -> Sight:
    """Groups of axes become groups of axes with as many numbers; within one, what the first axis sees may go on."""
    old, new = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
    axes: list[Span | None] = [None] * len(new)
    if 0 in old:  # there is nothing to see, and all of it is seen
        return replace(sight, axes=tuple(axes), whole=True)
    whole = sight.whole
    for ins, outs in _groups(old, new):
        spans = [(place, sight.axes[place]) for place in ins if sight.axes[place] is not None]
        if not spans:
            continue
        (place, span), target = spans[0], next((axis for axis in outs if new[axis] > 1), outs[0] if outs else None)
        before = math.prod(old[axis] for axis in ins if axis < place)
        flat = len(new) < 3 and len(ins) > 1
        if flat or len(spans) > 1 or before > 1 or span is None or target is None:
            whole = True
        elif new[target] % old[place] == 0:  # merged with what repeats each place
            axes[target] = span.spread(new[target] // old[place], new[target] // old[place])
        elif old[place] % new[target] == 0:  # cut into windows
            axes[target] = span.windowed(old[place] // new[target], old[place] // new[target])
        else:
            whole = True
    return replace(sight, axes=tuple(axes), whole=whole)


def _groups(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Pairs of runs of axes that hold the same numbers."""
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        ins, outs = [i] if i < len(old) else [], [j] if j < len(new) else []
        i, j = i + len(ins), j + len(outs)
        while (left := math.prod(old[a] for a in ins)) != (right := math.prod(new[a] for a in outs)):
            if left < right:
                ins.append(i)
                i += 1
            else:
                outs.append(j)
                j += 1
        groups.append((ins, outs))
    return groups


def _sliced(equation: Any, sight: Sight) -> Sight:
    starts, strides = equation.params["start_indices"], equation.params["strides"] or (1,) * len(sight.axes)
    axes = [
        axis and axis.windowed(1, stride, -start)
        for axis, start, stride in zip(sight.axes, starts, strides, strict=True)
    ]
    return replace(sight, axes=tuple(axes))


def _padded(equation: Any, sight: Sight) -> Sight:
    config = equation.params["padding_config"]
    axes = [
        axis and axis.spread(1, inside + 1, -low) for axis, (low, _, inside) in zip(sight.axes, config, strict=True)
    ]
    return replace(sight, axes=tuple(axes))


def _pooled(equation: Any, sight: Sight) -> Sight:
    p = equation.params
    windows = zip(p["window_dimensions"], p["window_dilation"], p["window_strides"], p["padding"], strict=True)
    return replace(
        sight, axes=tuple(axis and _window(axis, *one) for axis, one in zip(sight.axes, windows, strict=True))
    )


def _window(axis: Span, size: int, rate: int, stride: int, pads: tuple[int, int]) -> Span:
    return axis.windowed((size - 1) * rate + 1, stride, pads[0])


def _convolved(equation: Any, sight: Sight) -> Sight:
    p, kernel = equation.params, equation.invars[1].aval.shape
    layout = p["dimension_numbers"]
    axes: list[Span | None] = [None] * len(sight.axes)
    for index, (place, out) in enumerate(zip(layout.lhs_spec[2:], layout.out_spec[2:], strict=True)):
        axis = sight.axes[place]
        rate, size = p["rhs_dilation"][index], kernel[layout.rhs_spec[2 + index]]
        axis = axis and axis.spread(1, p["lhs_dilation"][index])
        axes[out] = axis and _window(axis, size, rate, p["window_strides"][index], p["padding"][index])
    return replace(sight, axes=tuple(axes), whole=_left_out(sight, [layout.lhs_spec[1]]))


def _slid(forward: bool, equation: Any, sight: Sight) -> Sight:
    """The primitives of lamella.lower: a convolution, or its transpose."""
    slide = equation.params["slide"]
    first = 1 if slide.channels_last else 2
    axes: list[Span | None] = [None] * len(sight.axes)
    for index, (size, rate, stride, pads) in enumerate(
        zip(slide.window, slide.dilation, slide.strides, slide.pads, strict=True), start=first
    ):
        axis, span = sight.axes[index], (size - 1) * rate + 1
        axes[index] = axis and (axis.windowed(span, stride, pads[0]) if forward else axis.spread(span, stride, pads[0]))
    return replace(sight, axes=tuple(axes), whole=_left_out(sight, [slide.channel_axis]))


def _product(equation: Any, operands: list[Seen]) -> Seen:
    """Axes that are summed over are seen whole; the others stay: batch, left, right."""
    (contracted, batches) = equation.params["dimension_numbers"]
    rank, parts = equation.outvars[0].aval.ndim, []
    offset = len(batches[0])
    for operand, gone, batch, v in zip(operands, contracted, batches, equation.invars, strict=True):
        free = [axis for axis in range(v.aval.ndim) if axis not in gone and axis not in batch]
        if operand is not None:
            axes: list[Span | None] = [None] * rank
            axes[: len(batch)] = [operand.axes[axis] for axis in batch]
            axes[offset : offset + len(free)] = [operand.axes[axis] for axis in free]
            parts.append(replace(operand, axes=tuple(axes), whole=_left_out(operand, gone)))
        offset += len(free)
    return joined(parts, rank)


def _concatenated(equation: Any, operands: list[Seen]) -> Seen:
    axis = equation.params["dimension"]
    both = joined(operands, equation.outvars[0].aval.ndim)
    if both is None or both.axes[axis] is None:
        return both
    axes = tuple(None if index == axis else one for index, one in enumerate(both.axes))
    return replace(both, axes=axes, reason=both.reason or "it puts parts of the input one after the other")


_RULES: dict[str, Callable[[Any, list[Seen]], Seen]] = {
    "broadcast_in_dim": _first(_broadcast),
    "transpose": _first(_transposed),
    "squeeze": _first(_squeezed),
    "reshape": _first(_reshaped),
    "slice": _first(_sliced),
    "pad": _first(_padded),
    "conv_general_dilated": _first(_convolved),
    "convolve": _first(partial(_slid, True)),
    "spread": _first(partial(_slid, False)),
    "dot_general": _product,
    "concatenate": _concatenated,
    **{f"reduce_window_{how}": _first(_pooled) for how in ("max", "min", "sum")},
    **{f"reduce_{how}": _first(_reduced) for how in ("sum", "max", "min", "prod", "and", "or", "xor")},
    **{name: _first(_reduced) for name in ("argmax", "argmin")},
}
