"""`lamella run FILE`, `lamella run -m MODULE`: a program of Keras's, untouched."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_USAGE = """usage: lamella run FILE [ARGUMENT ...]
       lamella run -m MODULE [ARGUMENT ...]

Runs a program in which `import keras` and `tf.keras` mean Lamella. All that follows FILE or MODULE is the program's.
"""


def run(arguments: Sequence[str]) -> int:
    """Runs a program; returns its exit code, 2 where there is none."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE, end="", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    first, *rest = arguments
    if first.startswith("-") and (first != "-m" or not rest):
        print(f"{_USAGE}lamella run: {first} needs a module, or is no option", file=sys.stderr)
        return 2
    from lamella.as_keras import program

    if first == "-m":
        return program.run_module(rest[0], rest[1:])
    return program.run_script(first, rest)
