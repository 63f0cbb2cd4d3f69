"""Taps: what passes inside of a model, as a model."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import Tracer

import lamella as keras
from lamella import layers
from lamella.errors import ArgumentError, GraphError, StateError, UnknownNameError
from lamella.graph import origin

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


@pytest.fixture
def twins():
    """One encoder called twice, with an op and a head."""
    inputs: Any = keras.Input((4,), name="in")
    dense = layers.Dense(5, activation="tanh", name="d1")
    encoder = keras.Sequential([keras.Input((4,)), dense, layers.BatchNormalization(name="bn")], name="enc")
    joined = layers.Concatenate(name="cat")([encoder(inputs), encoder(inputs * 2.0)])
    return keras.Model(inputs, layers.Dense(3, name="head")(joined), name="twins")


class Block(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first, self.second = layers.Dense(5, name="first"), layers.Dense(4, name="second")

    def call(self, x):
        return x + self.second(jnp.tanh(self.first(x)))


def test_values_in_nested_models_for_each_call(twins):
    tap = twins.anatomy.tap({"left": "enc@0/d1", "right": "enc@1/d1"})
    seen, dense = tap(X), twins.get_layer("enc").layers[0]
    np.testing.assert_allclose(seen["left"], dense(X), rtol=1e-6)
    np.testing.assert_allclose(seen["right"], dense(X * 2), rtol=1e-6)


def test_it_shares_the_weights_it_needs_and_no_more(twins):
    tap = twins.anatomy.tap("enc@1/d1")
    kernel, bias = twins.get_layer("enc").layers[0].weights
    assert tap.weights[0] is kernel and tap.weights[1] is bias and len(tap.weights) == 2
    assert [address for address, _ in keras.walk(tap)] == ["twins/enc/d1/kernel", "twins/enc/d1/bias"]
    assert len(twins.anatomy.tap("cat").weights) == 6


def test_patterns_lists_selections_ops_and_inputs(twins):
    anatomy = twins.anatomy
    assert set(anatomy.tap("**/d1")(X)) == {"enc@0/d1", "enc@1/d1"}
    assert set(anatomy.tap(["cat", "enc@0/**"])(X)) == {"cat", "enc@0/input_layer", "enc@0/d1", "enc@0/bn"}
    assert set(anatomy.tap(anatomy["enc"])(X)) == {"enc@0", "enc@1"}
    np.testing.assert_allclose(anatomy.tap("multiply")(X)["multiply"], X * 2)
    np.testing.assert_allclose(anatomy.tap("in")(X)["in"], X)
    np.testing.assert_allclose(anatomy.tap("enc@1/input_layer")(X)["enc@1/input_layer"], X * 2)


def test_what_calls_are_given(twins):
    np.testing.assert_allclose(twins.anatomy.tap("enc@1/d1", when="input")(X)["enc@1/d1"], X * 2)
    pair = twins.anatomy.tap("cat", when="input")(X)["cat"]
    assert [value.shape for value in pair] == [(6, 5), (6, 5)]


def test_predict_and_jit_agree_with_the_eager_call(twins):
    tap = twins.anatomy.tap("cat")
    np.testing.assert_allclose(tap.predict(X, batch_size=4, verbose=0)["cat"], tap(X)["cat"], atol=1e-6)
    np.testing.assert_allclose(jax.jit(lambda x: tap(x)["cat"])(X), tap(X)["cat"], atol=1e-6)


def test_an_eager_run_stops_once_everything_is_there():
    ran = []

    class Noted(layers.Layer):
        def call(self, x):
            ran.append(self.name)
            return x

    model = keras.Sequential([keras.Input((4,)), Noted(name="a"), Noted(name="b"), Noted(name="c")])
    tap = model.anatomy.tap("b")
    ran.clear()
    tap(X)
    assert ran == ["a", "b"]


def test_subclassed_models_and_composite_layers():
    model = Block()
    model(X)
    seen = model.anatomy.tap(["first", "second"])(X)
    np.testing.assert_allclose(seen["first"], model.first(X), rtol=1e-6)
    np.testing.assert_allclose(seen["second"], model(X) - X, atol=1e-6)
    inputs = keras.Input((3, 4))
    attention = layers.MultiHeadAttention(2, 2, name="mha")
    nested = keras.Model(inputs, attention(inputs, inputs))
    assert nested.anatomy.tap("mha/query_dense")(np.ones((2, 3, 4)))["mha/query_dense"].shape == (2, 3, 2, 2)


def test_several_calls_without_a_number_are_an_error_that_lists_them(twins):
    with pytest.raises(GraphError) as error:
        twins.anatomy.tap("enc/d1")
    assert str(error.value) == (
        "'enc/d1' is called 2 times: which of these calls is meant?\n"
        "  received  enc@0/d1 (None, 4) → (None, 5), enc@1/d1 (None, 4) → (None, 5)\n"
        "  fix       write 'enc@0/d1' for the first, or {'first': 'enc@0/d1', …} for several"
    )
    with pytest.raises(ArgumentError, match="The key 'x' stands for one value"):
        twins.anatomy.tap({"x": "enc@0/*"})


@pytest.mark.parametrize(
    "make, kind, text",
    [
        (lambda a: a.tap("enc@0/d2"), UnknownNameError, "did you mean"),
        (lambda a: a.tap("cat", when="before"), UnknownNameError, "'output', 'input'"),
        (lambda a: a.tap("head/kernel"), ArgumentError, "is a weight"),
        (lambda a: a.tap("cat", target="head"), ArgumentError, "grad=True"),
    ],
)
def test_wrong_arguments(twins, make, kind, text):
    with pytest.raises(kind, match=text):
        make(twins.anatomy)


def test_values_in_loops_and_transformations_cannot_leave():
    cell = keras.Sequential([keras.Input((5, 3)), layers.RNN(layers.LSTMCell(2, name="cell"), name="rnn")])
    address = next(p.address for p in cell.anatomy.parts if p.site and p.site.repeats != 1)
    with pytest.raises(GraphError, match="inside of a loop, which runs it 5 times, and cannot leave it"):
        cell.anatomy.tap(address)

    class Mapped(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2, name="dense")

        def call(self, x):
            self.dense(x)
            return jax.vmap(lambda row: self.dense(row[None])[0])(x)

    model = Mapped()
    model(X)
    with pytest.raises(GraphError, match="a JAX transformation"):
        model.anatomy.tap("dense@1")(X)


def test_parts_that_cannot_be_traced_say_why():
    class Branching(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = layers.Dense(4, name="inner")

        def call(self, x):
            return self.inner(x) if float(jnp.sum(x)) > 0 else x

        def compute_output_shape(self, shape):
            return shape

        def build(self, shape):
            self.inner.build(shape)

    inputs = keras.Input((4,))
    model = keras.Model(inputs, Branching(name="branch")(inputs))
    with pytest.raises(GraphError, match="inside of 'branch', which cannot be looked into: a Python branch"):
        model.anatomy.tap("branch/inner")
    assert model.anatomy.tap("branch")(X)["branch"].shape == (6, 4)


def test_a_run_that_does_not_come_by():
    class Sometimes(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense, self.wanted = layers.Dense(4, name="dense"), True

        def call(self, x):
            return self.dense(x) if self.wanted else x

    model = Sometimes()
    model(X)
    tap = model.anatomy.tap("dense")
    model.wanted = False
    with pytest.raises(StateError, match="did not come by 'dense'"):
        tap(X)


def test_statistics_and_seeds_stand_still_unless_training_is_asked_for(twins):
    bn = twins.get_layer("enc").layers[1]
    tap = twins.anatomy.tap("enc@0/bn")
    tap(X)
    assert np.all(bn.moving_mean.numpy() == 0)
    tap(X, training=True)
    assert np.any(bn.moving_mean.numpy() != 0)
    before = bn.moving_mean.numpy()
    twins.anatomy.tap("enc@1/d1")(X, training=True)  # the run comes by bn, the value does not follow from it
    np.testing.assert_array_equal(bn.moving_mean.numpy(), before)


# Gradients


def test_gradients_are_those_of_the_target(twins):
    head = twins.get_layer("head").kernel.numpy()
    value, slope = twins.anatomy.tap("cat", grad=True, target=lambda y: y[:, 1])(X)["cat"]
    np.testing.assert_allclose(value, twins.anatomy.tap("cat")(X)["cat"])
    np.testing.assert_allclose(slope, np.tile(head[:, 1], (6, 1)), rtol=1e-6)
    _, whole = twins.anatomy.tap("cat", grad=True)(X)["cat"]
    np.testing.assert_allclose(whole, np.tile(head.sum(1), (6, 1)), rtol=1e-5)


@pytest.mark.parametrize("target", ["enc@0/d1", "left"])
def test_a_target_inside(twins, target):
    tap = twins.anatomy.tap({"in": "in", "left": "enc@0/d1"}, grad=True, target=target)
    dense = twins.get_layer("enc").layers[0]
    expected = jax.grad(lambda x: dense(x).sum())(jnp.asarray(X))
    seen = tap(X)
    np.testing.assert_allclose(seen["in"][1], expected, rtol=1e-5)
    np.testing.assert_array_equal(seen["left"][1], np.ones((6, 5)))


def test_gradients_compiled_and_in_training(twins):
    tap = twins.anatomy.tap("enc@0/bn", grad=True)
    bn = twins.get_layer("enc").layers[1]
    np.testing.assert_allclose(tap.predict(X, verbose=0)["enc@0/bn"][1], tap(X)["enc@0/bn"][1], rtol=1e-5)
    assert np.all(bn.moving_mean.numpy() == 0)
    tap(X, training=True)
    assert np.any(bn.moving_mean.numpy() != 0) and not isinstance(bn.moving_mean.value, Tracer)


def test_gradients_that_would_be_nothing_are_refused():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, activation="softmax")])
    with pytest.raises(ArgumentError, match="add up to 1"):
        model.anatomy.tap("a", grad=True)
    numbers = keras.Sequential([keras.Input((2,), dtype="int32", name="in"), layers.Embedding(3, 2)])
    with pytest.raises(ArgumentError, match="has no gradient"):
        numbers.anatomy.tap("in", grad=True)


# As a layer, and in files


def extractor(twins):
    inputs = keras.Input((4,))
    seen = twins.anatomy.tap({"left": "enc@0/d1", "right": "enc@1/d1"})(inputs)
    model = keras.Model(inputs, layers.Dense(1, name="new")(seen["left"] - seen["right"]))
    model.compile("sgd", "mse")
    return model


def test_a_new_head_trains_what_is_shared(twins):
    model, dense = extractor(twins), twins.get_layer("enc").layers[0]
    before, other = dense.kernel.numpy(), twins.get_layer("head").kernel.numpy()
    model.fit(X, np.ones((6, 1)), epochs=1, verbose=0)
    assert np.any(dense.kernel.numpy() != before)
    np.testing.assert_array_equal(twins.get_layer("head").kernel.numpy(), other)
    assert model.count_params() == 25 + 6


def test_a_frozen_model_stays_frozen_in_its_taps(twins):
    twins.get_layer("enc").trainable = False
    assert [v.path for v in extractor(twins).trainable_weights] == ["new/kernel", "new/bias"]
    twins.get_layer("enc").trainable = True
    twins.trainable = False
    assert twins.anatomy.tap("cat").trainable_weights == []


def test_saved_and_loaded(twins, tmp_path):
    model = extractor(twins)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(loaded(X), model(X), rtol=1e-6)
    tap = twins.anatomy.tap("enc@1/bn", when="input")
    tap.save(tmp_path / "t.keras")
    again = keras.models.load_model(tmp_path / "t.keras")
    np.testing.assert_allclose(again(X)["enc@1/bn"], tap(X)["enc@1/bn"], rtol=1e-6)
    np.testing.assert_allclose(again.layer(X), twins(X), rtol=1e-6)  # the rest of the model is in the file too


def test_a_tap_of_a_composite_layer_is_saved(tmp_path):
    @keras.saving.register_keras_serializable("taps")
    class Saved(Block):
        pass

    model = Saved()
    model(X)
    tap = model.anatomy.tap("first")
    tap.save(tmp_path / "t.keras")
    again = keras.models.load_model(tmp_path / "t.keras")
    np.testing.assert_allclose(again(X)["first"], tap(X)["first"], rtol=1e-6)


def test_a_function_as_target_cannot_be_saved(twins):
    with pytest.raises(keras.errors.ConfigError, match="its target is a function"):
        twins.anatomy.tap("cat", grad=True, target=lambda y: y[:, 0]).get_config()


def test_what_is_inside_of_a_tap_is_seen(twins):
    model = extractor(twins)
    tap = model.layers[1]
    places = [part.address for part in model.anatomy.parts]
    assert ["tap/twins/enc@1/d1" in places, "tap/twins/enc/d1/kernel" in places] == [True, True]
    ends: list[Any] = [origin(value).site for value in model.anatomy["tap"].sites[0].outputs]
    assert [site.operation.name for site in ends] == ["d1", "d1"]
    assert all(row.trains == bool(row.trainable) for row in tap.anatomy.trainability())
    assert tap.anatomy.trainability()["twins/enc/d1"].why == "nothing freezes it"
    graded: Any = twins.anatomy.tap(["in", "cat"], grad=True).anatomy.trace
    assert [v.site and v.site.operation.name for v in graded.exits] == ["cat", None, "in", None]


def test_before_the_first_call_it_says_so():
    with pytest.raises(StateError, match="has not been called yet"):
        keras.Sequential([layers.Dense(3, name="a")]).anatomy.tap("a")
