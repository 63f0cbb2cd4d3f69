"""Weights in shards: what is written, what is refused, and that one save replaces another whole."""

from __future__ import annotations

import contextlib
import json
import os
import shutil

import h5py
import numpy as np
import pytest

import lamella
from lamella import layers as L
from lamella.errors import ArgumentError, FileError
from lamella.saving import atomic, sharded

GIBI = 1 << 30


def model(value=None, depth=4):
    dense = [L.Dense(8, name=f"d{number}") for number in range(depth)]
    made = lamella.Sequential([lamella.Input((8,)), *dense], name="m")
    made.compile("adam", "mse")
    return made if value is None else filled(made, value)


def filled(made, value):
    made.set_weights([np.full(w.shape, value) for w in made.get_weights()])
    return made


SIZE = 280 / GIBI  # a kernel, without its bias


def numbers(folder):
    return sorted(int(name[2:7]) for name in os.listdir(folder) if name.endswith(".h5"))


def assert_same_weights(a, b):
    for left, right in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_there_and_back(tmp_path):
    one, two = model(), model()
    for made in (one, two):
        made.optimizer.build(made.trainable_variables)
    one.optimizer.iterations.assign(1)
    one.save_weights(tmp_path / "m.weights.json", max_shard_size=SIZE)
    assert len(numbers(tmp_path)) > 4
    report = two.load_weights(tmp_path / "m.weights.json")
    assert_same_weights(one, two)
    assert int(two.optimizer.iterations) == 1 and not report.skipped and not report.unused
    kept = two.layers[0].get_weights()
    two.load_weights(tmp_path / "m.weights.json", objects_to_skip=[two.layers[0]])
    np.testing.assert_array_equal(two.layers[0].get_weights()[0], kept[0])


def test_a_shard_is_not_larger_than_asked_for(tmp_path):
    model().save_weights(tmp_path / "m.weights.json", max_shard_size=600 / GIBI)
    for name in os.listdir(tmp_path):
        if name.endswith(".h5"):
            with h5py.File(tmp_path / name) as file:
                sizes: list[int] = []
                file.visititems(lambda _, item, sizes=sizes: sizes.append(getattr(item, "nbytes", 0)))
                assert sum(sizes) <= 600


def test_one_save_replaces_another(tmp_path):
    path = tmp_path / "m.weights.json"
    counts = []
    for value in (1, 2, 3):
        model(value).save_weights(path, max_shard_size=SIZE)
        two = model()
        two.load_weights(path)
        assert_same_weights(two, model(value))
        counts.append(len(numbers(tmp_path)))
    assert numbers(tmp_path)[0] == 0 and max(counts) <= min(counts) + 1
    with pytest.raises(FileError, match="there already"):
        model().save_weights(path, overwrite=False, max_shard_size=SIZE)


class Killed(BaseException):
    pass


class Killer:
    """Ends the process at the n-th step, as far as it can from inside."""

    def __init__(self, patch, at):
        self.left = at
        for owner, name in ((os, "replace"), (os, "unlink"), (atomic, "sync_folder")):
            patch.setattr(owner, name, self.wrapped(getattr(owner, name)))
        patch.setattr(sharded.ShardedWriter, "abandon", lambda _: None)

    def wrapped(self, function):
        def step(*args, **kwargs):
            self.left -= 1
            if self.left == 0:
                raise Killed
            return function(*args, **kwargs)

        return step


def test_killed_at_every_step(tmp_path, monkeypatch):
    seen, one = set(), model(depth=2)
    for at in range(1, 100):
        path = tmp_path / str(at) / "m.weights.json"
        path.parent.mkdir()
        filled(one, 1).save_weights(path, max_shard_size=SIZE)
        with monkeypatch.context() as patch:
            killer = Killer(patch, at)
            with contextlib.suppress(Killed):
                filled(one, 2).save_weights(path, max_shard_size=SIZE)
        one.load_weights(path)
        (value,) = {float(number) for weight in one.get_weights() for number in np.ravel(weight)}
        seen.add(value)
        filled(one, 3).save_weights(path, max_shard_size=SIZE)
        filled(one, 4).load_weights(path)
        assert np.all(one.get_weights()[0] == 3)
        if killer.left > 0:
            break
    assert seen == {1.0, 2.0} and at > 10


