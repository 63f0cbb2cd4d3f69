"""Every known architecture as real Keras makes it; `python tests/golden/test_architectures.py` asks Keras anew.

Real Keras takes seconds for one of them, so what it makes is kept as numbers: of layers and parameters, and of the
graph, the weights and the places in a weights file, each told as text and hashed.  Where one differs,
`pytest -m slow tests/parity/test_applications.py -k NAME` says in what.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import lamella
from lamella import applications
from lamella.saving.state import write_arrays
from lamella.state import reset_names

TABLE = Path(__file__).parent / "architectures.json"
NAMES = [name for name in applications.__all__ if name[0].isupper()]
SMALLEST = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
ONE_SIDED = ("auto_named", "build_config", "compile_config", "dtype", "infers_input", "training")


@pytest.fixture(autouse=True)
def cheap_building(monkeypatch):
    make_cheap(monkeypatch.setattr, lamella)
    reset_names()


def make_cheap(set_attribute, side):
    """First values that take no time: one array for all weights of a shape."""
    zeros = cache(lambda shape: jnp.asarray(np.zeros(shape, "float32")))
    for initializer in (side.initializers.VarianceScaling, side.initializers.Zeros, side.initializers.Ones):
        set_attribute(initializer, "__call__", lambda _, shape, dtype=None: zeros(tuple(shape)))


def made(side: Any, name: str) -> Any:
    size = SMALLEST.get(name, 32)
    return getattr(side.applications, name)(weights=None, classes=10, input_shape=(size, size, 3))


def told(model: Any, places: list[Any]) -> dict[str, Any]:
    """What is kept of a model, given the places in a weights file."""
    weights = [(w.path, [*w.shape], bool(w.trainable)) for w in model.weights]
    graph = {key: value for key, value in model.get_config().items() if key != "trainable"}
    numbers = {"layers": len(model.layers), "parameters": model.count_params()}
    return numbers | {"graph": digest(graph), "weights": digest(weights), "places": digest(places)}


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(plain(value), sort_keys=True).encode()).hexdigest()[:16]


def plain(value: Any) -> Any:
    """A config without what is empty, or told by one side alone."""
    if isinstance(value, dict):
        kept = {key: plain(inner) for key, inner in value.items() if key not in ONE_SIDED}
        return {key: inner for key, inner in kept.items() if inner is not None and inner != {}}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


class Places:
    """A weights file that only notes what is put where."""

    def __init__(self) -> None:
        self.found: list[Any] = []

    def put(self, path: str, value: Any) -> None:
        self.found.append((path, [*value.shape]))

    def texts(self, group: str, texts: Any) -> None:
        self.found.append((group, texts))


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", NAMES)
def test_as_keras_makes_it(name):
    model, places = made(lamella, name), Places()
    write_arrays(model, places)
    assert told(model, sorted(places.found, key=str)) == json.loads(TABLE.read_text())[name]


def test_all_are_told():
    assert sorted(json.loads(TABLE.read_text())) == sorted(NAMES)


def asked_of_keras(name: str) -> dict[str, Any]:
    import keras
    from keras.src.saving import saving_lib

    class Noting(saving_lib.H5IOStore):
        def __init__(self) -> None:
            self.found: list[Any] = []

        def __bool__(self) -> bool:
            return True

        def make(self, path: str, metadata: Any = None) -> Any:
            group = f"{path}/vars".lstrip("/")
            self.found.append((group, metadata))
            return Group(group, self.found)

    class Group(dict):
        def __init__(self, group: str, found: list[Any]) -> None:
            self.put = lambda key, value: found.append((f"{group}/{key}", [*value.shape]))

        def __setitem__(self, key: str, value: Any) -> None:
            self.put(key, value)

    keras.utils.clear_session(free_memory=False)
    model, store = made(keras, name), Noting()
    saving_lib._save_state(model, store, None, "", set())
    return told(model, sorted(store.found, key=str))


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"], os.environ["JAX_PLATFORMS"] = "jax", "cpu"
    import keras

    make_cheap(setattr, keras)
    rows = [f'"{name}": {json.dumps(asked_of_keras(name))}' for name in NAMES]
    TABLE.write_text("{\n" + ",\n".join(rows) + "\n}\n")
