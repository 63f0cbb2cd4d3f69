"""Layers that rearrange, against Keras."""

import keras
import numpy as np
import pytest
from layer_parity import array, check

import lamella

X2, X3, X4, X5 = array((2, 6)), array((2, 4, 6)), array((2, 4, 6, 3)), array((2, 3, 4, 5, 2))
FIRST = {"data_format": "channels_first"}


@pytest.mark.sample(14)
@pytest.mark.parametrize(
    ("name", "x", "kwargs"),
    [
        ("Flatten", X2, {}),
        ("Flatten", X4, {}),
        ("Flatten", X4, FIRST),
        ("Flatten", array((3,)), {}),
        ("Reshape", X3, {"target_shape": (6, 4)}),
        ("Reshape", X3, {"target_shape": (-1, 3)}),
        ("Reshape", X3, {"target_shape": [24]}),
        ("Permute", X3, {"dims": (2, 1)}),
        ("Permute", X4, {"dims": (3, 1, 2)}),
        ("RepeatVector", X2, {"n": 3}),
        ("ZeroPadding1D", X3, {}),
        ("ZeroPadding1D", X3, {"padding": (2, 0)}),
        ("ZeroPadding1D", X3, {"padding": 1, **FIRST}),
        ("ZeroPadding2D", X4, {}),
        ("ZeroPadding2D", X4, {"padding": 2}),
        ("ZeroPadding2D", X4, {"padding": (1, 2)}),
        ("ZeroPadding2D", X4, {"padding": ((0, 1), (2, 3)), **FIRST}),
        ("ZeroPadding3D", X5, {}),
        ("ZeroPadding3D", X5, {"padding": ((0, 1), (1, 0), (2, 2)), **FIRST}),
        ("Cropping1D", X3, {}),
        ("Cropping1D", X3, {"cropping": (0, 2)}),
        ("Cropping2D", X4, {}),
        ("Cropping2D", X4, {"cropping": (1, 2)}),
        ("Cropping2D", array((2, 3, 5, 6)), {"cropping": ((0, 1), (2, 0)), **FIRST}),
        ("Cropping3D", array((2, 4, 5, 6, 2)), {}),
        ("Cropping3D", X5, {"cropping": ((0, 1), (1, 0), (2, 2))}),
        ("UpSampling1D", X3, {"size": 3}),
        ("UpSampling2D", X4, {}),
        ("UpSampling2D", X4, {"size": (1, 3), **FIRST}),
        ("UpSampling2D", X4, {"size": 2, "interpolation": "bilinear"}),
        ("UpSampling2D", X4, {"size": 2, "interpolation": "bicubic", **FIRST}),
        ("UpSampling3D", X5, {}),
        ("UpSampling3D", X5, {"size": (1, 2, 3), **FIRST}),
    ],
)
def test_rearranging(name, x, kwargs):
    check(name, x, **kwargs)


@pytest.mark.parametrize(
    ("name", "shape", "args"),
    [
        ("Flatten", (None, None, 3), ()),
        ("Reshape", (None, None, 3), ((-1, 6),)),
        ("ZeroPadding2D", (None, None, 4, 3), (1,)),
        ("Cropping2D", (None, None, 4, 3), (1,)),
        ("UpSampling2D", (None, None, 4, 3), (2,)),
        ("Permute", (None, None, 3), ((2, 1),)),
    ],
)
def test_unknown_sizes(name, shape, args):
    theirs, ours = (getattr(module.layers, name)(*args) for module in (keras, lamella))
    assert tuple(ours.compute_output_shape(shape)) == tuple(theirs.compute_output_shape(shape))
    assert ours(lamella.Input(shape[1:])).shape == theirs(keras.Input(shape[1:])).shape


def test_integers_stay_integers():
    tokens = array((2, 4, 6), "int32")
    for name, args in [("Flatten", ()), ("Reshape", ((6, 4),)), ("Permute", ((2, 1),)), ("ZeroPadding1D", ())]:
        layer = getattr(lamella.layers, name)(*args)
        expected = getattr(keras.layers, name)(*args)(tokens)
        np.testing.assert_array_equal(layer(tokens), expected)
        assert layer(tokens).dtype == expected.dtype
        assert layer(lamella.Input((4, 6), dtype="int32")).dtype == "int32"
