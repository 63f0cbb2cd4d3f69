"""How a CPU slides a window: the first rule that fits says a convolution in simpler ones.

XLA's CPU backend is near the machine's peak for dense convolutions of images,
forward, and slow for most others: with groups, over one or three axes, and for
the derivative by the kernel.  `benchmarks/kernels.py` measures every rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import jax.numpy as jnp
from jax import lax

from lamella.lower import dense, depthwise
from lamella.lower.depthwise import padded, shifted
from lamella.lower.sliding import (
    Phrasing,
    Slide,
    convolve,
    convolve_p,
    correlate_p,
    derived,
    on_cpu,
    plain_convolve,
    spread_p,
)

MOST_SHIFTS = 49  # terms of one loop: a 7×7 window takes 0.3 s to compile
MOST_TAPS = 256  # places of a window that are still written out, loop by loop
BLOCK = 32  # channels that groups are put together to; narrower convolutions waste the registers
MOST_BLOCKS = 64  # each is a convolution of its own in the program


@dataclass(frozen=True)
class Case:
    """What a rule looks at."""

    slide: Slide
    batch: int
    channels: int
    features: int
    dtype: Any

    @property
    def is_known(self) -> bool:
        sizes = (self.batch, self.channels, self.features, *self.slide.size, *self.slide.places)
        return all(isinstance(size, int) and size > 0 for size in sizes)

    @property
    def is_depthwise(self) -> bool:
        return self.slide.groups == self.channels > 1

    @property
    def blocks(self) -> int:
        groups = self.slide.groups
        return groups // _together(groups, self.channels // groups, self.features // groups)

    @property
    def taps(self) -> int:
        return math.prod(self.slide.window)


def _channels_last(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    outputs = convolve(jnp.moveaxis(inputs, 1, -1), kernel, slide=replace(slide, channels_last=True))
    return jnp.moveaxis(outputs, -1, 1)


def _in_single(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    return convolve(inputs.astype("float32"), kernel.astype("float32"), slide=slide).astype(inputs.dtype)


def _matmul(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    """A window of one place sees each place by itself."""
    seen = shifted(padded(inputs, slide), (0,) * slide.rank, slide)
    rows = jnp.matmul(seen.reshape(-1, seen.shape[-1]), kernel.reshape(kernel.shape[-2:]), precision=slide.precision)
    return rows.reshape(*seen.shape[:-1], -1)


def _repeated(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    """So many filters for each channel are one for each of so many copies."""
    features = kernel.shape[-1]
    copies = jnp.repeat(inputs, features // slide.groups, axis=-1)
    return convolve(copies, kernel, slide=replace(slide, groups=features))


def _as_image(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    image = replace(
        slide,
        size=(1, *slide.size),
        window=(1, *slide.window),
        strides=(1, *slide.strides),
        pads=((0, 0), *slide.pads),
        dilation=(1, *slide.dilation),
    )
    return convolve(inputs[:, None], kernel[None], slide=image)[:, 0]


def _planes(inputs: Any, slide: Slide) -> tuple[list[Any], Slide]:
    """What each place of the window along the first axis sees, as more images; how the rest of it slides."""
    rest = {name: getattr(slide, name)[1:] for name in ("size", "window", "strides", "pads", "dilation")}
    margins = [(0, 0, 0), (*slide.pads[0], 0), *[(0, 0, 0)] * slide.rank]
    x, step, reach = lax.pad(inputs, jnp.zeros((), inputs.dtype), margins), slide.strides[0], slide.places[0]
    starts = [place * slide.dilation[0] for place in range(slide.window[0])]
    planes = [lax.slice_in_dim(x, start, start + (reach - 1) * step + 1, step, axis=1) for start in starts]
    return [plane.reshape(-1, *plane.shape[2:]) for plane in planes], replace(slide, **rest)


def _by_channels(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    """One axis less: its window's places become channels."""
    planes, rest = _planes(inputs, slide)
    kernel = jnp.moveaxis(kernel, 0, -3)
    kernel = kernel.reshape(*kernel.shape[:-3], -1, kernel.shape[-1])
    outputs = convolve(jnp.concatenate(planes, -1), kernel, slide=rest)
    return outputs.reshape(-1, slide.places[0], *outputs.shape[1:])


