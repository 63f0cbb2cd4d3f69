"""What people write first, by index, by a printed name, at the wrong depth: it works, or the error says what does."""

import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.errors import ArgumentError, GraphError, UnknownNameError


def chain():
    return keras.Sequential([keras.Input((4,)), layers.Dense(3, name="d1"), layers.Dense(2, name="d2")])


def nested():
    base = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="Conv1"), layers.Flatten()], name="base")
    x = keras.Input((8, 8, 3))
    return keras.Model(x, layers.Dense(2, name="head")(layers.Dropout(0.5, name="drop")(base(x))))


@pytest.mark.parametrize("index", [0, 1, -1, -2])
def test_layers_by_index_are_those_of_the_model(index):
    model = chain()
    A = model.anatomy
    assert A[f"layers[{index}]"].layers == A[f"[{index}]"].layers == [model.layers[index]]
    assert len(A.tap(f"layers[{index}]")(np.ones((2, 4), "float32"))) == 1
    assert A["layers[0:2]"].layers == model.layers


@pytest.mark.parametrize("address", ["layers[2]", "layers[7]", "[-3]"])
def test_an_index_out_of_range_tells_the_range(address):
    with pytest.raises(UnknownNameError, match="0 to 1, or -2 to -1"):
        chain().anatomy[address]
    with pytest.raises(UnknownNameError, match="'base' has no layer at index 9"):
        nested().anatomy["base/layers[9]"]


@pytest.mark.parametrize("start", ["layers[0]", "input_layer", "d1", 0])
def test_unfreezing_from_the_first_layer_on(start):
    model = chain()
    model.trainable = False
    model.anatomy.unfreeze(from_=start)
    assert [layer.trainable for layer in model.layers] == [True, True]


def test_every_printed_name_is_found(capsys):
    model = nested()
    model.summary()
    printed = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert len(printed) == 4
    for name in printed:
        assert len(model.anatomy[name].layers) == 1 and model.get_layer(name) in model.layers
    assert model.get_layer("input_layer") is model.layers[0], "the address of an input, too"


@pytest.mark.parametrize("name", ["Conv1", "conv1"])
def test_a_name_at_another_depth_is_offered_first(name):
    model = nested()
    for find in (model.get_layer, lambda name: model.anatomy[name]):
        with pytest.raises(ValueError, match="did you mean 'base/Conv1'"):
            find(name)


def test_the_output_of_a_layer_inside_of_another_model():
    model = nested()
    inner = model.get_layer("base")
    with pytest.raises(GraphError) as caught:
        keras.Model(model.input, inner.get_layer("Conv1").output)
    text = str(caught.value)
    assert "'Conv1' belongs to the graph of 'base'" in text and "model.anatomy.tap('base/Conv1')" in text
    x = np.ones((1, 8, 8, 3), "float32")
    told = keras.Model(inner.input, inner.get_layer("Conv1").output)(x)
    np.testing.assert_array_equal(told, model.anatomy.tap("base/Conv1")(x)["base/Conv1"])
    deeper = keras.Input((8, 8, 3))
    outermost = keras.Model(deeper, model(deeper))
    with pytest.raises(GraphError, match=r"tap\('.*/base/Conv1'\)"):
        keras.Model(outermost.input, inner.get_layer("Conv1").output)
    with pytest.raises(GraphError, match="is not among the inputs"):
        keras.Model(keras.Input((8, 8, 3)), inner.get_layer("Conv1").output)


def test_layers_of_a_layer_that_is_no_model():
    model = nested()
    drop = model.layers[2]
    assert not hasattr(drop, "layers") and getattr(drop, "layers", 3) == 3
    with pytest.raises(AttributeError, match=r"Dropout 'drop' is no model.*get_layer\('base'\).layers: tf.keras 2"):
        drop.layers
    with pytest.raises(AttributeError, match=r"no model: it has no `layers`\.$"):
        layers.Dense(1).layers

    class Stack(layers.Layer):
        def __init__(self):
            super().__init__()
            self.layers = [layers.Dense(2), layers.Dense(3)]

        def call(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    stack = Stack()
    assert stack(np.ones((1, 2))).shape == (1, 3) and len(stack.weights) == 4 and len(stack.layers) == 2


def test_a_layer_that_is_not_in_the_model_cannot_start_its_training():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.block = [layers.Dense(2, name="inside")]
            self.out = layers.Dense(1)

        def call(self, x):
            return self.out(self.block[0](x))

    model = Own()
    model(np.ones((1, 2), "float32"))
    model.anatomy.unfreeze(from_="out")
    with pytest.raises(ArgumentError):
        model.anatomy.unfreeze(from_="out/kernel")


def test_reprs_are_a_line_that_says_where_more_is():
    model = chain()
    model.compile("sgd", "mse")
    history = model.fit(np.ones((4, 4)), np.ones((4, 2)), epochs=2, verbose=0)
    A = model.anatomy
    for thing, said in [
        (model, "2 layers, 23 parameters: .summary()"),
        (A, ".explain()"),
        (A.costs(), "18 MACs"),
        (history, "2 epochs, at the end loss"),
        (A.diff(chain()), "differences; print()"),
        (model.layers[0].kernel, "shape=(4, 3)"),
        (keras.Variable(np.ones((500, 3), "float32")), "value=[[1. 1. 1.] [1. 1. 1.] ..."),
        (A.tap("d1"), ".summary()"),
    ]:
        assert said in repr(thing) and "\n" not in repr(thing)
    assert repr(keras.Sequential(name="new")) == "<Sequential name=new, built=False>"
