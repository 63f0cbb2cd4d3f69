"""The summary in terminals of any width, in pipes and logs, and its totals."""

import fcntl
import io
import logging
import os
import pty
import struct
import subprocess
import sys
import termios
import time
import types

import jax.numpy as jnp
import numpy as np
import pytest
from rich.cells import cell_len

import lamella as keras
from lamella import layers
from lamella.anatomy import summary_text, table, write_summary
from lamella.errors import ArgumentError, UnknownNameError

WIDTHS = [40, 60, 80, 120, 160]
EVERYTHING = "address,calls,output,params,trainable,frozen,macs,memory,field,connected"


def model():
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")], name="inner")
    return keras.Sequential([inner, layers.Dense(1, name="head")], name="outer")


def odd():
    """Names that would do something to a screen or a page."""
    x = inputs = layers.Input((4,), name="[bold]in")
    for name in ("<script>alert(1)<script>", "層層_ディープ_" * 4, "[red]x[bold]", "a\x1b[31mb\nc"):
        x = layers.Dense(3, name=name)(x)
    return keras.Model(inputs, x, name="[link=x]m<&>")


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


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match="at least 22 characters"):
        model().summary(line_length=20)
    with pytest.raises(ArgumentError, match="one entry for each column"):
        model().summary(positions=[0.5, 1.0])
    with pytest.raises(ArgumentError, match="less than 4 characters"):
        model().summary(positions=[0.5, 0.5, 1.0])
    with pytest.raises(ArgumentError, match="levels from 1"):
        model().summary(depth=0)
    with pytest.raises(UnknownNameError, match="did you mean 'macs'"):
        model().summary(columns=["mac"])


@pytest.mark.parametrize("shown", [{}, {"expand_nested": True, "show_trainable": True}, {"columns": EVERYTHING}])
@pytest.mark.parametrize("make", [model, odd])
def test_nothing_is_cropped_or_too_wide(make, shown):
    found = table(make(), **shown)
    names = ["".join(row.name.split()) for row in found.rows if row.name.isprintable()]
    for width in WIDTHS:
        text = summary_text(found, width)
        assert max(map(cell_len, text.splitlines())) <= width
        if width > 100:
            assert all(name in "".join(text.split()) for name in names)


def test_control_characters_and_markup_are_shown_as_they_are_spelled():
    text = summary_text(table(odd()), 100)
    assert "\x1b" not in text and "a\\x1b[31mb\\nc (Dense)" in text and "[red]x[bold]" in text


def test_columns_that_find_no_room_stand_below_each_other():
    found = table(model(), columns=EVERYTHING)
    narrow, wide = summary_text(found, 60), summary_text(found, 160)
    assert "│" not in narrow and "  Address head · Calls 1" in narrow
    assert "┃ Address ┃ Calls ┃" in wide and str(found) == wide


# Where it is printed


