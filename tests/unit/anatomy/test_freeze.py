"""Freezing by address: what is asked for is what trains, at any time, and the report says why."""

import warnings

import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.applications.mobilenet_v2 import MobileNetV2
from lamella.errors import ArgumentError, UnknownNameError

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.ones((8, 1), "float32")


def block(name):
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="d"), layers.BatchNormalization(name="bn")], name=name
    )


@pytest.fixture
def model():
    """A base of two blocks under a head."""
    inputs = keras.Input((4,))
    base = keras.Model(inputs, block("b1")(block("b0")(inputs)), name="base")
    outer = keras.Input((4,))
    return keras.Model(outer, layers.Dense(1, name="head")(base(outer)), name="whole")


def trained(model):
    """The addresses of the weights that a step of training really moves."""
    model.compile("sgd", "mse")
    before = {address: v.numpy() for address, v in keras.walk(model)}
    model.fit(X, Y * 3, batch_size=8, verbose=0)
    moved = {a for a, v in keras.walk(model) if a in before and not np.array_equal(v.numpy(), before[a])}
    # what is added before a normalization has the gradient 0, but for rounding
    return {address for address in moved if not address.endswith(("/d/bias", "b0/bn/beta"))}


HEAD = {"head/kernel", "head/bias"}


def inside(number, *names):
    return {f"base/b{number}/{name}" for name in names}


AFFINE, STATS = ("bn/gamma", "bn/beta"), ("bn/moving_mean", "bn/moving_variance")


@pytest.mark.parametrize("where", ["base", "base/**", ["base/b0", "base/b1"]])
@pytest.mark.parametrize(
    "bn, names", [("inference", ()), ("stats", STATS), ("train", (*STATS, *AFFINE))], ids=lambda v: str(v)
)
def test_what_a_frozen_base_still_moves(model, where, bn, names):
    model.anatomy.freeze(where, bn=bn)
    assert trained(model) == HEAD | inside(0, *names) - inside(0, "bn/beta") | inside(1, *names)


def test_statistics_go_on_in_a_base_that_was_frozen_whole(model):
    model.get_layer("base").trainable = False
    model.anatomy.freeze("base/**", bn="stats")
    assert trained(model) == HEAD | inside(0, *STATS) | inside(1, *STATS)


def test_an_explicit_training_false_wins_and_is_said():
    base = block("base")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(1, name="head")(base(inputs, training=False)))
    model.anatomy.freeze("base", bn="stats")
    assert trained(model) == HEAD
    assert model.anatomy.trainability()["base/bn"].statistics == "stand still: called with training=False at 'base'"


def test_a_child_is_unfrozen_under_frozen_parents_and_nothing_beside_it(model):
    model.trainable = False
    model.get_layer("base").get_layer("b1").trainable = True  # says so, and does not train: what is around is frozen
    model.anatomy.unfreeze("base/b1/d")
    assert trained(model) == inside(1, "d/kernel")
    assert model.anatomy.trainability()["base/b1/bn"].why == "its own flag: trainable=False"


@pytest.mark.parametrize("from_", ["b1", 2, -1, "[2]", "b1/d"])
def test_from_a_place_on(model, from_):
    model.anatomy.freeze()
    model.anatomy.unfreeze("base", from_=from_)
    assert trained(model) == inside(1, "d/kernel", *AFFINE, *STATS)


def test_from_a_place_in_a_model_inside(model):
    model.anatomy.unfreeze("base", from_="b0/bn")
    moved = trained(model)
    assert inside(0, "bn/gamma") | inside(1, "d/kernel") <= moved and inside(0, "d/kernel").isdisjoint(moved)


def test_the_whole_and_single_weights(model):
    anatomy = model.anatomy
    anatomy.freeze()
    assert model.trainable_weights == []
    anatomy.unfreeze("head/bias")
    assert [v.name for v in model.trainable_weights] == ["bias"] and model.get_layer("head").bias.trainable
    anatomy.unfreeze()
    anatomy.freeze("head/kernel")
    assert trained(model) & HEAD == {"head/bias"}
    assert anatomy.trainability()["head"].why == "a part of it: kernel is frozen"


