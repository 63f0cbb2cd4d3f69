"""Normalization layers against Keras."""

import keras
import numpy as np
import pytest
from layer_parity import array, check

import lamella

X2, X3, X4 = array((6, 4)), array((3, 5, 4)), array((2, 3, 5, 4))
PLAIN = {"center": False, "scale": False}


@pytest.mark.sample(6)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("x", "kwargs"),
    [
        (X2, {}),
        (X4, {"momentum": 0.9, "epsilon": 1e-2, "gamma_regularizer": "l2", "beta_constraint": "non_neg"}),
        (X4, {"axis": 1, **PLAIN}),
        (X3, {"axis": -2, "scale": False}),
        (X3, {"renorm": True}),
        (X3, {"renorm": True, "renorm_clipping": {"rmax": 1.1, "rmin": 0.9, "dmax": 0.1}, "renorm_momentum": 0.8}),
        (X2, {"renorm": True, "scale": False}),
    ],
)
def test_batch_normalization(x, kwargs, training):
    check("BatchNormalization", x, call={"training": training}, **kwargs)


def test_batch_normalization_with_mask():
    mask = np.array([[1, 1, 0, 0, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)
    pair = [m.layers.BatchNormalization(momentum=0.5) for m in (keras, lamella)]
    outputs = [layer(X3, training=True, mask=mask) for layer in pair]
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(pair[1].get_weights(), pair[0].get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "float16"])
@pytest.mark.parametrize("name", ["BatchNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"])
def test_low_precision(name, dtype):
    theirs, ours = (getattr(m.layers, name)(dtype=dtype) for m in (keras, lamella))
    a, b = theirs(X4), ours(X4)
    assert a.dtype == b.dtype
    assert [w.dtype for w in ours.get_weights()] == [w.dtype for w in theirs.get_weights()]
    np.testing.assert_allclose(np.asarray(b, "float32"), np.asarray(a, "float32"), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    ("x", "kwargs"),
    [
        (X3, {}),
        (X3, {"axis": [1, 2], "epsilon": 1e-2, "gamma_regularizer": "l1"}),
        (X4, {"axis": 1, **PLAIN}),
        (X3, {"center": False}),
        (X3, {"rms_scaling": True}),
    ],
)
def test_layer_normalization(x, kwargs):
    check("LayerNormalization", x, **kwargs)


@pytest.mark.parametrize(
    ("x", "kwargs"),
    [
        (X4, {"groups": 2}),
        (X4, {"groups": -1, "epsilon": 1e-2}),
        (X4, {"groups": 1, **PLAIN}),
        (X4, {"groups": 3, "axis": 1}),
        (X4, {"groups": 5, "axis": -2, "scale": False}),
        (X2, {"groups": 2, "beta_initializer": "ones"}),
    ],
)
def test_group_normalization(x, kwargs):
    check("GroupNormalization", x, **kwargs)


@pytest.mark.parametrize("kwargs", [{}, {"axis": (1, 2), "epsilon": 1e-3}])
def test_rms_normalization(kwargs):
    check("RMSNormalization", X3, **kwargs)


@pytest.mark.parametrize("kwargs", [{}, {"axis": 1}, {"axis": [1, 2]}])
def test_unit_normalization(kwargs):
    check("UnitNormalization", X3, **kwargs)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("iterations", [1, 3])
def test_spectral_normalization(training, iterations):
    def pair(module):
        return module.layers.SpectralNormalization(module.layers.Dense(3), power_iterations=iterations)

    theirs, ours = pair(keras), pair(lamella)
    theirs(X2), ours(X2)
    ours.set_weights(theirs.get_weights())
    a, b = (layer(X2, training=training) for layer in (theirs, ours))
    np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-5)
