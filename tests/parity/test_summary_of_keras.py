"""The default summary against Keras's own table, row for row, for models of every kind."""

import re

import keras as real
import numpy as np
import pytest

import lamella
from lamella.anatomy import summary_text, table


def chain(k):
    return k.Sequential([k.Input((8,)), k.layers.Dense(4, name="a"), k.layers.Dropout(0.5, name="drop")], name="m")


def unbuilt(k):
    return k.Sequential([k.layers.Dense(4, name="a"), k.layers.BatchNormalization(name="bn")], name="m")


def built_by_call(k):
    model = unbuilt(k)
    model(np.zeros((2, 3), "float32"))
    return model


def nested(k):
    inner = k.Sequential(
        [k.Input((8,)), k.layers.Dense(4, name="a"), k.layers.BatchNormalization(name="bn")], name="in"
    )
    x = k.Input((8,), name="x")
    return k.Model(x, k.layers.Dense(2, name="head")(inner(x)), name="m")


def nested_twice(k):
    x = k.Input((6, 6, 3), name="x0")
    small = k.Model(x, k.layers.Conv2D(4, 3, name="conv")(x), name="small")
    x = k.Input((6, 6, 3), name="x1")
    middle = k.Model(x, k.layers.Flatten(name="flat")(small(x)), name="middle")
    x = k.Input((6, 6, 3), name="x2")
    return k.Model(x, k.layers.Dense(2, name="head")(middle(x)), name="m")


def shared(k):
    layer = k.layers.Dense(4, name="shared")
    a, b = k.Input((8,), name="a"), k.Input((8,), name="b")
    return k.Model([a, b], k.layers.Concatenate(name="cat")([layer(a), layer(b)]), name="m")


def several_outputs(k):
    x = k.Input((8,), name="x")
    y = k.layers.Dense(4, name="y")(x)
    return k.Model(x, [k.layers.Dense(2, name="p")(y), k.layers.Dense(3, name="q")(y)], name="m")


def ops_between(k):
    x = k.Input((8,), name="x")
    y = k.layers.Dense(8, name="d")(x)
    return k.Model(x, k.ops.relu(x + y) * 2.0, name="m")


def states(k):
    x = k.Input((5, 3), name="x")
    y, h, c = k.layers.LSTM(4, return_state=True, name="lstm")(x)
    return k.Model(x, k.layers.Concatenate(name="cat")([y, h, c]), name="m")


def library_layers(k):
    x = k.Input((5, 8), name="x")
    y = k.layers.MultiHeadAttention(2, 4, name="mha")(x, x)
    y = k.layers.Bidirectional(k.layers.LSTM(3), name="both")(k.layers.LayerNormalization(name="ln")(y))
    return k.Model(x, y, name="m")


def embedding(k):
    x = k.Input((None,), dtype="int32", name="x")
    y = k.layers.Embedding(20, 4, name="e")(x)
    return k.Model(x, k.layers.GlobalAveragePooling1D(name="pool")(y), name="m")


def frozen(k):
    model = nested(k)
    model.layers[1].trainable = False
    return model


def subclassed(k):
    class Net(k.Model):
        def __init__(self):
            super().__init__(name="m")
            self.one, self.two = k.layers.Dense(4, name="one"), k.layers.Dense(2, name="two")

        def call(self, x):
            return self.two(self.one(x))

    return Net()


def subclassed_built(k):
    model = subclassed(k)
    model(k.Input((3,)))
    return model


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A wide terminal, or Keras crops."""
    monkeypatch.setenv("COLUMNS", "300")


def rows_of_keras(model, **kwargs):
    """What Keras prints for each layer, read off its own table, unwrapped."""
    lines = []
    model.summary(print_fn=lambda text, **_: lines.extend(text.splitlines()), line_length=280, **kwargs)
    return _cells(lines)


def rows_of_ours(model, **kwargs):
    names = {"expand_nested", "show_trainable", "layer_range"} & set(kwargs)
    return _cells(summary_text(table(model, **{name: kwargs[name] for name in names}), 280).splitlines())


def _cells(lines):
    head = [[cell.strip() for cell in line.strip("┃").split("┃")] for line in lines if line.startswith("┃")]
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    totals = [re.sub(r"\s+", " ", line.strip()) for line in lines if "params" in line]
    return head, rows, totals


BUILDERS = [
    *(chain, unbuilt, built_by_call, nested, nested_twice, shared, several_outputs, ops_between, states),
    *(library_layers, embedding, frozen, subclassed, subclassed_built),
]
SHOWN = [{}, {"expand_nested": True}, {"show_trainable": True, "expand_nested": True}]


@pytest.mark.sample(7)
@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: "+".join(shown) or "default")
@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_rows_are_those_of_keras(build, shown):
    lamella.utils.clear_session(free_memory=False)
    real.utils.clear_session(free_memory=False)
    assert rows_of_ours(build(lamella), **shown) == rows_of_keras(build(real), **shown)


@pytest.mark.parametrize("span", [("a", "a"), ("a", "drop"), ("drop", "a"), ("dr.*", "drop")])
def test_layer_range(span):
    assert rows_of_ours(chain(lamella), layer_range=span) == rows_of_keras(chain(real), layer_range=span)


def test_layer_range_of_a_graph():
    for span in (("a", "b"), ("b", "cat"), ("sh.*", "cat")):
        assert rows_of_ours(shared(lamella), layer_range=span) == rows_of_keras(shared(real), layer_range=span)


def widths(lines):
    return [len(part) for part in next(line for line in lines if line.startswith("┏")).strip("┏┓").split("┳")]


@pytest.mark.parametrize(
    ("length", "positions", "trainable"),
    [(100, [0.45, 0.8, 1.0], False), (100, [0.3, 0.6, 1.0], True), (60, [0.5, 0.8, 1.0], False)],
)
def test_positions_mean_what_they_mean_to_keras(length, positions, trainable):
    ours, theirs = [], []
    chain(lamella).summary(length, positions, ours.append, show_trainable=trainable)
    chain(real).summary(length, positions, lambda text: theirs.extend(text.splitlines()), show_trainable=trainable)
    assert len(widths(ours)) == len(widths(theirs))
    assert all(abs(a - b) <= 4 for a, b in zip(widths(ours), widths(theirs), strict=True))


def test_the_optimizer_is_not_counted_as_parameters_of_the_model():
    models = [chain(lamella), chain(real)]
    for model in models:
        model.compile("adam", "mse")
        model.fit(np.zeros((2, 8)), np.zeros((2, 4)), verbose=0)
    ours, theirs = rows_of_ours(models[0])[2], rows_of_keras(models[1])[2]
    assert ours[1:] == theirs[1:] and ours[0].startswith("Total params: 36 ")
