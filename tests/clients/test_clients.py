"""Libraries built on Keras run on Lamella: each program below is one real workflow with one of them.

`make test-clients` installs the libraries into an environment of their own and runs these; elsewhere they are skipped.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))


def library_of(program: Path) -> str:
    """The module that a program needs: the first word of its docstring."""
    return program.read_text().removeprefix('"""').split(None, 1)[0].rstrip(":")


@pytest.mark.clients
@pytest.mark.parametrize("program", PROGRAMS, ids=[program.stem for program in PROGRAMS])
def test_a_workflow(program, tmp_path):
    library = library_of(program)
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "lamella", "run", str(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.splitlines()[-1] == "ok"


@pytest.mark.clients
def test_every_program_names_its_library_and_ends_with_ok():
    assert PROGRAMS
    for program in PROGRAMS:
        assert library_of(program).isidentifier(), program.name
        assert program.read_text().rstrip().endswith('print("ok")'), program.name
