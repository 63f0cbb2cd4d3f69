"""What models return and train on, by the structure of their outputs: one in a list, nested, named."""

import collections

import keras as real
import numpy as np
import pytest

import lamella as ours

Pair = collections.namedtuple("Pair", "left right")
One = collections.namedtuple("One", "only")
X, Y2, Y1 = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32"), np.zeros((4, 1), "float32")


def kinds(value):
    """A value's structure, with the shape for each array or tensor."""
    if isinstance(value, dict):
        return {key: kinds(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and not all(isinstance(n, (int, type(None))) for n in value):
        return type(value).__name__, [kinds(item) for item in value]
    return tuple(getattr(value, "shape", value))


def model(keras, structure):
    x = keras.Input((3,), name="x")

    def dense(name, units=1):
        return keras.layers.Dense(units, name=name, kernel_initializer="ones")(x)

    return keras.Model(x, structure(dense))


SINGLE = {
    "list": lambda dense: [dense("a")],
    "tuple": lambda dense: (dense("a"),),
    "dict": lambda dense: {"a": dense("a")},
    "list in list": lambda dense: [[dense("a")]],
    "namedtuple": lambda dense: One(dense("a")),
}
SEVERAL = {
    "list": lambda dense: [dense("a", 2), dense("b")],
    "tuple": lambda dense: (dense("a", 2), dense("b")),
    "namedtuple": lambda dense: Pair(dense("a", 2), dense("b")),
    "nested": lambda dense: {"p": [dense("a", 2), dense("b")], "q": (dense("c"),)},
    "lists": lambda dense: [[dense("a", 2), dense("b")], dense("c")],
    "deep": lambda dense: {
        "a": (dense("a1"), dense("a2")),
        "c": {"c1": (dense("c11"), dense("c12")), "c2": dense("e")},
    },
}


def returned(keras, structure):
    made = model(keras, structure)
    made.compile("sgd", "mse")
    outer_x = keras.Input((3,))
    copy = keras.models.clone_model(made)
    again = type(made).from_config(made.get_config())
    return [
        kinds(value)
        for value in (
            *(
                made.output,
                made.output_shape,
                made(X),
                made(outer_x),
                made.predict(X, verbose=0),
                made.predict_on_batch(X),
            ),
            *(keras.Model(outer_x, made(outer_x)).predict(X, verbose=0), made.compute_output_shape((4, 3))),
            *(copy(X), copy.output),
            *((again(X), again.output) if "Pair" not in str(made.output) and "One" not in str(made.output) else ()),
        )
    ]


@pytest.mark.parametrize(
    "structure", [*SINGLE.values(), *SEVERAL.values()], ids=[*SINGLE, *(f"two: {k}" for k in SEVERAL)]
)
def test_what_is_returned(structure):
    assert returned(ours, structure) == returned(real, structure)


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", ["list", "dict", "list in list"])
def test_types_are_kept_in_files(name, ending, tmp_path):
    made = model(ours, SINGLE[name])
    made.save(tmp_path / f"m.{ending}")
    again = ours.models.load_model(tmp_path / f"m.{ending}")
    assert kinds(again.output) == kinds(made.output) and kinds(again(X)) == kinds(made(X))


FITS = {
    "one, targets in a list": (SINGLE["list"], [Y1], "mse"),
    "one, losses in a list": (SINGLE["list"], Y1, ["mse"]),
    "one, losses by name": (SINGLE["tuple"], (Y1,), {"a": "mse"}),
    "dict of one": (SINGLE["dict"], {"a": Y1}, {"a": ["mse"]}),
    "namedtuple": (SEVERAL["namedtuple"], Pair(Y2, Y1), Pair("mse", "mae")),
    "namedtuple, by name": (SEVERAL["namedtuple"], {"a": Y2, "b": Y1}, {"a": "mse", "b": "mae"}),
    "nested, one loss": (SEVERAL["nested"], {"p": [Y2, Y1], "q": (Y1,)}, "mse"),
    "nested, alike": (SEVERAL["nested"], {"p": [Y2, Y1], "q": (Y1,)}, {"p": ["mse", "mae"], "q": ("mse",)}),
    "nested, lists for tuples": (SEVERAL["nested"], {"p": [Y2, Y1], "q": [Y1]}, {"p": ["mse", "mae"], "q": ["mse"]}),
    "nested, flat": (SEVERAL["nested"], [Y2, Y1, Y1], ["mse", "mae", "mse"]),
    "nested, in part": (SEVERAL["nested"], {"p": [Y2, Y1], "q": (Y1,)}, {"p": ["mse", None], "q": (None,)}),
    "nested, a key left out": (SEVERAL["nested"], {"p": [Y2, Y1], "q": (Y1,)}, {"p": ["mse", "mae"]}),
    "nested, several for one": (SEVERAL["nested"], {"p": [Y2, Y1], "q": (Y1,)}, {"p": [["mse", "mae"], "mae"]}),
    "lists": (SEVERAL["lists"], [[Y2, Y1], Y1], [["mse", "mae"], "mse"]),
    "lists, flat": (SEVERAL["lists"], [Y2, Y1, Y1], ["mse", "mae", "mae"]),
    "deep": (
        SEVERAL["deep"],
        {"a": (Y1, Y1), "c": {"c1": (Y1, Y1), "c2": Y1}},
        {"a": ("mse", None), "c": {"c1": ["mae", "mse"], "c2": ["mse", "mae"]}},
    ),
}


@pytest.mark.parametrize("case", FITS)
def test_losses(case):
    structure, targets, losses = FITS[case]

    def logs(keras):
        made = model(keras, structure)
        made.compile("sgd", losses)
        return made.fit(X, targets, verbose=0).history

    mine, theirs = logs(ours), logs(real)
    assert mine.keys() == theirs.keys()
    for name, value in theirs.items():
        np.testing.assert_allclose(mine[name], value, rtol=1e-5)


def test_a_loss_function_gets_the_structure_it_stands_for():
    def squares(y_true, y_pred):
        assert isinstance(y_pred, dict) and isinstance(y_true, dict)
        return ours.ops.mean((y_true["c2"] - y_pred["c2"]) ** 2, axis=-1)

    made = model(ours, SEVERAL["deep"])
    made.compile("sgd", {"c": [squares, {"c2": "mae"}]})
    logs = made.evaluate(X, {"a": (Y1, Y1), "c": {"c1": (Y1, Y1), "c2": Y1}}, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["loss"], 9 + 3, rtol=1e-5)


@pytest.mark.parametrize(
    "metrics",
    [
        {"p": ["mse", "mae"], "q": ("mse",)},
        {"p": ["mse", None], "q": (None,)},
        {"p": [["mse"], ["mae", "mse"]], "q": (["mse"],)},
    ],
)
def test_nested_metrics(metrics):
    def logs(keras):
        made = model(keras, SEVERAL["nested"])
        made.compile("sgd", "mse", metrics=metrics)
        return made.evaluate(X, {"p": [Y2, Y1], "q": (Y1,)}, verbose=0, return_dict=True)

    mine, theirs = logs(ours), logs(real)
    assert mine.keys() == theirs.keys()
    for name, value in theirs.items():
        np.testing.assert_allclose(mine[name], value, rtol=1e-5)


def test_loss_weights_of_nested_losses():
    def loss(keras, losses, weights):
        made = model(keras, SEVERAL["nested"])
        made.compile("sgd", losses, loss_weights=weights)
        return made.evaluate(X, {"p": [Y2, Y1], "q": (Y1,)}, verbose=0, return_dict=True)["loss"]

    for losses, weights in (
        ({"p": ["mse", "mse"], "q": ("mse",)}, {"p": [1.0, 2.0], "q": (3.0,)}),
        ({"p": ["mse", "mse"], "q": ("mse",)}, [1.0, 2.0, 3.0]),
        (["mse"] * 3, [1.0, 2.0, 3.0]),
    ):
        np.testing.assert_allclose(loss(ours, losses, weights), loss(real, losses, weights), rtol=1e-5)


@pytest.mark.parametrize("losses", [{"p": "mse", "r": "mse"}, {"p": {"z": "mse"}}, {"p": ["mse"] * 3}, ["mse"] * 2])
def test_losses_for_what_is_not_there_are_refused(losses):
    made = model(ours, SEVERAL["nested"])
    made.compile("sgd", losses)
    with pytest.raises(ours.errors.ArgumentError, match="loss"):
        made.fit(X, {"p": [Y2, Y1], "q": (Y1,)}, verbose=0)


def test_losses_of_nested_outputs_by_name_and_one_for_a_part():
    def loss(losses):
        made = model(ours, SEVERAL["nested"])
        made.compile("sgd", losses)
        return made.evaluate(X, {"p": [Y2, Y1], "q": (Y1,)}, verbose=0, return_dict=True)["loss"]

    flat = loss(["mse", "mse", "mae"])
    assert loss({"a": "mse", "b": "mse", "c": "mae"}) == loss({"p": "mse", "q": "mae"}) == flat


def mae(keras, y_true, y_pred):
    parts = zip(keras.tree.flatten(y_true), keras.tree.flatten(y_pred), strict=True)
    return sum(keras.losses.mean_absolute_error(t, p) for t, p in parts)


WHOLE_AND_PARTS = {  # (outputs, losses, weights), where `f` is a loss that takes any structure
    "tuple": (lambda a, b: (a, b), lambda f: [f, (f, "mse")], None),
    "list": (lambda a, b: [a, b], lambda f: (f, ["mse", f]), None),
    "dict": (lambda a, b: {"a": a, "b": b}, lambda f: [f, {"b": "mse"}], None),
    "namedtuple": (Pair, lambda f: [f, Pair(f, "mse")], None),
    "weights": (lambda a, b: (a, b), lambda f: [f, ("mse", f)], [0.5, (0.2, 0.3)]),
    "flat weights": (lambda a, b: (a, b), lambda f: [f, ("mse", f)], [0.5, 0.2, 0.3]),
    "two for one": (lambda a, b: (a, b), lambda f: [[f, "mse"], [f]], None),
}


@pytest.mark.parametrize("case", WHOLE_AND_PARTS)
def test_losses_of_all_outputs_at_once_beside_those_of_each(case):
    structure, losses, weights = WHOLE_AND_PARTS[case]

    def logs(keras):
        made = model(keras, lambda dense: structure(dense("a"), dense("b")))
        made.compile("sgd", loss=losses(lambda t, p: mae(keras, t, p)), loss_weights=weights)
        targets = structure(Y1, Y1 + 0.5)
        return {name: value[0] for name, value in made.fit(X, targets, batch_size=2, verbose=0).history.items()}

    expected = logs(real)
    assert logs(ours) == pytest.approx(expected, rel=1e-5) and len(expected) > 2


def test_losses_where_compute_loss_makes_more_outputs():
    def logs(keras):
        class Twice(keras.Model):
            def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
                return super().compute_loss(x=x, y=y, y_pred=[y_pred, y_pred], sample_weight=sample_weight)

        x = keras.Input((3,))
        made = Twice(x, keras.layers.Dense(1, name="a", kernel_initializer="ones")(x))
        made.compile("sgd", loss=["mse", "mae"])
        return {name: value[0] for name, value in made.fit(X, (Y1, Y1 + 1), verbose=0).history.items()}

    assert logs(ours) == pytest.approx(logs(real), rel=1e-5)


def test_a_compiled_loss_that_compute_loss_does_not_use_needs_no_targets():
    class Own(ours.Model):
        def __init__(self):
            super().__init__()
            self.dense = ours.layers.Dense(3)

        def call(self, x):
            return self.dense(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return ours.ops.mean((y_pred - x) ** 2)

    made = Own()
    made.compile("sgd", loss="mse")
    assert made.fit(X, verbose=0).history["loss"][0] > 0


def test_a_dict_of_losses_for_an_output_that_is_none_is_refused():
    made = model(ours, lambda dense: [dense("a"), dense("b")])
    made.compile("sgd", loss=["mse", {"a": "mse", "b": "mae"}])
    with pytest.raises(ValueError, match="a dict for an output"):
        made.fit(X, [Y1, Y1], verbose=0)
