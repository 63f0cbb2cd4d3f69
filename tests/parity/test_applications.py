"""Known architectures against Keras's: the same layers, weights, connections and outputs."""

from __future__ import annotations

import inspect
from itertools import product
from pathlib import Path

import jax
import keras
import numpy as np
import pytest

import lamella
from lamella import applications
from lamella.state import reset_names

NAMES = [name for name in applications.__all__ if name[0].isupper()]
FAMILIES = [name for name in applications.__all__ if name[0].islower()]
ARGUMENTS = {  # the smallest images, narrow networks where that is an argument
    "MobileNetV2": {"input_shape": (64, 64, 3), "alpha": 0.35},
    "MobileNet": {"input_shape": (32, 32, 3), "alpha": 0.25},
    "ResNet50": {"input_shape": (32, 32, 3)},
    "ResNet50V2": {"input_shape": (32, 32, 3)},
    "VGG16": {"input_shape": (32, 32, 3), "include_top": False, "pooling": "avg"},
    "VGG19": {"input_shape": (32, 32, 3), "include_top": False, "pooling": "max"},
    "DenseNet121": {"input_shape": (32, 32, 3)},
    "EfficientNetB0": {"input_shape": (32, 32, 3)},
    "EfficientNetV2B0": {"input_shape": (32, 32, 3)},
    "InceptionV3": {"input_shape": (75, 75, 3)},
    "Xception": {"input_shape": (71, 71, 3)},
    "ConvNeXtTiny": {"input_shape": (32, 32, 3)},
    "InceptionResNetV2": {"input_shape": (75, 75, 3)},
    "MobileNetV3Small": {"input_shape": (32, 32, 3), "alpha": 0.75},
    "NASNetMobile": {"input_shape": (32, 32, 3)},
}
QUICK = ("MobileNetV2", "MobileNetV3Small", "ResNet50")
PUBLISHED = {"NASNetLarge": {"input_shape": (331, 331, 3)}}  # without a classifier, Keras would leave the sizes open


def quick(names, of):
    """All names as parameters; those that are not quick are marked slow."""
    return [name if name in of else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.fixture(autouse=True)
def cheap_building(monkeypatch):
    """First values that NumPy makes, kernels of zeros, and automatic names from the start, on both sides."""
    firsts = {"VarianceScaling": np.zeros, "Zeros": np.zeros, "Ones": np.ones}
    for side, (name, first) in product((keras, lamella), firsts.items()):
        called = lambda _, shape, dtype=None, first=first: first(shape, "float32")
        monkeypatch.setattr(getattr(side.initializers, name), "__call__", called)
    keras.utils.clear_session(free_memory=False)
    reset_names()


def both(name, **options):
    options = {"weights": None, "classes": 10, **options}
    return getattr(keras.applications, name)(**options), getattr(applications, name)(**options)


def rows(model):
    return [(x.name, type(x).__name__, x.output.shape, x.count_params()) for x in model.layers]


def wires(model):
    """Which layers each call of a layer or op reads, in order."""
    return {
        operation.name: [[tensor._keras_history.operation.name for tensor in read] for read in reads(operation)]
        for operation in model.operations
    }


def reads(operation):
    if hasattr(operation, "inbound_nodes"):
        return [node.inputs for node in operation.inbound_nodes]
    return [node.input_tensors for node in operation._inbound_nodes]


def assert_same_structure(ours, theirs):
    assert (ours.name, type(ours).__name__) == (theirs.name, type(theirs).__name__)
    assert rows(ours) == rows(theirs)
    assert wires(ours) == wires(theirs)
    assert [(w.path, w.shape) for w in ours.weights] == [(w.path, tuple(w.shape)) for w in theirs.weights]
    assert ours.count_params() == theirs.count_params()


@pytest.mark.slow  # golden/test_architectures.py holds the same, from a table
@pytest.mark.parametrize("name", NAMES)
def test_layers_wires_and_weights(name):
    theirs, ours = both(name, **ARGUMENTS.get(name, {}))
    assert_same_structure(ours, theirs)


@pytest.mark.sample(4)
@pytest.mark.parametrize("pooling", [None, "avg", "max"])
@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50V2"])
def test_without_a_classifier(name, pooling):
    theirs, ours = both(name, include_top=False, pooling=pooling)
    assert_same_structure(ours, theirs)


OPEN = {"include_top": False}
SMALL = {"input_shape": (32, 32, 3)}


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("MobileNetV3Small", {}),  # its classifier takes images of any size
        (
            "MobileNetV3Small",
            {**SMALL, "alpha": 1.5, "minimalistic": True, "dropout_rate": 0, "include_preprocessing": False},
        ),
        ("MobileNetV3Small", {"input_shape": (33, 47, 3), "include_top": False, "pooling": "max"}),
        ("EfficientNetV2B0", {**SMALL, **OPEN, "include_preprocessing": False, "pooling": "avg"}),
        ("EfficientNetV2B0", {"input_shape": (32, 32, 1), **OPEN}),  # not scaled by ImageNet's mean of three channels
        pytest.param("EfficientNetV2S", OPEN, marks=pytest.mark.slow),
        pytest.param("MobileNetV3Large", {**SMALL, "minimalistic": True}, marks=pytest.mark.slow),
        pytest.param("NASNetMobile", {**OPEN, "pooling": "max"}, marks=pytest.mark.slow),
        pytest.param("InceptionResNetV2", {**OPEN, "pooling": "avg"}, marks=pytest.mark.slow),
    ],
)
def test_options(name, options):
    theirs, ours = both(name, **options)
    assert_same_structure(ours, theirs)


