"""Orbax checkpoints: weights and optimizer by address, one part a device, in the background."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import lamella
from lamella import layers as L
from lamella.errors import ArgumentError, FileError, MissingExtraError, StateError

pytest.importorskip("orbax.checkpoint")
X, Y = np.random.default_rng(0).normal(size=(8, 3)).astype("float32"), np.ones((8, 2), "float32")


def model(width=4, optimizer="adam", fit=False):
    made = lamella.Sequential([lamella.Input((3,)), L.Dense(width, "relu"), L.BatchNormalization(), L.Dense(2)])
    made.compile(optimizer, "mse")
    if fit:
        made.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0)
    return made


def assert_same_weights(a, b):
    for left, right in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def going_on(made):
    return made.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0).history["loss"]


def test_training_goes_on_where_it_was(tmp_path):
    one, two = model(fit=True), model()
    one.save_weights(tmp_path / "m.orbax")
    report = two.load_weights(tmp_path / "m.orbax")
    assert report.loaded[0] == "dense/kernel" and report.loaded[-1] == "optimizer" and not report.skipped
    assert int(two.optimizer.iterations) == 4
    assert_same_weights(one, two)
    assert going_on(one) == going_on(two)


def test_a_checkpoint_is_replaced_whole(tmp_path):
    one, two = model(fit=True), model()
    one.save_weights(tmp_path / "m.orbax")
    two.save_weights(tmp_path / "m.orbax")
    assert os.listdir(tmp_path) == ["m.orbax"]
    one.load_weights(tmp_path / "m.orbax")
    assert_same_weights(one, two)
    with pytest.raises(FileError, match="there already"):
        one.save_weights(tmp_path / "m.orbax", overwrite=False)


def test_another_optimizer_keeps_its_state(tmp_path):
    one, two = model(fit=True), model(optimizer="sgd")
    one.save_weights(tmp_path / "m.orbax")
    with pytest.warns(UserWarning, match="optimizer keeps its present state"):
        report = two.load_weights(tmp_path / "m.orbax")
    assert_same_weights(one, two)
    assert "optimizer" in report.skipped and int(two.optimizer.iterations) == 0


def test_what_does_not_fit_changes_nothing(tmp_path):
    one, other = model(), model(width=5)
    before = other.get_weights()
    one.save_weights(tmp_path / "m.orbax")
    with pytest.raises(FileError, match=r"dense/kernel: it has shape \(3, 4\) in the file, \(3, 5\) in the model"):
        other.load_weights(tmp_path / "m.orbax")
    for left, right in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    with pytest.warns(UserWarning, match="parts of the model"):
        report = other.load_weights(tmp_path / "m.orbax", skip_mismatch=True)
    assert "dense_1/bias" in report.loaded and "dense/kernel" in report.skipped


def test_folders_that_are_no_checkpoint(tmp_path):
    (tmp_path / "empty.orbax").mkdir()
    (tmp_path / "file.orbax").write_text("no folder")
    model().save_weights(tmp_path / "cut.orbax")
    shutil.rmtree(tmp_path / "cut.orbax" / "0" / "pytree" / "d")
    for name in ("empty", "file", "cut", "nowhere"):
        with pytest.raises(FileError, match=name):
            model().load_weights(tmp_path / f"{name}.orbax")


def test_a_checkpoint_of_another_program(tmp_path):
    import orbax.checkpoint as orbax

    with orbax.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "other.orbax", {"params": {"kernel": np.ones(3)}})
    with pytest.raises(FileError, match="no checkpoint of a model's state"):
        model().load_weights(tmp_path / "other.orbax")


def test_missing_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    with pytest.raises(MissingExtraError, match=r"lamella\[orbax\]"):
        model().save_weights(tmp_path / "m.orbax")
    with pytest.raises(MissingExtraError):
        lamella.callbacks.OrbaxCheckpoint(tmp_path)


SHARDED = """
import jax, numpy as np, sys, lamella
from jax.sharding import Mesh, NamedSharding, PartitionSpec
devices = len(jax.devices())
model = lamella.Sequential([lamella.Input((3,)), lamella.layers.Dense(8)])
spread = NamedSharding(Mesh(np.array(jax.devices()), ("model",)), PartitionSpec(None, "model"))
kernel = model.layers[0].kernel
kernel._value = jax.device_put(np.arange(24, dtype="float32").reshape(3, 8), spread)
if sys.argv[1] == "save":
    model.save_weights("m.orbax")
else:
    kernel.assign(kernel.raw * 0)
    model.load_weights("m.orbax")
    assert kernel.numpy().tolist() == np.arange(24).reshape(3, 8).tolist()
