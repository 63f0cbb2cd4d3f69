"""An own `build` may call the inherited one wherever it likes."""

import numpy as np
import pytest

import lamella as keras
from lamella import layers, ops


class First(layers.Layer):
    def build(self, input_shape):
        super().build(input_shape)
        self.w = self.add_weight(shape=(input_shape[-1], 3))

    def call(self, x):
        return ops.matmul(x, self.w)


class Last(First):
    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), initializer="ones")
        super().build(input_shape)

    def call(self, x):
        return super().call(x) * self.scale


class InTheMiddle(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(3)

    def build(self, input_shape):
        self.inner.build(input_shape)
        super().build(input_shape)
        self.v = self.add_weight(shape=(3, 3), initializer="ones")

    def call(self, x):
        return ops.matmul(self.inner(x), self.v)


class Without(layers.Layer):
    """Names the inherited method by its class, as older code does, and sets `built` itself."""

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], 3))
        self.built = True
        layers.Layer.build(self, input_shape)

    def call(self, x):
        return ops.matmul(x, self.w)


@pytest.mark.parametrize("cls", [First, Last, InTheMiddle, Without])
def test_layers(cls):
    layer = cls()
    assert layer(np.ones((2, 4), "float32")).shape == (2, 3)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, cls()(inputs))
    assert model.predict(np.ones((2, 4)), verbose=0).shape == (2, 3)
    built = cls()
    built.build((None, 4))
    assert len(built.weights) == len(layer.weights)


def test_several_generations_and_several_inputs():
    class Pair(layers.Layer):
        def build(self, a_shape, b_shape):
            super().build(a_shape)
            self.w = self.add_weight(shape=(a_shape[-1], b_shape[-1]))

        def call(self, a, b):
            return ops.matmul(a, self.w) + b

    assert Pair()(np.ones((2, 4), "float32"), np.ones((2, 3), "float32")).shape == (2, 3)


@pytest.mark.parametrize("first", [True, False])
def test_models_are_built_whole(first):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def build(self, input_shape):
            if first:
                super().build(input_shape)
            self.w = self.add_weight(shape=(3, 3))
            if not first:
                super().build(input_shape)

        def call(self, x):
            return ops.matmul(self.dense(x), self.w)

    model = Net()
    model.build((None, 4))
    assert sorted(w.shape for w in model.weights) == [(3,), (3, 3), (4, 3)]
    model = Net()
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 3)), verbose=0)
    assert len(model.weights) == 3


def test_nothing_runs_before_an_own_build_is_done():
    calls = []

    class Watched(layers.Layer):
        def build(self, input_shape):
            super().build(input_shape)
            assert not calls

        def call(self, x):
            calls.append(x.shape)
            return x

    Watched().build((None, 3))
    assert not calls


@pytest.mark.parametrize("own_shape", [False, True])
def test_what_is_inside_is_built_with_the_mask_that_came(own_shape):
    class NeedsMask(layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True
            self.inside = layers.Dense(2)

        def call(self, inputs, mask=None):
            assert mask is not None, "run without the mask"
            return self.inside(inputs)

    if own_shape:
        NeedsMask.compute_output_shape = lambda self, input_shape: (*input_shape[:-1], 2)
    x = np.ones((2, 3, 2), "float32")
    assert keras.Sequential([layers.Masking(), NeedsMask()])(x).shape == (2, 3, 2)
    assert NeedsMask()(layers.Masking()(keras.Input((3, 2)))).shape == (None, 3, 2)
    layer = NeedsMask()
    assert layer(layers.Masking()(x)).shape == (2, 3, 2) and len(layer.weights) == 2


class Holding(layers.Layer):
    """Makes layers in `build`, builds them by calling them, and says its shape by itself."""

    def build(self, input_shape):
        self.parts = {"dense": layers.Dense(3), "spare": layers.Dense(9)}
        super().build(input_shape)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 3)

    def call(self, x):
        return self.parts["dense"](x)


class Branching(Holding):
    def call(self, x):
        return super().call(x) if float(x[0, 0]) > 0 else self.parts["dense"](-x)


class Specified(Holding):
    compute_output_shape = layers.Layer.compute_output_shape

    def compute_output_spec(self, x):
        return keras.KerasTensor((*x.shape[:-1], 3), x.dtype)


@pytest.mark.parametrize("kind", [Holding, Specified])
def test_layers_that_are_built_by_being_called_train_from_the_first_step(kind):
    x = keras.Input((4,))
    model = keras.Model(x, kind()(x))
    assert [w.name for w in model.weights] == ["kernel", "bias"]
    before = model.get_weights()
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 3)), verbose=0)
    assert not np.allclose(model.get_weights()[0], before[0])


def test_what_could_not_be_built_on_shapes_is_built_before_the_first_step():
    x = keras.Input((4,))
    model = keras.Model(x, Branching()(x))
    assert model.weights == []
    model.compile("sgd", "mse", run_eagerly=True)
    first, second = model.fit(np.ones((4, 4)), np.ones((4, 3)), verbose=0, epochs=2).history["loss"]
    assert len(model.weights) == 2 and first != second
