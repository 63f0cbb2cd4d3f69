"""Activation layers: what they refuse, and masks."""

import numpy as np
import pytest

from lamella import layers
from lamella.errors import ArgumentError, ShapeError, UnknownNameError
from lamella.state import get_mask


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.ReLU(max_value=-1), "ReLU cannot take max_value=-1"),
        (lambda: layers.ReLU(negative_slope=None), "ReLU cannot take negative_slope=None"),
        (lambda: layers.ReLU(threshold=-0.1), "ReLU cannot take threshold=-0.1"),
        (lambda: layers.LeakyReLU(-1), "LeakyReLU cannot take negative_slope=-1"),
        (lambda: layers.LeakyReLU(None), "LeakyReLU cannot take negative_slope=None"),
    ],
)
def test_constructor_refuses(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()


def test_unknown_activation():
    with pytest.raises(UnknownNameError, match="did you mean 'relu'"):
        layers.Activation("rellu")


def test_leaky_relu_takes_its_old_name():
    assert layers.LeakyReLU(alpha=0.2).negative_slope == 0.2


@pytest.mark.parametrize("layer", [layers.ReLU(), layers.PReLU(), layers.Activation("tanh"), layers.Softmax()])
def test_masks_pass(layer):
    x = layers.Masking()(np.array([[[1.0, -2.0], [0.0, 0.0]]]))
    assert np.asarray(get_mask(layer(x))).tolist() == [[True, False]] if layer.name[:4] != "soft" else True


def test_prelu_keeps_its_shape():
    layer = layers.PReLU(shared_axes=[1, 2])
    layer(np.ones((1, 4, 4, 3)))
    assert layer.alpha.shape == (1, 1, 3)
    layer(np.ones((1, 5, 5, 3)))
    with pytest.raises(ShapeError):
        layer(np.ones((1, 4, 4, 2)))


@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 4), (3,)])
def test_softmax_refuses_a_mask_that_does_not_fit(shape):
    with pytest.raises(ShapeError, match="has a mask that does not fit"):
        layers.Softmax()(np.ones((2, 4)), mask=np.ones(shape, bool))


def test_softmax_over_masked_entries_only_is_zero():
    out = layers.Softmax()(np.ones((2, 2)), mask=np.array([[True, True], [False, False]]))
    assert np.asarray(out).tolist() == [[0.5, 0.5], [0.0, 0.0]]


def test_weightless_layers_are_built_at_once():
    assert layers.ReLU().built and layers.Flatten().built and layers.MaxPooling2D().built
    assert not layers.PReLU().built
