"""Program 3: a small ResNet that prints 30 layers, exactly as Keras prints them."""

import os
import re

import keras as real
import numpy as np
import pytest

import lamella
from lamella import layers
from lamella.anatomy import summary_text, table
from lamella.cli.demo import small_resnet


def keras_resnet():
    real.utils.clear_session(free_memory=False)
    L = real.layers
    x = inputs = L.Input((32, 32, 3))
    x = L.ReLU()(L.BatchNormalization(momentum=0.9)(L.Conv2D(16, 3, padding="same")(x)))
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        shortcut = x
        x = L.ReLU()(L.BatchNormalization(momentum=0.9)(L.Conv2D(filters, 3, strides=strides, padding="same")(x)))
        x = L.BatchNormalization(momentum=0.9)(L.Conv2D(filters, 3, padding="same")(x))
        if strides > 1:
            shortcut = L.Conv2D(filters, 1, strides=strides, padding="same")(shortcut)
        x = L.ReLU()(L.Add()([x, shortcut]))
    x = L.Flatten()(L.AveragePooling2D(8)(x))
    return real.Model(inputs, L.Dense(10, activation="softmax")(x))


def keras_rows(model):
    """What Keras prints for each layer, read off its own table, unwrapped."""
    lines = []
    os.environ["COLUMNS"] = "220"  # or it crops
    model.summary(print_fn=lambda text, **_: lines.extend(text.splitlines()), line_length=200)
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    return rows, [line.strip() for line in lines if "params" in line]


@pytest.fixture(scope="module")
def both():
    lamella.utils.clear_session(free_memory=False)
    return small_resnet(), keras_resnet()


def test_rows_are_those_of_keras(both):
    ours, theirs = both
    rows, totals = keras_rows(theirs)
    mine = [[f"{r.name} ({r.kind})", r.shape, f"{r.params:,}", ", ".join(r.connected) or "-"] for r in table(ours).rows]
    assert len(mine) == 30 and mine == rows
    assert [re.sub(r"\s+", " ", line.strip()) for line in summary_text(table(ours), 108).splitlines()[-3:]] == totals


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_is_cropped(both, width):
    text = summary_text(table(both[0]), width)
    assert max(map(len, text.splitlines())) <= width
    squeezed = re.sub(r"[\s│]", "", text)
    cells = [line for line in text.splitlines() if line.startswith("│")]
    columns = ["".join(line.strip("│").split("│")[i].strip() for line in cells) for i in range(4)]
    for row in table(both[0]).rows:
        assert f"{row.name}({row.kind})" in re.sub(r"\s", "", columns[0])
        assert re.sub(r"\s", "", row.shape) in re.sub(r"\s", "", columns[1])
        assert all(place in re.sub(r"\s", "", columns[3]) for place in row.connected)
    assert "…" not in text and "..." not in squeezed


def test_forward_and_one_fit_give_keras_numbers(both):
    ours, theirs = both
    random = np.random.default_rng(0)
    x, y = random.normal(size=(24, 32, 32, 3)).astype("float32"), random.integers(0, 10, 24)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), atol=1e-5)
    histories = []
    for model in (ours, theirs):
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        histories.append([model.train_on_batch(x[i : i + 8], y[i : i + 8], return_dict=True) for i in (0, 8, 16)])
    for mine, other in zip(*histories, strict=True):
        assert float(mine["loss"]) == pytest.approx(float(other["loss"]), rel=1e-4)
        assert float(mine["accuracy"]) == pytest.approx(float(other["accuracy"]))
    for weight, a, b in zip(ours.weights, ours.get_weights(), theirs.get_weights(), strict=True):
        # a bias before a normalization has the gradient 0: what moves it is rounding
        atol = 2e-3 if weight.path.startswith("conv2d") and weight.name == "bias" else 2e-4
        np.testing.assert_allclose(a, b, atol=atol, err_msg=weight.path)


def test_layers_found_by_kind(both):
    assert sum(bool(layer.weights) for layer in both[0].layers) == 17
    assert sum(isinstance(layer, layers.Add) for layer in both[0].layers) == 3
