"""Files damaged by chance: an error of one class, or the very weights; never a crash, a hang, or other numbers."""

from __future__ import annotations

import copy
import json
import os
import random
import tempfile
import time

import malicious
import numpy as np
import pytest

from lamella.errors import FileError

ENDINGS = (".keras", ".h5", ".weights.h5", ".safetensors")
WRITERS = ("lamella", "keras")


def mutated(data, dice):
    """Bits flipped, bytes replaced, blocks swapped, or the end cut off."""
    changed, kind = bytearray(data), dice.randrange(5)
    if kind == 0:
        return data[: dice.randrange(len(data))]
    if kind == 1:
        a, b, size = dice.randrange(len(data) - 64), dice.randrange(len(data) - 64), dice.randrange(1, 64)
        changed[a : a + size], changed[b : b + size] = data[b : b + size], data[a : a + size]
        return bytes(changed)
    for _ in range(dice.choice((1, 1, 2, 8))):
        place = dice.randrange(len(data))
        changed[place] = changed[place] ^ 1 << dice.randrange(8) if kind < 4 else dice.randrange(256)
    return bytes(changed)


def written_by_keras(ending):
    import keras

    one = keras.Sequential([keras.Input((3,), name="i"), keras.layers.Dense(4, name="d")], name="s")
    one.compile("adam", "mse")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"m{ending}")
        (one.save_weights if ending == ".weights.h5" else one.save)(path)
        with open(path, "rb") as file:
            return file.read()


def damage(tmp_path, ending, writer, seeds):
    """The worst time; an error if any mutation is loaded as something else than it was, where that can be known."""
    whole = malicious.written(ending) if writer == "lamella" else written_by_keras(ending)
    path, slowest = tmp_path / f"m{ending}", 0.0
    path.write_bytes(whole)
    right = malicious.load(path).get_weights()
    has_checksums = ending == ".keras" or writer == "lamella"
    for seed in seeds:
        path.write_bytes(mutated(whole, random.Random(seed)))
        start = time.perf_counter()
        try:
            found = malicious.load(path).get_weights()
        except FileError as error:
            assert str(error).startswith((path.name, str(path))), error
        else:
            if has_checksums:
                assert len(found) == len(right), seed
                for a, b in zip(found, right, strict=True):
                    np.testing.assert_array_equal(a, b, err_msg=f"seed {seed}")
        slowest = max(slowest, time.perf_counter() - start)
    return slowest


KINDS = [(ending, writer) for ending in ENDINGS for writer in WRITERS if (ending, writer) != (".safetensors", "keras")]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("ending", "writer"), KINDS)
def test_damage(tmp_path, ending, writer):
    assert damage(tmp_path, ending, writer, range(200 // len(KINDS) + 1)) < 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("ending", "writer"), KINDS)
def test_much_damage(tmp_path, ending, writer):
    assert damage(tmp_path, ending, writer, range(100, 1600)) < 2


# Configs that are well-formed and make no sense

STRANGE = [None, True, -1, 0, 10**12, 1e300, "", "x", "os.system", [], {}, [[]], [None, 10**9], {"class_name": "Dense"}]


def places(value):
    """Yields (container, key) of everything in a JSON value."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from places(inner)


def strange(config, dice):
    """The config with one or two values replaced, left out, or put in another place."""
    for _ in range(dice.choice((1, 1, 2))):
        found = list(places(config))
        (container, key), (other, from_key) = dice.choice(found), dice.choice(found)
        container[key] = copy.deepcopy(dice.choice([*STRANGE, other[from_key]]))
    return config


def confuse(tmp_path, graph, seeds):
    path, slowest = tmp_path / "m.keras", 0.0
    for seed in seeds:
        config = json.loads(malicious.graph()) if graph else malicious.config()
        path.write_bytes(malicious.with_config(strange(config, random.Random(seed))))
        start = time.perf_counter()
        try:
            malicious.load(path)
        except FileError as error:
            assert str(error).startswith(path.name), error
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
        slowest = max(slowest, time.perf_counter() - start)
    return slowest


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("graph", [False, True])
def test_strange_configs(tmp_path, graph):
    assert confuse(tmp_path, graph, range(100)) < 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("graph", [False, True])
def test_many_strange_configs(tmp_path, graph):
    assert confuse(tmp_path, graph, range(100, 3000)) < 2
