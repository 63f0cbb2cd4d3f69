"""A window that slides: three bilinear primitives, each the transpose of the others by one of its arguments.

    convolve(inputs, kernel) → outputs      spread(outputs, kernel) → inputs      correlate(inputs, outputs) → kernel

The three are closed under differentiation, so whoever can compute them has all
derivatives of a convolution, forward and reverse and of any order.  A
transposed convolution is `spread`.  On a CPU they are what `lower.by_cpu`
says, elsewhere what XLA makes of `lax.conv_general_dilated`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Slide:
    """How a window slides: all of a convolution beside its arrays, batch and channels."""

    size: Sizes  # of the inputs' spatial axes
    window: Sizes
    strides: Sizes
    pads: tuple[tuple[int, int], ...]
    dilation: Sizes
    groups: int = 1
    channels_last: bool = True
    precision: str | None = None
    by_xla: bool = False  # its program's dense convolutions are XLA's own, which use all cores

    @property
    def rank(self) -> int:
        return len(self.window)

    @property
    def places(self) -> Sizes:
        """How many outputs there are along each spatial axis."""
        axes = zip(self.size, self.pads, self.window, self.dilation, self.strides, strict=True)
        return tuple(
            max((size + sum(pads) - (window - 1) * rate - 1) // stride + 1, 0)
            for size, pads, window, rate, stride in axes
        )

    @property
    def channel_axis(self) -> int:
        return self.rank + 1 if self.channels_last else 1

    @property
    def layout(self) -> lax.ConvDimensionNumbers:
        """Where batch, channels and space are: (batch, channels, space…) and (out, in, window…)."""
        last = self.rank + 1
        here = (0, last, *range(1, last)) if self.channels_last else tuple(range(last + 1))
        return lax.ConvDimensionNumbers(here, (last, self.rank, *range(self.rank)), here)


def plain_convolve(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    """The convolution as XLA knows it."""
    return lax.conv_general_dilated(
        inputs,
        kernel,
        slide.strides,
        slide.pads,
        rhs_dilation=slide.dilation,
        dimension_numbers=slide.layout,
        feature_group_count=slide.groups,
        precision=slide.precision,
    )


def by_inputs(convolution: Callable[..., Any]) -> Callable[..., Any]:
    """From a way to convolve, the way to spread: its transpose by the inputs."""

    def spread(outputs: Any, kernel: Any, *, slide: Slide) -> Any:
        like = jax.ShapeDtypeStruct(_inputs_shape(outputs, kernel, slide), outputs.dtype)
        return jax.linear_transpose(lambda inputs: convolution(inputs, kernel, slide=slide), like)(outputs)[0]

    return spread


def by_kernel(convolution: Callable[..., Any]) -> Callable[..., Any]:
    """From a way to convolve, the way to correlate: its transpose by the kernel."""

    def correlate(inputs: Any, outputs: Any, *, slide: Slide) -> Any:
        like = jax.ShapeDtypeStruct(_kernel_shape(inputs, outputs, slide), outputs.dtype)
        return jax.linear_transpose(lambda kernel: convolution(inputs, kernel, slide=slide), like)(outputs)[0]

    return correlate


class Phrasing(NamedTuple):
    """A way to compute the three."""

    convolve: Callable[..., Any]
    spread: Callable[..., Any]
    correlate: Callable[..., Any]


def derived(convolution: Callable[..., Any]) -> Phrasing:
    """From a way to convolve, a way to compute all three."""
    return Phrasing(convolution, by_inputs(convolution), by_kernel(convolution))


def _inputs_shape(outputs: Any, kernel: Any, slide: Slide) -> Sizes:
    return _shape(outputs.shape[0], slide.size, kernel.shape[-2] * slide.groups, slide)


def _kernel_shape(inputs: Any, outputs: Any, slide: Slide) -> Sizes:
    channels, features = inputs.shape[slide.channel_axis], outputs.shape[slide.channel_axis]
    return (*slide.window, channels // slide.groups, features)


def _shape(batch: int, space: Sizes, channels: int, slide: Slide) -> Sizes:
    return (batch, *space, channels) if slide.channels_last else (batch, channels, *space)


convolve_p, spread_p, correlate_p = Primitive("convolve"), Primitive("spread"), Primitive("correlate")
plain_spread, plain_correlate = by_inputs(plain_convolve), by_kernel(plain_convolve)
PLAIN = {convolve_p: plain_convolve, spread_p: plain_spread, correlate_p: plain_correlate}


def convolve(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    """(batch, space…, groups · in), (window…, in, out) → (batch, places…, out)"""
    return convolve_p.bind(inputs, kernel, slide=slide)


def spread(outputs: Any, kernel: Any, *, slide: Slide) -> Any:
    """(batch, places…, out), (window…, in, out) → (batch, space…, groups · in)"""
    return spread_p.bind(outputs, kernel, slide=slide)


def correlate(inputs: Any, outputs: Any, *, slide: Slide) -> Any:
    """(batch, space…, groups · in), (batch, places…, out) → (window…, in, out)"""
    return correlate_p.bind(inputs, outputs, slide=slide)


BY_CPU: dict[Primitive, Callable[..., Any]] = {}


def on_cpu(primitive: Primitive, function: Callable[..., Any]) -> None:
    """How a CPU computes it."""
    BY_CPU[primitive] = function
    mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False), platform="cpu")


def _define(primitive: Primitive, by_first: Any, by_second: Any, batched: Any) -> None:
    plain = PLAIN[primitive]

    @lru_cache(maxsize=4096)
    def shaped(*args: Any, slide: Slide) -> Any:
        return jax.make_jaxpr(partial(plain, slide=slide))(*args).out_avals[0]

    primitive.def_impl(jax.jit(primitive.bind, static_argnames="slide"))
    primitive.def_abstract_eval(shaped)
    mlir.register_lowering(primitive, mlir.lower_fun(plain, multiple_results=False))
    ad.defbilinear(primitive, by_first, by_second)
    batching.primitive_batchers[primitive] = batched


def _batched_images(primitive: Primitive) -> Callable[..., Any]:
    """Many convolutions of one kernel are one of a larger batch; of many kernels, one with more groups."""

    def batched(args: Any, axes: Any, *, slide: Slide) -> tuple[Any, int]:
        images, kernel = args
        if axes[1] is None:
            outputs = primitive.bind(_fold(images, axes[0], 0), kernel, slide=slide)
            return _unfold(outputs, 0, images.shape[axes[0]]), 0
        images, kernel, more = _grouped(args, axes, (slide.channel_axis, slide.rank + 1), slide)
        outputs = primitive.bind(images, kernel, slide=more)
        return _unfold(outputs, slide.channel_axis, more.groups // slide.groups), slide.channel_axis

    return batched


def _batched_kernels(args: Any, axes: Any, *, slide: Slide) -> tuple[Any, int]:
    *args, more = _grouped(args, axes, (slide.channel_axis, slide.channel_axis), slide)
    kernels = correlate(*args, slide=more)
    return _unfold(kernels, slide.rank + 1, more.groups // slide.groups), slide.rank + 1


def _grouped(args: Any, axes: Any, into: Sizes, slide: Slide) -> Any:
    """All arguments with the mapped axis as so many groups more of their channels."""
    many = next(arg.shape[axis] for arg, axis in zip(args, axes, strict=True) if axis is not None)
    whole = [batching.bdim_at_front(arg, axis, many) for arg, axis in zip(args, axes, strict=True)]
    folded = [_fold(arg, 0, axis) for arg, axis in zip(whole, into, strict=True)]
    return *folded, replace(slide, groups=slide.groups * many)


def _fold(x: Any, axis: int, into: int) -> Any:
    """Makes a mapped axis the outer part of another one."""
    x = jnp.moveaxis(x, axis, into)
    many, size = x.shape[into : into + 2]
    return x.reshape(*x.shape[:into], many * size, *x.shape[into + 2 :])


def _unfold(x: Any, axis: int, many: int) -> Any:
    return x.reshape(*x.shape[:axis], many, x.shape[axis] // many, *x.shape[axis + 1 :])


_define(
    convolve_p,
    lambda slope, inputs, kernel, slide: spread(slope, kernel, slide=slide),
    lambda slope, inputs, kernel, slide: correlate(inputs, slope, slide=slide),
    _batched_images(convolve_p),
)
_define(
    spread_p,
    lambda slope, outputs, kernel, slide: convolve(slope, kernel, slide=slide),
    lambda slope, outputs, kernel, slide: correlate(slope, outputs, slide=slide),
    _batched_images(spread_p),
)
_define(
    correlate_p,
    lambda slope, inputs, outputs, slide: spread(outputs, slope, slide=slide),
    lambda slope, inputs, outputs, slide: convolve(inputs, slope, slide=slide),
    _batched_kernels,
)
