"""Random numbers, activations and nested structures against Keras on its JAX backend."""

import collections

import jax
import keras
import numpy as np
import pytest

import lamella
from lamella.errors import ArgumentError

X = np.linspace(-7, 7, 12, dtype="float32").reshape(3, 4)
LOGITS = np.log(np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]], "float32"))
DRAWS = [
    ("normal", ((2, 3),), {"mean": 1.0, "stddev": 2.0}),
    ("normal", ((2,),), {"dtype": "float16"}),
    ("truncated_normal", ((2, 3),), {"stddev": 0.5}),
    ("uniform", ((2, 3),), {"minval": -1.0, "maxval": 3.0}),
    ("uniform", ((4,),), {"dtype": "bfloat16"}),
    ("randint", ((2, 3), 0, 9), {}),
    ("randint", ((3,), 0, 9), {"dtype": "uint8"}),
    ("gamma", ((3,), 2.0), {}),
    ("beta", ((3,), 2.0, [0.5, 1.0, 2.0]), {}),
    ("binomial", ((3,), 9, 0.4), {}),
    ("categorical", (LOGITS, 5), {}),
    ("shuffle", (X,), {"axis": 1}),
    ("dropout", (X, 0.4), {}),
    ("dropout", (X, 0.4), {"noise_shape": (None, 1)}),
    ("dropout", (X, 1.0), {}),
]


def equal(mine, theirs):
    assert mine.dtype == theirs.dtype
    np.testing.assert_allclose(np.asarray(mine, "float32"), np.asarray(theirs, "float32"), rtol=1e-6)


@pytest.mark.sample(3)
@pytest.mark.parametrize("name, args, kwargs", DRAWS, ids=lambda v: v if isinstance(v, str) else "")
def test_the_same_seed_draws_the_same_numbers(name, args, kwargs):
    args = [jax.numpy.asarray(a) if isinstance(a, np.ndarray) else a for a in args]
    for seed in (3, 2**32 - 1):
        mine = getattr(lamella.random, name)(*args, seed=seed, **kwargs)
        equal(mine, getattr(keras.random, name)(*args, seed=seed, **kwargs))


def test_a_seed_generator_goes_on_alike():
    mine, theirs = lamella.random.SeedGenerator(5), keras.random.SeedGenerator(5)
    draws = [(lamella.random.normal((2,), seed=mine), keras.random.normal((2,), seed=theirs)) for _ in range(3)]
    for a, b in draws:
        equal(a, b)
    assert not np.allclose(draws[0][0], draws[1][0])


@pytest.mark.sample(12)
@pytest.mark.parametrize(
    "name", sorted(set(lamella.activations.__all__) - {"get", "serialize", "deserialize", "threshold"})
)
def test_activation(name):
    theirs = getattr(keras.activations, name)
    equal(getattr(lamella.activations, name)(jax.numpy.asarray(X)), theirs(jax.numpy.asarray(X)))
    assert lamella.activations.serialize(lamella.activations.get(name)) == keras.activations.serialize(theirs)


@pytest.mark.parametrize("slope", [0.0, 0.2])
@pytest.mark.parametrize("most", [None, 6, 2.5])
@pytest.mark.parametrize("threshold", [0.0, 1.5])
def test_relu_with_all_its_arguments(slope, most, threshold):
    how = {"negative_slope": slope, "max_value": most, "threshold": threshold}
    equal(lamella.activations.relu(X, **how), keras.activations.relu(jax.numpy.asarray(X), **how))


@pytest.mark.parametrize("name", ["relu", "gelu", "softmax"])
def test_activations_leave_the_node_that_keras_leaves(name):
    made = [getattr(p.activations, name)(p.KerasTensor((None, 4)))._keras_history.operation for p in (lamella, keras)]
    assert type(made[0]).__name__ == type(made[1]).__name__


Point = collections.namedtuple("Point", "x y")
STRUCTURES = [
    1,
    None,
    [],
    [1, None],
    {"b": [1, (2, None)], "a": 3},
    (1, [2, {"x": (3,)}]),
    Point(1, [2]),
    collections.OrderedDict(b=1, a=2),
    [{}, ()],
]


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_tree(structure):
    mine, theirs = lamella.tree, keras.tree
    assert mine.is_nested(structure) == theirs.is_nested(structure)
    assert mine.flatten(structure) == theirs.flatten(structure)
    assert mine.map_structure(str, structure) == theirs.map_structure(str, structure)
    assert mine.map_structure(str, structure, none_is_leaf=False) == theirs.map_structure(
        str, structure, none_is_leaf=False
    )
    assert mine.flatten_with_path(structure) == theirs.flatten_with_path(structure)
    assert mine.lists_to_tuples(structure) == theirs.lists_to_tuples(structure)
    flat = mine.flatten(structure)
    assert mine.pack_sequence_as(structure, flat) == theirs.pack_sequence_as(structure, flat)


@pytest.mark.parametrize("top_down", [True, False])
def test_traverse(top_down):
    def func(part):
        if part == 2:
            return lamella.tree.MAP_TO_NONE
        return "pair" if isinstance(part, tuple) else None

    def their_func(part):
        found = func(part)
        return keras.tree.MAP_TO_NONE if found is lamella.tree.MAP_TO_NONE else found

    structure = [1, 2, {"a": (3, 4), "b": [2]}]
    mine = lamella.tree.traverse(func, structure, top_down)
    assert mine == keras.tree.traverse(their_func, structure, top_down) == [1, None, {"a": "pair", "b": [None]}]


def test_shapes_are_leaves_of_map_shape_structure():
    shapes = {"a": (None, 3), "b": [[2, 1], (4,)]}
    mine = lamella.tree.map_shape_structure(lambda s: len(s), shapes)
    assert mine == keras.tree.map_shape_structure(lambda s: len(s), shapes) == {"a": 2, "b": [2, 1]}


def test_structures_that_differ():
    for check in (lamella.tree.assert_same_structure, keras.tree.assert_same_structure):
        check([1, (2,)], [3, (4,)])
        with pytest.raises(ValueError):
            check([1, (2,)], [3, [4]])
    lamella.tree.assert_same_paths([1, (2,)], (3, [4]))
    with pytest.raises(ArgumentError, match="same paths"):
        lamella.tree.assert_same_paths([1, 2], [1])
    with pytest.raises(ArgumentError, match="nested alike"):
        lamella.tree.map_structure(lambda a, b: a, [1], [1, 2])


def test_variables_are_leaves():
    variable = lamella.Variable([1.0])
    assert lamella.tree.flatten([variable])[0] is variable
    assert lamella.tree.map_structure_up_to([0], lambda v: v, [variable])[0] is variable
