"""Loads files in a process of its own and reports on each: error, time, memory, and what it touched.

Run as `python watched.py FOLDER`; answers one JSON line a file.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
import warnings
from pathlib import Path

import malicious

FORBIDDEN = ("import", "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "marshal.loads")
FORBIDDEN += ("pickle.find_class", "ctypes.dlopen", "os.remove", "os.rename", "os.mkdir", "urllib.")
watching: list[str] = []
touched: list[str] = []


def is_source(path: object) -> bool:
    """Whether it is the source of what is running: JAX looks into it when it shortens a traceback."""
    return path in {getattr(module, "__file__", None) for module in list(sys.modules.values())}


def hook(event: str, args: tuple) -> None:
    if not watching:
        return
    if event == "open" and str(args[0]) != watching[0] and not is_source(args[0]):
        touched.append(f"open {args[0]!r}")
    elif event.startswith(FORBIDDEN):
        touched.append(f"{event} {args[:1]!r}"[:200])


def peak() -> int:
    """The most memory this process ever held since `forget_peak`, in bytes."""
    with open("/proc/self/status") as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def forget_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def report(path: Path) -> dict:
    touched.clear()
    forget_peak()
    before, start, error = peak(), time.process_time(), None
    watching.append(str(path))
    try:
        malicious.load(path)
    except BaseException as caught:
        error = caught
    watching.clear()
    seconds, memory = time.process_time() - start, peak() - before
    return {
        "file": path.name,
        "error": type(error).__name__,
        "text": str(error),
        "where": "".join(traceback.format_exception(error)[-3:]) if error else "",
        "seconds": seconds,
        "memory": memory,
        "touched": list(touched),
    }


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    for path in sorted(folder.glob("good*")):  # everything needed is imported by that
        for _ in range(2):
            malicious.load(path)
    sys.addaudithook(hook)
    for path in sorted(folder.glob("evil*")):
        print(json.dumps(report(path)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
