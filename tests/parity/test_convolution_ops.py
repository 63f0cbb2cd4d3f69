"""Convolutions, pooling, and the gradients of ops, against Keras on its JAX backend."""

import jax
import keras
import numpy as np
import pytest
from op_cases import IMG, SEQ, T3, F, G, Q, R, U, V, case
from test_ops import arrays, assert_close, find

import lamella
from lamella.graph import KerasTensor

DATA = {"channels_last": IMG, "channels_first": IMG.transpose(0, 3, 1, 2).copy()}
CONVS = [
    {"strides": 1, "padding": "valid", "dilation_rate": 1},
    {"strides": 2, "padding": "same", "dilation_rate": 1},
    {"strides": 1, "padding": "same", "dilation_rate": 2},
    {"strides": (2, 1), "padding": "valid", "dilation_rate": 1},
]


@pytest.mark.sample(14)
@pytest.mark.parametrize("data_format", DATA)
@pytest.mark.parametrize("how", CONVS, ids=str)
@pytest.mark.parametrize(
    "name, kernels",
    [
        ("conv", [(3, 2, 3, 4)]),
        ("conv", [(3, 2, 1, 6)]),
        ("depthwise_conv", [(3, 2, 3, 2)]),
        ("separable_conv", [(2, 2, 3, 2), (1, 1, 6, 4)]),
        ("conv_transpose", [(3, 2, 4, 3)]),
    ],
)
def test_convolution(name, kernels, how, data_format):
    weights = [R.normal(size=shape).astype("float32") for shape in kernels]
    if name == "separable_conv" and how["strides"] == (2, 1):
        how = {**how, "strides": 2}
    call = dict(how, data_format=data_format)
    x = DATA[data_format]
    mine, theirs = getattr(lamella.ops, name)(x, *weights, **call), getattr(keras.ops, name)(x, *weights, **call)
    assert_close([np.asarray(mine) / 10], [np.asarray(theirs) / 10])
    assert getattr(lamella.ops, name)(KerasTensor(x.shape), *weights, **call).shape == mine.shape


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("output_padding", [None, 0, 1])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_transposed_convolution_sizes(rank, output_padding, padding):
    x = R.normal(size=(1, *(4,) * rank, 2)).astype("float32")
    kernel = R.normal(size=(*(3,) * rank, 1, 2)).astype("float32")
    call = {"strides": 2, "padding": padding, "output_padding": output_padding}
    mine, theirs = (package.ops.conv_transpose(x, kernel, **call) for package in (lamella, keras))
    assert_close([np.asarray(mine)], [np.asarray(theirs)])


@pytest.mark.sample(5)
@pytest.mark.parametrize("data_format", DATA)
@pytest.mark.parametrize(
    "how", [(2, None, "valid"), (3, 2, "same"), ((2, 3), (1, 2), "valid"), ((2, 3), (1, 1), "same")], ids=str
)
@pytest.mark.parametrize("name", ["max_pool", "average_pool"])
def test_pooling(name, how, data_format):
    x, (size, strides, padding) = DATA[data_format], how
    mine = getattr(lamella.ops, name)(x, size, strides, padding, data_format)
    theirs = getattr(keras.ops, name)(x, size, strides or size, padding, data_format)  # its strides=None breaks on JAX
    assert_close([np.asarray(mine)], [np.asarray(theirs)])


@pytest.mark.sample(2)
@pytest.mark.parametrize("data_format", DATA)
@pytest.mark.parametrize("size", [2, (4, 3), (6, 5)], ids=str)
@pytest.mark.parametrize("name", ["adaptive_max_pool", "adaptive_average_pool"])
def test_adaptive_pooling(name, size, data_format):
    x = DATA[data_format]
    mine, theirs = (getattr(package.ops, name)(x, size, data_format) for package in (lamella, keras))
    assert_close([np.asarray(mine)], [np.asarray(theirs)])


K = {
    shape: R.normal(size=shape).astype("float32") for shape in ((2, 2, 3, 1), (2, 2, 3, 2), (2, 2, 4, 3), (1, 1, 3, 4))
}
GRADIENTS = [
    *[
        case(name, F)
        for name in [
            "relu",
            "gelu",
            "silu",
            "softmax",
            "log_softmax",
            "sparsemax",
            "normalize",
            "var",
            "std",
            "logsumexp",
            "softplus",
        ]
    ],
    case("max_pool", IMG, 2, 2, "same"),
    case("average_pool", IMG, 3, 2, "same"),
    case("average_pool", IMG, 2, 2),
    case("adaptive_average_pool", IMG, (4, 3)),
    case("conv", IMG, K[1, 1, 3, 4], 2),
    case("depthwise_conv", IMG, K[2, 2, 3, 1], 2, "same"),
    case("depthwise_conv", IMG, K[2, 2, 3, 2]),
    case("conv_transpose", IMG, K[2, 2, 4, 3], 2, "same"),
    case("batch_normalization", F, V, U[0], -1, V, U[1]),
    case("layer_normalization", T3, T3[0, 0], T3[0, 1]),
    case("rms_normalization", T3, T3[0, 0]),
    case("dot_product_attention", Q, Q, Q, is_causal=True),
    case("binary_crossentropy", U, F, from_logits=True),
    case("categorical_crossentropy", U, U),
    case("ctc_loss", np.array([[1, 2, 0], [3, 3, 1]]), SEQ, np.array([2, 3]), np.array([5, 7])),
    case("image.resize", IMG, (4, 5)),
    case("einsum", "ij,kj->ik", F, G),
]


@pytest.mark.sample(7)
@pytest.mark.parametrize("name, args, kwargs", GRADIENTS)
def test_gradients_inside_of_compiled_code(name, args, kwargs):
    places = [i for i, a in enumerate(args) if isinstance(a, np.ndarray) and a.dtype == np.float32]

    def gradients(package):
        def total(values):
            filled = list(args)
            for place, value in zip(places, values, strict=True):
                filled[place] = value
            out = find(package.ops, name)(*filled, **kwargs)
            return (out * jax.numpy.cos(jax.numpy.arange(out.size)).reshape(out.shape)).sum()

        return arrays(jax.jit(jax.grad(total))([jax.numpy.asarray(args[i]) for i in places]))

    for mine, theirs in zip(gradients(lamella), gradients(keras), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)