def test_input_tensor_in_the_middle_of_a_graph():
    def built(side):
        image = side.layers.Rescaling(1 / 255)(side.layers.Input((96, 96, 3), name="image"))
        return side.applications.MobileNetV2(input_tensor=image, alpha=0.35, weights=None)

    ours, theirs = built(lamella), built(keras)
    assert_same_structure(ours, theirs)
    assert [layer.name for layer in ours.layers[:2]] == ["image", "rescaling"]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("MobileNetV2", 64),
        ("MobileNetV3Small", 64),
        pytest.param("EfficientNetV2B0", 32, marks=pytest.mark.slow),
        pytest.param("InceptionResNetV2", 75, marks=pytest.mark.slow),
    ],
)
def test_channels_first_structure(name, size):
    keras.config.set_image_data_format("channels_first")
    lamella.config.set_image_data_format("channels_first")
    try:
        theirs, ours = both(name, **{**ARGUMENTS[name], "input_shape": (3, size, size)})
        assert_same_structure(ours, theirs)
    finally:
        keras.config.set_image_data_format("channels_last")
        lamella.config.set_image_data_format("channels_last")


def randomized(weights):
    """Random weights that keep the numbers in range: kernels of unit gain, positive scales and variances."""
    rng = np.random.default_rng(0)
    for weight in weights:
        noise = rng.normal(size=weight.shape).astype("float32")
        if weight.ndim > 1:
            yield noise * (2 / np.prod(weight.shape[:-1])) ** 0.5
        elif np.all(weight == 1):
            yield 1 + 0.2 * np.abs(noise)
        else:
            yield 0.1 * noise if weight.ndim else weight


def computed(model, values, x):
    """The outputs for inference, compiled as a whole (call by call takes minutes in Keras)."""
    model.set_weights(values)
    state = [[v.value for v in of] for of in (model.trainable_variables, model.non_trainable_variables)]
    return np.asarray(jax.jit(lambda state, x: model.stateless_call(*state, x, training=False)[0])(state, x))


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", quick(ARGUMENTS, QUICK))
def test_outputs(name):
    theirs, ours = both(name, **ARGUMENTS[name], **({} if name.startswith("VGG") else {"classifier_activation": None}))
    values = list(randomized(theirs.get_weights()))
    x = np.random.default_rng(1).uniform(-1, 1, (2, *ARGUMENTS[name]["input_shape"])).astype("float32")
    expected = computed(theirs, values, x)
    assert expected.std() > 1e-3
    np.testing.assert_allclose(computed(ours, values, x), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.filterwarnings("ignore::UserWarning")  # 224 for an open size
@pytest.mark.parametrize("include_top", [True, False])
@pytest.mark.parametrize("name", quick(NAMES, QUICK))
def test_published_weights_are_asked_for_alike(name, include_top, monkeypatch, tmp_path):
    asked = []

    def get_file(name, address, cache_subdir, file_hash=None, cache_dir=None):
        asked.append((name, address, cache_subdir, file_hash))
        path = Path(cache_dir or tmp_path, name)
        path.touch()
        return str(path)

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    monkeypatch.setattr("lamella.utils.get_file", get_file)
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_: None)
    monkeypatch.setattr(lamella.Model, "load_weights", lambda *_: None)
    theirs, ours = both(name, weights="imagenet", classes=1000, include_top=include_top, **PUBLISHED.get(name, {}))
    assert_same_structure(ours, theirs)
    assert asked[0] == asked[1]


