"""Configs as Keras 2 wrote them."""

import keras
import pytest

import lamella
from lamella.legacy.saving import deserialize_keras_object, serialize_keras_object


class Scale:
    def __init__(self, factor, inner=None):
        self.factor, self.inner = factor, inner

    def get_config(self):
        return {"factor": self.factor, "inner": self.inner}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def twice(x):
    return 2 * x


def test_as_in_keras():
    for written in (Scale(2), Scale(2, Scale(3)), Scale(1, twice), twice, None):
        assert serialize_keras_object(written) == keras.legacy.saving.serialize_keras_object(written)


def test_there_and_back():
    objects = {"Scale": Scale, "twice": twice}
    again = deserialize_keras_object(serialize_keras_object(Scale(2, Scale(3, twice))), objects)
    assert (again.factor, again.inner.factor, again.inner.inner) == (2, 3, twice)
    assert deserialize_keras_object("twice", objects) is twice
    assert deserialize_keras_object(twice) is twice
    assert deserialize_keras_object(None) is None
    dense = serialize_keras_object(lamella.layers.Dense(3, activation="relu"))
    assert lamella.utils.legacy.deserialize_keras_object(dense, {"Dense": lamella.layers.Dense}).units == 3


@pytest.mark.parametrize("wrong", ["nothing", {"class_name": "nothing", "config": {}}, {"class_name": "Scale"}, 3])
def test_what_describes_nothing(wrong):
    with pytest.raises(ValueError):
        deserialize_keras_object(wrong, {"Scale": Scale})
    with pytest.raises(ValueError, match="get_config"):
        serialize_keras_object(3)
