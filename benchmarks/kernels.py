"""Times every way a convolution or pooling is phrased for a CPU beside XLA's own: forward and derivatives.

python benchmarks/kernels.py [words of a row's name …]   prints milliseconds and ratios: above 1 ours is faster
"""

import statistics
import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from lamella.lower import average_pool, max_pool
from lamella.lower.sliding import PLAIN, Slide, convolve_p, correlate_p, spread_p

SECONDS = 0.5  # of repeats for each pair

# name: inputs (batch, space…, channels), window, outputs, and what is not strides 1, dilation 1, groups 1
ROWS = {
    "pointwise 128": ((32, 28, 28, 128), (1, 1), 128, {}),
    "pointwise 16 to 96": ((32, 80, 80, 16), (1, 1), 96, {}),
    "pointwise 96 to 24": ((32, 80, 80, 96), (1, 1), 24, {}),
    "pointwise strided": ((32, 56, 56, 64), (1, 1), 128, {"strides": 2}),
    "stem MobileNet": ((32, 160, 160, 3), (3, 3), 32, {"strides": 2}),
    "stem ResNet": ((16, 224, 224, 3), (7, 7), 64, {"strides": 2}),
    "stem CIFAR": ((128, 32, 32, 3), (3, 3), 16, {}),
    "stem MNIST": ((128, 28, 28, 1), (3, 3), 32, {}),
    "dense MNIST": ((128, 13, 13, 32), (3, 3), 64, {}),
    "dense 16": ((128, 32, 32, 16), (3, 3), 16, {}),
    "dense 16 to 32 strided": ((128, 32, 32, 16), (3, 3), 32, {"strides": 2}),
    "dense 32": ((128, 16, 16, 32), (3, 3), 32, {}),
    "dense 32 to 64 strided": ((128, 16, 16, 32), (3, 3), 64, {"strides": 2}),
    "dense 64": ((128, 8, 8, 64), (3, 3), 64, {}),
    "dense 64 large": ((16, 56, 56, 64), (3, 3), 64, {}),
    "dense 128": ((16, 28, 28, 128), (3, 3), 128, {}),
    "dense 256": ((16, 14, 14, 256), (3, 3), 256, {}),
    "dense 512": ((16, 7, 7, 512), (3, 3), 512, {}),
    "dense dilated": ((8, 32, 32, 64), (3, 3), 64, {"dilation": 2}),
    "dense batch 1": ((1, 56, 56, 64), (3, 3), 64, {}),
    "steps": ((32, 256, 64), (5,), 64, {}),
    "steps dilated": ((32, 256, 64), (3,), 64, {"dilation": 4}),
    "steps few channels": ((16, 2000, 16), (9,), 32, {"strides": 2}),
    "volume": ((4, 16, 32, 32, 16), (3, 3, 3), 16, {}),
    "volume strided": ((4, 16, 32, 32, 16), (3, 3, 3), 32, {"strides": 2}),
    "volume stem": ((2, 16, 56, 56, 1), (3, 3, 3), 16, {}),
    "groups 2": ((16, 28, 28, 128), (3, 3), 128, {"groups": 2}),
    "groups 32 ResNeXt": ((16, 28, 28, 256), (3, 3), 256, {"groups": 32}),
    "groups 32 narrow": ((16, 28, 28, 64), (3, 3), 64, {"groups": 32}),
    "depthwise": ((32, 40, 40, 144), (3, 3), 144, {"groups": 144}),
    "depthwise strided": ((32, 40, 40, 144), (3, 3), 144, {"groups": 144, "strides": 2}),
    "depthwise 5": ((32, 20, 20, 144), (5, 5), 144, {"groups": 144}),
    "depthwise 7 ConvNeXt": ((16, 28, 28, 96), (7, 7), 96, {"groups": 96}),
    "depthwise 15": ((4, 28, 28, 96), (15, 15), 96, {"groups": 96}),
    "depthwise multiplied": ((32, 28, 28, 32), (3, 3), 64, {"groups": 32}),
    "depthwise steps": ((32, 256, 64), (5,), 64, {"groups": 64}),
    "transposed 4 by 2": ((32, 32, 32, 64), (4, 4), 128, {"strides": 2}),
    "transposed 2 by 2": ((16, 64, 64, 32), (2, 2), 64, {"strides": 2}),
    "transposed 3 by 2": ((32, 32, 32, 32), (3, 3), 64, {"strides": 2}),
    "depthwise volume": ((2, 16, 32, 32, 16), (3, 3, 3), 16, {"groups": 16}),
}

