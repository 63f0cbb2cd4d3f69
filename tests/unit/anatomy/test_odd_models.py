"""Odd models: every address resolves, every text is made, and nothing that is only looked at changes."""

from __future__ import annotations

import threading
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers, ops
from lamella.anatomy import diff
from lamella.errors import ArgumentError, UnknownNameError


def _pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


class Twin(keras.Model):
    """Calls one model twice."""

    def __init__(self):
        super().__init__()
        self.enc = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="d1")], name="enc")
        self.head = layers.Dense(1, name="head")

    def call(self, x):
        return self.head(jnp.abs(self.enc(x[0]) - self.enc(x[1])))


class Branch(layers.Layer):
    """Which layer runs depends on data."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a, self.b = layers.Dense(3, name="a"), layers.Dense(3, name="b")

    def build(self, shape):
        self.a.build(shape)
        self.b.build(shape)

    def call(self, x):
        return self.a(x) if float(jnp.sum(x)) > 0 else self.b(x)

    def compute_output_shape(self, shape):
        return (*shape[:-1], 3)


class Noisy(layers.Layer):
    """Does something else in training, in its own way."""

    def call(self, x, training=None):
        return x * 2 if training else x


class Secretive(layers.Layer):
    """Cannot say what it was made from."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.d = layers.Dense(4)

    def call(self, x):
        return self.d(x)

    def get_config(self):
        raise AttributeError("no")


def _twin():
    model = Twin()
    model([_pictures(2, 4), _pictures(2, 4)])
    return model


def _named():
    x = inputs = keras.Input((4,), name="ein[0]gabe")
    for name in ("größe", "[bold]", "*", "a@1", "[0]", "**", "x*y", "<b>&", "layers[1]", "a b`c", "日本", " ", ".."):
        x = layers.Dense(4, name=name)(x)
    return keras.Model(inputs, x, name="m[0]*@")


def _scalar():
    inputs = keras.Input((4,))
    return keras.Model(inputs, ops.mean(layers.Dense(3)(inputs)))


def _constants():
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Add()([inputs, np.ones((1, 4), "float32")]) + np.ones((4,), "float32"))


def _branch():
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dense(1)(Branch(name="q")(inputs)))


def _frames():
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.BatchNormalization()])
    return keras.Sequential(
        [keras.Input((4, 3)), layers.TimeDistributed(inner, name="td"), layers.LSTM(3, dropout=0.5)]
    )


def _functions():
    return keras.Sequential(
        [keras.Input((4,)), layers.Lambda(lambda x: x * 2), layers.Dense(2, activation=lambda x: x), Secretive()]
    )


def _empty():
    return keras.Sequential([keras.Input((0, 4)), layers.Dense(3), layers.Flatten()])


MODELS = {
    make.__name__[1:]: make for make in (_twin, _named, _scalar, _constants, _branch, _frames, _functions, _empty)
}


@pytest.mark.parametrize("name", MODELS)
def test_every_view_of_an_odd_model(name):
    model = MODELS[name]()
    A = model.anatomy
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for part in A.parts:
            for address in (part.address, part.place):
                assert all(found.thing is part.thing for found in A[address].parts), address
            assert str(A.explain(part.place))
        assert str(A.explain()) and str(A.trainability())
        A.counts(), A.blocks(), A.costs().memory(2, training=True), A.fields(), A.notes
        assert A.diff(model).same


def test_what_has_not_been_called_is_explained_all_the_same():
    assert (
        layers.Dense(2, name="head").anatomy.explain().title == "`head` is a Dense layer that has not been called yet."
    )
    model = keras.Sequential([layers.Dense(2, name="a"), layers.BatchNormalization()], name="m")
    assert "2 layers: 1 Dense and 1 BatchNormalization." in str(model.anatomy.explain())
    assert "`m` has not been called yet, so what calls it is not known." in model.anatomy.explain("a").text(1000)


def test_what_cannot_be_seen_is_not_said():
    A = _branch().anatomy
    assert "Whether it is called cannot be seen: a Python branch" in A.explain("q/a").text(1000)
    row = A.trainability()["q/a"]
    assert row.trains and row.why == "nothing freezes it, if it is called, which cannot be seen"
    assert "q: a Python branch" in A.explain().text(1000)


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (lambda: Noisy(name="x"), "In training it computes something else than in inference."),
        (lambda: layers.Dense(2, name="x"), "It computes the same in training and in inference."),
    ],
)
def test_training_and_inference_are_compared_by_their_programs(layer, says):
    assert says in keras.Sequential([keras.Input((4,)), layer()]).anatomy.explain("x").text(1000)


@pytest.mark.parametrize(
    ("rate", "says"), [(0.5, "drops numbers of its inputs or states at random"), (0.0, "computes the same in")]
)
def test_dropout_inside_of_recurrent_layers_is_seen(rate, says):
    model = keras.Sequential([keras.Input((3, 2)), layers.LSTM(2, dropout=rate, name="x")])
    assert says in model.anatomy.explain("x").text(1000)


def test_looking_leaves_no_trace():
    model = _functions()
    A = model.anatomy
    first = model.layers[0].get_config()["function"]
    A.costs(), A.blocks(), A.diff(model)
    assert model.layers[0].get_config()["function"] == first  # a lambda has one name


def test_what_is_multiplied_by_rows_sees_what_it_saw():
    class Rows(layers.Layer):
        def call(self, x):
            return (x.reshape(-1, 4) @ jnp.ones((4, 5))).reshape(-1, 10, 5)

    x = keras.Input((12, 4))
    A = keras.Model(x, Rows(name="rows")(layers.Conv1D(4, 3)(x))).anatomy
    assert str(A.fields()[A["rows"].sites[0]]) == "3, every 1"


