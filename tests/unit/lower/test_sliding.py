"""Every rule by which a CPU slides a window, against the plain convolution; all derivatives; batches of them."""

import re
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from lamella.lower import compiled, conv, dense, is_fast_in_a_loop, sliding
from lamella.lower.sliding import PLAIN, Slide, convolve_p, correlate_p, spread_p

# size, window, strides, pads, dilation, groups, in (each group), out, channels last
CASES = {
    "image": ((7, 6), (3, 2), (1, 1), ((1, 1), (0, 1)), (1, 1), 1, 3, 4, True),
    "image, strided": ((8, 7), (3, 3), (2, 3), ((0, 1), (1, 1)), (1, 1), 1, 5, 4, True),
    "image, dilated": ((9, 8), (3, 2), (1, 1), ((2, 2), (1, 1)), (2, 3), 1, 5, 4, True),
    "image, both": ((11, 9), (3, 2), (2, 2), ((2, 2), (1, 1)), (2, 3), 1, 5, 4, True),
    "image, first": ((7, 6), (3, 2), (2, 1), ((1, 1), (0, 1)), (1, 1), 1, 3, 4, False),
    "image, wide": ((5, 6), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, 40, 36, True),
    "image, cut": ((8, 7), (3, 2), (1, 2), ((-1, 2), (1, -2)), (1, 1), 1, 3, 4, True),
    "image, whole strides": ((8, 9), (4, 3), (2, 3), ((1, 1), (0, 0)), (1, 1), 1, 3, 4, True),
    "image, whole strides, cut": ((9, 7), (4, 2), (2, 2), ((-1, 2), (1, -2)), (1, 1), 1, 3, 4, True),
    "pointwise": ((5, 4), (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, 3, 4, True),
    "pointwise, of one": ((5, 4), (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, 1, 1, True),
    "pointwise, strided": ((5, 4), (1, 1), (2, 3), ((0, 0), (0, 1)), (1, 1), 1, 3, 4, True),
    "pointwise, volume": ((3, 4, 5), (1, 1, 1), (1, 2, 1), ((0, 0),) * 3, (1, 1, 1), 1, 3, 4, True),
    "steps": ((9,), (3,), (1,), ((1, 1),), (1,), 1, 3, 4, True),
    "steps, causal": ((9,), (3,), (1,), ((4, 0),), (2,), 1, 3, 4, True),
    "steps, first": ((9,), (4,), (3,), ((1, 2),), (1,), 1, 3, 4, False),
    "volume": ((5, 4, 6), (3, 2, 2), (1, 1, 1), ((1, 1), (0, 1), (0, 1)), (1, 1, 1), 1, 3, 4, True),
    "volume, strided": ((5, 7, 6), (3, 2, 3), (2, 3, 1), ((1, 1), (0, 1), (1, 1)), (1, 1, 1), 1, 3, 4, True),
    "volume, dilated": ((7, 5, 6), (3, 2, 1), (1, 1, 1), ((2, 2), (0, 2), (0, 0)), (2, 2, 1), 1, 3, 4, False),
    "groups": ((6, 5), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 4, 3, 8, True),
    "groups, strided": ((6, 5), (3, 2), (2, 2), ((1, 1), (0, 1)), (1, 1), 3, 2, 9, True),
    "groups, two blocks": ((4, 5), (2, 2), (1, 1), ((0, 0), (0, 1)), (1, 1), 4, 16, 8, True),
    "groups, steps": ((9,), (3,), (1,), ((2, 2),), (2,), 2, 3, 4, False),
    "groups, volume": ((4, 5, 3), (2, 3, 2), (1, 2, 1), ((0, 1), (1, 1), (0, 1)), (1, 1, 1), 2, 3, 4, True),
    "depthwise": ((9, 10), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 3, 1, 3, True),
    "depthwise, strided": ((9, 8), (5, 2), (3, 2), ((2, 1), (0, 0)), (1, 1), 3, 1, 3, True),
    "depthwise, apart": ((9, 10), (2, 2), (3, 4), ((0, 0), (0, 0)), (1, 1), 3, 1, 3, True),
    "depthwise, dilated": ((9, 10), (3, 3), (1, 1), ((2, 2), (3, 3)), (2, 3), 3, 1, 3, True),
    "depthwise, both": ((9, 10), (3, 3), (2, 1), ((2, 2), (3, 3)), (2, 3), 3, 1, 3, True),
    "depthwise, first": ((9, 10), (3, 3), (2, 1), ((1, 1), (1, 1)), (1, 1), 3, 1, 3, False),
    "depthwise, multiplied": ((6, 5), (3, 3), (2, 1), ((1, 1), (1, 1)), (1, 1), 3, 1, 6, True),
    "depthwise, large": ((11, 10), (8, 7), (1, 2), ((4, 3), (3, 3)), (1, 1), 3, 1, 3, True),
    "depthwise, larger": ((18, 18), (17, 16), (1, 1), ((8, 8), (8, 8)), (1, 1), 2, 1, 2, True),
    "depthwise, steps": ((9,), (3,), (2,), ((1, 1),), (1,), 3, 1, 6, True),
    "depthwise, volume": ((5, 6, 4), (3, 3, 3), (1, 2, 1), ((1, 1),) * 3, (1, 1, 1), 3, 1, 6, True),
}


def arrays(case, batch=2, dtype="float32"):
    size, window, strides, pads, dilation, groups, channels, features, last = CASES[case]
    slide = Slide(size, window, strides, pads, dilation, groups, last)
    image = lambda space, channels: (batch, *space, channels) if last else (batch, channels, *space)
    shapes = image(size, channels * groups), (*window, channels, features), image(slide.places, features)
    random = np.random.default_rng(0)
    return slide, *(jnp.asarray(random.normal(size=shape), dtype) for shape in shapes)


def three(slide, inputs, kernel, outputs):
    """What each primitive gives, compiled in one program."""
    pairs = {convolve_p: (inputs, kernel), spread_p: (outputs, kernel), correlate_p: (inputs, outputs)}
    plain = lambda pairs: [partial(PLAIN[p], slide=slide)(*args) for p, args in zip(PLAIN, pairs, strict=True)]
    fast = lambda pairs: [p.bind(*args, slide=slide) for p, args in zip(PLAIN, pairs, strict=True)]
    arguments = [pairs[primitive] for primitive in PLAIN]
    return jax.jit(fast)(arguments), jax.jit(plain)(arguments)


@pytest.mark.sample(5)
@pytest.mark.parametrize("case", CASES)
def test_equals_the_plain_one(case):
    for mine, plain in zip(*three(*arrays(case)), strict=True):
        assert mine.dtype == plain.dtype
        np.testing.assert_allclose(mine, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.sample(3)
@pytest.mark.parametrize("batch", [16, 18, 19])
@pytest.mark.parametrize("case", ["image", "image, strided", "image, wide", "volume", "groups"])
def test_equals_the_plain_one_for_many_images(case, batch):
    for mine, plain in zip(*three(*arrays(case, batch)), strict=True):
        np.testing.assert_allclose(mine, plain, rtol=1e-4, atol=1e-3)


@pytest.mark.sample(7)
@pytest.mark.parametrize("batch", [2, 5])
@pytest.mark.parametrize("case", [name for name in CASES if name.startswith("image")])
def test_equals_the_plain_one_where_convolutions_are_xlas(case, batch, monkeypatch):
    monkeypatch.setattr(dense, "FEW_CHANNELS", 1)
    slide, *values = arrays(case, batch)
    for mine, plain in zip(*three(replace(slide, by_xla=True), *values), strict=True):
        np.testing.assert_allclose(mine, plain, rtol=1e-4, atol=1e-4)


def test_convolutions_in_compiled_programs_are_no_librarys():
    _, inputs, kernel, _ = arrays("image, wide", batch=8)
    slope = lambda: jax.grad(lambda k, x: jnp.sum(jnp.sin(conv(x, k, 1, "same", "channels_last", 1))))
    program, plain = compiled(slope()), jax.jit(slope())
    np.testing.assert_allclose(program(kernel, inputs), plain(kernel, inputs), rtol=1e-4, atol=1e-3)
    by_library = re.compile(r"ROOT .* convolution\(")  # a library's part of a program is a computation of its own
    assert not by_library.search(program.lower(kernel, inputs).compile().as_text())


@pytest.mark.parametrize("case", ["image", "pointwise", "groups", "depthwise", "volume"])
def test_no_images(case):
    for mine, plain in zip(*three(*arrays(case, batch=0)), strict=True):
        np.testing.assert_array_equal(mine, plain)


@pytest.mark.sample(2)
@pytest.mark.parametrize("case", ["image", "pointwise", "groups", "depthwise"])
def test_half_precision(case):
    slide, *values = arrays(case, dtype="bfloat16")
    exact = three(slide, *(x.astype("float32") for x in values))[1]
    for mine, plain in zip(three(slide, *values)[0], exact, strict=True):
        assert mine.dtype == jnp.bfloat16
        np.testing.assert_allclose(mine.astype("float32"), plain, rtol=1e-2, atol=1e-2)


@pytest.mark.sample(2)
@pytest.mark.parametrize("case", ["image", "pointwise, strided", "groups", "depthwise", "volume"])
def test_derivatives_in_both_modes_and_of_second_order(case):
    slide, inputs, kernel, _ = arrays(case, batch=1)
    check_grads(lambda *args: jnp.sin(sliding.convolve(*args, slide=slide)), (inputs, kernel), 1, rtol=3e-2, atol=3e-2)
    bend = lambda x, f: jnp.sum(jnp.sin(f(x, kernel, slide=slide)))
    twice = lambda f: jax.jvp(lambda x: jax.grad(bend)(x, f), (inputs,), (inputs,))[1]
    np.testing.assert_allclose(twice(sliding.convolve), twice(sliding.plain_convolve), rtol=1e-3, atol=1e-3)


@pytest.mark.sample(2)
@pytest.mark.parametrize("axes", [(0, None), (None, 1), (2, 1), (1, None), (3, 0)], ids=str)
@pytest.mark.parametrize("case", ["image", "image, first", "groups", "depthwise"])
def test_batches(case, axes):
    slide, inputs, kernel, outputs = arrays(case)
    pairs = {convolve_p: (inputs, kernel), spread_p: (outputs, kernel), correlate_p: (inputs, outputs)}
    for primitive, args in pairs.items():
        many = [x if axis is None else jnp.stack([x, 2 * x, -x], axis) for x, axis in zip(args, axes, strict=True)]
        mine, plain = (jax.vmap(partial(f, slide=slide), axes)(*many) for f in (primitive.bind, PLAIN[primitive]))
        np.testing.assert_allclose(mine, plain, rtol=1e-4, atol=1e-4)


def test_other_platforms_keep_the_plain_one():
    slide, inputs, kernel, _ = arrays("depthwise")
    program = jax.jit(partial(sliding.convolve, slide=slide)).trace(inputs, kernel)
    assert "stablehlo.convolution" in program.lower(lowering_platforms=("cuda",)).as_text()
    assert "stablehlo.convolution" not in program.lower(lowering_platforms=("cpu",)).as_text()


@pytest.mark.parametrize("case, fast", [("image", False), ("pointwise", True), ("depthwise", True), ("groups", False)])
def test_what_a_loop_may_hold(case, fast):
    slide, inputs, kernel, _ = arrays(case)
    program = jax.make_jaxpr(jax.grad(lambda x, k: jnp.sum(sliding.convolve(x, k, slide=slide))))(inputs, kernel)
    assert is_fast_in_a_loop(program) is fast


def test_symbolic_batches_can_be_exported():
    _, inputs, kernel, _ = arrays("depthwise")
    grouped = lambda x, k: jax.grad(lambda x: jnp.sum(conv(x, k, 1, "same", "channels_last", 1) ** 2))(x)
    symbolic = jax.ShapeDtypeStruct(jax.export.symbolic_shape("b, 9, 10, 3"), "float32")
    exported = jax.export.export(jax.jit(grouped), platforms=("cpu", "cuda"))(symbolic, kernel)
    np.testing.assert_allclose(exported.call(inputs, kernel), grouped(inputs, kernel), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", ["image, wide", "depthwise"])
def test_under_shard_map(case):
    slide, inputs, kernel, _ = arrays(case, batch=16)
    mesh = jax.make_mesh((1,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
    slope = jax.grad(lambda kernel, inputs: jnp.sum(sliding.convolve(inputs, kernel, slide=slide) ** 2))
    spec = jax.sharding.PartitionSpec
    split = jax.shard_map(slope, mesh=mesh, in_specs=(spec(), spec("batch")), out_specs=spec())
    np.testing.assert_allclose(jax.jit(split)(kernel, inputs), slope(kernel, inputs), rtol=1e-4, atol=1e-3)
