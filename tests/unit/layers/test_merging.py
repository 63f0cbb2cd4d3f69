"""Layers over a list of tensors: what they refuse, and masks."""

import numpy as np
import pytest

from lamella import layers
from lamella.errors import ArgumentError, ShapeError
from lamella.state import get_mask

ONE, TWO = np.ones((2, 3)), 2 * np.ones((2, 3))


@pytest.mark.parametrize(
    ("layer", "inputs", "text"),
    [
        (layers.Add(), ONE, "a list of tensors"),
        (layers.Add(), [ONE, np.ones((2, 4))], "equal, or 1 where they differ"),
        (layers.Add(), [ONE, np.ones((4, 3))], "tensors with one batch size"),
        (layers.Subtract(), [ONE, ONE, ONE], "two tensors"),
        (layers.Concatenate(), ONE, "a list of tensors"),
        (layers.Concatenate(), [ONE, np.ones((4, 3))], "differ along axis -1 only"),
        (layers.Concatenate(), [ONE, np.ones((2, 3, 1))], "tensors of one rank"),
        (layers.Concatenate(axis=3), [ONE, ONE], "with an axis 3"),
        (layers.Dot(1), [ONE, np.ones((2, 4))], "as many numbers in axis 1 of the first as in axis 1 of the second"),
        (layers.Dot(1), [ONE, ONE, ONE], "two tensors"),
        (layers.Dot(2), [ONE, ONE], "with axes=2 beside the batch"),
    ],
)
def test_input_refused(layer, inputs, text):
    with pytest.raises(ShapeError) as caught:
        layer(inputs)
    assert text in str(caught.value)


@pytest.mark.parametrize("axes", ["1", (1, 2, 3), (1, "2"), 0, (0, 1)])
def test_dot_refuses_axes(axes):
    with pytest.raises(ArgumentError, match="Dot cannot take axes="):
        layers.Dot(axes)


def test_concatenate_along_the_batch():
    assert layers.Concatenate(axis=0)([ONE, np.ones((4, 3))]).shape == (6, 3)


def test_shapes_with_unknown_sizes():
    add = layers.Add()
    assert add.compute_output_shape([(None, 3), (2, 1)]) == (2, 3)
    assert add.compute_output_shape([(None, None, 3), (None, 4, 3)]) == (None, None, 3)
    assert layers.Concatenate().compute_output_shape([(None, 3), (None, None)]) == (None, None)


def test_integers_stay_integers():
    tokens = [layers.Input((3,), dtype="int32")] * 2
    assert layers.Concatenate()(tokens).dtype == "int32"
    assert layers.Add()([ONE.astype("int32")] * 2).dtype == "int32"


def test_a_mask_is_there_if_every_input_has_one():
    masked = layers.Masking()(np.array([[[0.0], [1.0]]]))
    other = layers.Masking()(np.array([[[0.0], [0.0]]]))
    assert np.asarray(get_mask(layers.Add()([masked, other]))).tolist() == [[False, True]]
    assert get_mask(layers.Add()([masked, np.ones((1, 2, 1))])) is None
    joined = layers.Concatenate(axis=1)([masked, np.ones((1, 1, 1))])
    assert np.asarray(get_mask(joined)).tolist() == [[False, True, True]]


def test_masked_steps_do_not_win():
    masked = layers.Masking(9.0)(np.array([[[9.0], [1.0]]]))
    assert np.asarray(layers.maximum([masked, -np.ones((1, 2, 1))])).ravel().tolist() == [-1.0, 1.0]
    assert np.asarray(layers.multiply([masked, 5 * np.ones((1, 2, 1))])).ravel().tolist() == [5.0, 5.0]
