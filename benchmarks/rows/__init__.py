"""The table of rows, in the order of the report."""

# isort: off
from benchmarks.row import ROWS
from benchmarks.rows import mobilenet, start, images, dense, sequences, loops, files  # noqa: F401

__all__ = ["ROWS"]
