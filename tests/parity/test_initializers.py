"""Initial values against Keras's, number by number, and the generator against jax.random."""

import inspect

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import lamella as L
from lamella.lower import threefry

KEY = np.array([1337, 0], np.uint32)
CASES = [
    *[(name, {"seed": 1337}) for name in ("GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform")],
    *[(name, {"seed": 1337}) for name in ("LecunNormal", "LecunUniform", "Orthogonal")],
    ("GlorotUniform", {"seed": 1, "input_axes": [0], "output_axes": [1]}),
    ("RandomNormal", {"mean": 1.0, "stddev": 2.0, "seed": 7}),
    ("RandomUniform", {"minval": -3.0, "maxval": 1.0, "seed": 7}),
    ("TruncatedNormal", {"mean": -1.0, "stddev": 0.5, "seed": 7}),
    ("VarianceScaling", {"scale": 3.0, "mode": "fan_out", "distribution": "untruncated_normal", "seed": 7}),
    ("VarianceScaling", {"mode": "fan_avg", "distribution": "normal", "seed": 7}),
    ("Orthogonal", {"gain": 2.0, "seed": 3}),
    ("Constant", {"value": 0.3}),
    ("Zeros", {}),
    ("Ones", {}),
]
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(CASES)]


@pytest.mark.sample(6)
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
@pytest.mark.parametrize("shape", [(3, 4), (3, 3, 5, 2)])
def test_values(name, options, shape):
    ours, theirs = getattr(L.initializers, name)(**options), getattr(keras.initializers, name)(**options)
    value = ours(shape)
    assert isinstance(value, jax.Array)
    assert (value.shape, value.dtype) == (shape, "float32")
    np.testing.assert_allclose(value, theirs(shape), rtol=1e-5, atol=2e-6)
    np.testing.assert_array_equal(value, ours(shape))  # one seed, one value


def test_identity_and_fourier_kernels():
    np.testing.assert_array_equal(L.initializers.Identity(2.0)((3, 4)), keras.initializers.Identity(2.0)((3, 4)))
    for options in ({}, {"side": "imag", "scaling": "spectrum", "periodic": True}, {"window": None}):
        values = [lib.initializers.STFT(**options)((16, 1, 9)) for lib in (L, keras)]
        np.testing.assert_allclose(*values, atol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_low_precision(dtype):
    values = [lib.initializers.HeNormal(seed=3)((8, 8), dtype=dtype) for lib in (L, keras)]
    assert values[0].dtype == values[1].dtype
    np.testing.assert_allclose(*(np.asarray(v, "float32") for v in values), rtol=2e-2, atol=1e-2)


def test_seedless_initializers_follow_set_random_seed():
    keras.utils.set_random_seed(11)
    theirs = [keras.initializers.GlorotUniform()((2, 2)) for _ in range(3)]
    keras.utils.set_random_seed(11)
    ours = [L.initializers.GlorotUniform()((2, 2)) for _ in range(3)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_seed_generator_draws_anew():
    ours, theirs = (lib.initializers.RandomNormal(seed=lib.random.SeedGenerator(5)) for lib in (L, keras))
    for _ in range(2):
        np.testing.assert_allclose(ours((3,)), theirs((3,)), atol=1e-6)


@pytest.mark.parametrize("count", [1, 7, 32768, 32769, 70000])
def test_uniform_bits_are_those_of_jax(count):
    ours, theirs = threefry.uniform(KEY, (count,)), jax.random.uniform(jnp.asarray(KEY), (count,))
    np.testing.assert_array_equal(ours, theirs)


def test_normals_are_those_of_jax_in_the_tails_too():
    key = jnp.asarray(KEY)
    shape = (200_000,)
    np.testing.assert_allclose(threefry.normal(KEY, shape), jax.random.normal(key, shape), rtol=2e-6, atol=1e-6)
    theirs = jax.random.truncated_normal(key, -2.0, 2.0, shape)
    np.testing.assert_allclose(threefry.truncated_normal(KEY, shape), theirs, rtol=2e-6, atol=1e-6)


def test_no_shape_is_compiled():
    compiled = []

    def listen(event: str, duration: float, **_: object) -> None:
        if "compile" in event:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for number, (name, options) in enumerate(CASES):
            getattr(L.initializers, name)(**options)((41 + number, 7))
        assert not compiled
        jax.jit(lambda x: 2 * x)(1.0)
        assert compiled  # so the listener does listen
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def test_three_million_weights_take_a_moment(python_calls):
    draws = L.initializers.GlorotUniform(seed=1)
    draws((350, 10))
    assert python_calls(draws, (3500, 1000)) < 10_000  # NumPy's, over blocks of them


def test_inside_of_jit_the_value_is_real():
    made = []

    @jax.jit
    def f(x):
        made.append(L.initializers.GlorotUniform(seed=0)((2, 2)))
        return x

    f(1.0)
    assert not isinstance(made[0], jax.core.Tracer)


ALL = sorted(n for n in dir(keras.initializers) if isinstance(getattr(keras.initializers, n), type))


@pytest.mark.parametrize("name", ALL)
def test_signature_and_config(name):
    ours, theirs = getattr(L.initializers, name), getattr(keras.initializers, name)
    shown = [[(p.name, p.default) for p in inspect.signature(c).parameters.values()] for c in (ours, theirs)]
    assert shown[0] == shown[1]
    written, expected = L.initializers.serialize(ours()), keras.initializers.serialize(theirs())
    assert {**written, "config": None} == {**expected, "config": None}
    assert {key: written["config"][key] for key in expected["config"]} == expected["config"]  # Keras forgets a gain
    assert type(L.initializers.deserialize(keras.initializers.serialize(theirs()))) is ours


@pytest.mark.parametrize(
    "name", ["zeros", "one", "normal", "uniform", "glorot_uniform", "HeNormal", "orthogonal", "stft"]
)
def test_get(name):
    assert type(L.initializers.get(name)).__name__ == type(keras.initializers.get(name)).__name__
