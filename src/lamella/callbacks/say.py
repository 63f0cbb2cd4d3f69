"""Messages to the user, which keep out of the way of a progress bar's open line."""

from __future__ import annotations

import logging
import sys

from lamella.config import is_interactive_logging_enabled


class _Line:
    is_open = False  # whether the cursor stands behind a bar that is not finished


def say(message: str) -> None:
    """Writes a message on a line of its own: to standard output, or to the logger "lamella"."""
    if is_interactive_logging_enabled():
        write("\n" + message + "\n" if _Line.is_open else message + "\n")
    else:
        logging.getLogger("lamella").info(message)


def write(text: str) -> None:
    """Writes to standard output as it is, and remembers whether the line is still open."""
    sys.stdout.write(text)
    sys.stdout.flush()
    _Line.is_open = not text.endswith("\n")
