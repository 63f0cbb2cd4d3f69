"""The texts of explanations, held word for word; `python tests/golden/test_explanations.py` writes them anew."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

import lamella as keras
from lamella import layers
from lamella.applications.mobilenet_v2 import preprocess_input
from lamella.cli.demo import small_resnet

FOLDER = Path(__file__).parent / "explanations"


@cache
def transfer() -> Any:
    """A frozen base under augmentation and preprocessing, with a new head."""
    base = keras.applications.MobileNetV2((128, 128, 3), include_top=False, weights=None)
    base.trainable = False
    augmentation = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)], name="augmentation")
    x = inputs = keras.Input((128, 128, 3), name="pictures")
    x = preprocess_input(augmentation(x))
    x = layers.GlobalAveragePooling2D()(base(x, training=False))
    x = layers.Dropout(0.2)(x)
    return keras.Model(inputs, layers.Dense(5, activation="softmax")(x), name="model2")


@cache
def twice() -> Any:
    """One model used as a layer, twice."""
    stack = [keras.Input((16, 16, 1)), layers.Conv2D(8, 3, activation="relu"), layers.GlobalAveragePooling2D()]
    shared = keras.Sequential(stack, name="shared")
    left, right = keras.Input((16, 16, 1), name="left"), keras.Input((16, 16, 1), name="right")
    both = layers.concatenate([shared(left), shared(right)])
    return keras.Model([left, right], layers.Dense(1, activation="sigmoid")(both), name="which_is_larger")


@cache
def resnet50() -> Any:
    return keras.applications.ResNet50(weights=None)


@cache
def mobilenet() -> Any:
    return keras.applications.MobileNetV2((128, 128, 3), include_top=False, weights=None)


@cache
def mobilenet_with_top() -> Any:
    return keras.applications.MobileNetV2(weights=None)


@cache
def thirty() -> Any:
    model = small_resnet()
    model.name = "small_resnet"
    return model


CASES = {
    **{f"transfer_layers_{i}": (transfer, f"layers[{i}]") for i in range(6)},
    "transfer": (transfer, None),
    "transfer_op": (transfer, "subtract"),
    "transfer_flip": (transfer, "augmentation/random_flip"),
    "transfer_inside": (transfer, "mobilenetv2_1.00_128/block_13_depthwise"),
    "transfer_batch_normalization": (transfer, "mobilenetv2_1.00_128/bn_Conv1"),
    "transfer_weight": (transfer, "mobilenetv2_1.00_128/bn_Conv1/moving_mean"),
    "small_resnet": (thirty, None),
    "small_resnet_batch_normalization": (thirty, "batch_normalization"),
    "small_resnet_flatten": (thirty, "flatten"),
    "resnet50": (resnet50, None),
    "resnet50_block": (resnet50, "conv2_block1_0_conv"),
    "mobilenet": (mobilenet, None),
    "mobilenet_last": (mobilenet, "Conv_1"),
    "mobilenet_with_top": (mobilenet_with_top, None),
    "mobilenet_with_top_last": (mobilenet_with_top, "predictions"),
    "twice": (twice, None),
    "twice_shared": (twice, "shared"),
    "twice_second_call": (twice, "shared@1"),
    "twice_inside": (twice, "shared/conv2d"),
    "twice_inside_one_call": (twice, "shared@1/conv2d"),
    "twice_head": (twice, "dense"),
}


@pytest.mark.parametrize("name", CASES)
def test_text(name):
    model, address = CASES[name]
    text = str(model().anatomy.explain(address))
    assert text == (FOLDER / f"{name}.txt").read_text()
    assert max(map(len, text.splitlines())) <= 80


if __name__ == "__main__":
    for name, (model, address) in CASES.items():
        (FOLDER / f"{name}.txt").write_text(str(model().anatomy.explain(address)))
