"""Layers that rearrange: what they refuse."""

import numpy as np
import pytest

from lamella import layers
from lamella.errors import ArgumentError, ShapeError


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Reshape((-1, -1)), "Reshape cannot take target_shape=(-1, -1)"),
        (lambda: layers.Reshape((-2, 3)), "Reshape cannot take target_shape=(-2, 3)"),
        (lambda: layers.Permute((0, 1)), "Permute cannot take dims=(0, 1)"),
        (lambda: layers.Permute((1, 3)), "Permute cannot take dims=(1, 3)"),
        (lambda: layers.RepeatVector(0), "RepeatVector cannot take n=0"),
        (lambda: layers.RepeatVector(1.5), "RepeatVector cannot take n=1.5"),
        (lambda: layers.ZeroPadding1D((1, 2, 3)), "ZeroPadding1D cannot take padding=(1, 2, 3)"),
        (lambda: layers.ZeroPadding2D((1, 2, 3)), "ZeroPadding2D cannot take padding=(1, 2, 3)"),
        (lambda: layers.ZeroPadding2D(-1), "ZeroPadding2D cannot take padding=-1"),
        (lambda: layers.ZeroPadding3D("1"), "ZeroPadding3D cannot take padding='1'"),
        (lambda: layers.Cropping1D(-1), "Cropping1D cannot take cropping=-1"),
        (lambda: layers.Cropping2D(((1, 2), (3, -4))), "Cropping2D cannot take cropping=(3, -4)"),
        (lambda: layers.Cropping2D((1,)), "Cropping2D cannot take cropping=(1,)"),
        (lambda: layers.UpSampling1D(0), "UpSampling1D cannot take size=0"),
        (lambda: layers.UpSampling2D((2, 2, 2)), "UpSampling2D cannot take size=(2, 2, 2)"),
        (lambda: layers.UpSampling2D(2, interpolation="linear"), "cannot take interpolation='linear'"),
    ],
)
def test_constructor_refuses(make, text):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "shape", "text"),
    [
        (layers.Reshape((2, 5)), (3, 4), "cannot make (2, 5) of its input.\n  expected  10 numbers a sample"),
        (layers.Reshape((-1, 5)), (3, 4), "expected  a multiple of 5 numbers a sample"),
        (layers.Permute((2, 1)), (3, 4, 5), "rank 3"),
        (layers.RepeatVector(2), (3, 4), "rank 2"),
        (layers.Cropping1D(2), (4, 1), "would leave nothing of axis 1"),
        (layers.Cropping2D(((0, 0), (5, 5))), (8, 8, 1), "would leave nothing of axis 2"),
        (layers.ZeroPadding2D(1), (4, 1), "rank 4"),
    ],
)
def test_input_refused(layer, shape, text):
    for inputs in (layers.Input(shape), np.ones((2, *shape), "float32")):
        with pytest.raises(ShapeError) as caught:
            layer(inputs)
        assert text in str(caught.value)


def test_flatten_of_nothing_but_a_batch():
    assert layers.Flatten()(np.ones((3,))).shape == (3, 1)