assert len(kernel.raw.sharding.device_set) == devices, kernel.raw.sharding
"""


def test_each_device_keeps_its_part(tmp_path):
    """Saved by four devices, read by two, then by one."""
    for verb, devices in (("save", 4), ("load", 2), ("load", 1)):
        flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
        subprocess.run(
            [sys.executable, "-c", SHARDED, verb], cwd=tmp_path, env=os.environ | flags, check=True, timeout=90
        )


# The callback


@pytest.mark.parametrize("background", [True, False])
def test_the_last_checkpoints_stay(tmp_path, background):
    one, two = model(), model()
    saving = lamella.callbacks.OrbaxCheckpoint(tmp_path / "run", max_to_keep=2, save_on_background=background)
    one.fit(X, Y, epochs=4, batch_size=4, verbose=0, callbacks=[saving])
    assert sorted(os.listdir(tmp_path / "run")) == ["2", "3"]
    two.load_weights(saving.latest())
    assert_same_weights(one, two)
    assert int(two.optimizer.iterations) == 8


def test_every_so_many_batches_and_weights_only(tmp_path):
    one = model()
    saving = lamella.callbacks.OrbaxCheckpoint(tmp_path, save_freq=3, max_to_keep=None, save_weights_only=True)
    one.fit(X, Y, epochs=3, batch_size=4, verbose=0, callbacks=[saving])
    assert sorted(os.listdir(tmp_path)) == ["3", "6"]
    two = model()
    two.load_weights(tmp_path / "6")
    assert_same_weights(one, two)
    assert int(two.optimizer.iterations) == 0


def test_only_the_best(tmp_path):
    one = model()
    saving = lamella.callbacks.OrbaxCheckpoint(
        tmp_path, monitor="score", mode="max", save_best_only=True, max_to_keep=9
    )
    saving.set_model(one)
    for epoch, score in enumerate([0.5, 0.4, 0.7]):
        saving.on_epoch_end(epoch, {"score": score})
    with pytest.warns(UserWarning, match="not among the logs"):
        saving.on_epoch_end(3, {})
    saving.on_train_end()
    assert sorted(os.listdir(tmp_path)) == ["0", "2"] and saving.best == 0.7


def test_a_run_that_begins_anew_is_told(tmp_path):
    saving = lamella.callbacks.OrbaxCheckpoint(tmp_path)
    saving.set_model(model())
    saving.on_epoch_end(5)
    with pytest.warns(UserWarning, match="later checkpoints than 2"):
        saving.on_epoch_end(2)
    saving.on_epoch_end(5)
    saving.wait_until_finished()
    assert os.listdir(tmp_path) == ["5"]


ENDING = """
import lamella
model = lamella.Sequential([lamella.Input((3,)), lamella.layers.Dense(2000)])
saving = lamella.callbacks.OrbaxCheckpoint("run")
saving.set_model(model)
saving.on_epoch_end(0)
raise KeyboardInterrupt
"""


def test_a_program_that_ends_waits_for_what_is_being_saved(tmp_path):
    done = subprocess.run([sys.executable, "-c", ENDING], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stderr.strip().endswith("KeyboardInterrupt") and os.listdir(tmp_path / "run") == ["0"]


def test_a_model_without_a_config(tmp_path):
    class Plain(lamella.Model):
        def __init__(self, width):
            super().__init__()
            self.dense = L.Dense(width)

        def call(self, x):
            return self.dense(x)

        def get_config(self):
            raise lamella.errors.ConfigError("It has none.")

    one, two = Plain(2), Plain(2)
    for made in (one, two):
        made.compile("adam", "mse")
        made.build((None, 3))
    saving = lamella.callbacks.OrbaxCheckpoint(tmp_path)
    saving.set_model(one)
    saving.on_epoch_end(0)
    two.load_weights(saving.latest())
    assert_same_weights(one, two)
    with pytest.raises(FileError, match="only weights were saved"):
        lamella.saving.load_model(tmp_path)


def test_paths_that_stand_twice(tmp_path):
    """Keras cannot save such a model; it cannot tell the layers apart."""
    one = lamella.Sequential(
        [lamella.Sequential([lamella.Input((2,)), L.Dense(2, name="d")], name=name) for name in ("a", "b")]
    )
    for variable in one.variables:
        variable.path = "d/" + variable.name
    before = one.get_weights()
    one.save_weights(tmp_path / "m.orbax")
    one.set_weights([w + 1 for w in before])
    one.load_weights(tmp_path / "m.orbax")
    for left, right in zip(before, one.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    with pytest.raises(StateError, match="have the path 'd/kernel'"):
        one.get_state_tree()


def test_empty_weights(tmp_path):
    """Orbax keeps no empty arrays."""

    class Odd(L.Layer):
        def build(self, shape):
            self.nothing = self.add_weight(shape=(0, 3), name="nothing")
            self.scale = self.add_weight(shape=(), name="scale")

        def call(self, x):
            return x * self.scale

    one = lamella.Sequential([lamella.Input((2,)), Odd()])
    one.layers[-1].scale.assign(3)
    one.save_weights(tmp_path / "m.orbax")
    one.layers[-1].scale.assign(0)
    one.load_weights(tmp_path / "m.orbax")
    assert float(one.layers[-1].scale) == 3


def test_hosts(tmp_path):
    saving = lamella.callbacks.OrbaxCheckpoint(tmp_path)
    assert saving.is_primary_host() and not saving.is_multihost_enabled()


def test_arguments(tmp_path):
    with pytest.raises(ArgumentError, match="save_freq"):
        lamella.callbacks.OrbaxCheckpoint(tmp_path, save_freq=0)


def test_signature_is_keras_own():
    import inspect

    import keras

    theirs, ours = (inspect.signature(k.callbacks.OrbaxCheckpoint.__init__).parameters for k in (keras, lamella))
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]
