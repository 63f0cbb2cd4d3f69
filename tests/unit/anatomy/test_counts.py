"""Counts, as papers and Keras's page of applications have them."""

import numpy as np
import pytest

import lamella as keras
from lamella import applications, layers
from lamella.anatomy.blocks import counts

# name: (layers listed, with weights, convolutions, dense, projections, depth, blocks)
EXPECTED = {
    "VGG16": (23, 16, 13, 3, 0, 16, {}),
    "VGG19": (26, 19, 16, 3, 0, 19, {}),
    "ResNet50": (177, 107, 53, 1, 4, 50, {"residual": 16}),
    "ResNet101": (347, 209, 104, 1, 4, 101, {"residual": 33}),
    "ResNet152": (517, 311, 155, 1, 4, 152, {"residual": 50}),
    "ResNet50V2": (192, 103, 53, 1, 4, 50, {"residual": 16}),
    "MobileNet": (91, 55, 28, 0, 0, 28, {}),
    "MobileNetV2": (156, 105, 52, 1, 0, 53, {"inverted residual": 17}),
    "DenseNet121": (429, 242, 120, 1, 0, 121, {"dense": 4, "dense layer": 58}),
    "DenseNet169": (597, 338, 168, 1, 0, 169, {"dense": 4, "dense layer": 82}),
    "DenseNet201": (709, 402, 200, 1, 0, 201, {"dense": 4, "dense layer": 98}),
    "InceptionV3": (313, 189, 94, 1, 0, 48, {"inception": 11}),
    "Xception": (134, 81, 40, 1, 4, 37, {"residual": 12}),
    "EfficientNetB0": (240, 132, 81, 1, 0, 82, {"inverted residual": 16, "squeeze-excite": 16}),
    "ConvNeXtTiny": (135, 96, 22, 37, 0, 59, {"residual": 18}),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", EXPECTED)
def test_applications(name):
    model = getattr(applications, name)(weights=None)
    found = counts(model.anatomy)
    assert (
        found.listed,
        found.with_weights,
        found.convolutions,
        found.dense,
        len(found.projections),
        found.depth,
        found.blocks,
    ) == EXPECTED[name]
    assert found.listed == len(model.layers)


def test_the_sentence_that_people_ask_for():
    assert counts(applications.ResNet50(weights=None).anatomy).sentence() == (
        "177 layers listed, 107 with weights, 53 convolutions and 1 dense layer; 4 of those are shortcut projections, "
        "which are not counted → 50; 16 residual blocks"
    )


def basic(x, filters, stride):
    shortcut = x if stride == 1 else layers.BatchNormalization()(layers.Conv2D(filters, 1, stride)(x))
    y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(filters, 3, stride, padding="same")(x)))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
    return layers.ReLU()(layers.Add()([shortcut, y]))


def test_a_small_resnet():
    """One block a stage lists 30 layers: 3 blocks, 8 layers deep."""
    x = inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(x)))
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        x = basic(x, filters, stride)
    found = counts(keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x))).anatomy)
    assert (found.listed, found.depth, found.convolutions) == (31, 8, 9)
    assert (len(found.projections), found.blocks) == (2, {"residual": 3})
    assert found.by_class["BatchNormalization"] == found.normalizations == 9
    assert found.activations == found.by_class["ReLU"] == 7


def test_shared_layers_count_once_and_nested_ones_too():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.Activation("relu")])
    x = keras.Input((4,))
    found = counts(keras.Model(x, layers.Dense(2)(inner(inner(x)) + 1.0)).anatomy)
    assert (found.listed, found.with_weights) == (3, 2)
    assert (found.dense, found.activations, found.ops) == (2, 1, 1)
    assert found.depth == 3


def test_subclassed():
    class Two(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Conv2D(4, 3), layers.Dense(2)

        def call(self, x):
            return self.b(self.a(x).mean((1, 2)))

    model = Two()
    model(np.ones((1, 8, 8, 3)))
    found = counts(model.anatomy)
    assert (found.listed, found.depth, found.sentence()) == (
        2,
        2,
        "2 layers listed, 2 with weights, 1 convolution and 1 dense layer → 2",
    )
