"""A checkpoint is whole at every moment: the old one or the new one, whenever the process is killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest
from checkpoints import model

import lamella
from lamella.errors import FileError
from lamella.saving import numbered, orbax

pytest.importorskip("orbax.checkpoint")

# What is done to the folder, one step after the other; the process ends before or after the n-th.


class Killed(BaseException):
    pass


STEPS = [
    (os, "rename"),
    (shutil, "rmtree"),
    (numbered, "sync_tree"),
    (numbered, "sync_folder"),
    (numbered, "_exchange"),
    (orbax, "seal"),
]


class Killer:
    """Ends the process at the n-th step, as far as it can from inside."""

    def __init__(self, patch, at):
        self.left = at
        for owner, name in STEPS:
            patch.setattr(owner, name, self.wrapped(getattr(owner, name)))
        patch.setattr(numbered.Numbered, "abandon", lambda *_: None)  # a process that is killed tidies nothing up

    def wrapped(self, function):
        def step(*args, **kwargs):
            self.die()
            result = function(*args, **kwargs)
            self.die()
            return result

        return step

    def die(self):
        self.left -= 1
        if self.left == 0:
            raise Killed


@pytest.fixture(scope="module")
def writing():
    """Writes a file that stands for a checkpoint, so that Orbax is not asked a hundred times."""

    class Written:
        def __init__(self, path, content):
            os.makedirs(path)
            with open(os.path.join(path, "value"), "w") as file:
                file.write(content["value"])

        def result(self):
            pass

    class Package:
        save_checkpointables_async = Written

    return Package


def value_in(folder):
    return (numbered.Numbered(folder).latest() / "value").read_text()


@pytest.mark.parametrize("number", [0, 1], ids=["replaced", "the next one"])
@pytest.mark.parametrize("can_exchange", [True, False])
def test_at_every_step(tmp_path, monkeypatch, writing, can_exchange, number):
    monkeypatch.setattr(orbax, "orbax", lambda: writing)
    if not can_exchange:
        monkeypatch.setattr(numbered, "_exchange", lambda *_: False)
    seen = set()
    for at in range(1, 100):
        folder = tmp_path / str(at)
        orbax.Checkpoints(folder, 1).save(0, {"value": "old"}, {})
        with monkeypatch.context() as patch:
            killer = Killer(patch, at)
            with contextlib.suppress(Killed):
                orbax.Checkpoints(folder, 1).save(number, {"value": "new"}, {})
        seen.add(value_in(folder))
        orbax.Checkpoints(folder, 1).save(number, {"value": "newest"}, {})
        assert value_in(folder) == "newest" and os.listdir(folder) == [str(number)]
        if killer.left > 0:
            break
    assert at > 10 and seen == {"old", "new"}


def test_the_system_can_exchange(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if sys.platform == "linux":
        assert numbered._exchange(tmp_path / "one", tmp_path / "two")
        assert os.listdir(tmp_path / "one") == ["two"] and os.listdir(tmp_path / "two") == ["one"]
    assert not numbered._exchange(tmp_path / "one", tmp_path / "three")


def test_other_things_in_the_folder_stay(tmp_path):
    for name in ("notes.txt", ".hidden", "07", "1a", ".1.old.txt"):
        (tmp_path / name).write_text("mine")
    folder = numbered.Numbered(tmp_path)
    folder.clear()
    assert folder.numbers() == [] and folder.latest() is None and len(os.listdir(tmp_path)) == 5


# A process that saves for ever, and is killed

SAVING = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, lamella
from checkpoints import model
one, path, count = model(64), sys.argv[2], int(sys.argv[3])
behind = count % 2  # in the background, the one before is whole when the next one is asked for
callback = lamella.callbacks.OrbaxCheckpoint(path, max_to_keep=1, save_on_background=behind == 1)
callback.set_model(one)
while True:
    count += 1
    one.set_weights([np.full(w.shape, count, "float32") for w in one.get_weights()])
    if path.endswith(".orbax"):
        one.save_weights(path)
        print(count, flush=True)
    else:
        callback.on_epoch_end(count)
        print(count - behind, flush=True)
"""


def killed(tmp_path, name, times):
    here, path, dice = os.path.dirname(__file__), tmp_path / name, random.Random(0)
    one, last = model(64), 0
    for _ in range(times):
        command = [sys.executable, "-W", "ignore", "-c", SAVING, here, str(path), str(last)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            whole = [int(process.stdout.readline()) for _ in range(dice.randrange(2, 5))][-1]
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(dice.random() * 0.15)
            process.kill()
            whole = max([whole, *map(int, process.stdout.read().split())])
        one.load_weights(path)
        (last,) = {int(number) for weight in one.get_weights() for number in np.ravel(weight)}
        assert whole <= last <= whole + 2
        if name == "run":
            assert np.all(lamella.saving.load_model(path).get_weights()[0] == last)


@pytest.mark.parametrize("name", ["m.orbax", "run"])
def test_killed_inside_of_a_save(tmp_path, name):
    killed(tmp_path, name, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["m.orbax", "run"])
def test_killed_many_times(tmp_path, name):
    killed(tmp_path, name, 20)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of Orbax's own threads
def test_a_full_disk(tmp_path):
    one = model(64)
    one.save_weights(tmp_path / "m.orbax")
    before = one.get_weights()
    one.set_weights([w + 1 for w in before])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, hard))
    try:
        with pytest.raises(FileError, match=r"m\.orbax"):
            one.save_weights(tmp_path / "m.orbax")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path / "m.orbax") == ["0"]
    one.load_weights(tmp_path / "m.orbax")
    for left, right in zip(before, one.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_the_list_is_written_last(tmp_path):
    model().save_weights(tmp_path / "m.orbax")
    listed = json.loads((tmp_path / "m.orbax" / "0" / "lamella.json").read_text())["files"]
    on_disk = {str(p.relative_to(tmp_path / "m.orbax" / "0")) for p in (tmp_path / "m.orbax").rglob("*") if p.is_file()}
    assert on_disk == {*listed, "lamella.json"}
