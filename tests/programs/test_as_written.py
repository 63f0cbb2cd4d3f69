"""Programs as people wrote them for `tf.keras` and older Keras run untouched under `lamella run`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "as_written").glob("*.py"))
SOURCE = Path(__file__).parents[2] / "src"


def run(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_programs_run_untouched(tmp_path):
    """All in one process, each as a main module: starting one costs more than most of the programs."""
    driver = tmp_path / "driver.py"
    driver.write_text(
        "import runpy, sys\nfor path in sys.argv[1:]:\n"
        "    print('running', path, file=sys.stderr)\n    runpy.run_path(path, run_name='__main__')\nprint('done')\n"
    )
    out = run(tmp_path, "-m", "lamella", "run", str(driver), *map(str, PROGRAMS))
    assert out.rstrip().endswith("done")
    assert len(PROGRAMS) >= 12


@pytest.mark.slow
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_each_runs_alone(path, tmp_path):
    run(tmp_path, "-m", "lamella", "run", str(path))
