"""What a model is made of: addressed, shown and explained."""

from lamella.anatomy.accessor import Anatomy
from lamella.anatomy.address import Part, Selection
from lamella.anatomy.diff import Diff, Difference, diff
from lamella.anatomy.inside import Patch, Tap
from lamella.anatomy.summary import Table, column_names, print_summary, summary_text, table, write_summary
from lamella.anatomy.trains import Trainability, Trains

__all__ = [
    "Anatomy",
    "Diff",
    "Difference",
    "Part",
    "Patch",
    "Selection",
    "Table",
    "Tap",
    "Trainability",
    "Trains",
    "column_names",
    "diff",
    "print_summary",
    "summary_text",
    "table",
    "write_summary",
]
