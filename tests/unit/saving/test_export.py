"""export: the forward pass runs without the model, on batches of any size."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import lamella
from lamella import layers as L
from lamella.errors import ArgumentError, FileError, MissingExtraError, StateError, UnknownNameError

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def dense():
    return lamella.Sequential([lamella.Input((3,)), L.Dense(4, "relu"), L.Dropout(0.5), L.Dense(2, "softmax")])


def image():
    body = [L.Conv2D(4, 3, padding="same"), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(), L.DepthwiseConv2D(3)]
    return lamella.Sequential([lamella.Input((16, 16, 3)), *body, L.GlobalAveragePooling2D(), L.Dense(2)])


def open_image():
    body = [L.Conv2D(4, 3, padding="same", activation="relu"), L.GlobalAveragePooling2D(), L.Dense(2)]
    return lamella.Sequential([lamella.Input((None, None, 3)), *body])


def attention():
    inputs = lamella.Input((5, 4))
    return lamella.Model(inputs, L.LayerNormalization()(L.MultiHeadAttention(2, 3)(inputs, inputs)))


def recurrent():
    return lamella.Sequential([lamella.Input((5, 4)), L.LSTM(3)])


def backwards():
    """Loops from the end to the start."""
    both = L.Bidirectional(L.LSTM(3, return_sequences=True))
    body = [L.GRU(3, go_backwards=True, return_sequences=True), both, L.Bidirectional(L.SimpleRNN(2), merge_mode="sum")]
    return lamella.Sequential([lamella.Input((5, 4)), *body])


def words():
    """Numbers of words, of which 0 is none."""
    body = [L.Embedding(6, 4, mask_zero=True), L.Bidirectional(L.GRU(3, return_sequences=True)), L.LSTM(2)]
    return lamella.Sequential([lamella.Input((5,), dtype="int32"), *body])


def several():
    one, two = lamella.Input((4,)), lamella.Input((4,))
    return lamella.Model([one, two], [L.Concatenate()([one, two]), L.Add()([one, two])])


def by_name():
    a, b = lamella.Input((4,), name="a"), lamella.Input((4,), name="b")
    return lamella.Model({"a": a, "b": b}, {"sum": a + b, "product": a * b})


def noisy():
    """Draws random numbers outside of training too."""
    inputs = lamella.Input((3,))
    return lamella.Model(inputs, L.Dropout(0.5, seed=1)(inputs, training=True))


MODELS = {make.__name__: make for make in (dense, image, attention, recurrent, backwards, words, several, by_name)}


def data(model, batch, size=9):
    import jax

    random = np.random.default_rng(0)
    shape = lambda tensor: (batch, *(size if side is None else side for side in tensor.shape[1:]))
    draw = lambda t: random.integers(0, 6, shape(t)) if "int" in t.dtype else random.uniform(-1, 1, shape(t))
    return jax.tree.map(lambda t: draw(t).astype(t.dtype), model.input)


def assert_alike(left, right):
    import jax

    assert jax.tree.structure(left) == jax.tree.structure(right)
    for one, two in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_allclose(one, two, **CLOSE)


# StableHLO


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", [*MODELS, "open_image"])
def test_stablehlo(tmp_path, name):
    model = (MODELS | {"open_image": open_image})[name]()
    model.export(tmp_path / "m.stablehlo", format="stablehlo")
    loaded = lamella.saving.load_exported(tmp_path / "m.stablehlo")
    for batch in (1, 3):
        x = data(model, batch)
        assert_alike(loaded(x), model(x, training=False))


def test_it_says_what_it_takes(tmp_path):
    several().export(tmp_path / "m.stablehlo", format="stablehlo")
    loaded = lamella.saving.load_exported(tmp_path / "m.stablehlo")
    assert [(spec.shape, spec.dtype) for spec in loaded.input_spec] == [((None, 4), "float32")] * 2
    assert [spec.shape for spec in loaded.output_spec] == [(None, 8), (None, 4)]


def test_it_runs_without_lamella(tmp_path):
    model = dense()
    model.export(tmp_path / "m.stablehlo", format="stablehlo")
    x = data(model, 2)
    np.save(tmp_path / "x.npy", x)
    code = (
        "import jax.export, numpy as np, sys\n"
        "f = jax.export.deserialize(bytearray(open('m.stablehlo', 'rb').read()))\n"
        "np.save('y.npy', f.call(np.load('x.npy')))\n"
        "assert 'lamella' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model(x), **CLOSE)


def test_exporting_changes_nothing(tmp_path):
    model = noisy()
    before = [v.numpy() for v in model.variables]
    model.export(tmp_path / "m.stablehlo", format="stablehlo")
    for one, two in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(one, two.numpy())
    assert lamella.saving.load_exported(tmp_path / "m.stablehlo")(np.ones((2, 3), "float32")).shape == (2, 3)


def test_a_trained_model_and_a_subclass(tmp_path):
    class Mine(lamella.Model):
        def __init__(self):
            super().__init__()
            self.dense = L.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Mine()
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), verbose=0)
    signature = [lamella.InputSpec(shape=(None, 3), dtype="float32")]
    model.export(tmp_path / "m.stablehlo", format="stablehlo", input_signature=signature)
    x = np.ones((5, 3), "float32")
    assert_alike(lamella.saving.load_exported(tmp_path / "m.stablehlo")(x), model(x))


def test_what_cannot_be_exported(tmp_path):
    with pytest.raises(UnknownNameError, match="onxx"):
        dense().export(tmp_path / "m", format="onxx")
    with pytest.raises(StateError, match="not built"):
        lamella.Sequential([L.Dense(2)]).export(tmp_path / "m", format="stablehlo")
    words = lamella.Sequential([lamella.Input((1,), dtype="string"), L.StringLookup(vocabulary=["a"])])
    with pytest.raises(ArgumentError, match="string_lookup"):
        words.export(tmp_path / "m", format="stablehlo")
    with pytest.raises(ArgumentError, match="with shapes"):
        dense().export(tmp_path / "m", format="stablehlo", input_signature=["float32"])


def test_verbose(tmp_path, capsys):
    dense().export(tmp_path / "m.stablehlo", format="stablehlo", verbose=True)
    assert "m.stablehlo" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"half", b"\x08\x00\x00\x00" + bytes(60)])
def test_a_file_that_holds_no_program(tmp_path, content):
    (tmp_path / "m.stablehlo").write_bytes(content)
    with pytest.raises(FileError, match=r"m\.stablehlo"):
        lamella.saving.load_exported(tmp_path / "m.stablehlo")


# ONNX


def run_onnx(path, x):
    import jax
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    names = [one.name for one in session.get_inputs()]
    return session.run(None, dict(zip(names, jax.tree.leaves(x), strict=True)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", MODELS)
def test_onnx(tmp_path, name):
    import jax

    pytest.importorskip("jax2onnx")
    model = MODELS[name]()
    model.export(tmp_path / "m.onnx", format="onnx")
    for batch in (1, 3):
        x = data(model, batch)
        found = run_onnx(tmp_path / "m.onnx", x)
        for one, two in zip(found, jax.tree.leaves(model(x, training=False)), strict=True):
            np.testing.assert_allclose(one, two, **CLOSE)


def test_onnx_names_its_inputs(tmp_path):
    pytest.importorskip("jax2onnx")
    import onnxruntime

    by_name().export(tmp_path / "m.onnx", format="onnx")
    assert [one.name for one in onnxruntime.InferenceSession(tmp_path / "m.onnx").get_inputs()] == ["a", "b"]


@pytest.mark.parametrize(("format", "package"), [("onnx", "jax2onnx"), ("tf_saved_model", "tensorflow")])
def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch, format, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=package):
        dense().export(tmp_path / "m", format=format)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [*MODELS, "open_image"])
def test_tf_saved_model(tmp_path, name):
    import jax

    tf = pytest.importorskip("tensorflow")
    model = (MODELS | {"open_image": open_image})[name]()
    model.export(tmp_path / "m")
    serve = tf.saved_model.load(tmp_path / "m").serve
    for batch in (1, 3):
        x = data(model, batch)
        found, expected = (jax.tree.leaves(outputs) for outputs in (serve(x), model(x, training=False)))
        for one, two in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, two, **CLOSE)
