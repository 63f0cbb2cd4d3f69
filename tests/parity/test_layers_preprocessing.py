"""Image and number preprocessing against Keras: the same seed draws the same change."""

import jax
import keras
import numpy as np
import pytest
from layer_parity import same_config

import lamella

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 6, 3), dtype="uint8")


def pair(name, *args, **kwargs):
    theirs, ours = (getattr(m.layers, name)(*args, **{"name": "same", **kwargs}) for m in (keras, lamella))
    same_config(theirs, ours)
    return theirs, ours


def same(theirs, ours, *inputs, tolerance=1e-4, **call):
    a, b = theirs(*inputs, **call), ours(*inputs, **call)
    np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)
    return b


RANDOM = [
    ("RandomFlip", (), {"mode": "horizontal"}),
    ("RandomFlip", (), {"mode": "vertical", "data_format": "channels_first"}),
    ("RandomFlip", (), {}),
    ("RandomRotation", (0.3,), {}),
    ("RandomRotation", ((-0.1, 0.4),), {"fill_mode": "constant", "fill_value": 9.0, "interpolation": "nearest"}),
    ("RandomRotation", (0.3,), {"fill_mode": "wrap"}),
    ("RandomZoom", (0.4,), {}),
    ("RandomZoom", ((-0.5, -0.2), 0.3), {"fill_mode": "nearest"}),
    ("RandomTranslation", (0.4, (0.1, 0.3)), {"fill_mode": "constant"}),
    ("RandomTranslation", (0.4, 0.2), {"fill_mode": "reflect", "data_format": "channels_first"}),
    ("RandomContrast", (0.6,), {}),
    ("RandomContrast", ((0.2, 0.9),), {"value_range": (0, 200)}),
    ("RandomBrightness", (0.4,), {}),
    ("RandomBrightness", ((-0.5, -0.1),), {"value_range": [0, 255]}),
    ("RandomCrop", (4, 5), {}),
    ("RandomCrop", (10, 5), {}),
]


@pytest.mark.sample(6)
@pytest.mark.parametrize(("name", "args", "kwargs"), RANDOM)
def test_random_images(name, args, kwargs):
    theirs, ours = pair(name, *args, seed=11, **kwargs)
    images = IMAGES.astype("float32")
    same(theirs, ours, images, training=True)
    same(theirs, ours, images, training=True)  # the second draw, too
    same(theirs, ours, images[0], training=True)
    if name != "RandomCrop":
        assert (same(theirs, ours, images, training=False) == images).all()
    assert tuple(ours.compute_output_shape((None, 8, 6, 3))) == tuple(theirs.compute_output_shape((None, 8, 6, 3)))


@pytest.mark.parametrize("name", ["RandomFlip", "RandomRotation", "RandomZoom", "RandomCrop"])
def test_bytes(name):
    args = {"RandomFlip": (), "RandomCrop": (4, 4)}.get(name, (0.2,))
    theirs, ours = pair(name, *args, seed=4)
    assert same(theirs, ours, IMAGES, training=True).dtype == "float32"


@pytest.mark.sample(5)
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("antialias", [False, True])
def test_resizing_interpolations(interpolation, antialias):
    theirs, ours = pair("Resizing", 5, 4, interpolation=interpolation, antialias=antialias)
    same(theirs, ours, IMAGES.astype("float32"), tolerance=1e-3)
    assert np.abs(np.asarray(theirs(IMAGES), int) - np.asarray(ours(IMAGES), int)).max() <= 0
    assert ours(IMAGES).dtype == theirs(IMAGES).dtype


@pytest.mark.sample(2)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("ratio", ["crop_to_aspect_ratio", "pad_to_aspect_ratio"])
@pytest.mark.parametrize("size", [(4, 4), (12, 4), (3, 9)])
def test_resizing_aspect_ratio(data_format, ratio, size):
    theirs, ours = pair("Resizing", *size, data_format=data_format, **{ratio: True})
    images = IMAGES.astype("float32")
    images = images.transpose(0, 3, 1, 2) if data_format == "channels_first" else images
    same(theirs, ours, images, tolerance=1e-3)
    same(theirs, ours, images[0], tolerance=1e-3)
    assert ours.compute_output_shape(images.shape) == theirs.compute_output_shape(images.shape)


@pytest.mark.parametrize("size", [(4, 4), (5, 3), (8, 6), (10, 4), (9, 9)])
def test_center_crop(size):
    theirs, ours = pair("CenterCrop", *size)
    same(theirs, ours, IMAGES, tolerance=1e-3)
    same(theirs, ours, IMAGES[0].astype("float32"), tolerance=1e-3)


