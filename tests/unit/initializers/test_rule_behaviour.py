"""Initializers and the other rules of weights: arguments that cannot be right."""

import jax.numpy as jnp
import numpy as np
import pytest

import lamella as L
from lamella.errors import ArgumentError, DtypeError, ShapeError, StateError


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: L.initializers.VarianceScaling(scale=0), ArgumentError, "scale"),
        (lambda: L.initializers.VarianceScaling(mode="fan"), ArgumentError, "fan_avg"),
        (lambda: L.initializers.VarianceScaling(distribution="cauchy"), ArgumentError, "uniform"),
        (lambda: L.initializers.GlorotUniform(seed="a"), ArgumentError, "SeedGenerator"),
        (lambda: L.initializers.Identity()((2, 3, 4)), ShapeError, "rank 2"),
        (lambda: L.initializers.Orthogonal()((3,)), ShapeError, "two-dimensional"),
        (lambda: L.initializers.STFT(side="left"), ArgumentError, "imag"),
        (lambda: L.initializers.STFT(window="nope"), ArgumentError, "nope"),
        (lambda: L.initializers.get(3), ArgumentError, "no initializer"),
        (lambda: L.initializers.get(np.ones((2,)))((3,)), ShapeError, "another shape"),
        (lambda: L.regularizers.L1(-1.0), ArgumentError, "at least 0"),
        (lambda: L.regularizers.L2(float("nan")), ArgumentError, "l2=nan"),
        (lambda: L.regularizers.OrthogonalRegularizer(mode="diagonal"), ArgumentError, "columns"),
        (lambda: L.regularizers.OrthogonalRegularizer()(jnp.ones((2,))), ShapeError, "rank 2"),
        (lambda: L.regularizers.Regularizer().get_config(), StateError, "get_config"),
        (lambda: L.constraints.get(3), ArgumentError, "no constraint"),
        (lambda: L.DTypePolicy("mixed_bfloat15"), ArgumentError, "did you mean 'mixed_bfloat16'"),
        (lambda: L.DTypePolicy(""), ArgumentError, "Cannot convert"),
        (lambda: L.DTypePolicy(3), DtypeError, "string"),
        (lambda: L.dtype_policies.get(object()), ArgumentError, "Cannot interpret"),
        (lambda: L.dtype_policies.get("int8_abc"), ArgumentError, "int8_from_float32"),
        (lambda: L.dtype_policies.get("int8_from_mixed_float16"), ArgumentError, "bfloat16"),
        (lambda: L.dtype_policies.get("gptq/5/64_from_float32"), ArgumentError, "weight_bits"),
        (lambda: L.dtype_policies.get("awq/4_from_float32"), ArgumentError, "awq/<weight_bits>/<group_size>"),
        (lambda: L.dtype_policies.set_dtype_policy(None), ArgumentError, "mixed_float16"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)


def test_array_as_initializer_is_the_value():
    value = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(L.initializers.get(value)((2, 3)), value)


def test_clone_draws_the_same():
    first = L.initializers.GlorotUniform(seed=4)
    np.testing.assert_array_equal(first((2, 2)), first.clone()((2, 2)))


def test_array_given_is_copied():
    given = np.ones((2, 2), "float32")
    value = L.initializers.Constant(given)((2, 2))
    given[:] = 5
    assert float(value.max()) == 1.0


def test_global_policy():
    assert L.dtype_policies.dtype_policy().name == "float32"
    L.dtype_policies.set_dtype_policy("mixed_bfloat16")
    try:
        assert L.dtype_policies.get(None).compute_dtype == "bfloat16"
        assert L.layers.Dense(2).compute_dtype == "bfloat16"
    finally:
        L.dtype_policies.set_dtype_policy("float32")


def test_policy_map_refuses_what_is_not_clear():
    policies = L.dtype_policies.DTypePolicyMap(policy_map={"a.*": L.DTypePolicy("bfloat16"), ".*b": L.DTypePolicy()})
    with pytest.raises(ArgumentError, match="fits several keys"):
        policies["ab"]
    with pytest.raises(ArgumentError, match="has a policy"):
        policies["a.*"] = "float32"
    del policies["a.*"]
    assert list(policies) == [".*b"]
