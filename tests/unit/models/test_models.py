import numpy as np
import pytest

import lamella as keras
from lamella import layers, models
from lamella.errors import ArgumentError, GraphError, LamellaError, ShapeError, StateError, UnknownNameError
from lamella.state import walk


def mlp(name=None):
    return keras.Sequential(
        [layers.Input((4,)), layers.Dense(8, activation="relu", name="hidden"), layers.Dense(2)], name=name
    )


class TestSequential:
    def test_with_input(self):
        model = mlp()
        assert model.built and model.output_shape == (None, 2) and len(model.layers) == 2
        assert model(np.ones((3, 4))).shape == (3, 2)

    def test_deferred(self):
        model = keras.Sequential([layers.Dense(3), layers.Dense(2)])
        assert not model.built and model.weights == []
        with pytest.raises(StateError, match="not built"):
            model.count_params()
        assert model(np.ones((5, 4))).shape == (5, 2)
        assert model.built and model.count_params() == 4 * 3 + 3 + 3 * 2 + 2

    def test_build(self):
        model = keras.Sequential([layers.Dense(3)])
        model.build((None, 4))
        assert model.weights[0].shape == (4, 3)

    def test_add_and_pop(self):
        model = mlp()
        model.add(layers.Dense(1, name="last"))
        assert model.output_shape == (None, 1) and model(np.ones((1, 4))).shape == (1, 1)
        assert model.pop().name == "last" and model.output_shape == (None, 2)
        assert model(np.ones((1, 4))).shape == (1, 2)

    def test_a_layer_taken_away_leaves_no_weights(self):
        model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")])
        model.pop()
        model.add(layers.Dense(5, name="c"))
        assert [w.shape for w in model.weights] == [(4, 3), (3,), (3, 5), (5,)]

    def test_add_after_fit_is_followed(self):
        model = keras.Sequential([layers.Input((4,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        x, y = np.ones((4, 4)), np.ones((4, 1))
        model.fit(x, y, verbose=0)
        model.add(layers.Dense(1, name="new"))
        before = model.get_layer("new").get_weights()
        model.fit(x, y, verbose=0)
        assert not np.array_equal(before[0], model.get_layer("new").get_weights()[0])
        np.testing.assert_allclose(model.predict(x, verbose=0), model(x), rtol=1e-5)

    def test_model_first(self):
        model = keras.Sequential([mlp(), layers.Dense(1)])
        assert model.output_shape == (None, 1)

    def test_a_thousand_adds_are_quick_and_right(self):
        model = keras.Sequential([layers.Input((2,))])
        for _ in range(300):
            model.add(layers.Dense(2, use_bias=False, kernel_initializer="identity"))
        assert np.allclose(model(np.ones((1, 2))), 1)

    @pytest.mark.parametrize(
        "wrong",
        [["dense"], [layers.Dense(1, name="a"), layers.Dense(1, name="a")], [layers.Dense(1), layers.Input((2,))]],
    )
    def test_wrong_layers(self, wrong):
        with pytest.raises(ArgumentError):
            keras.Sequential(wrong)

    def test_a_layer_that_does_not_fit_is_not_kept(self):
        model = mlp()
        with pytest.raises(ShapeError):
            model.add(layers.Conv2D(2, 3))
        assert len(model.layers) == 2 and model(np.ones((1, 4))).shape == (1, 2)

    def test_old_input_shape_argument(self):
        assert keras.Sequential([layers.Dense(2, input_shape=(3,))]).input_shape == (None, 3)


class TestFunctional:
    def test_shared_weights_are_counted_once(self):
        a, b = layers.Input((4,)), layers.Input((4,))
        base = mlp("base")
        model = keras.Model([a, b], layers.Concatenate()([base(a), base(b)]))
        assert model.count_params() == base.count_params()
        assert len(model.layers) == 4 and model.layers[2] is base

    def test_a_model_is_a_layer_among_layers(self):
        base = mlp("base")
        inputs = layers.Input((4,))
        model = keras.Model(inputs, layers.Dense(1)(base(inputs)))
        assert isinstance(model.layers[1], keras.Model) and isinstance(model.layers[1], keras.Layer)
        assert model.get_layer("base") is base and model.get_layer(index=1) is base
        assert model.get_layer("base/hidden") is base.layers[0]

    def test_get_layer_misses(self):
        with pytest.raises(UnknownNameError, match="did you mean 'hidden'"):
            mlp().get_layer("hiden")
        with pytest.raises(ValueError, match="index 9"):
            mlp().get_layer(index=9)

    def test_names_must_be_unique(self):
        x = layers.Input((2,))
        with pytest.raises(GraphError, match="unique"):
            keras.Model(x, layers.Dense(2, name="a")(layers.Dense(2, name="a")(x)))

    def test_dict_inputs_by_name(self):
        a, b = layers.Input((2,), name="a"), layers.Input((3,), name="b")
        model = keras.Model([a, b], layers.Concatenate()([a, b]))
        x = {"b": np.zeros((1, 3)), "a": np.ones((1, 2))}
        assert model(x).tolist() == [[1, 1, 0, 0, 0]]
        with pytest.raises(ShapeError, match="'b'"):
            model({"a": x["a"]})
        with pytest.warns(UserWarning, match="does not use"):
            model({**x, "c": 1})

    def test_rank_is_fitted(self):
        model = keras.Model(x := layers.Input((1,)), layers.Dense(1)(x))
        assert model(np.ones(5)).shape == (5, 1)

    def test_wrong_width(self):
        with pytest.raises(ShapeError) as caught:
            keras.Model(x := layers.Input((4,)), layers.Dense(1)(x))(np.ones((2, 5)))
        assert "(None, 4)" in caught.value.expected
        with pytest.raises(ShapeError, match="'hidden'") as caught:  # in a Sequential, the layers say what fits
            mlp()(np.ones((2, 5)))
        assert "4 in axis -1" in caught.value.expected and "(2, 5)" in caught.value.received

    def test_what_trains_a_model_is_not_a_part_of_it(self):
        model = mlp()
        before = [address for address, _ in walk(model)]
        model.compile("adam", "mse")
        model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
        assert [address for address, _ in walk(model)] == before

    def test_automatic_names_do_not_change_addresses(self):
        keras.layers.Dense(1), keras.layers.Dense(1)
        first = [
            address for address, _ in walk(keras.Sequential([layers.Input((2,)), layers.Dense(1), layers.Dense(1)]))
        ]
        second = [
            address for address, _ in walk(keras.Sequential([layers.Input((2,)), layers.Dense(1), layers.Dense(1)]))
        ]
        assert first == second == ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"]

    def test_subclass_made_with_a_graph(self):
        class Mine(keras.Model):
            def __init__(self, width):
                x = layers.Input((width,))
                super().__init__(x, layers.Dense(2)(x))
                self.width = width

        model = Mine(3)
        assert model(np.ones((1, 3))).shape == (1, 2) and len(model.layers) == 2 and len(model.weights) == 2

    def test_config_round_trip_with_ops_sharing_and_nesting(self):
        base = mlp("base")
        a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
        merged = layers.Subtract()([base(a / 2.0), base(b)])
        model = keras.Model({"a": a, "b": b}, [merged, keras.ops.relu(merged)], name="whole")
        again = keras.Model.from_config(model.get_config())
        again.set_weights(model.get_weights())
        x = {"a": np.ones((2, 4)), "b": np.full((2, 4), 2.0)}
        for one, other in zip(model(x), again(x), strict=True):
            np.testing.assert_allclose(one, other)
        assert again.name == "whole" and [o.name for o in again.operations] == [o.name for o in model.operations]


class TestSubclassed:
    def make(self):
        class Two(keras.Model):
            def __init__(self):
                super().__init__()
                self.d1, self.d2 = layers.Dense(8), layers.Dense(2)

            def call(self, x):
                return self.d2(self.d1(x))

        return Two()

    def test_build_makes_the_weights(self):
        model = self.make()
        model.build((None, 32))
        assert model.built and model.layers[0].weights[0].shape == (32, 8)
        before = model.predict(np.ones((2, 32)), verbose=0)
        kernel = model.layers[0].weights[0]
        kernel.assign(kernel.numpy() * 2)
        model.layers[0].weights[1].assign(np.ones(8))
        assert not np.allclose(model.predict(np.ones((2, 32)), verbose=0), before)

    def test_every_nested_model_is_found(self):
        inner = mlp("inner")
        x = layers.Input((4,))
        middle = keras.Model(x, inner(x), name="middle")
        outer = keras.Sequential([middle, keras.Sequential([layers.Dense(2)], name="tail")], name="outer")
        outer.build((None, 4))

        def names(model):
            return [n for layer in getattr(model, "layers", []) for n in (layer.name, *names(layer))]

        assert {"middle", "inner", "hidden", "tail"} <= set(names(outer))

    def test_model_without_call(self):
        with pytest.raises((StateError, NotImplementedError), match="call"):
            keras.Model()(np.ones(2))


@pytest.mark.parametrize("make", [mlp, lambda: keras.Model(x := layers.Input((4,)), mlp()(x))])
def test_clone_model(make):
    model = make()
    clone = models.clone_model(model)
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    assert not {id(w) for w in clone.weights} & {id(w) for w in model.weights}
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(clone(np.ones((1, 4))), model(np.ones((1, 4))))


def test_clone_function():
    model = mlp()

    def wider(layer):
        config = layer.get_config()
        return layers.Dense.from_config({**config, "units": config["units"] * 2})

    assert models.clone_model(model, clone_function=wider).output_shape == (None, 4)


def test_a_call_that_branches_on_data_runs_eagerly():
    class Moody(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(2), layers.Dense(3)

        def call(self, x):
            return self.a(x) if x.sum() > 0 else self.b(x)

    model = Moody()
    assert model(np.ones((1, 4), "float32")).shape == (1, 2) and model.a.built and not model.b.built
    assert model(-np.ones((1, 4), "float32")).shape == (1, 3) and model.b.built


class Lookup(keras.Model):
    """Takes rows of a table by integers: it cannot be run on floats."""

    def __init__(self):
        super().__init__()
        self.table = np.ones((10, 4), "float32")
        self.dense = keras.layers.Dense(2)

    def call(self, rows):
        return self.dense(keras.ops.take(self.table, rows, axis=0))


@pytest.mark.parametrize("first", ["fit", "predict", "call"])
def test_a_model_is_built_on_the_dtypes_it_is_given(first):
    model, rows = Lookup(), np.arange(8)
    if first == "fit":
        model.compile("sgd", "mse")
        model.fit(rows, np.ones((8, 2)), verbose=0)
    else:
        (model.predict if first == "predict" else model)(rows)
    assert model.count_params() == 10


def test_build_by_shape_says_that_the_model_does_not_take_floats():
    with pytest.raises(LamellaError, match="integer"):
        Lookup().build((None,))


def test_a_clone_of_a_compiled_model_is_compiled_alike():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.25), lambda y, p: (y - p) ** 2, metrics=[keras.metrics.MeanSquaredError()])
    clone = keras.models.clone_model(model)
    assert clone.optimizer is not model.optimizer and float(clone.optimizer.learning_rate) == 0.25
    clone.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    assert int(model.optimizer.iterations) == 0 and int(clone.optimizer.iterations) == 1
    assert not keras.models.clone_model(keras.Sequential([keras.layers.Dense(1)])).compiled
