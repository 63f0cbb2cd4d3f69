"""Runs every row with Lamella and with Keras on JAX, in turn, each in a process of its own.

python benchmarks/compare.py [row …]      prints ratios (Keras / Lamella: above 1, Lamella is faster)
"""

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LIBRARIES, ROUNDS = ("lamella", "keras"), 3

IMPORT = "import time; start = time.perf_counter(); import {library}; {library}.layers.Dense; {library}.Model\n"
IMPORT += "print(time.perf_counter() - start)"
ROW = "import sys; sys.path.insert(0, {here!r}); import {library} as keras; from rows import ROWS\n"
ROW += "print(ROWS[{row!r}](keras))"


def measure(library, row):
    code = (IMPORT if row == "import" else ROW).format(library=library, row=row, here=str(HERE))
    env = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    return float(done.stdout.split()[-1])


def main(chosen):
    sys.path.insert(0, str(HERE))
    from rows import ROWS

    results = {}
    print(f"{'row':<22}{'lamella':>10}{'keras-jax':>11}{'ratio':>8}  (ratios of each round)")
    for row in chosen or ["import", *ROWS]:
        rounds = [{library: measure(library, row) for library in LIBRARIES} for _ in range(ROUNDS)]
        ours, theirs = (statistics.median(r[library] for r in rounds) for library in LIBRARIES)
        ratios = [r["keras"] / r["lamella"] for r in rounds]
        results[row] = {"lamella": ours, "keras-jax": theirs, "ratios": ratios}
        spread = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"{row:<22}{ours:>10.4f}{theirs:>11.4f}{theirs / ours:>8.2f}  ({spread})", flush=True)
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    kept = {"date": str(datetime.date.today()), "machine": machine, "rounds": ROUNDS, "rows": results}
    path = HERE / "results" / f"{kept['date']}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
