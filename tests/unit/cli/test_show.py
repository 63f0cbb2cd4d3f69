"""`lamella summary`, `explain`, `diff` on files, Keras's too."""

import json
import subprocess
import sys

import keras as real
import pytest

import lamella
from lamella import layers
from lamella.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model in each format, the same one with another width, and one that Keras wrote."""
    path = tmp_path_factory.mktemp("files")
    for name, units in (("a.keras", 4), ("b.keras", 5), ("a.h5", 4)):
        x = inputs = lamella.Input((8, 8, 3), name="pictures")
        x = layers.Conv2D(6, 3, activation="relu", name="conv")(x)
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        lamella.Model(inputs, layers.Dense(units, activation="softmax", name="head")(x), name="small").save(path / name)
    x = inputs = real.Input((8, 8, 3), name="pictures")
    x = real.layers.Conv2D(6, 3, activation="relu", name="conv")(x)
    x = real.layers.GlobalAveragePooling2D(name="pool")(x)
    theirs = real.Model(inputs, real.layers.Dense(4, activation="softmax", name="head")(x), name="small")
    theirs.save(path / "keras.keras")
    theirs.save(path / "keras.h5")
    return path


FILES = ["a.keras", "a.h5", "keras.keras", "keras.h5"]


def run(capsys, *arguments):
    code = main([str(one) for one in arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.mark.parametrize("name", FILES)
def test_summary(folder, capsys, name):
    code, out, _ = run(capsys, "summary", folder / name)
    assert code == 0 and "conv (Conv2D)" in out and "Total params: 196" in out
    code, out, _ = run(capsys, "summary", folder / name, "--json", "--columns", "address,macs")
    shown = json.loads(out)
    assert code == 0 and shown["total"]["params"] == 196
    assert [row["more"]["macs"] for row in shown["rows"]] == [0, 6 * 6 * 27 * 6, 0, 24]


@pytest.mark.parametrize("name", FILES)
def test_explain(folder, capsys, name):
    code, out, _ = run(capsys, "explain", folder / name, "conv")
    assert code == 0 and out.startswith("`conv` is a Conv2D layer.") and "8 − 3 + 1 = 6" in out
    code, out, _ = run(capsys, "explain", folder / name, "--json")
    assert code == 0 and json.loads(out)["facts"]["listed"] == 4


def test_explain_a_miss(folder, capsys):
    code, out, err = run(capsys, "explain", folder / "a.keras", "conf")
    assert code == 1 and not out and "did you mean 'conv'" in err


def test_diff(folder, capsys):
    code, out, _ = run(capsys, "diff", folder / "a.keras", folder / "a.keras")
    assert code == 0 and "nothing differs" in out
    code, out, _ = run(capsys, "diff", folder / "a.keras", folder / "b.keras", "--json")
    found = json.loads(out)
    assert code == 1 and not found["same"] and "config" in {one["kind"] for one in found["differences"]}


def test_a_file_that_is_not_there(capsys, tmp_path):
    code, _, err = run(capsys, "summary", tmp_path / "none.keras")
    assert code == 1 and "none.keras" in err


def test_columns_blocks_and_width(folder, capsys):
    code, out, _ = run(
        capsys, "summary", folder / "a.keras", "-c", "macs,field", "--blocks", "--depth", 2, "--width", 60
    )
    assert code == 0 and "4 layers listed, 2 with weights" in out and max(map(len, out.splitlines())) <= 60
    code, out, _ = run(capsys, "summary", folder / "a.keras", "--show-trainable", "--layer-range", "conv", "pool")
    assert code == 0 and "│     Y     │" in out and "head (Dense)" not in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--columns", "mac"), "did you mean 'macs'"),
        (("--width", "10"), "at least 40"),
        (("--depth", "0"), "at least 1"),
        (("--depth", "x"), "at least 1"),
        (("--colour",), "unrecognized"),
    ],
)
def test_wrong_use(folder, capsys, arguments, told):
    with pytest.raises(SystemExit) as ended:
        main(["summary", str(folder / "a.keras"), *arguments])
    assert ended.value.code == 2 and told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("text.keras", "hello"),
        ("text.h5", "hello"),
        ("model.txt", "hello"),
        ("empty.keras", ""),
        ("folder.keras", None),
    ],
)
@pytest.mark.parametrize("verb", ["summary", "explain"])
def test_a_file_that_holds_no_model(capsys, tmp_path, name, text, verb):
    path = tmp_path / name
    path.mkdir() if text is None else path.write_text(text)
    code, out, err = run(capsys, verb, path)
    assert code == 1 and not out and err.startswith(f"lamella {verb}: ") and "Traceback" not in err


def test_a_range_that_is_not_there(folder, capsys):
    code, _, err = run(capsys, "summary", folder / "a.keras", "--layer-range", "conf", "head")
    assert code == 1 and "'conv'" in err


def test_a_reader_that_has_seen_enough(folder):
    command = f"{sys.executable} -c 'import lamella.cli, sys; sys.exit(lamella.cli.main())'"
    command = f"({command} summary {folder / 'a.keras'} --json; echo code $? >&2) | true"
    err = subprocess.run(command, shell=True, capture_output=True, text=True).stderr
    assert "Traceback" not in err and "BrokenPipe" not in err and "code" in err
