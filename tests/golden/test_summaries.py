"""The texts of summaries, held letter for letter; `python tests/golden/test_summaries.py` writes them anew."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.anatomy import summary_text, table

FOLDER = Path(__file__).parent / "summaries"


@cache
def resnet50() -> Any:
    pictures = layers.Input((224, 224, 3), name="pictures")
    return keras.applications.ResNet50(weights=None, input_tensor=pictures, name="resnet50")


@cache
def siamese() -> Any:
    """One model used as a layer, twice, and an op."""
    stack = [layers.Input((8,), name="in"), layers.Dense(4, name="d1"), layers.BatchNormalization(name="bn")]
    shared = keras.Sequential(stack, name="enc")
    left, right = layers.Input((8,), name="left"), layers.Input((8,), name="right")
    return keras.Model([left, right], layers.Concatenate(name="cat")([shared(left), shared(right)]), name="siamese")


@cache
def transformer() -> Any:
    x = inputs = layers.Input((10, 16), name="tokens")
    for k in range(3):
        y = layers.LayerNormalization(name=f"l{k}_norm1")(x)
        x = layers.Add(name=f"l{k}_add1")([x, layers.MultiHeadAttention(2, 8, name=f"l{k}_attention")(y, y)])
        y = layers.Dense(32, activation="gelu", name=f"l{k}_wide")(layers.LayerNormalization(name=f"l{k}_norm2")(x))
        x = layers.Add(name=f"l{k}_add2")([x, layers.Dense(16, name=f"l{k}_narrow")(y)])
    return keras.Model(inputs, layers.Dense(3, name="head")(x), name="transformer")


class Block(layers.Layer):
    def __init__(self, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.wide = layers.Dense(2 * width, activation="relu", name="wide")
        self.narrow = layers.Dense(width, name="narrow")

    def call(self, x: Any) -> Any:
        return x + jnp.tanh(self.narrow(self.wide(x)))


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="subclassed")
        self.stem = layers.Dense(8, name="stem")
        self.blocks = [Block(8, name=f"block_{k}") for k in range(3)]
        self.head = layers.Dense(2, name="head")
        self.scale = self.add_weight(shape=(2,), name="scale")

    def call(self, x: Any) -> Any:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return jnp.matmul(self.head(x), jnp.eye(2)) * self.scale.value


@cache
def subclassed() -> Any:
    model = Subclassed()
    model(np.ones((2, 4), "float32"))
    return model


EVERYTHING = "address,calls,output,params,trainable,frozen,macs,memory,field,connected"
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "siamese": (siamese, {"expand_nested": True, "show_trainable": True}),
    "siamese_everything": (siamese, {"columns": EVERYTHING, "depth": 2}),
    "transformer": (transformer, {"blocks": True, "columns": "output,params,macs"}),
    "subclassed": (subclassed, {}),
    "subclassed_blocks": (subclassed, {"blocks": True, "depth": 2, "columns": "address,params,macs,connected"}),
    "resnet50_blocks": (resnet50, {"blocks": True}),
    "resnet50_costs": (resnet50, {"blocks": True, "columns": ["params", "macs", "memory", "field"]}),
}


def text_of(name: str, width: int) -> str:
    make, shown = CASES[name]
    return summary_text(table(make(), **shown), width)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", CASES)
def test_text(name, width):
    assert text_of(name, width) == (FOLDER / f"{name}_{width}.txt").read_text()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in CASES:
        for width in (60, 80, 120):
            (FOLDER / f"{name}_{width}.txt").write_text(text_of(name, width))
