"""Every known architecture in files, both ways and in every format."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from test_applications import ARGUMENTS, NAMES, cheap_building, computed, randomized

import lamella
from lamella import applications

__all__ = ["cheap_building"]  # a fixture that is used by all tests here

NORMAL = ("MobileNetV2",)
PARTS = {  # of each family: the layer that all its kinds of blocks lie before
    "ConvNeXtTiny": "convnext_tiny_stage_1_block_0_identity",
    "DenseNet121": "pool2_pool",
    "EfficientNetB0": "block2b_add",
    "EfficientNetV2B0": "block4b_add",
    "InceptionResNetV2": "block35_1_ac",
    "InceptionV3": "mixed0",
    "MobileNet": "conv_pw_2_relu",
    "MobileNetV3Small": "expanded_conv_4_add",
    "NASNetMobile": "normal_concat_0",
    "ResNet50": "conv2_block2_out",
    "ResNet50V2": "conv2_block2_out",
    "VGG16": "block2_pool",
    "Xception": "block3_pool",
}


def arguments(name):
    """Those of the family: the smallest images it takes."""
    family = name if name in ARGUMENTS else next(one for one in ARGUMENTS if module(one) == module(name))
    return {"input_shape": ARGUMENTS[family]["input_shape"], "weights": None, "classes": 10, **narrow(name)}


def narrow(name):
    return {key: value for key, value in ARGUMENTS.get(name, {}).items() if key == "alpha"}


def module(name):
    return getattr(applications, name).__module__


def assert_same_weights(one, two):
    for left, right in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def emptied(model):
    model.set_weights([np.zeros(w.shape, w.dtype) for w in model.get_weights()])
    return model


@pytest.mark.parametrize(
    "name", [name if name in NORMAL else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_files_go_both_ways(tmp_path, name):
    options = arguments(name)
    ours = getattr(applications, name)(**options)
    values = list(randomized(ours.get_weights()))
    x = np.random.default_rng(1).uniform(-1, 1, (2, *options["input_shape"])).astype("float32")
    expected = computed(ours, values, x)
    assert expected.std() > 1e-6

    ours.save(tmp_path / "ours.keras")
    theirs = keras.saving.load_model(tmp_path / "ours.keras")
    assert_same_weights(ours, theirs)
    np.testing.assert_allclose(computed(theirs, values, x), expected, rtol=1e-4, atol=1e-5)
    assert [one.name for one in theirs.layers] == [one.name for one in ours.layers]

    theirs.save(tmp_path / "theirs.keras")
    assert_same_weights(lamella.saving.load_model(tmp_path / "theirs.keras"), theirs)
    for ending in (".weights.h5", ".h5"):
        write(theirs, tmp_path / f"theirs{ending}")
        write(ours, tmp_path / f"ours{ending}")
    for ending in (".weights.h5", ".h5"):
        emptied(ours).load_weights(tmp_path / f"theirs{ending}")
        assert_same_weights(ours, theirs)
        emptied(theirs).load_weights(tmp_path / f"ours{ending}")
        assert_same_weights(ours, theirs)
    assert_same_weights(lamella.saving.load_model(tmp_path / "theirs.h5"), theirs)
    assert_same_weights(keras.saving.load_model(tmp_path / "ours.h5", compile=False), theirs)


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", PARTS)
def test_a_part_goes_both_ways(tmp_path, name):
    """The whole networks' layers, weights and places in files are held by `golden/test_architectures.py`."""
    whole = getattr(applications, name)(**arguments(name))
    ours = lamella.Model(whole.input, whole.get_layer(PARTS[name]).output)
    ours.set_weights(list(randomized(ours.get_weights())))

    ours.save(tmp_path / "ours.keras")
    theirs = keras.saving.load_model(tmp_path / "ours.keras")
    assert_same_weights(ours, theirs)
    theirs.save(tmp_path / "theirs.keras")
    again = lamella.saving.load_model(tmp_path / "theirs.keras")
    assert_same_weights(again, theirs)
    assert [one.name for one in again.layers] == [one.name for one in theirs.layers]

    theirs.save_weights(tmp_path / "theirs.weights.h5")
    again.save_weights(tmp_path / "ours.weights.h5")
    emptied(ours).load_weights(tmp_path / "theirs.weights.h5")
    assert_same_weights(ours, theirs)
    emptied(theirs).load_weights(tmp_path / "ours.weights.h5")
    assert_same_weights(ours, theirs)


def test_every_family_is_told():
    assert {module(name) for name in (*PARTS, *NORMAL, "VGG19")} == {module(name) for name in NAMES}


def write(model, path):
    (model.save_weights if str(path).endswith(".weights.h5") else model.save)(path)
