"""Measurements in processes of their own, each with empty caches."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.peers import Peer

ROOT = Path(__file__).parents[1]


def peak_memory() -> int:
    """The most bytes that this process has held at once."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _environment(peer: Peer, folder: str) -> dict[str, str]:
    """This environment with caches, settings and temporary files in a folder that starts empty.

    Bytecode is written as it would be: every peer is imported from it, as an installed package is.
    """
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    places = dict.fromkeys(("XDG_CACHE_HOME", "KERAS_HOME", "TMPDIR"), folder)
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", **places, **peer.environment}


def _once(arguments: list[str], environment: dict[str, str], timeout: float) -> dict[str, Any]:
    """What `python -m arguments` prints as JSON in its last line, or {"failed": why}."""
    command = [sys.executable, "-m", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=timeout)
    except subprocess.TimeoutExpired:
        return {"failed": f"stopped after {timeout:g} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def spawn(arguments: list[str], peer: Peer, timeout: float, times: int = 1) -> dict[str, Any]:
    """Runs `python -m arguments` so many times with the same caches; the last result counts."""
    with TemporaryDirectory() as folder:
        environment = _environment(peer, folder)
        for _ in range(times - 1):
            _once(arguments, environment, timeout)
        return _once(arguments, environment, timeout)
