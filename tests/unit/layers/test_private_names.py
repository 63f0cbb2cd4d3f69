"""Names that are private in Keras and that public code reads: each says what it says there, and none is in the way."""

import numpy as np
import pytest

import lamella as keras
from lamella import layers


@pytest.fixture
def model():
    x = keras.Input((4, 3))
    attention = layers.MultiHeadAttention(2, 5, name="attention")
    model = keras.Model(x, layers.Dense(2, name="head")(attention(x, x)))
    model.compile("adam", "mse")
    return model


def test_layers(model):
    first, attention, head = model.layers
    assert attention._key_dim == 5 and attention._num_heads == 2
    assert [v._name for v in head._trainable_variables] == ["kernel", "bias"] and head._non_trainable_variables == []
    assert head._tracker.config["trainable_variables"][1] == head._trainable_variables
    assert len(attention._layers) == 6 and attention._call_has_training_arg and not first._call_has_training_arg
    assert model._flatten_layers()[0] is model and head._flatten_layers(include_self=False) == []
    assert model._flatten_layers(include_self=False, recursive=False) == list(model.layers)


def test_graphs(model):
    _, attention, head = model.layers
    (node,) = head._inbound_nodes
    assert node.inbound_layers == [attention] and node.outbound_layer is head and node.output_tensors == model.outputs
    assert attention._outbound_nodes == [node] and head._outbound_nodes == []
    assert [len(nodes) for nodes in model._nodes_by_depth.values()] == [1, 1, 1] and model._is_graph_network
    assert model._operations == model.operations and model._inputs_struct is model.input
    assert model.output._keras_history.layer is head


def test_calls_that_nobody_holds_are_no_consumers(model):
    head = model.layers[-1]
    layers.ReLU()(head.output)
    import gc

    gc.collect()
    assert head._outbound_nodes == []


def test_training(model):
    assert model._run_eagerly is False and model._loss_tracker.name == "loss" and model._compile_loss is not None
    assert model._compile_config["loss"] == "mse"
    model.jax_state_sync()
    model.optimizer.build(model.trainable_variables)
    assert model.optimizer._variables == model.optimizer.variables


def test_sequential_has_a_functional_once_it_is_built():
    stack = keras.Sequential([layers.Dense(2)])
    assert stack._functional is None
    stack.build((None, 3))
    assert isinstance(stack._functional, keras.models.Model) and len(stack._layers) == 2
    np.testing.assert_array_equal(stack._functional(np.ones((1, 3))), stack(np.ones((1, 3))))


def test_a_program_may_use_the_names_for_itself():
    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            self._layers = [layers.Dense(2)]
            self._metrics, self._path = "mine", "here"

        def call(self, x):
            return self._layers[0](x)

    own = Own()
    assert own(np.ones((1, 3))).shape == (1, 2) and own._metrics == "mine" and len(own.weights) == 2


def test_classes_that_are_made_from_tensors_are_functional():
    functional = type(keras.Model(x := keras.Input((2,)), layers.Dense(1)(x)))

    class Made(keras.Model):
        def __init__(self):
            x = keras.Input((2,))
            super().__init__(inputs=x, outputs=layers.Dense(1)(x))

    class Other(keras.Model):
        pass

    assert isinstance(Made(), functional) and not isinstance(Other(), functional)
    assert not isinstance(keras.Sequential(), functional)


@pytest.mark.parametrize("initializer", ["zeros", "uniform", "glorot_uniform"])
def test_variables_by_the_name_of_an_initializer(initializer):
    variable = keras.Variable(shape=(3, 2), initializer=initializer, trainable=False, name="v")
    assert variable._shape == (3, 2) and variable._dtype == "float32" and not variable.trainable
    assert round(variable).shape == (3, 2) and (variable & 1).dtype == bool


@pytest.mark.parametrize(
    "arguments",
    [
        {"initializer": "zeros"},
        {"initializer": "nothing", "shape": (2,)},
        {"initializer": "zeros", "shape": (None, 2)},
        {"initializer": "zeros", "shape": 3},
        {"initializer": "zeros", "shape": (2,), "synchronization": "never"},
        {"initializer": "zeros", "shape": (2,), "name": "a/b"},
    ],
)
def test_variables_that_cannot_be(arguments):
    with pytest.raises(keras.errors.LamellaError):
        keras.Variable(**arguments)
