"""Explanations: every count in a text is the graph's, for random models of all kinds."""

from __future__ import annotations

import json
import math
import re
from collections import Counter

import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.errors import ArgumentError, UnknownNameError

_IMAGE_LAYERS = [
    lambda r: layers.Conv2D(*map(int, r.integers(1, 4, 2)), padding="same", strides=int(r.integers(1, 3))),
    lambda r: layers.DepthwiseConv2D(3, padding="same"),
    lambda r: layers.BatchNormalization(),
    lambda r: layers.ReLU(),
    lambda r: layers.MaxPooling2D(2, padding="same"),
    lambda r: layers.Dropout(0.3),
    lambda r: layers.ZeroPadding2D(1),
    lambda r: layers.SeparableConv2D(3, 3, padding="same"),
]


def _residual(x, r):
    y = layers.Conv2D(x.shape[-1], 3, padding="same")(x)
    return layers.Add()([x, layers.BatchNormalization()(y)]) if r.integers(2) else x + y


def random_model(seed: int, nested: bool = True):
    """A random picture model: chains, residual blocks, nested models, some of it frozen."""
    r = np.random.default_rng(seed)
    x = inputs = keras.Input((16, 16, 3))
    for _ in range(int(r.integers(1, 7))):
        choice = r.integers(10)
        if choice == 0:
            x = _residual(x, r)
        elif choice == 1 and nested:
            inner = random_model(int(r.integers(1 << 30)), nested=False)
            inner.trainable = bool(r.integers(2))
            x = inner(inputs) if r.integers(2) else layers.Concatenate()([inner(inputs), inner(inputs)])
        else:
            layer = _IMAGE_LAYERS[int(r.integers(len(_IMAGE_LAYERS)))](r)
            layer.trainable = bool(r.integers(4))
            x = layer(x)
    if nested:
        x = layers.GlobalAveragePooling2D()(x) if len(x.shape) == 4 else x
        x = layers.Dense(int(r.integers(1, 6)), activation=["softmax", "sigmoid", None][int(r.integers(3))])(x)
    return keras.Model(inputs, x)


def numbers(pattern: str, text: str) -> list[int]:
    match = re.search(pattern, text)
    assert match, f"{pattern} not in {text}"
    return [int(group.replace(",", "")) for group in match.groups()]


def said(explanation) -> str:
    return " ".join(" ".join(sentences) for _, sentences in explanation.sections)


@pytest.mark.parametrize("seed", range(40))
def test_every_count_is_right(seed):
    model = random_model(seed)
    explanation = model.anatomy.explain()
    text, facts = said(explanation), explanation.facts
    having = [layer for layer in model.layers if layer.weights]
    assert numbers(r"([\d,]+) layers? listed, of which ([\d,]+) ha", text) == [len(model.layers), len(having)]
    for name, number in Counter(type(layer).__name__ for layer in model.layers).items():
        assert re.search(rf"\b{number} {name}\b", text), f"{number} {name}"
    total = sum(math.prod(v.shape) for v in model.weights)
    trained = sum(math.prod(v.shape) for v in model.trainable_weights)
    whole = [total] if trained == total else [trained, total]
    pattern = r"All ([\d,]+)" if trained == total else r"([\d,]+) of ([\d,]+)"
    assert numbers(rf"{pattern} parameters? (?:is|are) trained", text) == whole
    assert (facts["trained"], facts["parameters"]) == (trained, total)
    inside = [layer for layer in model._inner_layers_() if "Conv" in type(layer).__name__]
    if inside:
        assert numbers(r"([\d,]+) convolutions?", text) == [len(inside)]
        assert facts["convolutions"] == len(inside)
    units = model.layers[-1].units
    assert explanation.to_dict()["facts"]["outputs"] == explanation.facts["outputs"]
    assert f"{units} = the units" in text


@pytest.mark.parametrize("seed", range(12))
def test_every_layer_is_explained_with_its_numbers(seed):
    model = random_model(seed)
    A = model.anatomy
    for index, layer in enumerate(model.layers):
        explanation = A.explain(f"layers[{index}]")
        text, facts = said(explanation), explanation.facts
        assert facts["index"] == index and facts["class"] == type(layer).__name__
        assert facts["calls"] == len(A[layer].sites)
        assert f"of the {len(model.layers)} layers" in text
        if layer.weights:
            total = sum(math.prod(v.shape) for v in layer.weights)
            trained = {id(v) for v in model.trainable_weights}
            assert facts["parameters"] == total and f"{total:,} parameter" in text
            assert facts["trained"] == sum(math.prod(v.shape) for v in layer.weights if id(v) in trained)
        json.dumps(explanation.to_dict())


def test_strides_multiply_to_what_the_text_says():
    for seed in range(60):
        text = said(random_model(seed).anatomy.explain())
        match = re.search(r"(\d+) / (\d+)([⁰¹²³⁴⁵⁶⁷⁸⁹]*) = (\d+)\.", text)
        if match:
            exponent = int(match[3].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")) or 1)
            assert int(match[1]) == int(match[4]) * int(match[2]) ** exponent


class TestKinds:
    def test_subclassed_with_plain_code(self):
        class Mean(keras.Model):
            def __init__(self):
                super().__init__(name="mean")
                self.embedding, self.head = layers.Embedding(20, 8), layers.Dense(2)

            def call(self, ids):
                return self.head(jnp.mean(self.embedding(ids), axis=1))

        model = Mean()
        model(np.zeros((2, 5), "int32"))
        text = said(model.anatomy.explain("head"))
        assert "code on `embedding`" in text and "18 parameters" in text
        assert "2 layers listed, of which 2 have weights" in said(model.anatomy.explain())

    def test_compiled_with_logits(self):
        model = keras.Sequential([keras.Input((3,)), layers.Dense(4)])
        model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        explanation = model.anatomy.explain()
        assert explanation.facts["outputs"] == ["logits"] and "4 logits" in said(explanation)

    def test_bottleneck(self):
        model = keras.Sequential([keras.Input((9,)), layers.Dense(2, name="code"), layers.Dense(9)])
        text = said(model.anatomy.explain("code"))
        assert "It is a bottleneck: 2 numbers between 9 before it and 9 after it." in text

    def test_frozen_around(self):
        inner = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="d")], name="inner")
        model = keras.Sequential([keras.Input((3,)), inner])
        inner.trainable = False
        assert "`inner` around it" in said(model.anatomy.explain("inner/d"))
        inner.layers[0].trainable = True
        assert "All 8 parameters are trained" in said(model.anatomy.explain("inner/d"))

    def test_not_called(self):
        class Spare(keras.Model):
            def __init__(self):
                super().__init__()
                self.used, self.spare = layers.Dense(2), layers.Dense(2)

            def call(self, x):
                return self.used(x)

        model = Spare()
        model(np.ones((1, 2), "float32"))
        assert "Nothing calls it" in said(model.anatomy.explain("spare"))

    def test_a_layer_alone(self):
        layer = layers.MultiHeadAttention(2, 4)
        layer(np.ones((1, 3, 8), "float32"), np.ones((1, 3, 8), "float32"))
        text = said(layer.anatomy.explain())
        assert "of which 4 have weights" in text

    def test_several_things_are_refused(self):
        model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="a"), layers.Dense(2, name="b")])
        with pytest.raises(ArgumentError, match="means 3 things"):
            model.anatomy.explain("*")
        with pytest.raises(UnknownNameError):
            model.anatomy.explain("c")
