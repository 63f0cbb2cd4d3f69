"""Batches against those of Keras's data adapters, for the same NumPy seed."""

import keras
import numpy as np
import pytest
from keras.src.trainers.data_adapters import get_data_adapter
from keras.src.trainers.data_adapters.array_slicing import train_validation_split as keras_split

from lamella.train.feed import feed, train_validation_split
from lamella.train.feed.pack import Batch


def flat(batches):
    plain = [tuple(batch) if isinstance(batch, Batch) else batch for batch in batches]
    return [[np.asarray(leaf).tolist() for leaf in keras.tree.flatten(batch) if leaf is not None] for batch in plain]


X = {"b": np.arange(22.0).reshape(11, 2), "a": np.arange(11)}
Y = np.arange(11) % 3


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 4},
        {"steps_per_epoch": 3},
        {"sample_weight": np.arange(11.0)},
        {"class_weight": {0: 2.0, 2: 0.5}, "batch_size": 3},
    ],
)
def test_arrays(shuffle, options):
    np.random.seed(7)
    adapter = get_data_adapter(X, Y, shuffle=shuffle, **options)
    theirs = [flat(adapter.get_jax_iterator()) for _ in range(2)]
    np.random.seed(7)
    steps = options.pop("steps_per_epoch", None)
    ours = feed(X, Y, shuffle=shuffle, steps=steps, **options)
    assert [flat(ours.batches()) for _ in range(2)] == theirs
    assert (ours.num_batches, ours.batch_size) == (adapter.num_batches, adapter.batch_size)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.99])
@pytest.mark.parametrize("count", [2, 5, 11])
def test_validation_split(count, fraction):
    arrays = (np.arange(count), np.arange(count) * 2, None)
    try:
        theirs = keras_split(arrays, fraction)
    except ValueError:
        with pytest.raises(ValueError, match="leaves none"):
            train_validation_split(arrays, fraction)
        return
    for a, b in zip(train_validation_split(arrays, fraction), theirs, strict=True):
        assert flat(a) == flat([None if c is None else c.array if hasattr(c, "array") else c for c in b])


@pytest.mark.parametrize("y", [np.array([0, 1, 2, 1]), np.array([[0], [2], [1], [7]]), np.eye(3)[[0, 2, 1]]])
def test_class_weights(y):
    from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights as theirs

    from lamella.train.feed import class_weight_to_sample_weights as ours

    weights = {0: 0.5, 2: 3.0}
    np.testing.assert_array_equal(ours(y, weights), theirs(y, weights))
