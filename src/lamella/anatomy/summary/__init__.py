"""Summaries: a model as a table, printed, shown in notebooks, or as data."""

from lamella.anatomy.summary.columns import column_names
from lamella.anatomy.summary.rows import table
from lamella.anatomy.summary.table import Count, Row, Table
from lamella.anatomy.summary.text import print_summary, summary_text, write_summary

__all__ = ["Count", "Row", "Table", "column_names", "print_summary", "summary_text", "table", "write_summary"]
