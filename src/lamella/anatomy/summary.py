"""The summary as text: Keras's table, made to fit the width there is and never cropped."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import Any

from lamella import config
from lamella.anatomy.table import Count, Row, Table, table
from lamella.errors import ArgumentError

_NATURAL = {False: 88, True: 108}  # Keras's widths for a chain and for a graph with branches


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Prints the summary of a model; see `Model.summary`."""
    shown = table(model, expand_nested, layer_range)
    if print_fn is not None or not config.is_interactive_logging_enabled():
        text = summary_text(shown, line_length or _NATURAL[shown.branches], positions, show_trainable)
        if print_fn is None:
            import logging

            logging.getLogger("lamella").info("%s", text)
        else:
            for line in text.splitlines():
                print_fn(line)
        return
    terminal = sys.stdout.isatty()
    width = line_length or _width(shown, terminal, show_trainable)
    sys.stdout.write(summary_text(shown, width, positions, show_trainable, color=terminal))


def _width(shown: Table, terminal: bool, show_trainable: bool) -> int:
    natural = _NATURAL[shown.branches] + (12 if show_trainable else 0)
    return min(natural, shutil.get_terminal_size().columns) if terminal else natural


def summary_text(
    shown: Table,
    width: int,
    positions: list[float] | None = None,
    show_trainable: bool = False,
    color: bool = False,
) -> str:
    """The summary in lines of at most `width` characters; long cells go on below.

    Raises: ArgumentError: less than 40 columns, or positions that do not fit the columns.
    """
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    if width < 40:
        raise ArgumentError("A summary needs at least 40 columns.", received=width)
    heads = ["Layer (type)", "Output Shape", "Param #", *(["Connected to"] if shown.branches else [])]
    heads += ["Trainable"] if show_trainable else []
    cells = [_cells(row, shown.branches, show_trainable) for row in shown.rows]
    widths = _from_positions(positions, width, len(heads)) if positions else _shared(heads, cells, width)
    grid = Grid(show_lines=True, width=sum(widths) + 3 * len(heads) + 1)
    for head, size in zip(heads, widths, strict=True):
        justify = {"Param #": "right", "Trainable": "center"}.get(head, "left")
        grid.add_column(head, justify=justify, width=size, overflow="fold")  # type: ignore[arg-type]
    for row in cells:
        grid.add_row(*(_styled(Text(cell), number) for number, cell in enumerate(row)))
    console = Console(width=max(width, grid.width or 0), color_system="auto" if color else None, force_terminal=color)
    with console.capture() as captured:
        console.print(Text(f'Model: "{shown.model}"', style="bold"))
        console.print(grid)
        for line in _totals(shown):
            console.print(Text(line))
    return captured.get()


def _cells(row: Row, branches: bool, show_trainable: bool) -> list[str]:
    name = "   " * row.level + ("└ " if row.level else "") + f"{row.name} ({row.kind})"
    cells = [name, row.shape, f"{row.params:,}" if row.built else "0 (unbuilt)"]
    if branches:
        cells.append(", ".join(row.connected) or "-")
    if show_trainable:
        cells.append("-" if row.trainable is None else "Y" if row.trainable else "N")
    return cells


def _styled(text: Any, column: int) -> Any:
    text.highlight_regex(r"\((\w+)\)$" if column == 0 else r"\b\d[\d,]*\b", "cyan" if column == 0 else "green")
    return text


def _shared(heads: list[str], cells: list[list[str]], width: int) -> list[int]:
    """Column widths: what each needs, and the widest give where that is too much."""
    wanted = [max(len(head), *(len(row[i]) for row in cells), 4) for i, head in enumerate(heads)]
    room = width - 3 * len(heads) - 1
    least = [
        min(want, max(len(head) if i == 2 else 9, 7)) for i, (want, head) in enumerate(zip(wanted, heads, strict=True))
    ]
    while sum(wanted) > room:
        index = max(range(len(wanted)), key=lambda i: wanted[i] - least[i])
        if wanted[index] <= least[index]:
            break
        wanted[index] -= 1
    return wanted


def _from_positions(positions: list[float], width: int, columns: int) -> list[int]:
    if len(positions) != columns:
        raise ArgumentError("`positions` has one entry for each column.", expected=columns, received=positions)
    ends = [int(p * width) if p <= 1 else int(p) for p in positions]
    widths = [end - start - 3 for start, end in zip([0, *ends], ends, strict=False)]
    if min(widths) < 4:
        raise ArgumentError("`positions` leaves a column less than 4 characters.", received=positions)
    return widths


def _totals(shown: Table) -> list[str]:
    lines = [
        ("Total params", shown.total),
        ("Trainable params", shown.trainable),
        ("Non-trainable params", shown.frozen),
    ]
    lines += [("Optimizer params", shown.optimizer)] if shown.optimizer is not None else []
    return [f" {label}: {_number(count)}" for label, count in lines]


def _number(count: Count) -> str:
    return f"{count.params:,} ({readable_bytes(count.bytes)})"


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
