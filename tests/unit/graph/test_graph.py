import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers, ops
from lamella.errors import GraphError
from lamella.graph import Graph, KerasTensor, node_of, op, output_spec


@pytest.mark.parametrize(
    "function, shape, expected",
    [
        (lambda x: jnp.sum(x, 1), (None, 3), (None,)),
        (lambda x: x.reshape(-1, 6), (None, 3, 2), (None, 6)),
        (lambda x: jnp.concatenate([x, x], 1), (None, None), (None, None)),
        (lambda x: x[:, :2], (4, 3), (4, 2)),
        (lambda x: x.reshape(x.shape[0] // 2, 2, -1), (None, 4), (None, 2, 4)),
    ],
)
def test_output_spec(function, shape, expected):
    assert output_spec(function, KerasTensor(shape)).shape == expected


def test_output_spec_of_structures():
    spec = output_spec(
        lambda d: {"a": d["x"] + d["y"], "b": [d["x"] > 0]}, {"x": KerasTensor((None, 2)), "y": KerasTensor((2,))}
    )
    assert spec["a"].shape == (None, 2) and spec["b"][0].dtype == "bool"


def test_a_symbolic_tensor_has_no_numbers():
    x = layers.Input((3,))
    for use in (bool, float, iter, np.asarray, jnp.sin):
        with pytest.raises((GraphError, TypeError)):
            use(x)


def test_ops_are_recorded_under_keras_names():
    x = layers.Input((4,))
    y = (x / 127.5) - 1.0
    model = keras.Model(x, y[:, :2])
    assert [type(o).__name__ for o in model.operations] == ["InputLayer", "TrueDivide", "Subtract", "GetItem"]
    np.testing.assert_allclose(model(np.full((2, 4), 255.0)), np.ones((2, 2)))


def test_own_op():
    @op
    def double_it(x):
        return x * 2

    y = double_it(layers.Input((3,)))
    assert y.shape == (None, 3) and type(node_of(y).operation).__name__ == "DoubleIt"
    assert double_it(2) == 4


def test_graph_order_is_from_inputs_to_outputs_and_a_long_chain_is_fine():
    x = inputs = layers.Input((1,))
    for _ in range(3000):
        x = ops.add(x, 1.0)
    graph = Graph(inputs, x)
    assert len(graph.operations) == 3001
    assert float(graph.run([jnp.zeros((1, 1))])[0, 0]) == 3000


def test_disconnected_output():
    a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
    with pytest.raises(GraphError, match="'b'") as caught:
        keras.Model(a, ops.add(a, b))
    assert "add the output of 'b'" in caught.value.fix


def test_inputs_in_the_middle_of_a_graph():
    x = layers.Input((3,))
    hidden = layers.Dense(4, name="hidden")(x)
    y = layers.Dense(2, name="out")(hidden)
    model = keras.Model(hidden, y)
    assert [layer.name for layer in model.layers][1:] == ["out"] and model.input_shape == (None, 4)
    assert model(np.ones((5, 4))).shape == (5, 2)


def test_structures_of_inputs_and_outputs():
    a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
    model = keras.Model({"a": a, "b": b}, {"sum": ops.add(a, b), "both": [a, ops.multiply(b, 2.0)]})
    out = model({"b": np.ones((1, 2)), "a": np.zeros((1, 2))})
    assert out["sum"].tolist() == [[1, 1]] and out["both"][1].tolist() == [[2, 2]]


def test_not_a_tensor():
    with pytest.raises(GraphError, match="symbolic"):
        keras.Model(layers.Input((2,)), np.ones(3))


def test_graphs_with_ops_pickle():
    import pickle

    x = keras.Input((3,))
    model = keras.Model(x, keras.ops.sum(keras.layers.Dense(2)(x) * 2 + 1, axis=1))
    again = pickle.loads(pickle.dumps(model))
    data = np.ones((2, 3), "float32")
    np.testing.assert_allclose(again(data), model(data))