POOLS = {
    "max pool 2": ((128, 28, 28, 32), 2, 2),
    "max pool 3 by 2": ((32, 112, 112, 64), 3, 2),
    "max pool 3 by 1": ((32, 28, 28, 192), 3, 1),
    "mean pool 2": ((128, 28, 28, 32), 2, 2),
    "mean pool 3 by 2": ((32, 112, 112, 64), 3, 2),
    "mean pool 3 by 1": ((32, 28, 28, 192), 3, 1),
}


def arrays(shape, window, features, strides=1, dilation=1, groups=1):
    rank = len(window)
    spans = [(size - 1) * dilation + 1 for size in window]
    pads = tuple(map(tuple, lax.padtype_to_pads(shape[1:-1], spans, (strides,) * rank, "SAME")))
    slide = Slide(shape[1:-1], window, (strides,) * rank, pads, (dilation,) * rank, groups)
    shapes = shape, (*window, shape[-1] // groups, features), (shape[0], *slide.places, features)
    random = np.random.default_rng(0)
    return slide, *(jnp.asarray(random.normal(size=s), "float32") for s in shapes)


def pair(functions, args):
    """Median milliseconds of each, run in turn."""
    compiled = [jax.jit(function) for function in functions]
    runs = [[seconds(function, args) for function in compiled] for _ in range(2)][1:]
    while len(runs) < 40 and (len(runs) < 3 or sum(map(sum, runs)) < SECONDS):
        runs.append([seconds(function, args) for function in compiled])
    return [1000 * statistics.median(column) for column in zip(*runs, strict=True)]


def seconds(function, args):
    start = time.perf_counter()
    jax.block_until_ready(function(*args))
    return time.perf_counter() - start


def chosen(rows, words):
    return {name: row for name, row in rows.items() if not words or any(word in name for word in words)}.items()


def convolutions(words):
    print(f"{'milliseconds, XLA / ours':<26}" + "".join(f"{p.name:>28}" for p in PLAIN))
    for name, (shape, window, features, how) in chosen(ROWS, words):
        slide, inputs, kernel, outputs = arrays(shape, window, features, **how)
        args = {convolve_p: (inputs, kernel), spread_p: (outputs, kernel), correlate_p: (inputs, outputs)}
        line = f"{name:<26}"
        for primitive, plain in PLAIN.items():
            both = [partial(plain, slide=slide), partial(primitive.bind, slide=slide)]
            theirs, ours = pair(both, args[primitive])
            line += f"{theirs:10.2f} /{ours:8.2f} {theirs / ours:6.1f}×"
        print(line, flush=True)


def plain_pool(inputs, kind, size, strides):
    moves = (1, size, size, 1), (1, strides, strides, 1), "VALID"
    if kind is max_pool:
        return lax.reduce_window(inputs, -jnp.inf, lax.max, *moves)
    return lax.reduce_window(inputs, 0.0, lax.add, *moves) / size**2


def pools(words):
    for name, (shape, size, strides) in chosen(POOLS, words):
        inputs = jnp.asarray(np.random.default_rng(0).normal(size=shape), "float32")
        kind = max_pool if name.startswith("max") else average_pool
        ours = partial(kind, size=size, strides=strides, padding="valid", data_format="channels_last")
        both = [partial(plain_pool, kind=kind, size=size, strides=strides), ours]
        slopes = [lambda x, f=f: jax.grad(lambda x: jnp.vdot(f(x), f(x)))(x) for f in both]
        line = f"{name:<26}"
        for functions in (both, slopes):
            theirs, mine = pair(functions, (inputs,))
            line += f"{theirs:10.2f} /{mine:8.2f} {theirs / mine:6.1f}×"
        print(line, flush=True)


def main(words):
    convolutions(words)
    pools(words)


if __name__ == "__main__":
    main(sys.argv[1:])
