"""What a file says never decides what is imported: the first load enters all rooms, no other load any."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from malicious import config, obj, with_config

import lamella
from lamella.registry import DOORS
from lamella.registry.doors import _ROOT

SCRIPT = """
import sys, lamella
from lamella.saving import load_model
seen, here = [], []
sys.addaudithook(lambda event, args: here and event == "import" and seen.append(args[0]))
here.append(1)
try:
    load_model(sys.argv[1])
except lamella.errors.FileError:
    pass
print(sorted(name for name in set(seen) if name.partition(".")[0] not in {}))
"""


def plain():
    return with_config(config())


def of_convnext():
    whole = config()
    scale = {"init_values": 0.1, "projection_dim": 3, "name": "scale"}
    whole["config"]["layers"].insert(1, obj("keras.src.applications.convnext", "LayerScale", scale))
    return with_config(whole)


def of_elsewhere():
    whole = config()
    whole["config"]["layers"][1] = obj("keras.src.applications.resnet", "trap_module", {})
    return with_config(whole)


def imported(folder, name, data):
    (folder / f"{name}.keras").write_bytes(data)
    known = {
        "jax",
        "numpy",
        "ml_dtypes",
        "scipy",
        *sys.stdlib_module_names,
    }  # import parts of themselves when first run
    command = [sys.executable, "-c", SCRIPT.replace("{}", repr(known)), str(folder / f"{name}.keras")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "JAX_PLATFORMS": "cpu"})
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.replace("'", '"'))


@pytest.mark.filterwarnings("ignore")
def test_no_file_decides_what_is_imported(tmp_path):
    found = {
        build.__name__: imported(tmp_path, build.__name__, build()) for build in (plain, of_convnext, of_elsewhere)
    }
    assert "lamella.applications.convnext" in found["plain"]
    assert found["plain"] == found["of_convnext"] == found["of_elsewhere"]
    assert {name.partition(".")[0] for name in found["plain"]} == {"lamella"}


def test_doors_lead_to_rooms_of_our_own():
    assert {room.partition(".")[0] for room in (*DOORS.values(), *_ROOT.values())} == {"lamella"}


def test_a_file_with_a_layer_of_convnext_loads(tmp_path):
    x = lamella.Input((8, 8, 3))
    from lamella.applications.convnext import LayerScale

    lamella.Model(x, LayerScale(0.1, 3, name="scale")(x)).save(tmp_path / "m.keras")
    assert lamella.saving.load_model(tmp_path / "m.keras").layers[-1].init_values == 0.1
