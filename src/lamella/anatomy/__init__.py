"""What a model is made of: addressed, shown and explained."""

from lamella.anatomy.accessor import Anatomy
from lamella.anatomy.parts import Part
from lamella.anatomy.selection import Selection
from lamella.anatomy.summary import print_summary, summary_text
from lamella.anatomy.table import Table, table

__all__ = ["Anatomy", "Part", "Selection", "Table", "print_summary", "summary_text", "table"]
