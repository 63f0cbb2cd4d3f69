"""MACs where sizes of the input are not known: how they grow, never a number at a made-up size."""

import pytest

import lamella as keras
from lamella import layers
from lamella.anatomy.cost import Growth
from lamella.anatomy.cost.growth import growths


def recurrent():
    return keras.Sequential([keras.Input((None, 16)), layers.LSTM(32, name="lstm"), layers.Dense(3, name="head")])


def strided():
    return keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(8, 3, strides=2, name="conv"), layers.GlobalAveragePooling2D()]
    )


def attentive():
    x = keras.Input((None, 16))
    return keras.Model(x, layers.MultiHeadAttention(2, 8, name="attention")(x, x))


class Own(layers.Layer):
    def call(self, x):
        return keras.ops.matmul(x, keras.ops.swapaxes(x, 1, 2))


@pytest.mark.parametrize(
    ("model", "address", "text"),
    [
        (recurrent(), "lstm", "6,144·n"),
        (recurrent(), "head", "96"),
        (strided(), "conv", "≈ 54·n²"),
        (attentive(), "attention", "32·n² + 1,024·n"),
        (keras.Sequential([keras.Input((None, 4)), Own(name="own")]), "own", "4·n²"),
        (keras.Sequential([keras.Input((None, 4)), layers.Conv1D(2, 3, name="c")]), "c", "24·n - 48"),
        (keras.Sequential([keras.Input((None, 4)), layers.Bidirectional(layers.GRU(2), name="b")]), "b", "72·n"),
    ],
)
def test_growth_of_a_call(model, address, text):
    A = model.anatomy
    assert str(A.costs().growth(A[address].sites[0])) == text


@pytest.mark.parametrize("n", [7, 64, 101])
def test_it_is_what_a_model_on_that_size_costs(n):
    A = attentive().anatomy
    on_size = A.on((None, n, 16))
    assert A.costs().growth(A.trace).at(n) == on_size.costs().macs


def test_tables_and_texts_tell_it(capsys):
    model = recurrent()
    model.summary(columns="address,macs")
    shown = capsys.readouterr().out
    assert "6,144·n" in shown and "unknown" not in shown and "6,144·n + 96 MACs for one sample" in shown
    assert "6,144·n multiply-accumulates for one sample" in str(model.anatomy.explain("lstm"))
    assert "1,935,360" not in shown + str(model.anatomy.explain())


def test_sizes_that_a_model_refuses_leave_it_unknown(capsys):
    x = keras.Input((None, 4))
    y = layers.Reshape((8,))(layers.Dense(2)(x))  # only length 4 fits
    keras.Model(x, y).summary(columns="address,macs")
    assert "·n" not in capsys.readouterr().out


def test_known_sizes_have_no_growth():
    A = keras.Sequential([keras.Input((4,)), layers.Dense(2)]).anatomy
    assert A.costs().growth(A.trace) is None and A.costs().macs == 8


def test_polynomials():
    found = growths(lambda n: {"cube": n**4 - n, "halves": (n // 2) ** 2, "none": 2**n, "falls": -n - 3, "zero": 0})
    assert {name: str(growth) for name, growth in found.items()} == {
        "cube": "n⁴ - n",
        "halves": "≈ 0.25·n²",
        "falls": "-n - 3",
        "zero": "0",
    }
    assert Growth([1, 2]) + Growth([0, 0, 3]) == Growth([1, 2, 3])
