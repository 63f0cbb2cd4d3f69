"""Compiled programs are kept for the next process, where nobody else can write."""

import json
import os
import subprocess
import sys
import textwrap

import jax
import pytest

from lamella import config
from lamella.lower import compile_cache, keep_compiled

DIRECTORY, LIMIT = "jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs"
POSIX = pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners of files are a thing of POSIX")


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    """JAX as it is without Lamella, and a cache folder of our own."""
    before, chosen = {name: jax.config.values[name] for name in (DIRECTORY, LIMIT)}, config.compile_cache()
    jax.config.update(DIRECTORY, None)
    jax.config.update(LIMIT, 1.0)
    config.set_compile_cache(True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    yield
    config.set_compile_cache(chosen)
    for name, value in before.items():
        jax.config.update(name, value)


def folder():
    return jax.config.values[DIRECTORY]


class TestTheFolder:
    @pytest.mark.skipif(sys.platform != "linux", reason="each platform has its own")
    def test_is_the_users_alone(self, tmp_path):
        keep_compiled()
        assert folder() == str(tmp_path / "lamella" / "compiled")
        assert os.stat(folder()).st_mode & 0o777 == 0o700
        assert jax.config.values[LIMIT] == 0.1

    def test_can_be_chosen(self, tmp_path):
        config.set_compile_cache(tmp_path / "mine")
        keep_compiled()
        assert folder() == str(tmp_path / "mine")

    def test_nothing_is_kept_if_so_chosen(self):
        config.set_compile_cache(False)
        keep_compiled()
        assert folder() is None

    def test_what_the_user_told_jax_stands(self, tmp_path):
        jax.config.update(DIRECTORY, str(tmp_path / "theirs"))
        jax.config.update(LIMIT, 3.0)
        keep_compiled()
        assert folder() == str(tmp_path / "theirs") and jax.config.values[LIMIT] == 3.0

    @pytest.mark.parametrize("value, chosen", [("0", False), ("1", True), ("/some/where", "/some/where")])
    def test_from_the_environment(self, value, chosen):
        code = "import lamella; print(repr(lamella.config.compile_cache()))"
        env = {**os.environ, "LAMELLA_COMPILE_CACHE": value}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
        assert done.stdout.strip() == repr(chosen)


@POSIX
class TestUnsafeFolders:
    @pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
    def test_one_that_others_can_write_to(self, tmp_path, mode):
        self.refused(tmp_path / "open", mode)

    def test_one_in_a_folder_that_others_can_write_to(self, tmp_path):
        (tmp_path / "open").mkdir()
        (tmp_path / "open").chmod(0o777)
        self.refused(tmp_path / "open" / "own", 0o700)

    def test_one_of_another_user(self, tmp_path, monkeypatch):
        (tmp_path / "theirs").mkdir(mode=0o700)
        monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
        self.refused(tmp_path / "theirs", 0o700)

    def test_one_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("")
        config.set_compile_cache(tmp_path / "file" / "folder")
        keep_compiled()
        assert folder() is None

    def test_one_behind_a_link(self, tmp_path):
        (tmp_path / "open").mkdir()
        (tmp_path / "open").chmod(0o777)
        (tmp_path / "link").symlink_to(tmp_path / "open")
        config.set_compile_cache(tmp_path / "link")
        keep_compiled()
        assert folder() is None

    def refused(self, path, mode):
        path.mkdir(exist_ok=True)
        path.chmod(mode)
        config.set_compile_cache(path)
        keep_compiled()
        assert folder() is None


def test_the_oldest_go_beyond_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(compile_cache, "_MOST_BYTES", 25)
    for age, name in enumerate(("new", "middle", "old")):
        (tmp_path / name).write_bytes(b"0" * 10)
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    config.set_compile_cache(tmp_path)
    keep_compiled()
    assert {path.name for path in tmp_path.iterdir()} == {"new", "middle"}


PROGRAM = """
    import json, sys
    import jax, numpy as np
    import lamella as keras
    hits = []
    jax.monitoring.register_event_listener(lambda event, **kwargs: hits.append(event))
    keras.utils.set_random_seed(1)
    seen = []
    def called(x):
        jax.debug.callback(lambda: seen.append(1))
        q, r = keras.ops.qr(x)
        return q @ r
    model = keras.Sequential([keras.layers.Input((4, 4)), keras.layers.Dense(4), keras.layers.Flatten(),
                              keras.layers.Dense(1)])
    model.compile("adam", "mse")
    x, y = np.random.default_rng(0).normal(size=(64, 4, 4)).astype("float32"), np.ones((64, 1), "float32")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    losses = model.fit(x, y, batch_size=8, epochs=2, verbose=0).history["loss"]
    looking = keras.Sequential([keras.layers.Input((4, 4)), keras.layers.Lambda(called)])
    outputs = looking.predict(x, batch_size=32, verbose=0)
    factors = jax.jit(jax.numpy.linalg.cholesky)(np.eye(3, dtype="float32") * 4)
    print(json.dumps({"losses": losses, "outputs": outputs.tolist(), "seen": len(seen), "factors": factors.tolist(),
                      "hits": hits.count("/jax/compilation_cache/cache_hits")}))
"""


def test_a_second_process_reads_what_the_first_compiled_and_computes_the_same(tmp_path):
    env = {**os.environ, "LAMELLA_COMPILE_CACHE": str(tmp_path / "compiled")}

    def run():
        code = textwrap.dedent(PROGRAM)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
        assert not done.stderr
        return json.loads(done.stdout)

    first, second = run(), run()
    assert first.pop("hits") < second.pop("hits")
    assert first == second and second["seen"] == 2
