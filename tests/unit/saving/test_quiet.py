"""Loading changes nothing outside of the model, allocates nothing before the file is compared, and runs no node."""

from __future__ import annotations

import random

import malicious
import numpy as np
import pytest

import lamella
from lamella import layers
from lamella.errors import FileError
from lamella.saving import load_model
from lamella.saving.reading import reading, settle
from lamella.state import Variable, auto_name, global_seed_if_used, walk


@pytest.fixture
def saved(tmp_path):
    body = [layers.Dense(4), layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(2)]
    one = lamella.Sequential([lamella.Input((3,)), *body])
    one.compile("adam", "mse", metrics=["mae"])
    one.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    one.save(tmp_path / "m.keras")
    one.save(tmp_path / "m.h5")
    return tmp_path, one


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_no_global_state_changes(saved, name):
    folder, one = saved
    lamella.utils.clear_session(free_memory=False)
    lamella.utils.set_random_seed(3)
    expected = [auto_name("Dense"), random.random()]
    lamella.utils.clear_session(free_memory=False)
    lamella.utils.set_random_seed(3)
    objects = dict(lamella.saving.get_custom_objects())
    copy = load_model(folder / name)
    assert [auto_name("Dense"), random.random()] == expected
    assert global_seed_if_used() is None and lamella.saving.get_custom_objects() == objects
    for a, b in zip(one.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_everything_has_a_value_afterwards(saved):
    copy = load_model(saved[0] / "m.keras")
    assert not [address for address, variable in walk(copy) if variable.is_deferred]
    copy.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)


def test_values_are_not_made_before_they_are_read():
    made = []

    def start(shape, dtype):
        made.append(shape)
        return np.ones(shape, dtype)

    with reading():
        variable = Variable(start, (2, 3))
        dense = layers.Dense(10**9, kernel_initializer=start)
        assert dense(lamella.Input((10**6,))).shape == (None, 10**9)
    assert variable.shape == (2, 3) and variable.is_deferred and not made
    assert float(variable.numpy().sum()) == 6 and made == [(2, 3)]
    assert variable.raw is variable.raw and len(made) == 1


def test_what_a_file_does_not_account_for_is_refused(tmp_path):
    (tmp_path / "m").write_bytes(b"")
    with reading():
        dense = layers.Dense(10**6)
        dense(lamella.Input((10**6,)))
    with pytest.raises(FileError, match=r"kernel: the file holds no values for it"):
        settle(dense, tmp_path / "m")


def test_nodes_are_not_run(tmp_path, monkeypatch):
    """Calls are traced for shapes: no array comes in, none comes out."""
    calls = []
    monkeypatch.setattr(layers.Dense, "call", lambda self, x: calls.append(type(x).__name__) or x @ self.kernel.value)
    (tmp_path / "m.keras").write_bytes(malicious.written(".keras"))
    load_model(tmp_path / "m.keras")
    assert all("Tracer" in call for call in calls)


def test_the_first_of_many_layers_is_named(tmp_path):
    (tmp_path / "m.keras").write_bytes(malicious.CASES["lambda as activation.keras"][2]())
    with pytest.raises(FileError, match=r"m\.keras: config\.json › Sequential 's' › Dense 'd' › .*lambda"):
        load_model(tmp_path / "m.keras")
