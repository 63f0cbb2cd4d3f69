"""Checkpoints of Keras's own OrbaxCheckpoint, read here, and ours, read by Keras: training goes on as before."""

from __future__ import annotations

import warnings
from functools import cache

import keras
import numpy as np
import pytest

import lamella

pytest.importorskip("orbax.checkpoint")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:orbax.*")
dice = np.random.default_rng(0)
X, Y = dice.normal(size=(16, 3)).astype("float32"), dice.normal(size=(16, 2)).astype("float32")
PAIRS = [(keras, lamella), (lamella, keras), (lamella, lamella)]
both_ways = pytest.mark.parametrize("writer, reader", PAIRS, ids=["theirs-ours", "ours-theirs", "ours-ours"])


def stack(k, nested=True):
    k.utils.clear_session(free_memory=False)  # Keras finds seeds by their numbers
    inputs = k.Input((3,))
    x = k.layers.Dropout(0.25, seed=3)(k.layers.Dense(4, "relu")(inputs))
    x = k.layers.BatchNormalization()(x)
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(4, name="inside"), k.layers.LayerNormalization()], name="inner")
    x = inner(x) if nested else x
    model = k.Model(inputs, k.layers.Dense(2, name="head")(x), name="mine")
    model.compile(k.optimizers.Adam(0.01), "mse", metrics=["mae"])
    model.optimizer.build(model.trainable_variables)  # Keras gives an optimizer its state only when it is built
    return model


def losses(model, callbacks=()):
    options = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
    return model.fit(X, Y, callbacks=list(callbacks), **options).history["loss"]


def saver(k, folder, **options):
    return k.callbacks.OrbaxCheckpoint(str(folder), max_to_keep=None, save_on_background=False, **options)


def saved(k, model, folder, **options):
    """One checkpoint, without training."""
    saving = saver(k, folder, **options)
    saving.set_model(model)
    saving.on_epoch_end(0)
    saving.on_train_end()
    return folder


def filled(model, seed=0):
    numbers = np.random.default_rng(seed)
    for variable in [*model.trainable_variables, *model.optimizer.variables]:
        variable.assign(numbers.uniform(1, 9, size=variable.shape))
    return model


def values(model):
    return [np.asarray(variable) for variable in [*model.variables, *model.optimizer.variables]]


def assert_same(ours, theirs):
    assert len(ours) == len(theirs)
    for left, right in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of checkpoints, what the model was after the last one, what its next losses were."""

    @cache
    def of(k, nested=True):
        folder, model = tmp_path_factory.mktemp(k.__name__), stack(k, nested)
        losses(model, [saver(k, folder)])
        return folder, values(model), losses(model)

    return of


@pytest.mark.sample(2)
@both_ways
def test_training_goes_on(runs, writer, reader):
    (folder, expected, after), model = runs(writer), stack(reader)
    report = model.load_weights(folder)
    assert_same(values(model), expected)
    assert int(model.optimizer.iterations) == 8
    np.testing.assert_allclose(losses(model), after, rtol=1e-4)
    if reader is lamella:
        assert not report.skipped and not report.unused


@pytest.mark.sample(2)
@both_ways
def test_the_whole_model(runs, writer, reader):
    folder, expected, after = runs(writer, reader is lamella)  # Keras leaves out what is nested, without a word
    reader.utils.clear_session(free_memory=False)
    model = reader.saving.load_model(folder)
    assert_same(values(model), expected)
    np.testing.assert_allclose(losses(model), after, rtol=1e-4)


def test_one_checkpoint_of_several(runs):
    folder, expected, _ = runs(keras)
    first, last = stack(lamella), stack(lamella)
    first.load_weights(folder / "0")
    last.load_weights(folder / "1")
    assert int(first.optimizer.iterations) == 4
    assert_same(values(last), expected)


@pytest.mark.parametrize("writer, reader", PAIRS[:2], ids=["theirs-ours", "ours-theirs"])
def test_weights_only(tmp_path, writer, reader):
    one, two = filled(stack(writer)), stack(reader)
    saved(writer, one, tmp_path, save_weights_only=True)
    two.load_weights(tmp_path)
    assert_same(one.get_weights(), two.get_weights())
    with pytest.raises(ValueError, match="weights"):
        reader.saving.load_model(tmp_path)


def test_save_weights_is_read_by_keras(tmp_path):
    one, two = filled(stack(lamella)), stack(keras)
    one.save_weights(tmp_path / "m.orbax")
    two.load_weights(tmp_path / "m.orbax")
    assert_same(values(one), values(two))


def test_automatic_names_are_counted_anew(tmp_path):
    """Keras passes over a checkpoint whose layers have other numbers; here they are paired."""

    def plain(k):
        model = k.Sequential([k.Input((3,)), k.layers.Dense(4), k.layers.Dense(2)])
        model.compile(k.optimizers.Adam(0.01), "mse")
        model.optimizer.build(model.trainable_variables)
        return model

    plain(keras)
    one, two = filled(plain(keras)), plain(lamella)
    assert one.name != two.name
    saved(keras, one, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        report = two.load_weights(tmp_path)
    assert report.loaded[-1] == "optimizer" and not report.unused
    assert_same(values(one), values(two))


@both_ways
def test_further_files_of_layers(tmp_path, writer, reader):
    def words(k):
        class Words(k.layers.Layer):
            said = ""

            def call(self, x):
                return x

            def save_assets(self, folder):
                with open(f"{folder}/said.txt", "w", encoding="utf-8") as file:
                    file.write(self.said)

            def load_assets(self, folder):
                with open(f"{folder}/said.txt", encoding="utf-8") as file:
                    self.said = file.read()

        return Words

    kind = words(writer)
    model = writer.Sequential([writer.Input((3,)), writer.layers.Dense(2), kind(name="w")])
    model.compile("sgd", "mse")
    model.layers[-1].said = "grüß dich\n"
    saved(writer, model, tmp_path)
    again = reader.saving.load_model(tmp_path, custom_objects={"Words": words(reader)})
    assert again.layers[-1].said == "grüß dich\n"


def test_the_state_tree_is_keras_own():
    one, two = filled(stack(lamella)), stack(keras)
    ours, theirs = one.get_state_tree("numpy_array"), two.get_state_tree("numpy_array")
    del ours["metrics_variables"], theirs["metrics_variables"]  # Keras makes those of metrics at the first batch
    assert keras.tree.map_structure(np.shape, ours) == keras.tree.map_structure(np.shape, theirs)
    two.set_state_tree(ours)
    assert_same(values(one), values(two))
    one.set_state_tree(keras.tree.map_structure(np.zeros_like, ours))
    assert not any(np.any(value) for value in values(one))
    with pytest.raises(ValueError, match="kinds of variables"):
        one.set_state_tree({"weights": {}})
    with pytest.raises(ValueError, match="value_format"):
        one.get_state_tree("list")
