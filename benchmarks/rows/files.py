"""MobileNetV2 into a .keras file and back."""

from __future__ import annotations

from tempfile import mkdtemp
from typing import Any

from benchmarks.data import same_weights
from benchmarks.row import Work, row
from benchmarks.rows.mobilenet import mobilenet_v2


def _saved(keras: Any) -> tuple[Any, str]:
    model, path = same_weights(mobilenet_v2(keras)), f"{mkdtemp()}/model.keras"
    model.save(path)
    return model, path


@row("save MobileNetV2 as .keras", repeats=3)
def save(keras: Any) -> Work:
    model, path = _saved(keras)
    return lambda: model.save(path)


@row("load MobileNetV2 from .keras", repeats=3)
def load(keras: Any) -> Work:
    _, path = _saved(keras)
    return lambda: keras.models.load_model(path).get_weights()
