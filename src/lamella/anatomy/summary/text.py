"""The summary as text: Keras's table, made to fit the width there is and never cropped."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lamella import config
from lamella.anatomy.summary.cells import NUMBERS, cells_of, headings, printable, totals
from lamella.anatomy.summary.rows import table
from lamella.anatomy.summary.table import Table
from lamella.errors import ArgumentError

_NATURAL = {False: 88, True: 108}  # Keras's widths for a chain and for a graph with branches
_WIDEST = 160
_ASCII = str.maketrans(
    {**dict.fromkeys("┏┳┓┡╇┩├┼┤└┴┘", "+"), "┃": "|", "│": "|", "━": "=", "─": "-", "×": "x", "…": "..."}
)


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
    columns: str | Sequence[str] = (),
    blocks: bool = False,
    depth: int | None = None,
) -> None:
    """Prints the summary of a model; see `Model.summary`."""
    shown = table(model, expand_nested, layer_range, columns, blocks, depth, show_trainable)
    if print_fn is not None:
        for line in summary_text(shown, line_length or natural_width(shown), positions).splitlines():
            print_fn(line)
    elif not config.is_interactive_logging_enabled():
        import logging

        text = summary_text(shown, line_length or natural_width(shown), positions)
        logging.getLogger("lamella").info("%s", text)
    elif in_notebook():
        from IPython.display import display  # type: ignore[import-not-found]

        display(shown)
    else:
        write_summary(shown, line_length, positions)


def in_notebook() -> bool:
    """Whether this runs in a notebook, which shows HTML."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})


def write_summary(shown: Table, width: int | None = None, positions: list[float] | None = None, to: Any = None) -> None:
    """Writes a summary to the screen, as wide as that is, in colours; or plain to a file or pipe."""
    to = sys.stdout if to is None else to
    terminal = to.isatty()
    if width is None:
        natural, screen = natural_width(shown), shutil.get_terminal_size().columns
        width = max(min(natural, screen), _least(shown)) if terminal else natural
    lines = list(_lines(shown, width, positions))
    encoding = getattr(to, "encoding", None) or "utf-8"
    if not encoding.lower().startswith("utf"):
        plain = [(line.translate(_ASCII), strong) for line, strong in lines]
        lines = [(line.encode(encoding, "replace").decode(encoding), strong) for line, strong in plain]
    if terminal and "NO_COLOR" not in os.environ:
        _paint(lines, to)
    else:
        to.write("".join(f"{line}\n" for line, _ in lines))


def _paint(lines: list[tuple[str, bool]], to: Any) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=to, highlight=False, soft_wrap=True)
    for line, strong in lines:
        text = Text(line, style="bold" if strong else "", end="")
        text.highlight_regex(r"\b\d[\d,.]*\b", "green")
        text.highlight_regex(r"(?<=\()[A-Z]\w*(?=\))", "cyan")
        console.print(text)


def natural_width(shown: Table) -> int:
    """The width that suits a table: Keras's; up to 160 characters for what is more than Keras's."""
    return _WIDEST if shown.extended else _NATURAL[shown.branches] + (12 if shown.show_trainable else 0)


def _least(shown: Table) -> int:
    from lamella.anatomy.summary.grid import least_width

    return 20 if shown.extended else least_width(len(headings(shown)))


def summary_text(shown: Table, width: int, positions: list[float] | None = None) -> str:
    """The summary in lines of at most `width` characters; long cells go on below.

    Where more columns than Keras's find no room beside each other, they stand below each row's name.

    Raises: ArgumentError: too few characters, or positions that do not fit the columns.
    """
    return "".join(f"{line}\n" for line, _ in _lines(shown, width, positions))


def _lines(shown: Table, width: int, positions: list[float] | None) -> Iterator[tuple[str, bool]]:
    """The lines of a summary, each with whether it is strong."""
    from lamella.anatomy.summary.grid import wrapped

    if width < _least(shown):
        raise ArgumentError(f"This summary needs at least {_least(shown)} characters.", received=width)
    rows = _rows(shown, width, positions)
    yield from ((line, True) for line in wrapped(f'Model: "{printable(shown.model)}"', width))
    if shown.header:
        yield from ((line, False) for line in wrapped(shown.header, width))
    yield from rows
    for line in totals(shown):
        yield from ((part, False) for part in wrapped(line, width, " ", "   "))


def _rows(shown: Table, width: int, positions: list[float] | None) -> list[tuple[str, bool]]:
    """The rows side by side; or, where that would take many more lines, below each other."""
    from lamella.anatomy.summary.grid import drawn, fitted, stacked

    grid = _grid(shown)
    if positions:
        widths = _from_positions(positions, width, len(grid.heads), shown.show_trainable)
        return list(drawn(grid, widths, ruled=not shown.extended))
    widths = fitted(grid, width, whole=shown.extended)
    table = list(drawn(grid, widths, ruled=not shown.extended)) if widths else []
    if table and (not shown.extended or len(table) == len(grid.rows) + 4):  # each row is a line
        return table
    below = list(stacked(grid, width))
    return table if 0 < len(table) <= 1.4 * len(below) else below


def _grid(shown: Table) -> Any:
    from lamella.anatomy.summary.grid import Grid

    heads = headings(shown)
    return Grid(
        heads,
        [cells_of(shown, row) for row in shown.rows],
        [row.level for row in shown.rows],
        [row.heading for row in shown.rows],
        right=frozenset(number for number, head in enumerate(heads) if head in NUMBERS),
        center=frozenset(number for number, head in enumerate(heads) if head == "Trainable"),
    )


def _from_positions(positions: list[float], width: int, columns: int, show_trainable: bool) -> list[int]:
    """The widths of columns that end at these parts of the width, or at these characters."""
    if show_trainable and len(positions) == columns - 1:  # Keras's do not count that column
        positions = [p * 0.9 for p in positions] + [1.0]
    if len(positions) != columns:
        raise ArgumentError("`positions` has one entry for each column.", expected=columns, received=positions)
    ends = [int(p * width) if p <= 1 else int(p) for p in positions]
    widths = [end - start - 3 for start, end in zip([0, *ends], ends, strict=False)]
    if min(widths) < 4:
        raise ArgumentError("`positions` leaves a column less than 4 characters.", received=positions)
    return widths