def test_rescaling():
    for args in ((2.0, 1.0), ([1.0, 2.0, 3.0],)):
        theirs, ours = pair("Rescaling", *args)
        assert same(theirs, ours, IMAGES).dtype == "float32"


@pytest.mark.parametrize("axis", [-1, None, (1, 2), 0])
@pytest.mark.parametrize("invert", [False, True])
def test_normalization_learned(axis, invert):
    data = np.random.default_rng(1).normal(3, 2, (4, 5, 3)).astype("float32")
    theirs, ours = pair("Normalization", axis=axis, invert=invert)
    theirs.adapt(data), ours.adapt(data)
    same(theirs, ours, data)
    for a, b in zip(theirs.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5)
    if axis != 0:  # in batches; Keras needs TensorFlow for them
        ours.adapt([data[:1], data[1:3], data[3:]])
        for a, b in zip(theirs.get_weights(), ours.get_weights(), strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-5)


@pytest.mark.parametrize(("axis", "shape"), [(None, ()), (-1, (3,)), ((1, 2), (5, 3)), ((1, 2), (3,)), ((1, -1), ())])
def test_normalization_given(axis, shape):
    mean, variance = np.arange(np.prod(shape)).reshape(shape), np.arange(np.prod(shape)).reshape(shape) + 0.5
    theirs, ours = pair("Normalization", axis=axis, mean=mean, variance=variance)
    same(theirs, ours, np.ones((2, 5, 3), "float32"))


@pytest.mark.parametrize("mode", ["multi_hot", "one_hot", "count"])
@pytest.mark.parametrize("data", [[[0, 1], [3, 3]], [[2], [9]], [1, 2, 1], 3])
def test_category_encoding(mode, data):
    theirs, ours = pair("CategoryEncoding", num_tokens=4, output_mode=mode)
    data = np.array(data)
    same(theirs, ours, data)
    assert tuple(ours.compute_output_shape(data.shape)) == tuple(theirs.compute_output_shape(data.shape))


def test_category_weights():
    theirs, ours = pair("CategoryEncoding", num_tokens=4, output_mode="count")
    same(theirs, ours, np.array([[0, 1, 1], [3, 3, 2]]), count_weights=np.array([[0.5, 1, 2], [1, 1, 4]]))


@pytest.mark.parametrize("mode", ["int", "multi_hot", "one_hot", "count"])
@pytest.mark.parametrize("shape", [(6,), (3, 2), (6, 1), (3, 2, 1)])
def test_discretization(mode, shape):
    theirs, ours = pair("Discretization", bin_boundaries=[0.0, 1.0, 2.5], output_mode=mode)
    data = np.array([-1.0, 0.0, 0.5, 1.0, 2.5, 7.0], "float32").reshape(shape)
    out = same(theirs, ours, data)
    assert out.dtype == theirs(data).dtype
    assert tuple(ours.compute_output_shape(shape)) == tuple(theirs.compute_output_shape(shape))


def test_discretization_learned():
    data = np.random.default_rng(2).normal(size=(500,)).astype("float32")
    theirs, ours = pair("Discretization", num_bins=5, epsilon=0.05)
    for parts in ([data], [data[:200], data[200:]]):
        theirs.reset_state()  # its adapt() needs TensorFlow
        for part in parts:
            theirs.update_state(part)
        theirs.finalize_state()
        ours.adapt(data if len(parts) == 1 else parts)
        np.testing.assert_allclose(ours.bin_boundaries, theirs.bin_boundaries, rtol=1e-6)
    np.testing.assert_allclose(ours.bin_boundaries, theirs.bin_boundaries, rtol=1e-6)
    again = lamella.layers.Discretization.from_config(theirs.get_config())
    np.testing.assert_array_equal(again(data), theirs(data))


def test_a_pipeline_inside_of_jit():
    layers = [
        lamella.layers.RandomFlip(seed=1),
        lamella.layers.RandomRotation(0.2, seed=2),
        lamella.layers.Rescaling(1 / 255),
    ]
    eager = [
        lamella.layers.RandomFlip(seed=1),
        lamella.layers.RandomRotation(0.2, seed=2),
        lamella.layers.Rescaling(1 / 255),
    ]

    def run(states, x):
        after = []
        for layer, state in zip(layers, states, strict=True):
            x, new = lamella.state.pure(layer, state, x)
            after.append(new)
        return x, after

    x, after = jax.jit(run)([lamella.state.state_of(layer) for layer in layers], IMAGES)
    expected = IMAGES
    for layer in eager:
        expected = layer(expected)
    np.testing.assert_allclose(x, expected, atol=1e-5)
    assert [int(s[1]) for state in after for s in state.values()] == [1, 1]
