"""None means "not known yet": it refuses nothing that some size makes right, and invents no size."""

import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers, ops
from lamella.errors import LamellaError, ShapeError
from lamella.graph import KerasTensor as T
from lamella.graph import output_spec, trace

FITS = {
    "broadcast against a known size": (lambda: ops.multiply(T((None, 3)), T((2, None))), (2, 3)),
    "three tensors complete each other": (lambda: ops.where(T((None, 3), "bool"), T((2, None)), T((2, 3))), (2, 3)),
    "the size that is multiplied": (lambda: ops.matmul(T((None, None)), T((3, 4))), (None, 4)),
    "einsum": (lambda: ops.einsum("bij,jk->bik", T((None, None, None)), T((3, 4))), (None, None, 4)),
    "inner": (lambda: ops.inner(T((None, 5)), T((2, None))), (None, 2)),
    "tensordot": (lambda: ops.tensordot(T((None, None)), T((3, 4)), axes=1), (None, 4)),
    "cross": (lambda: ops.cross(T((None, 3)), T((4, None))), (4, 3)),
    "dot": (lambda: ops.dot(T((None, None)), T((6, 2))), (None, 2)),
    "a fixed number of elements": (lambda: ops.reshape(T((None, 200, 32)), (400, 32)), (400, 32)),
    "an odd divisor": (lambda: ops.reshape(T((None, 7)), (-1, 11)), (None, 11)),
    "concatenated beside a known size": (lambda: ops.concatenate([T((None, 3)), T((5, None))], axis=1), (5, None)),
    "stacked on a known size": (lambda: ops.stack([T((None, 3)), T((2, 3))]), (2, 2, 3)),
    "without numbers in the way": (lambda: ops.add(T((None, None)), T((None, 3))), (None, 3)),
}


@pytest.mark.parametrize("kind", FITS)
def test_sizes_are_chosen_to_fit(kind):
    make, shape = FITS[kind]
    assert make().shape == shape


CONFLICTS = {
    "3 and 4": lambda: ops.add(T((None, 3)), T((None, 4))),
    "another known size": lambda: ops.matmul(T((None, None, 5)), T((3, 4))),
    "no multiple": lambda: ops.reshape(T((None, 200, 32)), (30, 7)),
    "another rank": lambda: ops.concatenate([T((None, 3)), T((None, 3, 1))]),
    "two fixed sizes": lambda: output_spec(lambda x: x + jnp.ones((5, 1)) + jnp.ones((7, 1)), T((None, 3))),
}


@pytest.mark.parametrize("kind", CONFLICTS)
def test_a_real_conflict_is_refused(kind):
    with pytest.raises((ShapeError, TypeError, ValueError)) as told:
        CONFLICTS[kind]()
    if isinstance(told.value, LamellaError):
        assert "2520" not in str(told.value) and "5040" not in str(told.value)


class Positions(layers.Layer):
    """Adds a table of at most `limit` positions."""

    def __init__(self, limit, refuses=False, **kwargs):
        super().__init__(**kwargs)
        self.limit, self.refuses = limit, refuses

    def build(self, shape):
        self.table = self.add_weight(shape=(self.limit, shape[-1]), name="table")

    def call(self, x):
        if self.refuses and x.shape[1] > self.limit:
            raise ValueError(f"At most {self.limit} positions, not {x.shape[1]}.")
        return x + self.table[: x.shape[1]]


@pytest.mark.parametrize("limit", [16, 50, 512])
@pytest.mark.parametrize("refuses", [False, True])
def test_a_limited_length_stays_open(limit, refuses):
    inputs = layers.Input((None, 8))
    model = keras.Model(inputs, Positions(limit, refuses)(inputs))
    assert model.output_shape == (None, None, 8)
    for length in (3, limit):
        assert model(np.ones((2, length, 8), "float32")).shape == (2, length, 8)


def test_a_fixed_number_of_tokens_inside_of_a_layer():
    class Tokens(layers.Layer):
        def __init__(self):
            super().__init__()
            self.out = layers.Dense(3)

        def call(self, x):
            return self.out(ops.reshape(x, (-1, 77 * 4)))

    inputs = layers.Input((None, 4))
    layer = Tokens()
    assert layer(inputs).shape == (None, 3)
    assert [w.shape for w in layer.weights] == [(308, 3), (3,)]


def test_lambdas_with_reshape():
    inputs = layers.Input((None, 32))
    for function, shape in (
        (lambda x: ops.reshape(x, (-1, 50, 32)), (None, 50, 32)),
        (lambda x: ops.reshape(x, (-1, x.shape[1], 8, 4)), (None, None, 8, 4)),
        (lambda x: ops.reshape(x, (x.shape[0], x.shape[1] * 2, 16)), (None, None, 16)),
        (lambda x: ops.reshape(x, (4, 13, 32)), (4, 13, 32)),
    ):
        assert layers.Lambda(function)(inputs).shape == shape


def test_weights_never_take_a_size_that_was_only_tried():
    class Inside(layers.Layer):
        def __init__(self, before=None, **kwargs):
            super().__init__(**kwargs)
            self.before, self.dense = before, layers.Dense(3)

        def call(self, x):
            return self.dense(x if self.before is None else self.before(x))

    layer = Inside(name="inside")
    with pytest.raises(ShapeError, match=r"Dense at 'dense[_\d]*' needs to know the size of axis -1"):
        layer(layers.Input((None,)))
    assert not layer.weights and layer(np.ones((2, 5), "float32")).shape == (2, 3)

    failing = Inside(lambda x: x + jnp.ones((1, 4)) + jnp.ones((1, 6)))
    with pytest.raises((ShapeError, TypeError)):
        failing(layers.Input((None,)))
    assert not failing.weights and not failing.dense.built


def test_a_layer_inside_is_built_with_the_size_that_fits():
    class Completed(layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            return self.dense(x + jnp.ones((1, 9)))

    layer = Completed()
    assert layer(layers.Input((None,))).shape == (None, 3)
    assert layer.dense.kernel.shape == (9, 3)


def test_tracing_fits_sizes_too():
    class Merged(layers.Layer):
        def __init__(self):
            super().__init__()
            self.norm = layers.LayerNormalization()

        def call(self, x, y):
            return self.norm(ops.add(x, y))

    layer = Merged()
    x, y = layers.Input(batch_shape=(None, 3)), layers.Input(batch_shape=(2, None))
    assert layer(x, y).shape == (2, 3)
    site = trace(layer, x, y)
    assert site.outputs[0].shape == (2, 3)
    assert [inner.operation.name for inner in site.inner if inner.operation is layer.norm] == [layer.norm.name]


def test_one_axis_too_few_or_too_many_where_it_is_1():
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)])
    graph = keras.Model(model.input, model.output)
    for one in (model, graph):
        one.compile("sgd", "mse")
        one.fit(np.zeros((4, 8, 8)), np.zeros((4, 1)), verbose=0)
        assert one.predict(np.zeros((4, 8, 8)), verbose=0).shape == (4, 1)
        assert one(layers.Input((8, 8))).shape == (None, 1)
    flat = keras.Sequential([keras.Input((8,)), layers.Dense(1)])
    assert flat(layers.Input((8, 1))).shape == (None, 1)
    with pytest.raises(ShapeError, match=r"cannot take this"):
        graph.predict(np.zeros((4, 8)), verbose=0)
