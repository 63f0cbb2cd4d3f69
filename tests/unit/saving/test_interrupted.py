"""A save that is killed, or meets a full disk, leaves the file that was there; nothing else is left either."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys

import malicious
import pytest

import lamella
from lamella.errors import FileError

KILLED = """
import os, random, signal, sys, time
sys.path.insert(0, sys.argv[1])
import malicious
path, ending, dice = sys.argv[2], sys.argv[3], random.Random(0)
one = malicious.model()
save = one.save if ending in (".keras", ".h5") else one.save_weights
save(path)
start = time.perf_counter()
save(path)
usual = time.perf_counter() - start
with open(path, "rb") as file:
    old = file.read()
one.layers[0].set_weights([w + 1 for w in one.layers[0].get_weights()])
kept = 0
for _ in range(16):
    with open(path, "wb") as file:
        file.write(old)
    child = os.fork()
    if child == 0:
        save(path)
        os._exit(0)
    time.sleep(dice.random() * usual * 1.5)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(path, "rb") as file:
        kept += file.read() == old
    malicious.load(path)
    extra = set(os.listdir(os.path.dirname(path))) - {os.path.basename(path)}
    for name in extra:  # only ever a whole file, between its two names
        os.rename(os.path.join(os.path.dirname(path), name), path)
        malicious.load(path)
    assert len(extra) <= 1
print("kept", kept)
"""


@pytest.mark.parametrize("ending", [".keras", ".h5", ".weights.h5", ".safetensors"])
def test_killed_inside_of_a_save(tmp_path, ending):
    folder = os.path.dirname(malicious.__file__)
    command = [sys.executable, "-W", "ignore", "-c", KILLED, folder, str(tmp_path / f"m{ending}"), ending]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 0 < int(done.stdout.split()[-1]) <= 16


@contextlib.contextmanager
def disk_of(size):
    """No file may grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 1, 4096, 8192])
@pytest.mark.parametrize("ending", [".keras", ".h5", ".weights.h5"])
def test_a_full_disk(tmp_path, ending, size):
    one = malicious.model()
    save = one.save if ending != ".weights.h5" else one.save_weights
    path = tmp_path / f"m{ending}"
    save(path)
    old = path.read_bytes()
    with disk_of(size), pytest.raises(FileError, match=r"cannot be written: File too large"):
        save(path)
    assert path.read_bytes() == old and os.listdir(tmp_path) == [path.name]
    save(path)
    assert malicious.load(path).get_config() == one.get_config()


def test_a_folder_that_may_not_be_written(tmp_path, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(FileError, match="Permission denied"):
        malicious.model().save(tmp_path / "m.keras")
    monkeypatch.undo()
    assert os.listdir(tmp_path) == []


def test_without_files_that_have_no_name(tmp_path, monkeypatch):
    """As on other systems than Linux."""
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    malicious.model().save(tmp_path / "m.keras")
    assert os.listdir(tmp_path) == ["m.keras"]
    lamella.saving.load_model(tmp_path / "m.keras")
