"""Updates that are alike are traced once for each shape, and compute the same."""

import jax
import numpy as np

import lamella as keras

SHAPES = [(2, 3), (3,), (2, 3), (3,), (2, 3)]


def traced(kind):
    """The shapes for which a compiled step ran `update_step`, and the values after it."""
    seen = []

    class Counted(kind):
        def update_step(self, gradient, variable, learning_rate):
            seen.append(variable.shape)
            super().update_step(gradient, variable, learning_rate)

    Counted.update_step.alike = getattr(kind.update_step, "alike", False)
    random = np.random.default_rng(0)
    variables = [keras.Variable(random.normal(size=shape).astype("float32")) for shape in SHAPES]
    grads = [random.normal(size=shape).astype("float32") for shape in SHAPES]
    optimizer = Counted(0.1)
    optimizer.build(variables)
    own, values = [v.value for v in optimizer.variables], [v.value for v in variables]
    return seen, jax.jit(optimizer.stateless_apply)(own, grads, values)[0]


def test_once_a_shape():
    seen, values = traced(keras.optimizers.Adam)
    assert seen == SHAPES[:2]

    class ByHand(keras.optimizers.Adam):
        def update_step(self, gradient, variable, learning_rate):
            keras.optimizers.Adam.update_step(self, gradient, variable, learning_rate)

    seen, plain = traced(ByHand)
    assert seen == SHAPES, "what a user writes may look at a variable's name: it is called for each"
    for a, b in zip(values, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
