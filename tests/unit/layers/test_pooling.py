"""Pooling layers: what they refuse."""

import numpy as np
import pytest

from lamella import layers
from lamella.errors import ArgumentError, ShapeError


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.MaxPooling2D(0), "MaxPooling2D cannot take pool_size=0"),
        (lambda: layers.MaxPooling2D(2, strides=0), "cannot take strides=0"),
        (lambda: layers.AveragePooling1D((2, 2)), "cannot take pool_size=(2, 2)"),
        (lambda: layers.MaxPooling2D(2, padding="full"), "cannot take padding='full'"),
        (lambda: layers.AdaptiveMaxPooling2D((2,)), "cannot take output_size=(2,)"),
        (lambda: layers.AdaptiveAveragePooling1D("2"), "cannot take output_size='2'"),
        (lambda: layers.GlobalMaxPooling1D("last"), "Unknown data_format"),
    ],
)
def test_constructor_refuses(make, text):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert text in str(caught.value)


def test_input_refused():
    with pytest.raises(ShapeError, match="rank 4"):
        layers.MaxPooling2D()(np.ones((2, 4, 4)))
    with pytest.raises(ShapeError, match="would leave nothing"):
        layers.MaxPooling2D(5)(layers.Input((4, 4, 1)))


def test_strides_are_the_pool_size():
    assert layers.MaxPooling2D((2, 3)).strides == (2, 3)


def test_average_counts_only_the_input():
    out = layers.AveragePooling1D(2, padding="same")(np.ones((1, 3, 1)))
    assert np.asarray(out).ravel().tolist() == [1.0, 1.0]


def test_unknown_sizes():
    assert layers.MaxPooling2D()(layers.Input((None, 8, 3))).shape == (None, None, 4, 3)
    assert layers.GlobalAveragePooling2D()(layers.Input((None, None, 3))).shape == (None, 3)
    assert layers.AdaptiveMaxPooling2D(2).compute_output_shape((None, None, None, 3)) == (None, 2, 2, 3)


@pytest.mark.parametrize("layer", [layers.AdaptiveMaxPooling1D(5), layers.AdaptiveAveragePooling1D(5)])
def test_as_many_windows_as_places_change_nothing(layer):
    x = np.arange(10.0, dtype="float32").reshape(1, 5, 2)
    np.testing.assert_array_equal(layer(x), x)


def test_aliases():
    assert layers.MaxPool1D is layers.MaxPooling1D and layers.AvgPool3D is layers.AveragePooling3D
    assert layers.GlobalAvgPool2D is layers.GlobalAveragePooling2D
