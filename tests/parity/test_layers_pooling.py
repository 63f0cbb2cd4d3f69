"""Pooling layers against Keras."""

import keras
import numpy as np
import pytest
from layer_parity import array, check

import lamella

LAST = {1: array((2, 7, 3)), 2: array((2, 6, 7, 3)), 3: array((2, 4, 5, 6, 2))}
FIRST = {1: array((2, 3, 7)), 2: array((2, 3, 6, 7))}


@pytest.mark.sample(5)
@pytest.mark.parametrize("kwargs", [{}, {"strides": 1}, {"pool_size": 3, "strides": 2, "padding": "same"}])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_pooling(kind, rank, kwargs):
    check(f"{kind}Pooling{rank}D", LAST[rank], **{"pool_size": 2, **kwargs})


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_channels_first(kind, rank):
    check(f"{kind}Pooling{rank}D", FIRST[rank], 2, data_format="channels_first")
    check(f"Global{kind}Pooling{rank}D", FIRST[rank], data_format="channels_first")


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_global_pooling(kind, rank, keepdims):
    check(f"Global{kind}Pooling{rank}D", LAST[rank], keepdims=keepdims)


def test_global_average_with_mask():
    mask = np.array([[1, 1, 0, 0, 1, 0, 0], [1, 1, 1, 1, 1, 1, 0]], bool)
    for keepdims in (False, True):
        theirs, ours = (
            m.layers.GlobalAveragePooling1D(keepdims=keepdims)(LAST[1], mask=mask) for m in (keras, lamella)
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.sample(4)
@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize(("rank", "size"), [(1, 3), (1, 5), (2, (3, 4)), (3, 1)])
def test_adaptive_pooling(kind, rank, size):
    check(f"Adaptive{kind}Pooling{rank}D", LAST[rank], size)
