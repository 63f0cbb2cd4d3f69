"""Layers and models that stand in several places, in a graph and in models inside of it: one again after loading."""

from __future__ import annotations

import numpy as np
import pytest

import lamella
from lamella import Input, Model, Sequential
from lamella import layers as L
from lamella.models import clone_model, model_from_json
from lamella.saving import load_model


def inside(layer, name, shape=(4,)):
    """A model of one layer."""
    x = Input(shape, name=f"{name}_input")
    return Model(x, layer(x), name=name)


def before_and_after():
    shared, x = L.Dense(4, name="d"), Input((4,), name="x")
    return Model(x, shared(inside(shared, "inner")(shared(x))))


def inside_first():
    shared, x = L.Dense(4, name="d"), Input((4,), name="x")
    return Model(x, shared(inside(shared, "inner")(x)))


def two_models():
    shared, x = L.Dense(4, name="d"), Input((4,), name="x")
    return Model(x, inside(shared, "b")(inside(shared, "a")(x)))


def two_deep():
    shared, i, j, x = L.Dense(4, name="d"), *(Input((4,), name=name) for name in "ijx")
    inner = Model(i, shared(shared(i)), name="a")
    middle = Model(j, inner(shared(inner(j))), name="b")
    return Model(x, [shared(inner(middle(shared(x)))), shared(x)])


def stacks():
    shared = L.Dense(4, name="d")
    inner = Sequential([Input((4,)), shared, L.ReLU(name="r")], name="s")
    return Sequential([Input((4,)), shared, inner, Sequential([Input((4,)), shared, inner], name="t")])


def in_a_wrapper():
    shared, x = L.Dense(4, name="d"), Input((3, 4), name="x")
    return Model(x, shared(inside(L.TimeDistributed(shared, name="td"), "inner", (3, 4))(x)))


def same_input():
    x = Input((4,), name="x")
    hidden = L.Dense(4, name="d")(x)
    return Model(x, L.Add()([Model(x, hidden, name="a")(x), hidden]))


def a_model_twice():
    j, x = (Input((4,), name=name) for name in "jx")
    inner = inside(L.Dense(4, name="d"), "a")
    middle = Model(j, inner(inner(j)), name="b")
    return Model(x, [inner(middle(x)), middle(inner(x))])


def part_of_another():
    """A model of the first layers of one that is used as well: they share also the calls."""
    x, base = Input((4,), name="x"), Sequential([Input((4,)), L.Dense(4, name="d"), L.Dense(2, name="e")], name="base")
    part = Model(base.inputs, base.get_layer("d").output, name="part")
    return Model(x, L.Concatenate()([base(x), part(x)]))


MODELS = [
    *(before_and_after, inside_first, two_models, two_deep, stacks),
    *(in_a_wrapper, same_input, a_model_twice, part_of_another),
]


def through_file(ending):
    def copied(model, folder):
        model.save(folder / f"m{ending}")
        return load_model(folder / f"m{ending}")

    return copied


def with_weights(make):
    def copied(model, folder):
        copy = make(model)
        copy.set_weights(model.get_weights())
        return copy

    return copied


def again(layer):
    return layer.__class__.from_config(layer.get_config())


WAYS = {
    ".keras": through_file(".keras"),
    ".h5": through_file(".h5"),
    "to_json": with_weights(lambda model: model_from_json(model.to_json())),
    "get_config": with_weights(lambda model: type(model).from_config(model.get_config())),
    "clone_model": with_weights(clone_model),
    "clone_function": with_weights(lambda model: clone_model(model, clone_function=again)),
    "recursive": with_weights(lambda model: clone_model(model, clone_function=again, recursive=True)),
}


def outputs(model):
    x = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:])).astype("float32")
    found = model(x)
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", MODELS)
def test_parts_in_several_places_are_one_again(tmp_path, make, way):
    model = make()
    copy = WAYS[way](model, tmp_path)
    assert [w.shape for w in copy.weights] == [w.shape for w in model.weights]
    for one, two in zip(outputs(copy), outputs(model), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)
    assert not {id(w) for w in copy.weights} & {id(w) for w in model.weights}


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("make", [inside_first, two_deep])
def test_training_goes_on(tmp_path, make, ending):
    model = make()
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    y = x if len(model.outputs) == 1 else [x, x]
    model.compile(lamella.optimizers.Adam(0.01), "mse")
    model.fit(x, y, verbose=0, shuffle=False)
    copy = through_file(ending)(model, tmp_path)
    for one in (model, copy):
        one.fit(x, y, verbose=0, shuffle=False)
    for one, two in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-7)


def test_a_shared_layer_is_cloned_as_the_function_says():
    def wider(layer):
        return L.Dense(4, name="d", activation="relu") if isinstance(layer, L.Dense) else again(layer)

    clone = clone_model(inside_first(), clone_function=wider)
    assert clone.get_layer("d") is clone.get_layer("inner").get_layer("d")
    assert clone.get_layer("d").activation is lamella.activations.relu


def test_two_copies_share_nothing():
    config = two_models().get_config()
    one, two = (Model.from_config(config) for _ in range(2))
    assert one.get_layer("a").get_layer("d") is not two.get_layer("a").get_layer("d")


def test_only_what_is_in_several_places_is_marked():
    assert "shared_layer" not in inside(L.Dense(4), "plain").to_json()
    assert two_models().to_json().count("shared_layer") == 2


@pytest.mark.parametrize("mark", [[1], {}, "x", 1.5, None])
def test_marks_that_are_none(mark):
    config = two_models().get_config()
    for inner in config["layers"][1:]:
        inner["config"]["layers"][1]["shared_layer"] = mark
    assert Model.from_config(config).count_params() == 40
