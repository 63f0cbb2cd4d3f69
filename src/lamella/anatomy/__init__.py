"""What a model is made of, shown and explained."""

from lamella.anatomy.summary import print_summary, summary_text
from lamella.anatomy.table import Table, table

__all__ = ["Table", "print_summary", "summary_text", "table"]
