"""Ops as parts of graphs and configs: what goes in and out, functions they hold, where a graph begins."""

import numpy as np
import pytest

from lamella import Function, Input, KerasTensor, Model, Operation, activations, layers, ops, saving
from lamella.errors import ConfigError, UnknownSizeError

X = np.arange(6.0, dtype="float32").reshape(2, 3)


def names(function):
    return [operation.name for operation in function.operations]


class TestFunctionsThatBeginInTheMiddle:
    def test_what_makes_the_inputs_is_left_out(self):
        start = Input((3,), name="start")
        middle = ops.add(start, 1.0)
        function = Function(middle, ops.square(middle))
        assert [type(operation).__name__ for operation in function.operations] == ["Square"]
        np.testing.assert_array_equal(function(X), X**2)

    def test_inputs_of_both_kinds(self):
        start = Input((3,), name="start")
        middle = ops.add(start, 1.0)
        function = Function([start, middle], [ops.subtract(middle, start)])
        assert names(function)[0] == "start" and len(function.operations) == 2
        np.testing.assert_array_equal(function([X, X + 5])[0], np.full_like(X, 5.0))

    def test_an_input_may_follow_from_another(self):
        start = Input((3,))
        first = ops.add(start, 1.0)
        second = ops.square(first)
        assert names(Function([first, second], [second])) == []
        np.testing.assert_array_equal(Function([first, second], [second])([X, X * 7])[0], X * 7)

    def test_the_other_output_of_the_call_that_makes_an_input(self):
        start = Input((3,), name="start")
        left, right = ops.split(start, [1], axis=1)
        with pytest.raises(ValueError, match="start"):
            Function(left, left + right)
        assert Function([start, left], left + right)([X, X[:, :1]]).shape == (2, 2)

    def test_a_model_begins_with_an_input_of_its_own(self):
        start = Input((3,))
        hidden = layers.Dense(2)(start)
        model = Model(hidden, layers.Dense(1, name="end")(hidden))
        assert [type(layer).__name__ for layer in model.layers] == ["InputLayer", "Dense"]


class TestTensorsOfTheFirstCall:
    class Pair(Operation):
        def call(self, x, y):
            return x + y, x - y

    class Named(layers.Layer):
        def call(self, x):
            return {"b": x * 1, "a": x * 2}

    class Listed(layers.Layer):
        def call(self, x):
            return [x * 2]

    def test_several_are_a_list(self):
        pair = self.Pair()
        x, y = KerasTensor((2, 3)), KerasTensor((2, 3))
        outputs = pair(x, y=y)
        assert pair.input == [x, y] and pair.output == list(outputs)

    def test_names_are_not_kept(self):
        layer = self.Named()
        outputs = layer(Input((3,)))
        assert layer.output == [outputs["a"], outputs["b"]]

    def test_one_is_alone(self):
        layer = self.Listed()
        (output,) = layer(Input((3,)))
        assert layer.output is output


@saving.register_keras_serializable("ops_as_objects")
def doubled(x):
    return x + x


@saving.register_keras_serializable("ops_as_objects")
def plus(i, x):
    return x + i


@saving.register_keras_serializable("ops_as_objects")
def is_small(x):
    return ops.max(x) < 10.0


class TestFunctionsInConfigs:
    @pytest.mark.parametrize(
        "call",
        [
            lambda x: ops.vectorized_map(doubled, x),
            lambda x: ops.vectorized_map(activations.tanh, x),
            lambda x: ops.map(doubled, x),
            lambda x: ops.fori_loop(0, 3, plus, x),
            lambda x: ops.while_loop(is_small, doubled, x, maximum_iterations=3),
            lambda x: ops.associative_scan(plus, x),
        ],
    )
    def test_registered_functions_are_read_back(self, call):
        x = Input((3,))
        model = Model(x, call(x))
        again = Model.from_config(model.get_config())
        np.testing.assert_array_equal(again(X), model(X))
        np.testing.assert_array_equal(model(X), call(X))

    @pytest.mark.parametrize("call", [lambda x: ops.vectorized_map(lambda y: y * 2, x), lambda x: ops.map(abs, x)])
    def test_code_is_not_read(self, call):
        x = Input((3,))
        with pytest.raises((ConfigError, TypeError)):
            Model.from_config(Model(x, call(x)).get_config())

    def test_what_is_no_function_is_refused(self):
        x = Input((3,))
        config = Model(x, ops.vectorized_map(doubled, x)).get_config()
        (op,) = [one for one in config["layers"] if one["class_name"] == "VectorizedMap"]
        op["config"]["function"] = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}
        with pytest.raises(ConfigError, match="function of your own"):
            Model.from_config(config)

    @pytest.mark.parametrize("function, name", [(ops.relu, "relu"), (ops.gelu, "gelu"), (ops.hard_swish, "hard_silu")])
    def test_ops_that_are_activations_go_by_their_names(self, function, name):
        assert activations.serialize(function) == name
        assert layers.Dense(2, activation=function).get_config()["activation"] == name

    def test_a_function_that_only_has_the_name_does_not(self):
        def relu(x):
            return x

        assert activations.serialize(relu) != "relu"


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_negative_zero_is_below_zero(dtype):
    x = ops.cast([[-0.0, 0.0], [0.0, -0.0]], dtype)
    assert ops.argmax(x, axis=1).tolist() == [1, 0]
    assert ops.argmin(x, axis=1).tolist() == [0, 1]
    assert ops.argmin(x, axis=1, keepdims=True).shape == (2, 1)
    assert int(ops.argmax(x)) == 1


@pytest.mark.parametrize("x", [[3, 7, 7], [True, False, True], [np.nan, 1.0, np.inf], [-1.0, -2.0, -1.0]])
def test_extremes_are_otherwise_those_of_numpy(x):
    assert int(ops.argmax(x)) == np.argmax(x) and int(ops.argmin(x)) == np.argmin(x)


def test_unstack_of_an_open_axis_asks_for_its_size():
    for axis in (1, -1):
        with pytest.raises(UnknownSizeError, match="num="):
            ops.unstack(KerasTensor((2, None)), axis=axis)
    assert [part.shape for part in ops.unstack(KerasTensor((2, None)))] == [(None,), (None,)]
