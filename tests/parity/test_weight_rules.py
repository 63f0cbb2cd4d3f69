"""Regularizers, constraints and dtype policies against Keras's."""

import inspect

import jax.numpy as jnp
import keras
import numpy as np
import pytest

import lamella as L

W = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
RULES = [
    ("regularizers", "L1", {"l1": 0.2}),
    ("regularizers", "L2", {"l2": 0.3}),
    ("regularizers", "L1L2", {"l1": 0.1, "l2": 0.2}),
    ("regularizers", "L1L2", {"l2": 0.2}),
    ("regularizers", "OrthogonalRegularizer", {"factor": 0.5}),
    ("regularizers", "OrthogonalRegularizer", {"mode": "columns"}),
    ("constraints", "MaxNorm", {"max_value": 1.0}),
    ("constraints", "MaxNorm", {"max_value": 0.5, "axis": [0, 1]}),
    ("constraints", "NonNeg", {}),
    ("constraints", "UnitNorm", {"axis": 1}),
    ("constraints", "MinMaxNorm", {"min_value": 0.7, "max_value": 0.9, "rate": 0.5}),
]


@pytest.mark.sample(6)
@pytest.mark.parametrize(("room", "name", "options"), RULES, ids=[f"{n}-{i}" for i, (_, n, _) in enumerate(RULES)])
def test_values_and_configs(room, name, options):
    kinds = [getattr(getattr(lib, room), name) for lib in (L, keras)]
    ours, theirs = (kind(**options) for kind in kinds)
    np.testing.assert_allclose(ours(jnp.asarray(W)), theirs(jnp.asarray(W)), rtol=1e-5)
    shown = [[(p.name, p.default) for p in inspect.signature(k).parameters.values()] for k in kinds]
    assert shown[0] == shown[1]
    ours_written, theirs_written = getattr(L, room).serialize(ours), getattr(keras, room).serialize(theirs)
    assert {**ours_written, "config": None} == {**theirs_written, "config": None}
    for key, value in theirs_written["config"].items():
        assert ours_written["config"][key] == pytest.approx(value)
    assert type(getattr(L, room).deserialize(theirs_written)) is kinds[0]
    assert type(getattr(keras, room).deserialize(ours_written)) is kinds[1]


@pytest.mark.parametrize("name", ["l1", "l2", "l1_l2", "L1L2", "orthogonal_regularizer"])
def test_get_regularizer(name):
    try:
        expected = type(keras.regularizers.get(name))
    except ValueError:
        expected = keras.regularizers.L1L2  # Keras knows it as l1l2 only
    assert type(L.regularizers.get(name)).__name__ == expected.__name__


@pytest.mark.parametrize("name", ["max_norm", "MinMaxNorm", "non_neg", "unit_norm"])
def test_get_constraint(name):
    assert type(L.constraints.get(name)).__name__ == type(keras.constraints.get(name)).__name__


POLICIES = ["float32", "bfloat16", "mixed_float16", "mixed_bfloat16", "int8_from_float32", "float8_from_mixed_bfloat16"]
POLICIES += ["int4/128_from_float32", "gptq/4/-1_from_float32", "awq/4/64_from_mixed_bfloat16", "int4_from_float32"]


@pytest.mark.parametrize("name", POLICIES)
def test_policies(name):
    ours, theirs = L.dtype_policies.get(name), keras.dtype_policies.get(name)
    for attribute in ("name", "compute_dtype", "variable_dtype", "quantization_mode"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert repr(ours) == repr(theirs)
    written = L.dtype_policies.serialize(ours)
    assert written == keras.dtype_policies.serialize(theirs)
    assert L.dtype_policies.get(written) == ours
    assert keras.dtype_policies.get(written) == theirs


def test_policy_map():
    ours = L.dtype_policies.DTypePolicyMap("float32", {"a/.*": L.DTypePolicy("bfloat16")})
    theirs = keras.dtype_policies.DTypePolicyMap("float32", {"a/.*": keras.DTypePolicy("bfloat16")})
    for path in ("a/b", "c"):
        assert ours[path].name == theirs[path].name
    assert ours.name == theirs.name
    assert L.dtype_policies.serialize(ours) == keras.dtype_policies.serialize(theirs)
    assert L.dtype_policies.deserialize(keras.dtype_policies.serialize(theirs))["a/b"].name == "bfloat16"
