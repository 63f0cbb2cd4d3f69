"""What may run in a compiled loop."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from lamella.lower import is_fast_in_a_loop, loops

IMAGE = jnp.ones((1, 1, 4, 4))


def convolve(x):
    return lax.conv(x, jnp.ones((1, 1, 2, 2)), (1, 1), "SAME")


@jax.custom_vjp
def with_a_rule(x):
    return convolve(x)


with_a_rule.defvjp(lambda x: (x, None), lambda _, slope: (slope,))


def test_matmuls_loops_and_random_numbers_may():
    def step(x):
        x, _ = lax.scan(lambda carry, _: (jnp.tanh(carry @ carry), None), x, length=3)
        return x + jax.random.normal(jax.random.key(0), x.shape)

    assert is_fast_in_a_loop(jax.make_jaxpr(step)(jnp.ones((2, 2))))


@pytest.mark.parametrize(
    "step",
    [
        convolve,
        jax.jit(convolve),
        jax.checkpoint(convolve),
        with_a_rule,
        lambda x: lax.cond(x.sum() > 0, convolve, lambda x: x, x),
        lambda x: lax.scan(lambda carry, _: (convolve(carry), None), x, length=2)[0],
        jax.grad(lambda x: convolve(x).sum()),
    ],
)
def test_convolutions_may_not_wherever_they_are(step):
    program = jax.make_jaxpr(step)(IMAGE)
    assert is_fast_in_a_loop(program) is (jax.default_backend() != "cpu")


def test_convolutions_may_on_other_devices(monkeypatch):
    monkeypatch.setattr(loops.jax, "default_backend", lambda: "gpu")
    assert is_fast_in_a_loop(jax.make_jaxpr(convolve)(IMAGE))


def test_effects_on_the_host_may_not():
    assert not is_fast_in_a_loop(jax.make_jaxpr(lambda x: (jax.debug.callback(lambda: None), x)[1])(1.0))
