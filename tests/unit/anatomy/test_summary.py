import subprocess
import sys

import pytest

import lamella as keras
from lamella import layers
from lamella.anatomy import table
from lamella.errors import ArgumentError, UnknownNameError


def model():
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")], name="inner")
    return keras.Sequential([inner, layers.Dense(1, name="head")], name="outer")


def printed(model, **kwargs):
    lines = []
    model.summary(print_fn=lines.append, **kwargs)
    return lines


def test_totals_do_not_count_the_optimizer():
    m = model()
    m.compile("adam", "mse")
    m.optimizer.build(m.trainable_variables)
    t = table(m)
    assert t.total.params == m.count_params() == 26 and t.optimizer.params > 2 * 26
    assert any("Optimizer params" in line for line in printed(m))


def test_nested_and_trainable():
    m = model()
    m.layers[0].trainable = False
    lines = printed(m, expand_nested=True, show_trainable=True)
    assert any("└ a (Dense)" in line and " N " in line for line in lines)
    assert any("head (Dense)" in line and " Y " in line for line in lines)
    assert " Non-trainable params: 23 (92.00 B)" in lines


def test_layer_range():
    rows = table(model().layers[0], layer_range=["b", "b"]).rows
    assert [row.name for row in rows] == ["b"]
    with pytest.raises(UnknownNameError, match="zzz"):
        table(model(), layer_range=["zzz", "b"])
    with pytest.raises(ArgumentError):
        table(model(), layer_range="b")


def test_a_shared_layer_shows_the_calls_of_this_model_only():
    shared = layers.Dense(2, name="shared")
    a, b = layers.Input((3,), name="a"), layers.Input((3,), name="b")
    m = keras.Model([a, b], layers.Add()([shared(a), shared(b)]))
    shared(layers.Input((3,), name="elsewhere"))
    row = next(r for r in table(m).rows if r.name == "shared")
    assert row.connected == ("a[0][0]", "b[0][0]") and row.params == 8


def test_unbuilt():
    assert any("0 (unbuilt)" in line for line in printed(keras.Sequential([layers.Dense(2)])))


def test_too_narrow():
    with pytest.raises(ArgumentError, match="40 columns"):
        model().summary(line_length=20)


def test_piped_into_a_file_it_is_plain_and_whole():
    layer = "k.layers.Dense(3, name='a_rather_long_name_' * 3)"
    code = f"import lamella as k; k.Sequential([k.Input((4,)), {layer}]).summary()"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "\x1b" not in out and "a_rather_long_name_a_rather_long_name_a_rather" in out and "Total params: 15" in out
