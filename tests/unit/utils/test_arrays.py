"""to_categorical, normalize, pad_sequences, split_dataset, windows over a series: as in Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import lamella
from lamella.errors import ArgumentError, DataError
from lamella.utils import (
    normalize,
    pad_sequences,
    split_dataset,
    timeseries_dataset_from_array,
    to_categorical,
)


@pytest.mark.parametrize("x", [[0, 2, 1], [[0], [2]], [[[1], [0]]], 3])
@pytest.mark.parametrize("count", [None, 5])
def test_to_categorical(x, count):
    expected = keras.utils.to_categorical(x, count)
    ours = to_categorical(x, count)
    assert ours.dtype == expected.dtype
    np.testing.assert_array_equal(ours, expected)


def test_to_categorical_of_jax_arrays():
    x = np.array([[0], [2]])
    np.testing.assert_array_equal(
        to_categorical(lamella.ops.convert_to_tensor(x), 3), keras.utils.to_categorical(keras.ops.array(x), 3)
    )


def test_to_categorical_out_of_range():
    with pytest.raises(DataError, match="out of range"):
        to_categorical([0, 3], 3)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("order", [1, 2])
def test_normalize(axis, order):
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(normalize(x, axis, order), keras.utils.normalize(x, axis, order))


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 2, 5])
def test_pad_sequences(padding, truncating, maxlen):
    arguments = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": -1}
    for sequences in ([[1], [2, 3, 4], []], [np.ones((1, 2)), np.ones((3, 2))]):
        expected = keras.utils.pad_sequences(sequences, **arguments)
        np.testing.assert_array_equal(pad_sequences(sequences, **arguments), expected)


def test_pad_sequences_of_texts():
    assert pad_sequences([["a"], ["b", "c"]], dtype=object, value="").tolist() == [["", "a"], ["b", "c"]]
    with pytest.raises(ArgumentError, match="dtype of texts"):
        pad_sequences([["a"]], value="")


def test_pad_sequences_refuses():
    with pytest.raises(DataError, match="list of sequences"):
        pad_sequences([1, 2])
    with pytest.raises(DataError, match="another shape"):
        pad_sequences([np.ones((1, 2)), np.ones((1, 3))])
    with pytest.raises(ArgumentError, match="padding='left'"):
        pad_sequences([[1]], padding="left")


@pytest.mark.parametrize(("left", "right", "lengths"), [(0.8, None, (8, 2)), (None, 3, (7, 3)), (0.5, 0.2, (5, 2))])
def test_split_dataset(left, right, lengths):
    x, y = np.arange(20).reshape(10, 2), np.arange(10)
    parts = split_dataset((x, y), left, right)
    assert tuple(map(len, parts)) == lengths
    np.testing.assert_array_equal(np.stack([sample for sample, _ in parts[0]]), x[: lengths[0]])
    np.testing.assert_array_equal([label for _, label in parts[1]], y[-lengths[1] :])
    (batch, labels), *_ = parts[0].batch(4)
    assert batch.shape == (4, 2) and labels.tolist() == [0, 1, 2, 3]


def test_split_dataset_shuffles_by_seed():
    first, second = (list(split_dataset(np.arange(10), 0.5, shuffle=True, seed=3)[0]) for _ in range(2))
    assert first == second != list(range(5))


@pytest.mark.parametrize("sizes", [(None, None), (0, None), (10, None), (0.9, 0.9), (1.5, None)])
def test_split_dataset_refuses(sizes):
    with pytest.raises(ArgumentError):
        split_dataset(np.arange(10), *sizes)


def test_windows():
    data, targets = np.arange(20), np.arange(100, 120)
    batches = timeseries_dataset_from_array(data, targets, 3, sequence_stride=2, sampling_rate=2, batch_size=4)
    assert len(batches) == 2
    windows, labels = batches[1]
    assert windows.tolist() == [[8, 10, 12], [10, 12, 14], [12, 14, 16], [14, 16, 18]]
    assert labels.tolist() == [108, 110, 112, 114]


def test_windows_of_a_part_without_targets():
    batches = timeseries_dataset_from_array(np.arange(20), None, 2, start_index=5, end_index=9)
    assert batches[0].tolist() == [[5, 6], [6, 7], [7, 8]]


def test_windows_in_random_order_hold_all():
    batches = timeseries_dataset_from_array(np.arange(50), None, 1, shuffle=True, seed=1, batch_size=8)
    first = np.concatenate(list(batches)).ravel()
    batches.on_epoch_end()
    second = np.concatenate(list(batches)).ravel()
    assert sorted(first) == sorted(second) == list(range(50)) and first.tolist() != second.tolist()


@pytest.mark.parametrize(
    "wrong", [{"start_index": 30}, {"end_index": 30}, {"sampling_rate": 0}, {"sequence_stride": 20}, {"format": "list"}]
)
def test_windows_refuse(wrong):
    with pytest.raises(ArgumentError):
        timeseries_dataset_from_array(np.arange(20), None, 3, **wrong)


def test_windows_train_a_model():
    model = lamella.Sequential([lamella.Input((4,)), lamella.layers.Dense(1)])
    model.compile("sgd", "mse")
    batches = timeseries_dataset_from_array(np.arange(20.0), np.arange(4.0, 20.0), 4, batch_size=8)
    assert len(model.fit(batches, epochs=2, verbose=0).history["loss"]) == 2
