"""Attention layers: what they do, and their errors."""

import numpy as np
import pytest

from lamella import layers as L
from lamella.errors import ArgumentError, ShapeError
from lamella.layers.attention.heads import projection, score_equations

X = np.random.default_rng(0).normal(size=(2, 4, 6)).astype("float32")


def test_equations():
    assert projection(3, 2, 1) == ("abcde,def->abcf", "f")
    assert score_equations(5, (1, 2)) == ("afgde,abcde->adbcfg", "adbcfg,afgde->abcde")


def test_causal_attention_does_not_look_ahead():
    layer = L.MultiHeadAttention(2, 3)
    changed = X.copy()
    changed[:, 3] += 1
    before, after = layer(X, X, use_causal_mask=True), layer(changed, changed, use_causal_mask=True)
    assert np.allclose(before[:, :3], after[:, :3], atol=1e-6)
    assert not np.allclose(before[:, 3], after[:, 3])


def test_names_of_parts_are_those_in_files():
    layer = L.MultiHeadAttention(2, 3, use_gate=True)
    layer.build(X.shape, X.shape)
    assert [v.path for v in layer.weights][::2] == [
        f"{layer.name}/{part}/kernel" for part in ("query", "key", "gate", "value", "attention_output")
    ]
    assert layer._output_dense is layer.output_dense


def test_group_query_attention_is_named_as_in_keras():
    assert L.GroupQueryAttention(2, 2, 1).name.startswith("grouped_query_attention")


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: L.MultiHeadAttention(0, 2), ArgumentError, "num_heads=0"),
        (lambda: L.MultiHeadAttention(2, 2.5), ArgumentError, "key_dim"),
        (lambda: L.MultiHeadAttention(2, 2, output_shape=8.0), ArgumentError, "output_shape=8.0"),
        (lambda: L.MultiHeadAttention(2, 2, sliding_window=0), ArgumentError, "sliding_window"),
        (lambda: L.MultiHeadAttention(2, 2, dropout=0.1, flash_attention=True), ArgumentError, "flash"),
        (lambda: L.MultiHeadAttention(2, 2)(X, X, X[:, :2]), ShapeError, "same length"),
        (lambda: L.GroupQueryAttention(2, 3, 2), ArgumentError, "multiple of"),
        (lambda: L.Attention(score_mode="cosine"), ArgumentError, "score_mode"),
        (lambda: L.Attention()(X), ShapeError, "list"),
        (lambda: L.Attention()([X]), ShapeError, "two or three"),
        (
            lambda: L.MultiHeadAttention(2, 2, flash_attention=True)(X, X, return_attention_scores=True),
            ArgumentError,
            "no scores",
        ),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()
