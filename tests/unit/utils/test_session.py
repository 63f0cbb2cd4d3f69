"""Seeds, names, named values, drawings, and the names at Keras's places."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import lamella
from lamella import utils
from lamella.errors import ArgumentError, MissingExtraError
from lamella.utils import plotting

KERAS_API = {
    "keras.backend": lamella.backend,
    "keras.preprocessing": lamella.preprocessing,
    "keras.preprocessing.image": lamella.preprocessing.image,
    "keras.preprocessing.sequence": lamella.preprocessing.sequence,
    "keras.saving": lamella.saving,
    "keras.utils": utils,
}
LEFT_OUT = {"keras.saving.KerasFileEditor", "keras.utils.FeatureSpace", "keras.utils.audio_dataset_from_directory"}


def test_seeds_repeat_everything():
    def draw():
        utils.set_random_seed(7)
        return np.random.rand(), np.asarray(lamella.random.uniform((2,))).tolist(), lamella.layers.Dense(2)

    (first, numbers, _), (second, again, _) = draw(), draw()
    assert first == second and numbers == again
    with pytest.raises(ArgumentError, match="takes an integer"):
        utils.set_random_seed("7")


def test_clear_session_starts_names_anew():
    lamella.layers.Dense(1)
    utils.clear_session(free_memory=False)
    assert lamella.layers.Dense(1).name == "dense" and lamella.layers.Dense(1).name == "dense_1"


def test_freeing_memory_drops_compiled_code(monkeypatch):
    dropped = []
    monkeypatch.setattr("jax.clear_caches", lambda: dropped.append("compiled"))
    monkeypatch.setattr("gc.collect", lambda: dropped.append("garbage"))
    utils.clear_session(free_memory=False)
    assert not dropped
    utils.clear_session()
    assert dropped == ["compiled", "garbage"]


def test_config():
    config = utils.Config(rate=0.1)
    config.steps = 3
    config["seed"] = 1
    assert dict(config.items()) == config.as_dict() == json.loads(config.to_json())
    assert config.rate == config["rate"] == 0.1 and "seed" in config and len(config) == 3
    config.freeze()
    with pytest.raises(ValueError, match="frozen"):
        config.rate = 1
    config.unfreeze()
    del config.seed
    assert config.pop("steps") == 3 and config.get("seed", 5) == 5
    with pytest.raises(AttributeError, match="did you mean 'rate'"):
        config.rat
    with pytest.raises(KeyError):
        config["rat"]


def model():
    inner = lamella.Sequential([lamella.Input((4,)), lamella.layers.Dense(4, "relu")], name="inner")
    x = lamella.Input((4,), name="x")
    return lamella.Model(x, inner(x) + x, name='the "model"')


def test_drawings(tmp_path):
    utils.plot_model(model(), tmp_path / "m.dot", show_shapes=True, show_layer_names=True, show_dtype=True)
    text = (tmp_path / "m.dot").read_text()
    assert text.startswith('digraph "the \\"model\\"" {') and "inner (Sequential)" in text
    assert "Output shape: (None, 4)" in text and text.count(" -> ") == 3


def test_drawings_of_what_is_inside(tmp_path):
    utils.plot_model(model(), tmp_path / "m.dot", expand_nested=True, show_layer_activations=True, show_trainable=True)
    text = (tmp_path / "m.dot").read_text()
    assert 'label="inner"' in text and "Activation: relu" in text and "Trainable" in text and text.count(" -> ") == 4


def test_drawings_need_pydot(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(MissingExtraError, match="needs pydot"):
        utils.model_to_dot(model())


@pytest.fixture
def notebook(monkeypatch):
    """IPython as far as it is asked, with a shell that runs."""
    display = types.ModuleType("IPython.display")
    display.Image = lambda filename: ("image", filename)
    display.SVG = lambda filename: ("svg", filename)
    shell = types.ModuleType("IPython")
    shell.get_ipython, shell.display = lambda: object(), display
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", display)


@pytest.mark.parametrize(("ending", "kind"), [(".png", "image"), (".svg", "svg"), (".pdf", None)])
def test_drawings_show_themselves_in_a_notebook(notebook, monkeypatch, tmp_path, ending, kind):
    class Drawing:
        def write(self, path, format):
            Path(path).write_text(format)

    monkeypatch.setattr(plotting, "model_to_dot", lambda *args, **kwargs: Drawing())
    path = str(tmp_path / f"m{ending}")
    assert utils.plot_model(model(), path) == (kind and (kind, path))
    assert Path(path).read_text() == ending[1:]


def test_a_notebook_without_pydot_goes_on(notebook, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "pydot", None)
    assert utils.plot_model(model(), tmp_path / "m.png") is None
    assert "pip install pydot" in capsys.readouterr().out


def test_outside_of_a_notebook_it_returns_nothing_and_raises(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(MissingExtraError, match="needs pydot"):
        utils.plot_model(model(), tmp_path / "m.png")


def test_source_inputs():
    a, b = lamella.Input((2,)), lamella.Input((2,))
    assert utils.get_source_inputs(a + b) == [a, b] and utils.get_source_inputs(a) == [a]


def test_result_type():
    assert lamella.backend.result_type("int32", "bfloat16") == "bfloat16"
    assert lamella.backend.result_type() == "float32"


@pytest.mark.parametrize("module", KERAS_API)
def test_keras_names_are_there(module):
    import importlib

    theirs = {name for name in dir(importlib.import_module(module)) if not name.startswith("_")}
    missing = theirs - set(dir(KERAS_API[module])) - {name.rpartition(".")[2] for name in LEFT_OUT}
    assert missing <= {"bounding_boxes", "legacy"}
