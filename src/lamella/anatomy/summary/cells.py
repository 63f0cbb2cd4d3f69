"""What stands in each cell of a summary, and below it: texts and numbers as one reads them."""

from __future__ import annotations

from typing import Any

from lamella.anatomy.summary.columns import COLUMNS
from lamella.anatomy.summary.table import Count, Row, Table

NUMBERS = frozenset(
    {"Param #", *(COLUMNS[name] for name in ("calls", "params", "trainable", "frozen", "macs", "memory"))}
)
"""Headings of columns that hold numbers."""


def headings(shown: Table) -> list[str]:
    """The heading of each column."""
    heads = ["Layer (type)"]
    heads += [COLUMNS[name] for name in shown.columns] if shown.columns else ["Output Shape", "Param #"]
    heads += ["Connected to"] if shown.branches else []
    return heads + (["Trainable"] if shown.show_trainable else [])


def cells_of(shown: Table, row: Row) -> list[str]:
    """The cells of a row, under those headings."""
    cells = [f"{row.name}: {row.kind}" if row.heading else f"{row.name} ({row.kind})"]
    params = f"{row.params:,}" if row.built else "0 (unbuilt)"
    if shown.columns:
        more = zip(shown.columns, row.more, strict=True)
        cells += [params if name == "params" else _cell(name, value) for name, value in more]
    else:
        cells += [row.shape, params]
    if shown.branches:
        cells.append("" if row.heading else ", ".join(row.connected) or "-")
    if shown.show_trainable:
        flag = "-" if row.trainable is None else "Y" if row.trainable else "N"
        cells.append("" if row.heading else flag)
    return [printable(cell) for cell in cells]


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value
    return readable_bytes(value) if column == "memory" else readable_count(value) if column == "macs" else f"{value:,}"


def totals(shown: Table) -> list[str]:
    """The lines below the table."""
    lines = [
        ("Total params", shown.total),
        ("Trainable params", shown.trainable),
        ("Non-trainable params", shown.frozen),
    ]
    lines += [("Optimizer params", shown.optimizer)] if shown.optimizer is not None else []
    return [f"{label}: {_number(count)}" for label, count in lines] + [f"Note: {printable(n)}" for n in shown.notes]


def _number(count: Count) -> str:
    return f"{count.params:,} ({readable_bytes(count.bytes)})"


def printable(text: str) -> str:
    """A text without characters that do something to a screen; they are spelled out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def readable_count(number: int) -> str:
    """A large number with the unit that suits it.

    Example: >>> readable_count(300_774_272), readable_count(6)
             ('300.8 M', '6')
    """
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:.4g} {unit}"
    return str(number)


def readable_bytes(size: float) -> str:
    """A number of bytes in the unit that suits it.

    Example: >>> readable_bytes(1536)
             '1.50 KB'
    """
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"