def _by_sum(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    """One axis less: a sum over its window's places."""
    planes, rest = _planes(inputs, slide)
    outputs = [convolve(plane, k, slide=rest) for plane, k in zip(planes, kernel, strict=True)]
    outputs = reduce(jnp.add, map(lax.optimization_barrier, outputs))  # apart: one loop would compile long
    return outputs.reshape(-1, slide.places[0], *outputs.shape[1:])


def _by_blocks(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    """Neighbouring groups together as one dense convolution, with zeros between them."""
    channels, features = kernel.shape[-2:]
    together = _together(slide.groups, channels, features // slide.groups)
    blocks = slide.groups // together
    parts = kernel.reshape(*slide.window, 1, channels, blocks, together, features // slide.groups)
    diagonal = jnp.eye(together, dtype=kernel.dtype).reshape(together, 1, 1, together, 1)
    kernels = jnp.moveaxis(parts * diagonal, -3, 0)
    kernels = kernels.reshape(blocks, *slide.window, together * channels, features // blocks)
    pieces = lax.split(inputs, (together * channels,) * blocks, axis=inputs.ndim - 1)
    alone = replace(slide, groups=1)
    return jnp.concatenate([convolve(piece, k, slide=alone) for piece, k in zip(pieces, kernels, strict=True)], -1)


def _together(groups: int, *widths: int) -> int:
    """So many groups have about the channels of a block."""
    return max(n for n in range(1, groups + 1) if groups % n == 0 and (n == 1 or n * max(widths) <= BLOCK))


Rule = tuple[Callable[[Case], bool], Phrasing]
PLAIN = derived(plain_convolve)
RULES: tuple[Rule, ...] = (
    (lambda case: not case.is_known or case.dtype not in ("float32", "float64", "bfloat16", "float16"), PLAIN),
    (lambda case: not case.slide.channels_last, derived(_channels_last)),
    (lambda case: case.dtype in ("bfloat16", "float16"), derived(_in_single)),
    (lambda case: case.is_depthwise and case.taps > MOST_TAPS, PLAIN),
    (lambda case: case.is_depthwise and case.features > case.channels, derived(_repeated)),
    (lambda case: case.is_depthwise and case.slide.rank == 1, derived(_as_image)),
    (lambda case: case.is_depthwise and (case.slide.rank > 2 or case.taps > MOST_SHIFTS), derived(_by_sum)),
    (lambda case: case.is_depthwise, depthwise.BY_SHIFTS),
    (lambda case: case.blocks > MOST_BLOCKS, PLAIN),
    (lambda case: case.slide.groups > 1, derived(_by_blocks)),
    (lambda case: case.taps == 1, derived(_matmul)),
    (lambda case: case.slide.rank > 2, derived(_by_channels)),
    (lambda case: case.slide.rank == 1, PLAIN),
    (lambda case: True, dense.BY_MATMULS),
)


def _phrasing(case: Case) -> Phrasing:
    return next(phrasing for fits, phrasing in RULES if fits(case))


def _convolve(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    case = Case(slide, inputs.shape[0], kernel.shape[-2] * slide.groups, kernel.shape[-1], inputs.dtype)
    return _phrasing(case).convolve(inputs, kernel, slide=slide)


def _spread(outputs: Any, kernel: Any, *, slide: Slide) -> Any:
    case = Case(slide, outputs.shape[0], kernel.shape[-2] * slide.groups, kernel.shape[-1], outputs.dtype)
    return _phrasing(case).spread(outputs, kernel, slide=slide)


def _correlate(inputs: Any, outputs: Any, *, slide: Slide) -> Any:
    axis = slide.channel_axis
    case = Case(slide, inputs.shape[0], inputs.shape[axis], outputs.shape[axis], inputs.dtype)
    return _phrasing(case).correlate(inputs, outputs, slide=slide)


on_cpu(convolve_p, _convolve)
on_cpu(spread_p, _spread)
on_cpu(correlate_p, _correlate)
