"""Programs run in processes of their own: the hook is for a whole process."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture
def run(tmp_path):
    """Runs a program's text with `lamella run` (or another start); returns code, out and err."""

    def start(text, *arguments, by=("-m", "lamella", "run"), name="program.py", env=None):
        file = tmp_path / name
        file.write_text(textwrap.dedent(text))
        return finish([sys.executable, *by, name, *arguments], tmp_path, env)

    start.folder = tmp_path
    start.command = lambda *words, env=None: finish([sys.executable, *words], tmp_path, env)
    return start


def finish(command, folder, env=None):
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), **(env or {})}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)
