"""Every kind of harmful file is refused: at once, by one error that names the entry, without touching anything else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import malicious_costs
import malicious_places
import pytest
from malicious import CASES, written

HERE = Path(__file__).parent
ENDINGS = (".keras", ".h5", ".weights.h5", ".safetensors")
SECONDS = 1.0
NAMES = list(CASES)
assert {malicious_costs, malicious_places}  # which add theirs


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """What became of each file, loaded in one process of its own."""
    folder = tmp_path_factory.mktemp("malicious")
    for ending in ENDINGS:
        (folder / f"good{ending}").write_bytes(written(ending))
    sizes = {}
    for number, (ending, _, build) in enumerate(CASES.values()):
        data = build()
        (folder / f"evil{number:03}{ending}").write_bytes(data)
        sizes[f"evil{number:03}{ending}"] = len(data)
    command = [sys.executable, str(HERE / "watched.py"), str(folder)]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(found) == len(CASES), done.stderr[-3000:]
    return {int(one["file"][4:7]): {**one, "size": sizes[one["file"]]} for one in found}


@pytest.mark.parametrize("number", range(len(NAMES)), ids=[name.replace("/", "|") for name in NAMES])
def test_refused(reports, number):
    one = reports[number]
    _, words, _ = CASES[NAMES[number]]
    assert one["error"] == "FileError", one["text"] + one["where"]
    assert one["text"].startswith(one["file"]), one["text"]
    assert re.search(words, one["text"]), one["text"]
    assert not one["touched"]
    assert one["seconds"] < SECONDS
    assert one["memory"] < (64 << 20) + 3 * one["size"]