def test_piped_into_a_file_it_is_plain_and_whole():
    layer = "k.layers.Dense(3, name='a_rather_long_name_' * 3)"
    code = f"import lamella as k; k.Sequential([k.Input((4,)), {layer}]).summary()"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "\x1b" not in out and "a_rather_long_name_a_rather_long_name_a_rather" in out and "Total params: 15" in out


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize("columns", [20, 60, 80, 120])
def test_in_a_terminal_it_is_as_wide_as_that(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    write_summary(table(odd()), to=screen)
    assert max(map(cell_len, screen.getvalue().splitlines())) <= max(columns, 22)


def test_a_real_terminal():
    """What a pseudo terminal of 60 columns gets: colours, and lines that fit."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 60, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    code = "import lamella as k; k.Sequential([k.Input((4,)), k.layers.Dense(3, name='n' * 80)]).summary()"
    run = subprocess.Popen([sys.executable, "-c", code], stdout=theirs, env={**environment, "TERM": "xterm-256color"})
    os.close(theirs)
    out = b""
    try:
        while found := os.read(ours, 65536):
            out += found
    except OSError:  # it has ended
        pass
    assert run.wait() == 0
    shown = out.decode().replace("\x1b[1m", "").replace("\x1b[36m", "").replace("\x1b[32m", "").replace("\x1b[0m", "")
    assert b"\x1b[36mDense" in out and "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 60 and shown.count("n" * 31) == 2


def test_without_colour(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    write_summary(table(model()), to=screen)
    assert "\x1b" not in screen.getvalue() and "head (Dense)" in screen.getvalue()


def test_a_terminal_that_knows_ascii_only():
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    write_summary(table(odd(), expand_nested=True), to=screen)
    screen.flush()
    text = screen.buffer.getvalue().decode("ascii")
    assert "| [bold]in (InputLayer)" in text and "+====" in text


def test_into_the_log(caplog):
    keras.config.disable_interactive_logging()
    try:
        with caplog.at_level(logging.INFO, logger="lamella"):
            model().summary()
    finally:
        keras.config.enable_interactive_logging()
    assert "head (Dense)" in caplog.text


def test_in_a_notebook(monkeypatch, capsys):
    shown = []
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=shown.append))
    model().summary(show_trainable=True)
    assert (
        not capsys.readouterr().out
        and "<th scope=" in shown[0]._repr_html_()
        and ">Trainable<" in shown[0]._repr_html_()
    )
    shell.config = {}  # IPython in a terminal
    model().summary()
    assert "head (Dense)" in capsys.readouterr().out and len(shown) == 1


# Models of other kinds


class Branching(keras.Model):
    def __init__(self):
        super().__init__(name="branching")
        self.p, self.q = layers.Dense(4, name="p"), layers.Dense(4, name="q")

    def build(self, shape):
        self.p.build(shape)
        self.q.build(shape)

    def call(self, x):
        return self.p(x) if jnp.sum(x) > 0 else self.q(x)


def test_a_branch_that_depends_on_data_is_a_note():
    m = Branching()
    m(np.ones((2, 3), "float32"))
    for shown in ({}, {"columns": EVERYTHING, "blocks": True, "depth": 3}):
        found = table(m, **shown)
        assert [row.shape for row in found.rows] == ["(2, 4)", "(2, 4)"] and "depends on data" in found.notes[0]
    more = dict(zip(found.columns, found.rows[0].more, strict=True))
    assert more["calls"] is more["macs"] is more["memory"] is None and more["params"] == more["trainable"] == 16


def test_a_call_that_fails_is_a_note():
    class Wrong(keras.Model):
        def __init__(self):
            super().__init__(name="wrong")
            self.p = layers.Dense(4, name="p")

        def build(self, shape):
            self.p.build((None, 3))

        def call(self, x):
            return self.p(x[:, :2])

    m = Wrong()
    m.build((None, 3))
    m.called_on = ((keras.KerasTensor((None, 3)),), {})
    assert any("cannot be traced" in note or "does not run" in note for note in table(m).notes)


def test_a_layer_that_is_not_called():
    class Half(keras.Model):
        def __init__(self):
            super().__init__()
            self.used, self.unused = layers.Dense(4), layers.Dense(2)

        def call(self, x):
            return self.used(x)

    m = Half()
    m(np.ones((2, 3), "float32"))
    assert [row.shape for row in table(m).rows] == ["(None, 4)", "not called"]


def test_a_leaf_layer_shows_itself():
    layer = layers.Dense(3, name="d")
    layer(np.ones((2, 4), "float32"))
    found = layer.anatomy.summary(columns=["macs", "connected"], blocks=True)
    assert [(row.name, row.shape, row.more) for row in found.rows] == [("d", "(None, 3)", (12, "input"))]


def test_an_empty_model():
    found = table(keras.Sequential(name="empty"), columns=["macs"], blocks=True)
    assert not found.rows and found.total.params == 0 and 'Model: "empty"' in str(found)


def test_a_thousand_layers_are_quick():
    x = inputs = layers.Input((4,))
    for k in range(333):
        y = layers.Dense(4, name=f"b{k}_1")(x)
        x = layers.Add(name=f"b{k}_add")([x, layers.Dense(4, name=f"b{k}_2")(y)])
    m = keras.Model(inputs, x)
    start = time.process_time()
    assert len(table(m).rows) == 1000
    found = table(m, blocks=True)
    assert len(found.rows) == 5 and found.rows[1].times == 333
    assert time.process_time() - start < 4  # about a second