def test_an_error_leaves_nothing(tmp_path):
    path = tmp_path / "m.weights.json"
    with pytest.raises(ArgumentError, match="larger than a shard"):
        model().save_weights(path, max_shard_size=40 / GIBI)
    assert os.listdir(tmp_path) == []
    model().save_weights(path, max_shard_size=SIZE)


# What is refused


@pytest.fixture
def index(tmp_path):
    model().save_weights(tmp_path / "m.weights.json", max_shard_size=SIZE)
    return tmp_path / "m.weights.json"


def changed(index, change):
    about = json.loads(index.read_text())
    change(about["weight_map"], about)
    index.write_text(json.dumps(about))


def moved(name):
    return lambda shards, _: shards.__setitem__("/layers/dense_1/vars", name)


def twice(shards, _):
    shards["/layers/dense_1/vars"] *= 2


HOSTILE = {
    "above": (moved("../m_00000.weights.h5"), "no shard beside the index"),
    "absolute": (moved("/etc/m_00000.weights.h5"), "no shard beside the index"),
    "windows": (moved("C:\\m_00000.weights.h5"), "no shard beside the index"),
    "below": (moved("a/m_00000.weights.h5"), "no shard beside the index"),
    "another file": (moved("/etc/hostname"), "no shard beside the index"),
    "a pickle": (moved("m.pkl"), "no shard beside the index"),
    "missing": (moved("m_00077.weights.h5"), "not found"),
    "nowhere": (moved([]), "in no shard"),
    "a number": (moved(3), "in no shard"),
    "twice": (twice, "one shard twice"),
    "no index": (lambda _, about: about.pop("weight_map"), "no index"),
    "empty": (lambda shards, _: shards.clear(), "no index"),
    "too many": (
        lambda shards, _: shards.update({f"/x{n}/vars": f"x_{n}.weights.h5" for n in range(600)}),
        "too many shards",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_indices(index, name):
    change, words = HOSTILE[name]
    changed(index, change)
    one = model(5)
    with pytest.raises(FileError, match=words):
        one.load_weights(index)
    assert_same_weights(one, model(5))


def test_arrays_in_two_shards_or_in_none(index, tmp_path):
    shards = json.loads(index.read_text())["weight_map"]["/layers/dense_1/vars"]
    assert len(shards) == 2
    whole = (tmp_path / shards[1]).read_bytes()
    shutil.copy(tmp_path / shards[0], tmp_path / shards[1])
    with pytest.raises(FileError, match=r"is in two shards|holds nothing of"):
        model().load_weights(index)
    (tmp_path / shards[1]).write_bytes(whole)
    model().load_weights(index)
    changed(index, moved([*shards, "m_00007.weights.h5"]))
    with pytest.raises(FileError, match="holds nothing of 'layers/dense_1/vars'"):
        model().load_weights(index)
    changed(index, moved(shards[0]))
    with pytest.raises(FileError, match="parts of the model could not be loaded"):
        model().load_weights(index)


def test_a_flipped_bit_in_a_shard(index, tmp_path):
    one = model(5)
    for name in (name for name in os.listdir(tmp_path) if name.endswith(".h5")):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:-8])
        with pytest.raises(FileError, match=name):
            one.load_weights(index)
        (tmp_path / name).write_bytes(whole)
    assert_same_weights(one, model(5))


def test_arguments(tmp_path):
    one = model()
    with pytest.warns(UserWarning, match=r"m\.weights\.json"):
        one.save_weights(tmp_path / "m.weights.h5", max_shard_size=SIZE)
    assert not (tmp_path / "m.weights.h5").exists()
    one.load_weights(tmp_path / "m.weights.json")
    for name, options in (
        ("m.weights.json", {}),
        ("m.safetensors", {"max_shard_size": 1}),
        ("m.json", {"max_shard_size": 1}),
        ("m.weights.json", {"max_shard_size": 0}),
    ):
        with pytest.raises(ArgumentError, match=r"weights|positive"):
            one.save_weights(tmp_path / name, **options)
    with pytest.raises(FileError, match="not found"):
        one.load_weights(tmp_path / "none.weights.json")