def test_texts_and_ids_can_be_patched():
    lookup = layers.StringLookup(vocabulary=["a", "b"], name="ids")
    model = keras.Sequential([keras.Input((1,), dtype="string"), lookup, layers.Embedding(4, 2)])
    words = np.array([["a"], ["b"]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with model.anatomy.patch({"input_layer": "b"}):
            patched = model(words)
        with model.anatomy.patch({"ids": lambda v: v[::-1]}):
            turned = model(words)
    np.testing.assert_array_equal(patched, model(np.array([["b"], ["b"]])))
    np.testing.assert_array_equal(turned, model(words[::-1]))


def test_constants_are_no_inputs_that_pass():
    A = _constants().anatomy
    seen = A.tap("add", when="input")(np.ones((2, 4)))["add"]
    assert seen.shape == (2, 4)


@pytest.mark.parametrize(("gives", "received"), [(None, "None"), ("abc", "abc")])
def test_a_patch_that_gives_no_array(gives, received):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="a")])
    with pytest.raises(ArgumentError, match="gives no array") as raised, model.anatomy.patch({"a": lambda v: gives}):
        model(np.ones((1, 4)))
    assert received in str(raised.value)


def test_a_tap_of_a_model_that_has_a_tap_in_it():
    base = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b"), layers.Dense(1)])
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(2)(base.anatomy.tap({"k": "b"})(inputs)["k"]))
    x = _pictures(2, 4)
    inside = next(part.address for part in model.anatomy.parts if part.thing is base.layers[0])
    seen = model.anatomy.tap({"a": inside})(x)["a"]
    np.testing.assert_allclose(seen, base.layers[0](x), rtol=1e-6)


def test_any_call_may_say_training():
    class Plain(layers.Layer):
        def call(self, x):
            return x + 1

    inputs = keras.Input((None, 4))
    model = keras.Model(inputs, Plain(name="p")(inputs, training=False))
    assert model.compute_output_shape((2, 5, 4)) == (2, 5, 4)
    assert model.anatomy.trainability()["p"].why == "no weights"


def test_models_with_loops_are_compared_by_behaviour():
    def make():
        return keras.Sequential([keras.Input((3, 2)), layers.Bidirectional(layers.GRU(2)), layers.Dense(1)])

    one, other = make(), make()
    other.set_weights(one.get_weights())
    assert diff(one, other, _pictures(2, 3, 2)).same
    other.layers[0].forward_layer.cell.kernel.assign(other.layers[0].forward_layer.cell.kernel * 2)
    assert [d.left for d in diff(one, other, _pictures(2, 3, 2)).of("behaviour")] == ["bidirectional/forward_layer"]


def test_layers_that_are_shared_in_one_model_only():
    def make(layer, other):
        inputs = keras.Input((4,))
        return keras.Model(inputs, layers.Dense(4, name="m")(layer(inputs)) + other(inputs))

    def dense(name):
        return layers.Dense(4, name=name, kernel_initializer="ones")

    inner = dense("d")
    wrap = keras.Sequential([keras.Input((4,)), inner], name="w")
    shared, apart = make(wrap, inner), make(keras.Sequential([keras.Input((4,)), dense("d")], name="w"), dense("d"))
    apart.get_layer("m").set_weights(shared.get_layer("m").get_weights())
    kinds = {d.kind for d in diff(shared, apart).differences}
    assert kinds == {"sharing"}
    assert {d.kind for d in diff(apart, shared).differences} == {"sharing"}


def test_differences_stand_in_the_order_of_the_layers():
    def make(name):
        return keras.Sequential([keras.Input((4,)), *(layers.Dense(4, name=n) for n in ("a", name, "c"))])

    found = diff(make("b"), make("z")).differences
    assert [d.left for d in found] == ["a/kernel", "b", "b/kernel", "c/kernel"]


@pytest.mark.parametrize(
    ("ask", "error", "text"),
    [
        (lambda A: A.tap([]), ArgumentError, "There is no address"),
        (lambda A: A.tap({}), ArgumentError, "There is no address"),
        (lambda A: A.fields(5), ArgumentError, "There is no input 5"),
        (lambda A: A.trainability()["nix"], UnknownNameError, "There is no layer in 'm' named 'nix'"),
        (lambda A: A.costs()["a"], ArgumentError, "This is no call of the model"),
        (lambda A: A.costs().memory(-1), ArgumentError, "A batch has samples"),
        (lambda A: A.select("**", type="Dense"), ArgumentError, "`type` is a class"),
        (lambda A: A.address(3), UnknownNameError, "int 3 is no part of 'm'"),
        (lambda A: A["a"] | ["a"], TypeError, "unsupported operand"),
        (lambda A: A.diff(None), ArgumentError, "diff\\(\\) compares two models"),
    ],
)
def test_one_clear_error(ask, error, text):
    A = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="a")], name="m").anatomy
    with pytest.raises(error, match=text):
        ask(A)


def test_two_threads_look_and_patch_at_once():
    model = _twin()
    data, A, wrong = [_pictures(2, 4), _pictures(2, 4)], model.anatomy, []
    expected = np.asarray(model(data))

    def look() -> None:
        assert "head" in str(A.explain("head")) and A.costs().macs
        np.testing.assert_allclose(model(data), expected, rtol=1e-6)

    def change() -> None:
        with A.patch({"head": 0.0}):
            np.testing.assert_array_equal(model(data), expected * 0)

    def work(task) -> None:
        try:
            for _ in range(3):
                task()
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(task,)) for task in (look, change, look, change)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