def test_reads_the_format_of_the_published_files(tmp_path):
    from h5py import File
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    options = {"input_shape": (32, 32, 3), "alpha": 0.35, "include_top": False}
    theirs = keras.applications.MobileNetV2(**options, weights=None)
    theirs.set_weights(list(randomized(theirs.get_weights())))
    with File(tmp_path / "published.h5", "w") as file:
        save_weights_to_hdf5_group(file, theirs)
    ours = applications.MobileNetV2(**options, weights=tmp_path / "published.h5")
    for one, two in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_convnext_config_goes_both_ways():
    """Its LayerScale is the one layer here that is not among keras.layers."""
    theirs, ours = both("ConvNeXtTiny", input_shape=(32, 32, 3), include_top=False)
    from_theirs = lamella.saving.model_from_json(theirs.to_json())
    from_ours = keras.models.model_from_json(ours.to_json())
    assert rows(from_theirs) == rows(from_ours) == rows(ours)


# Preprocessing


@pytest.mark.parametrize("name", FAMILIES)
def test_module_has_what_keras_has(name):
    theirs, ours = getattr(keras.applications, name), getattr(applications, name)
    names = {n for n in dir(theirs) if not n.startswith("_")}
    assert names <= set(ours.__all__)
    for each in names:
        assert parameters(getattr(ours, each)) == parameters(getattr(theirs, each))


@pytest.mark.parametrize("name", NAMES)
def test_signature(name):
    assert parameters(getattr(applications, name)) == parameters(getattr(keras.applications, name))


def parameters(function):
    return [(p.name, p.default, p.kind) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("name", FAMILIES)
def test_family_preprocesses_alike(name, data_format):
    x = np.random.default_rng(0).uniform(0, 255, (2, 3, 3, 3)).astype("float32")
    assert_preprocessed_alike(
        getattr(applications, name).preprocess_input, getattr(keras.applications, name).preprocess_input, x, data_format
    )


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float32", "float64"])
@pytest.mark.parametrize("rank", [3, 4])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_preprocess_numpy(mode, data_format, rank, dtype):
    x = np.random.default_rng(0).uniform(0, 255, (2, 3, 3, 3)[-rank:]).astype(dtype)
    ours, theirs = x.copy(), x.copy()
    one = applications.imagenet_utils.preprocess_input(ours, data_format, mode)
    two = keras.applications.imagenet_utils.preprocess_input(theirs, data_format, mode)
    assert one.dtype == two.dtype
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(ours, theirs)  # floats are written over, others are not


def assert_preprocessed_alike(ours, theirs, x, data_format):
    one, two = ours(jax.numpy.asarray(x), data_format), theirs(jax.numpy.asarray(x), data_format)
    assert one.dtype == two.dtype
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rank", [3, 4])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_preprocess_symbolic_records_the_same_ops(mode, data_format, rank):
    def chain(side):
        x = side.layers.Input(batch_shape=(2, 3, 3, 3)[-rank:])
        y = side.applications.imagenet_utils.preprocess_input(x, data_format, mode)
        return side.Model(x, y)

    ours, theirs = chain(lamella), chain(keras)
    assert [(o.name, type(o).__name__) for o in ours.operations] == [
        (o.name, type(o).__name__) for o in theirs.operations
    ]
    assert wires(ours) == wires(theirs)
    x = np.random.default_rng(0).uniform(0, 255, (2, 3, 3, 3)[-rank:]).astype("float32")
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_decode_predictions(tmp_path, monkeypatch):
    from keras.src.applications import imagenet_utils as theirs

    classes = {str(i): [f"n{i:08d}", f"thing {i}"] for i in range(1000)}
    monkeypatch.setattr(theirs, "CLASS_INDEX", classes)
    monkeypatch.setattr(
        "lamella.applications.imagenet_utils._class_index", lambda: [tuple(classes[str(i)]) for i in range(1000)]
    )
    scores = np.random.default_rng(0).uniform(size=(3, 1000)).astype("float32")
    for top in (1, 5):
        expected = theirs.decode_predictions(scores, top=top)
        assert applications.mobilenet_v2.decode_predictions(jax.numpy.asarray(scores), top=top) == expected
