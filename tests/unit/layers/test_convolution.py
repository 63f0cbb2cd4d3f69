"""Convolutions: what they refuse, and what only they do."""

import numpy as np
import pytest

from lamella import layers
from lamella.errors import ArgumentError, ShapeError


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Conv2D(0, 3), "Conv2D cannot take filters=0"),
        (lambda: layers.Conv2D(5, 3, groups=2), "Conv2D cannot take filters=5.\n  expected  a multiple of groups=2"),
        (lambda: layers.Conv2D(4, 3, groups=0), "cannot take groups=0"),
        (
            lambda: layers.Conv2D(4, 0),
            "cannot take kernel_size=0.\n  expected  an integer or 2 integers, each at least 1",
        ),
        (lambda: layers.Conv2D(4, (3, 3, 3)), "cannot take kernel_size=(3, 3, 3)"),
        (lambda: layers.Conv2D(4, "3"), "cannot take kernel_size='3'"),
        (lambda: layers.Conv2D(4, 3, strides=(1, 0)), "cannot take strides=(1, 0)"),
        (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), "cannot take dilation_rate=2"),
        (lambda: layers.Conv2D(4, 3, padding="causal"), "cannot take padding='causal'.\n  expected  'valid' or 'same'"),
        (lambda: layers.Conv2D(4, 3, data_format="last"), "Unknown data_format"),
        (lambda: layers.Conv2DTranspose(4, 3, strides=2, output_padding=2), "cannot take output_padding=2"),
        (lambda: layers.Conv2DTranspose(4, 3, strides=2, dilation_rate=2), "cannot take dilation_rate=2"),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "cannot take depth_multiplier=0"),
        (lambda: layers.SeparableConv1D(3, 3, depth_multiplier=-1), "cannot take depth_multiplier=-1"),
    ],
)
def test_constructor_refuses(make, text):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "shape", "text"),
    [
        (layers.Conv2D(4, 3), (8, 3), "expected  rank 4"),
        (layers.Conv2D(4, 3), (8, 8, None), "needs to know the size of axis -1"),
        (layers.Conv2D(4, 3, groups=2), (8, 8, 3), "cannot split its input into groups=2"),
        (layers.Conv2D(4, 9), (8, 8, 3), "would leave nothing of its input"),
        (layers.Conv1D(4, 3, dilation_rate=4), (8, 3), "would leave nothing of its input"),
        (layers.DepthwiseConv1D(3), (8, None), "needs to know the size of axis -1"),
    ],
)
def test_input_refused(layer, shape, text):
    with pytest.raises(ShapeError) as caught:
        layer(layers.Input(shape))
    assert text in str(caught.value)


def test_channels_hold_once_built():
    conv = layers.Conv2D(4, 3)
    conv.build((None, 8, 8, 3))
    with pytest.raises(ShapeError, match="3 in axis -1"):
        conv(np.ones((1, 8, 8, 4)))


def test_causal_sees_no_later_step():
    conv = layers.Conv1D(2, 3, padding="causal", dilation_rate=2)
    x = np.random.default_rng(0).normal(size=(1, 8, 2)).astype("float32")
    later = x.copy()
    later[:, 5:] += 1
    np.testing.assert_array_equal(conv(x)[:, :5], conv(later)[:, :5])
    assert not np.allclose(conv(x)[:, 5:], conv(later)[:, 5:])


def test_convolution_op_can_be_replaced():
    class Standardized(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel - np.mean(kernel))

    layer = Standardized(2, 3, kernel_initializer="ones")
    assert np.abs(layer(np.ones((1, 4, 4, 1)))).max() < 1e-6


def test_unknown_sizes_stay_unknown():
    for layer in (
        layers.Conv2D(4, 3, padding="same", strides=2),
        layers.Conv2DTranspose(4, 3),
        layers.DepthwiseConv2D(3),
    ):
        assert layer(layers.Input((None, None, 4))).shape == (None, None, None, 4)


def test_aliases():
    assert layers.Convolution2D is layers.Conv2D
    assert layers.SeparableConvolution1D is layers.SeparableConv1D
    assert layers.Convolution3DTranspose is layers.Conv3DTranspose


def test_conv3d_transpose_has_its_own_order_of_arguments():
    layer = layers.Conv3DTranspose(2, 3, 2, "same", "channels_first", 1)
    assert (layer.data_format, layer.output_padding) == ("channels_first", (1, 1, 1))
