"""Known architectures: what may be asked for, what is refused, where weights come from."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lamella
from lamella import applications
from lamella.applications import MobileNet, MobileNetV2, MobileNetV3Small, ResNet50
from lamella.errors import ArgumentError, FileError, ShapeError

SMALL = {"input_shape": (32, 32, 3), "alpha": 0.35, "include_top": False}
WEIGHTLESS = {"weights": None}


@pytest.fixture(autouse=True)
def cheap_building(monkeypatch):
    monkeypatch.setattr(lamella.initializers.VarianceScaling, "__call__", lambda _, shape, dtype=None: np.zeros(shape))


@pytest.fixture
def channels_first():
    lamella.config.set_image_data_format("channels_first")
    yield
    lamella.config.set_image_data_format("channels_last")


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise ConnectionError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("lamella.utils.download.urlopen", refuse)
    return tmp_path / "models"


# What is refused


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"weights": "imagenette"}, ArgumentError, "path of a file that exists"),
        ({"weights": True}, ArgumentError, "path of a file that exists"),
        ({"classes": 10}, ArgumentError, "1000 classes"),
        ({"classifier_activation": "relu"}, ArgumentError, "'softmax' or None"),
        ({"pooling": "mean"} | WEIGHTLESS, ArgumentError, "Unknown pooling"),
        ({"input_tensor": np.zeros((1, 32, 32, 3))} | WEIGHTLESS, ArgumentError, "symbolic tensor"),
        ({"input_shape": (31, 64, 3)} | WEIGHTLESS, ShapeError, "too small"),
        ({"input_shape": (64, 64)} | WEIGHTLESS, ShapeError, "three sizes"),
        ({"input_shape": 64} | WEIGHTLESS, ArgumentError, "A shape is a tuple"),
        ({"input_shape": (None, None, 3)} | WEIGHTLESS, ShapeError, "full input_shape"),
        ({"input_shape": (64, 64, 3)}, ShapeError, "include_top=False"),
        ({"input_shape": (64, 64, 1), "include_top": False}, ShapeError, "3 channels"),
    ],
)
def test_refused(options, error, words):
    with pytest.raises(error, match=words):
        ResNet50(**options)


@pytest.mark.parametrize("model", [MobileNet, MobileNetV2])
def test_widths(model):
    with pytest.raises(ArgumentError, match=r"alpha=0\.6"):
        model(alpha=0.6)
    with pytest.raises(ArgumentError, match="positive number"):
        model(alpha=0, weights=None)


def test_widths_of_mobilenet_v3():
    with pytest.raises(ArgumentError, match=r"alpha=0\.5"):
        MobileNetV3Small(alpha=0.5)
    with pytest.raises(ArgumentError, match=r"alpha=0\.75"):
        MobileNetV3Small(alpha=0.75, minimalistic=True)
    with pytest.raises(ArgumentError, match="positive number"):
        MobileNetV3Small(alpha=-1, weights=None)


@pytest.mark.parametrize(
    "options", [{"input_shape": (None, None, 3)}, {"input_tensor": lamella.Input((None, None, 3))}]
)
def test_nasnet_needs_to_know_the_sizes(options):
    with pytest.raises(ShapeError, match="sizes of its images"):
        applications.NASNetMobile(**options, include_top=False, weights=None)


def test_published_mobilenet_has_one_filter_a_channel():
    with pytest.raises(ArgumentError, match="depth_multiplier=1"):
        MobileNet(depth_multiplier=2)


@pytest.mark.parametrize("model", [MobileNetV2, MobileNetV3Small])
def test_input_tensor_and_shape_must_agree(model):
    with pytest.raises(ShapeError, match="do not agree"):
        model((64, 64, 3), input_tensor=lamella.Input((96, 96, 3)), weights=None)


def test_mobilenet_v3_takes_no_small_images():
    with pytest.raises(ShapeError, match="too small"):
        MobileNetV3Small((31, 64, 3), weights=None)
    with pytest.raises(ShapeError, match="too small"):
        MobileNetV3Small(input_tensor=lamella.Input((31, 31, 3)), weights=None)


def test_odd_channels_warn_once():
    with pytest.warns(UserWarning, match="1 or 3 channels") as warned:
        model = MobileNetV2((32, 32, 4), 0.35, include_top=False, weights=None)
    assert len(warned) == 1
    assert model.input_shape == (None, 32, 32, 4)


@pytest.mark.parametrize("name", ["DenseNet121", "ConvNeXtTiny", "NASNetMobile"])
def test_channels_last_only(name, channels_first):
    with pytest.raises(ArgumentError, match="channels last"):
        getattr(applications, name)(weights=None)


def test_preprocessing_refuses():
    with pytest.raises(ArgumentError, match="Unknown mode"):
        applications.imagenet_utils.preprocess_input(np.zeros((2, 2, 3)), mode="tensorflow")
    with pytest.raises(ArgumentError, match="data_format"):
        applications.imagenet_utils.preprocess_input(np.zeros((2, 2, 3)), data_format="last")
    with pytest.raises(ShapeError, match="3 channels"):
        applications.resnet.preprocess_input(lamella.Input((8, 8, 1)))


def test_read_only_arrays_are_copied():
    x = np.full((1, 1, 3), 255.0)
    x.flags.writeable = False
    assert applications.mobilenet_v2.preprocess_input(x).tolist() == [[[1.0, 1.0, 1.0]]]
    assert x[0, 0, 0] == 255


# What is made


def test_names_say_width_and_size():
    assert MobileNetV2((96, 96, 3), 0.35, weights=None).name == "mobilenetv2_0.35_96"
    assert MobileNetV2(alpha=0.35, include_top=False, weights=None).name == "mobilenetv2_0.35_None"
    assert MobileNet((32, 32, 3), 0.25, weights=None, name="mine").name == "mine"


def test_shape_as_a_list():
    assert MobileNetV2([32, 32, 3], 0.35, include_top=False, weights=None).input_shape == (None, 32, 32, 3)


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
def test_weights_from_a_file(tmp_path, suffix):
    path = tmp_path / f"file{suffix}"
    model = MobileNetV2(**SMALL, weights=None)
    model.set_weights([np.full(w.shape, 0.5) for w in model.weights])
    (model.save_weights if suffix == ".weights.h5" else model.save)(path)
    again = MobileNetV2(**SMALL, weights=path)
    assert all(np.all(w == 0.5) for w in again.get_weights())


# Where published weights come from


@pytest.mark.parametrize(
    ("make", "file"),
    [
        (lambda: MobileNetV2(), "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"),
        (
            lambda: MobileNetV2((96, 96, 3), 0.35, include_top=False),
            "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5",
        ),
        (lambda: MobileNet((128, 128, 3), 0.5, include_top=False), "mobilenet/mobilenet_5_0_128_tf_no_top.h5"),
        (lambda: ResNet50(), "resnet/resnet50_weights_tf_dim_ordering_tf_kernels.h5"),
        (
            lambda: applications.DenseNet121(include_top=False),
            "densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
        (lambda: applications.EfficientNetB0(name="mine"), "keras-applications/efficientnetb0.h5"),
        (lambda: applications.ConvNeXtTiny(include_top=False), "convnext/convnext_tiny_notop.h5"),
        (lambda: applications.EfficientNetV2B0(name="mine"), "efficientnet_v2/efficientnetv2-b0.h5"),
        (
            lambda: applications.MobileNetV3Small((224, 224, 3), alpha=1, minimalistic=True),
            "mobilenet_v3/weights_mobilenet_v3_small_minimalistic_224_1.0_float.h5",
        ),
        (
            lambda: applications.MobileNetV3Small((224, 224, 3), alpha=0.75, include_top=False),
            "mobilenet_v3/weights_mobilenet_v3_small_224_0.75_float_no_top_v2.h5",
        ),
    ],
)
def test_no_network_says_which_file_and_where(make, file, no_network):
    with pytest.raises(FileError) as caught:
        make()
    assert f"{file}: no network" in str(caught.value)
    assert str(no_network / file.rpartition("/")[2]) in str(caught.value)


def test_nasnet_is_kept_under_another_name(no_network):
    with pytest.raises(FileError) as caught:
        applications.NASNetMobile(include_top=False)
    assert "nasnet/NASNet-mobile-no-top.h5: no network" in str(caught.value)
    assert str(no_network / "nasnet_mobile_no_top.h5") in str(caught.value)


def test_size_that_was_not_trained_on_warns(no_network):
    with (
        pytest.warns(UserWarning, match="those for 224 are loaded"),
        pytest.raises(FileError, match=r"1\.0_224_no_top"),
    ):
        MobileNetV2((64, 64, 3), include_top=False)


# Predictions as words


def test_class_names_come_from_the_cache_folder(no_network, monkeypatch):
    classes = {str(i): [f"n{i}", f"thing {i}"] for i in range(1000)}
    no_network.mkdir()
    file = no_network / "imagenet_class_index.json"
    file.write_text(json.dumps(classes))
    monkeypatch.setattr("lamella.utils.download._is_right", lambda *_: True)
    applications.imagenet_utils._class_index.cache_clear()
    scores = np.zeros((1, 1000))
    scores[0, [7, 9]] = 0.2, 0.8
    assert applications.resnet50.decode_predictions(scores, top=2) == [[("n9", "thing 9", 0.8), ("n7", "thing 7", 0.2)]]
    applications.imagenet_utils._class_index.cache_clear()


def test_class_names_without_a_network(no_network):
    applications.imagenet_utils._class_index.cache_clear()
    with pytest.raises(FileError, match=r"put the file at .*imagenet_class_index\.json"):
        applications.imagenet_utils.decode_predictions(np.zeros((1, 1000)))


def test_decoding_needs_a_batch():
    with pytest.raises(ShapeError, match="ImageNet predictions"):
        applications.imagenet_utils.decode_predictions(np.zeros(1000))
