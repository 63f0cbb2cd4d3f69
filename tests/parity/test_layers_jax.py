"""JaxLayer and FlaxLayer against Keras."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from layer_parity import array, same_step

import lamella

tensorflow = pytest.importorskip("tensorflow", reason="Keras's JaxLayer needs it")
X = array((4, 3))


def init(rng, inputs):
    kernel = jax.random.normal(rng, (inputs.shape[-1], 2))
    return {"dense": {"w": kernel, "b": jnp.zeros(2)}}, {"calls": jnp.zeros((), "int32"), "mean": jnp.zeros(2)}


def call(params, state, rng, inputs, training):
    outputs = inputs @ params["dense"]["w"] + params["dense"]["b"]
    if training:
        outputs = outputs * jax.random.bernoulli(rng, 0.5, outputs.shape)
    return outputs, {"calls": state["calls"] + 1, "mean": outputs.mean(0)}


def affine(params, inputs):
    return [inputs[0] @ params[0], inputs[1] + params[1]]


@pytest.mark.parametrize("training", [True, False])
def test_init_fn_and_state(training):
    theirs, ours = (m.layers.JaxLayer(call, init, seed=5) for m in (keras, lamella))
    theirs.build(X.shape), ours.build(X.shape)
    for kind in ("trainable_weights", "non_trainable_weights", "non_trainable_variables"):
        assert [(v.shape, v.dtype) for v in getattr(ours, kind)] == [(v.shape, v.dtype) for v in getattr(theirs, kind)]
    ours.set_weights(theirs.get_weights())
    same_step(theirs, ours, X, training=training)
    np.testing.assert_allclose(ours(X, training=training), theirs(X, training=training), rtol=1e-5, atol=1e-6)
    assert int(ours.state["calls"].value) == 1
    for mine, real in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, real, rtol=1e-5, atol=1e-6)


def test_given_params_and_several_inputs():
    params = (array((3, 2)), 2.0)
    theirs, ours = (m.layers.JaxLayer(affine, params=params) for m in (keras, lamella))
    for mine, real in zip(ours([X, X]), theirs([X, X]), strict=True):
        np.testing.assert_allclose(mine, real, rtol=1e-6)
    assert [v.shape for v in ours.weights] == [v.shape for v in theirs.weights] == [(3, 2), ()]


@pytest.mark.parametrize("writer", [keras, lamella], ids=["of keras", "for keras"])
@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_files(tmp_path, writer, suffix):
    reader, path = lamella if writer is keras else keras, tmp_path / f"m{suffix}"

    def model(m):
        return m.Sequential([m.Input((3,)), m.layers.JaxLayer(call, init, name="jax"), m.layers.Dense(2, name="d")])

    written = model(writer)
    if suffix == ".keras":
        written.save(path)
        read = reader.saving.load_model(path, custom_objects={"call": call, "init": init})
    else:
        written.save_weights(path)
        read = model(reader)
        read.load_weights(path)
    np.testing.assert_allclose(read.predict(X, verbose=0), written.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


def flax_module():
    linen = pytest.importorskip("flax.linen")

    class Block(linen.Module):
        @linen.compact
        def __call__(self, inputs, training):
            x = linen.Dense(4)(inputs)
            x = linen.BatchNorm(use_running_average=not training)(x)
            return linen.Dropout(0.5, deterministic=not training)(x)

        @linen.compact
        def forward(self, inputs):
            return linen.Dense(2)(inputs)

        def get_config(self):
            return {}

        @classmethod
        def from_config(cls, config):
            return cls()

    return Block


@pytest.mark.parametrize("training", [True, False])
def test_flax_layer(training):
    module = flax_module()()
    theirs, ours = (m.layers.FlaxLayer(module, seed=3) for m in (keras, lamella))
    theirs.build(X.shape), ours.build(X.shape)
    assert [v.shape for v in ours.trainable_weights] == [v.shape for v in theirs.trainable_weights]
    assert len(ours.non_trainable_weights) == len(theirs.non_trainable_weights) == 2
    ours.set_weights(theirs.get_weights())
    same_step(theirs, ours, X, training=training)


def test_flax_layer_in_files(tmp_path):
    kind = flax_module()
    module = kind()
    layer = lamella.layers.FlaxLayer(module, method=module.forward, name="flax")
    model = lamella.Sequential([lamella.Input((3,)), layer])
    model.save(tmp_path / "m.keras")
    for m in (lamella, keras):
        read = m.saving.load_model(tmp_path / "m.keras", custom_objects={"Block": kind})
        np.testing.assert_allclose(read.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5)
    config = lamella.layers.serialize(layer)
    for name in ("clone", "__init__", "__reduce__", "bind"):
        with pytest.raises(lamella.errors.ConfigError, match="no method"):
            lamella.layers.deserialize({**config, "config": {**config["config"], "method": name}}, {"Block": kind})
