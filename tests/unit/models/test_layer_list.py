"""`model.layers` is a list to read: changes that would have no effect are refused, with the way that works."""

import copy
import json
import operator
import pickle

import jax
import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.errors import StateError


def functional():
    x = keras.Input((3,))
    return keras.Model(x, layers.Dense(2)(layers.Dense(4)(x)))


def sequential():
    return keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.Dense(2)])


def subclassed():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(2), layers.Dense(2)

    return Net()


CHANGES = {
    "pop": lambda held: held.pop(),
    "append": lambda held: held.append(layers.Dense(1)),
    "extend": lambda held: held.extend([layers.Dense(1)]),
    "insert": lambda held: held.insert(0, layers.Dense(1)),
    "remove": lambda held: held.remove(held[0]),
    "clear": lambda held: held.clear(),
    "reverse": lambda held: held.reverse(),
    "sort": lambda held: held.sort(key=lambda layer: layer.name),
    "set": lambda held: operator.setitem(held, -1, layers.Dense(1)),
    "set slice": lambda held: operator.setitem(held, slice(1), []),
    "del": lambda held: operator.delitem(held, -1),
    "+=": lambda held: operator.iadd(held, [layers.Dense(1)]),
    "*=": lambda held: operator.imul(held, 2),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(
    "make,way", [(functional, "model.layers\\[-2\\].output"), (sequential, "model.pop"), (subclassed, "attributes")]
)
def test_changes_are_refused_with_the_way_that_works(make, way, change):
    model = make()
    before = list(model.layers)
    with pytest.raises(StateError, match=f"(?s)would change nothing.*{way}"):
        change(model.layers)
    assert model.layers == before


@pytest.mark.parametrize("make", [functional, sequential, subclassed])
def test_the_attribute_is_reserved(make):
    with pytest.raises(AttributeError, match="reserved"):
        make().layers = []


@pytest.mark.parametrize("make", [functional, sequential])
def test_it_is_a_list_and_what_is_made_of_it_is_a_plain_one(make):
    model = make()
    held = model.layers
    assert isinstance(held, list) and held == list(held) and json.dumps([layer.name for layer in held])
    plain = [held[:], held[:-1], held.__add__([1]), [1, *held], held * 2, list(held), held.copy(), copy.copy(held)]
    assert [type(one) for one in (*plain, jax.tree.map(lambda layer: layer, held))] == [list] * 9
    own = list(held)
    own.pop()
    assert len(own) == len(model.layers) - 1


def test_copies_of_the_model_keep_it():
    model = functional()
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert len(again.layers) == 3
        with pytest.raises(StateError):
            again.layers.pop()


def test_the_ways_that_are_named_work():
    model = functional()
    shorter = keras.Model(model.inputs, model.layers[-2].output)
    assert shorter(np.ones((1, 3))).shape == (1, 4)
    stack = sequential()
    stack.pop()
    stack.add(layers.Dense(7))
    assert stack(np.ones((1, 3))).shape == (1, 7)
    assert keras.Sequential(model.layers[:-1])(np.ones((1, 3))).shape == (1, 4)
