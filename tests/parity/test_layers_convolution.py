"""Convolutions against Keras."""

from itertools import product

import pytest
from layer_parity import array, check

INPUTS = {1: array((2, 7, 4)), 2: array((2, 6, 7, 4)), 3: array((2, 4, 5, 4, 2))}
FIRST = {1: array((2, 4, 7)), 2: array((2, 4, 6, 7))}
SAME = {"strides": 2, "padding": "same", "activation": "relu"}
RULES = {"bias_regularizer": "l2", "activity_regularizer": "l1"}
CONV = [
    {},
    SAME,
    {"groups": 2, "use_bias": False, "kernel_regularizer": "l2", **RULES},
    {"dilation_rate": 2, "kernel_initializer": "he_uniform"},
]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("rank", "kwargs"), [*product((1, 2), CONV), (3, CONV[1])])
def test_conv(rank, kwargs):
    check(f"Conv{rank}D", INPUTS[rank], 4, 3, **kwargs)


@pytest.mark.parametrize("kwargs", [{"strides": 2}, {"dilation_rate": 2}, {"groups": 2}])
def test_causal(kwargs):
    check("Conv1D", INPUTS[1], 4, 3, padding="causal", **kwargs)


def test_asymmetric_arguments():
    check("Conv2D", INPUTS[2], 3, (2, 3), strides=(2, 1), padding="same")


def test_lora():
    check("Conv2D", INPUTS[2], 3, 2, lora_rank=2)


SPREAD = [{}, SAME, {"output_padding": 1, "strides": 2, **RULES}, {"dilation_rate": 2}]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("rank", "kwargs"), [(1, {}), *product([2], SPREAD), (3, SAME)])
def test_transpose(rank, kwargs):
    check(f"Conv{rank}DTranspose", INPUTS[rank], 3, 3, **kwargs)


@pytest.mark.sample(2)
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("size", [2, 4])
def test_transpose_sizes(size, padding):
    check("Conv1DTranspose", INPUTS[1], 2, size, strides=3, padding=padding)
    check("Conv1DTranspose", INPUTS[1], 2, size, strides=3, padding=padding, output_padding=2)


@pytest.mark.sample(2)
@pytest.mark.parametrize("kwargs", [{}, SAME, {"depth_multiplier": 2, "dilation_rate": 2, **RULES}])
@pytest.mark.parametrize("rank", [1, 2])
def test_depthwise(rank, kwargs):
    check(f"DepthwiseConv{rank}D", INPUTS[rank], 3, **kwargs)


@pytest.mark.sample(2)
@pytest.mark.parametrize("kwargs", [{}, SAME, {"depth_multiplier": 2, "pointwise_constraint": "max_norm", **RULES}])
@pytest.mark.parametrize("rank", [1, 2])
def test_separable(rank, kwargs):
    check(f"SeparableConv{rank}D", INPUTS[rank], 5, 3, **kwargs)


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", ["Conv", "SeparableConv"])
@pytest.mark.parametrize("rank", [1, 2])
def test_channels_first(rank, name):
    check(f"{name}{rank}D", FIRST[rank], 4, 3, data_format="channels_first", padding="same")


@pytest.mark.parametrize("rank", [1, 2])
def test_channels_first_depthwise_and_transposed(rank):
    check(f"DepthwiseConv{rank}D", FIRST[rank], 3, data_format="channels_first")
    check(f"Conv{rank}DTranspose", FIRST[rank], 2, 3, data_format="channels_first", strides=2)