def test_unfrozen_in_a_callback_without_compile(model):
    """Slots of the variables that trained before are kept to the bit, and new ones appear."""
    model.anatomy.freeze("base")
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    held = {}

    class Unfreeze(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                held.update({v.path: v.numpy() for v in model.optimizer.variables if "momentum" in v.path})
                model.anatomy.unfreeze("base", from_="b1")

        def on_train_batch_begin(self, batch, logs=None):
            held.setdefault("sizes", []).append(len(model.optimizer.variables))

    class Slots(keras.callbacks.Callback):
        """Looks at the slots once they were made anew, before a step changes them."""

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                model.optimizer.follow(model.trainable_variables)
                held["after"] = {v.path: v.numpy() for v in model.optimizer.variables if "momentum" in v.path}

    kernel, frozen = model.get_layer("base").get_layer("b1").layers[0].kernel, model.get_layer("base").layers[1]
    before, still = kernel.numpy(), [w.numpy() for w in frozen.weights]
    model.fit(X, Y * 3, epochs=2, verbose=0, callbacks=[Unfreeze(), Slots()])
    kept = {path: value for path, value in held.items() if path not in ("sizes", "after")}
    assert len(kept) == 2 and all(np.any(value != 0) for value in kept.values())
    for path, value in kept.items():
        np.testing.assert_array_equal(held["after"][path], value)
    assert len(held["after"]) == 2 + 4
    assert np.any(kernel.numpy() != before)
    for weight, value in zip(frozen.weights, still, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_saved_and_loaded_as_it_was(model, tmp_path):
    model.anatomy.freeze("base", bn="stats")
    model.anatomy.freeze("head/bias")
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    names = [v.name for v in model.trainable_weights]
    assert [v.name for v in loaded.trainable_weights] == names == ["kernel"]
    assert {a.rpartition("/")[2] for a in trained(loaded)} == {"kernel", "moving_mean", "moving_variance"}


# The report


def test_the_report_names_reasons():
    inputs = keras.Input((4,), name="in")
    b0, b1 = block("b0"), block("b1")
    b1.trainable = False
    x = layers.Dropout(0.5, name="drop")(b0(b1(inputs), training=False))
    model = keras.Model(inputs, layers.Dense(1, name="head")(x), name="m")
    model.get_layer("head").spare = layers.Dense(2, name="spare")
    model.get_layer("head").spare.build((None, 2))
    report = model.anatomy.trainability()
    assert {row.address: row.why for row in report} == {
        "in": "no weights",
        "b1": "its own flag: trainable=False",
        "b1/input_layer": "no weights",
        "b1/d": "'b1' is frozen",
        "b1/bn": "'b1' is frozen",
        "b0": "nothing freezes it",
        "b0/input_layer": "no weights",
        "b0/d": "nothing freezes it",
        "b0/bn": "nothing freezes it",
        "drop": "no weights",
        "head": "nothing freezes it",
        "head/spare": "never called",
    }
    assert report["b1/bn"].statistics == "stand still: frozen, so it runs in inference mode"
    assert report["b0/bn"].statistics == "stand still: called with training=False at 'b0'"
    assert (report["b0/bn"].trainable, report["b0/bn"].frozen, report["b0/bn"].trains) == (8, 8, True)
    assert report.to_dict()["rows"][3] == {
        "address": "b1/d",
        "layer": "Dense",
        "trains": False,
        "why": "'b1' is frozen",
        "statistics": None,
        "called": None,
        "trainable": 0,
        "frozen": 20,
    }
    lines = str(report).splitlines()
    assert lines[0] == "m: 39 parameters train, 44 do not"
    assert lines[9] == (
        "b0/bn           BatchNormalization  trains  nothing freezes it; "
        "statistics stand still: called with training=False at 'b0'"
    )


def test_statistics_that_move_in_some_calls_and_in_composite_layers():
    class Passes(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.bn = layers.BatchNormalization(name="bn")

        def call(self, x, training=False):
            return self.bn(x, training=training)

    passes = Passes(name="passes")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, passes(passes(inputs), training=False))
    report = model.anatomy.trainability()
    assert report["passes/bn"].statistics == "move, in 1 of 2 calls"
    inputs = keras.Input((4,))
    still = keras.Model(inputs, passes(inputs, training=False)).anatomy.trainability()["passes/bn"]
    assert (still.statistics, still.called) == ("stand still: called with training=False at 'passes'", "passes")


# As Keras counts, on a real model


@pytest.fixture(scope="module")
def transfer():
    base = MobileNetV2(input_shape=(32, 32, 3), include_top=False, weights=None, alpha=0.35)
    base.name = "base"
    inputs = keras.Input((32, 32, 3))
    x = layers.GlobalAveragePooling2D()(base(inputs, training=False))
    return keras.Model(inputs, layers.Dense(1, name="head")(x)), base


def count(model):
    return sum(v.size for v in model.trainable_weights), len(model.trainable_weights)


def test_numbers_are_those_of_the_flags(transfer):
    model, base = transfer
    anatomy = model.anatomy
    anatomy.freeze("base")
    assert count(model) == (1281, 2)
    anatomy.unfreeze("base", from_="block_13_expand")
    mine = count(model)
    base.trainable = True
    for layer in base.layers[:116]:
        layer.trainable = False
    assert mine == count(model)
    anatomy.unfreeze("base", from_=116)
    assert mine == count(model)
    assert anatomy.trainability().trainable == mine[0]


def test_an_index_inside_of_a_block_warns_and_says_what_to_write(transfer):
    model, _ = transfer
    with pytest.warns(UserWarning) as caught:
        model.anatomy.unfreeze("base", from_=120)
    text = str(caught[0].message)
    assert "from_=120 is 'block_13_depthwise'" in text and "starts at 116 ('block_13_expand')" in text
    assert "Write from_='block_13_expand'" in text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.anatomy.unfreeze("base", from_=116)


@pytest.mark.parametrize(
    "act, kind, text",
    [
        (lambda a: a.freeze("base", bn="off"), UnknownNameError, "'inference' or 'stats'|choose one of 'inference'"),
        (lambda a: a.freeze("bass"), UnknownNameError, "did you mean 'base'"),
        (lambda a: a.unfreeze("base", from_=3), ArgumentError, "no layer at index 3.\n  expected  -3 to 2"),
        (lambda a: a.unfreeze("base", from_="b2"), UnknownNameError, "did you mean 'base/b"),
        (lambda a: a.unfreeze("base/*", from_=0), ArgumentError, "select one model"),
        (lambda a: a.unfreeze("base/b0/bn/moving_mean"), ArgumentError, "no gradient to train by"),
    ],
)
def test_errors(model, act, kind, text):
    with pytest.raises(kind, match=text):
        act(model.anatomy)
