"""Tracing: recorded graphs and observed calls give the same kind of tree."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

import lamella as keras
from lamella import layers
from lamella.graph import Observer, Site, origin, trace
from lamella.state import frame


class Block(layers.Layer):
    def __init__(self, width: int, **kwargs):
        super().__init__(**kwargs)
        self.norm = layers.LayerNormalization()
        self.mlp = [layers.Dense(2 * width, activation="gelu"), layers.Dense(width)]

    def call(self, x):
        h = self.norm(x)
        for layer in self.mlp:
            h = layer(h)
        return jnp.tanh(x + 2.0 * h)


class Twins(keras.Model):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.head = layers.Dense(1)

    def call(self, inputs, training=None):
        left, right = inputs
        return self.head(jnp.abs(self.encoder(left, training=False) - self.encoder(right)))


def names(sites: list[Site]) -> list[str]:
    return [type(site.operation).__name__ if site.operation else "code" for site in sites]


def encoder() -> keras.Model:
    return keras.Sequential([keras.Input((6,)), layers.Dense(4, name="d1"), layers.Dense(3, name="d2")], name="enc")


class TestRecorded:
    def test_each_node_is_a_site(self):
        x = keras.Input((8, 8, 3))
        y = layers.Conv2D(4, 3, name="c")(x)
        model = keras.Model(x, layers.GlobalMaxPooling2D()(y + 1))
        root = trace(model, model.input)
        assert names(root.inner) == ["InputLayer", "Conv2D", "Add", "GlobalMaxPooling2D"]
        assert root.inner[1].outputs[0].shape == (None, 6, 6, 4)
        assert root.inner[2].inputs[0].site is root.inner[1]
        assert root.outputs[0].shape == (None, 4)

    def test_nested_model_is_opened_late_and_seen_through(self):
        inner = encoder()
        x = keras.Input((6,))
        model = keras.Model(x, layers.Dense(2, name="head")(inner(x)))
        head = trace(model, model.input).inner[-1]
        assert head.inputs[0].site.operation is inner
        made = origin(head.inputs[0])
        assert made.site.operation.name == "d2" and made.site.parent.operation is inner
        first = made.site.parent.inner[1]
        assert origin(first.inputs[0]).site.operation is model.layers[0], "seen through the border of the nested model"

    def test_shared_model_on_other_shapes(self):
        inner = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3, strides=2, name="c")], name="inner")
        a, b = keras.Input((9, 9, 3)), keras.Input((17, 33, 3))
        model = keras.Model([a, b], [inner(a), inner(b)])
        calls = [site for site in trace(model, model.input).inner if site.operation is inner]
        assert [(c.number, c.times) for c in calls] == [(0, 2), (1, 2)]
        assert [c.inner[1].outputs[0].shape for c in calls] == [(None, 4, 4, 2), (None, 8, 16, 2)]

    def test_explicit_training_is_kept(self):
        inner = encoder()
        x = keras.Input((6,))
        model = keras.Model(x, inner(x, training=False))
        assert trace(model, model.input).inner[-1].training is False


class TestObserved:
    def test_composite_with_plain_code(self):
        block = Block(4, name="b")
        root = trace(block, keras.KerasTensor((None, None, 4)))
        assert names(root.inner) == ["LayerNormalization", "Dense", "Dense", "code"]
        code = root.inner[-1]
        assert [e.primitive.name for e, _ in code.steps] == ["mul", "add", "tanh"]
        assert {v.enters[0] if v.enters else v.site.operation for v in code.inputs} == {root, block.mlp[1]}
        assert root.exits == code.outputs
        assert code.outputs[0].shape == (None, None, 4)

    def test_nothing_is_computed_and_nothing_changes(self):
        block = Block(4)
        trace(block, keras.KerasTensor((2, 4)))
        assert block.mlp[0].kernel.shape == (4, 8)
        assert all(variable.is_deferred for variable in block.weights), "no memory is used"
        with_norm = keras.Sequential([keras.Input((3,)), layers.BatchNormalization()])
        before = with_norm.get_weights()
        trace(with_norm, with_norm.input)
        assert all(np.array_equal(a, b) for a, b in zip(before, with_norm.get_weights(), strict=True))

    def test_shared_encoder_in_a_subclassed_model(self):
        model = Twins(encoder())
        root = trace(model, [keras.Input((6,)), keras.Input((6,))])
        assert names(root.inner) == ["Sequential", "Sequential", "code", "Dense"]
        left, right = root.inner[:2]
        assert (left.number, right.number, right.times) == (0, 1, 2)
        assert left.training is False and right.training is None
        assert left.inputs[0].enters == (root, 0) and right.inputs[0].enters == (root, 1)
        assert names(left.inner) == ["InputLayer", "Dense", "Dense"]

    def test_loops_repeat(self):
        x = keras.Input((7, 4))
        model = keras.Model(x, layers.RNN(layers.GRUCell(3))(x))
        cell = next(s for s in trace(model, model.input).walk() if isinstance(s.operation, layers.GRUCell))
        assert cell.repeats == 7
        assert cell.outputs[0].shape == (None, 3)

    def test_a_branch_on_data_is_reported(self):
        class Moody(layers.Layer):
            def __init__(self):
                super().__init__(name="moody")
                self.a, self.b = layers.Dense(2), layers.Dense(2)

            def build(self, shape):
                self.a.build(shape)
                self.b.build(shape)

            def call(self, x):
                return self.a(x) if x.sum() > 0 else self.b(x)

        class Around(keras.Model):
            def __init__(self):
                super().__init__()
                self.moody = Moody()

            def build(self, shape):
                self.moody.build(shape)

            def call(self, x):
                return self.moody(x)

        assert "depends on data" in trace(Moody(), keras.KerasTensor((2, 3))).note
        model = Around()
        model(np.ones((2, 3), "float32"))
        assert model.anatomy["moody/a/kernel"].weights[0].shape == (3, 2), "what is not traced has an address still"
        assert "depends on data" in model.anatomy.notes[0]

    def test_unknown_sizes_stay_unknown(self):
        block = Block(4)
        root = trace(block, keras.KerasTensor((None, None, 4)))
        assert all(site.outputs[0].shape[:2] == (None, None) for site in root.inner)


class TestObserver:
    def test_keys_at_run_time_are_those_of_the_trace(self):
        class Seen(Observer):
            def __init__(self):
                super().__init__()
                self.keys = []

            def left(self, key, outputs):
                self.keys.append(key)
                return outputs

        model = Twins(encoder())
        data = [np.ones((2, 6), "float32"), np.zeros((2, 6), "float32")]
        model(data)
        seen = Seen()
        with frame(observer=seen):
            model(data)
        root = trace(model, [keras.Input((6,)), keras.Input((6,))])
        called = [s for s in root.walk() if s.operation and not isinstance(s.operation, layers.InputLayer)]
        assert sorted(map(str, seen.keys)) == sorted(str(site.key) for site in called)

    def test_outputs_can_be_replaced(self):
        class Zero(Observer):
            def left(self, key, outputs):
                return outputs * 0 if key[-1][0].name == "d2" else outputs

        model = encoder()
        with frame(observer=Zero()):
            assert np.all(np.asarray(model(np.ones((2, 6), "float32"))) == 0)
        assert np.any(np.asarray(model(np.ones((2, 6), "float32"))) != 0)
