"""Layers over a list of tensors, against Keras."""

import keras
import numpy as np
import pytest
from layer_parity import array, check

import lamella

A, B, C = (array((2, 3, 4)) * k for k in (1, -2, 3))
ROW, VECTOR = array((2, 1, 4)), array((2, 4))
NAMES = ["Add", "Average", "Maximum", "Minimum", "Multiply"]


@pytest.mark.sample(13)
@pytest.mark.parametrize("inputs", [[A, B, C], [A, ROW], [A, VECTOR], [VECTOR, B], [A]])
@pytest.mark.parametrize("name", NAMES)
def test_elementwise(name, inputs):
    check(name, inputs)


def test_subtract():
    check("Subtract", [A, B])
    check("Subtract", [A, ROW])


@pytest.mark.parametrize(
    ("inputs", "axis"), [([A, B, C], -1), ([A, ROW], 1), ([A, B], 2), ([A, ROW, B], -2), ([VECTOR, VECTOR], 1)]
)
def test_concatenate(inputs, axis):
    check("Concatenate", inputs, axis=axis)


@pytest.mark.sample(6)
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(
    ("inputs", "axes"),
    [
        ([VECTOR, VECTOR], 1),
        ([VECTOR, VECTOR], -1),
        ([A, B], 2),
        ([A, B], (1, 1)),
        ([A, array((2, 4, 5))], (2, 1)),
        ([A, VECTOR], (2, 1)),
        ([VECTOR, A], (1, 2)),
        ([array((2, 3, 4, 5)), array((2, 5, 6))], (3, 1)),
        ([array((2, 3, 4, 5)), array((2, 3, 6, 4))], (2, 3)),
    ],
)
def test_dot(inputs, axes, normalize):
    check("Dot", inputs, axes=axes, normalize=normalize)


@pytest.mark.parametrize("name", ["add", "average", "subtract", "maximum", "minimum", "multiply", "concatenate", "dot"])
def test_functions(name):
    ours, theirs = (getattr(module.layers, name)([VECTOR, -VECTOR]) for module in (lamella, keras))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("masked", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("name", [*NAMES, "Subtract", "Concatenate"])
def test_masks(name, masked):
    """Masks pass through, and masked steps do not decide a maximum or a product."""

    def model(module):
        inputs = [module.Input((3, 4)) for _ in masked]
        masking = [module.layers.Masking(), module.layers.Masking(1.0)]
        tensors = [mask(x) if on else x for x, mask, on in zip(inputs, masking, masked, strict=True)]
        merged = getattr(module.layers, name)()(tensors)
        return module.Model(inputs, [merged, module.layers.GlobalAveragePooling1D()(merged)])

    first, second = A.copy(), B.copy()
    first[0, 1], second[0, 2], first[1, 2], second[1, 2] = 0, 1, 0, 1
    for ours, theirs in zip(model(lamella)([first, second]), model(keras)([first, second]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
