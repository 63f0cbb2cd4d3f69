"""Tables as text, whatever the width: cells go on below, or each row becomes a few lines; nothing is cropped."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len, chop_cells

_LONGEST = 28  # a word may be broken above that
_NINE, _FOUR = 9, 4  # a column's width when there is little room, and when there is least


@dataclass(frozen=True)
class Grid:
    """Cells under headings.

    levels:   how far each row is indented; `strong`: which rows are headings.
    right:    columns that stand at the right; `center`: in the middle.
    """

    heads: list[str]
    rows: list[list[str]]
    levels: list[int]
    strong: list[bool]
    right: frozenset[int]
    center: frozenset[int]

    def columns(self) -> Iterator[list[str]]:
        """The cells of each column, its heading first."""
        for number, head in enumerate(self.heads):
            below = [row[number] for row in self.rows]
            yield [head, *(below if number else map(_indented, below, self.levels))]


def _indented(text: str, level: int) -> str:
    return _branch(level) + text


def _branch(level: int, room: int = 1000) -> str:
    """What stands before a name, in a column that is so wide."""
    return " " * min(3 * level, max(room - 10, 0)) + "└ " if level else ""


# Widths


def fitted(grid: Grid, room: int, whole: bool) -> list[int] | None:
    """The widths of columns that take at most so much room in all, or None.

    Args: whole: no number is broken, and no word of less than 28 characters.
    """
    columns = list(grid.columns())
    lengths = [sorted(map(cell_len, column)) for column in columns]
    words = [
        lengths[number] if number in grid.right else sorted(map(_longest_word, column))
        for number, column in enumerate(columns)
    ]
    room -= 3 * len(columns) + 1
    unbroken = [of[-1] for of in words]
    if sum(unbroken) <= room or whole:
        return _shrunk(lengths, unbroken, room) if sum(unbroken) <= room else None
    least = ([min(of[-1], few) for of in words] for few in (_NINE, _FOUR))
    return next((_shrunk(words, few, room) for few in least if sum(few) <= room), None)


def least_width(columns: int) -> int:
    """The width that so many columns need."""
    return (_FOUR + 3) * columns + 1


@lru_cache(4096)
def _longest_word(text: str) -> int:
    stem = cell_len(text) - cell_len(text.lstrip(" └"))
    return stem + max((min(cell_len(word), _LONGEST) for word in text.lstrip(" └").split()), default=1)


def _shrunk(lengths: list[list[int]], least: list[int], room: int) -> list[int]:
    """The widths that the longest cells want, less what is too much: first where the fewest cells need it.

    Args: lengths: of the cells of each column, in order.
    """
    widths = [of[-1] for of in lengths]
    while sum(widths) > room:
        column = min(
            (number for number, width in enumerate(widths) if width > least[number]),
            key=lambda number: (len(lengths[number]) - bisect_left(lengths[number], widths[number]), -widths[number]),
        )
        widths[column] -= 1
    return widths


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """A text in lines of at most a width, broken between words; longer words are broken too."""
    lines, line, fresh = [], first, True
    for word in text.split():
        if not fresh and cell_len(line) + 1 + cell_len(word) <= width:
            line += f" {word}"
            continue
        if not fresh:
            lines.append(line)
            line = rest
        head, *more = _pieces(word, width - cell_len(line), width - cell_len(rest))
        for piece in more:
            lines.append(line + head)
            line, head = rest, piece
        line, fresh = line + head, False
    return [*lines, line]


def _pieces(word: str, first: int, rest: int) -> list[str]:
    """A word in pieces, the first of which may have another width."""
    if cell_len(word) <= first:
        return [word]
    head = chop_cells(word, max(first, 2))[0]
    return [head, *chop_cells(word[len(head) :], max(rest, 2))]


# Drawing


def drawn(grid: Grid, widths: list[int], ruled: bool) -> Iterator[tuple[str, bool]]:
    """The lines of a table, each with whether it is strong.

    Args: ruled: whether rules part all rows; else only rows of several lines.
    """
    rows = [_cells(row, widths, level) for row, level in zip(grid.rows, grid.levels, strict=True)]
    high = [ruled or max(map(len, row)) > 1 for row in rows]
    yield _rule("┏━┳┓", widths), True
    yield from ((line, True) for line in _beside(grid, _cells(grid.heads, widths), widths, "┃"))
    yield _rule("┡━╇┩", widths), True
    for number, row in enumerate(rows):
        if number and (high[number] or high[number - 1]):
            yield _rule("├─┼┤", widths), False
        yield from ((line, grid.strong[number]) for line in _beside(grid, row, widths, "│"))
    yield _rule("└─┴┘", widths), False


def _cells(texts: list[str], widths: list[int], level: int = 0) -> list[list[str]]:
    """The lines of each cell of a row."""
    stem = _branch(level, widths[0])
    first = wrapped(texts[0], widths[0], stem, " " * len(stem))
    return [first, *(wrapped(text, width) for text, width in zip(texts[1:], widths[1:], strict=True))]


def _rule(corners: str, widths: list[int]) -> str:
    left, dash, cross, right = corners
    return left + cross.join(dash * (width + 2) for width in widths) + right


def _beside(grid: Grid, cells: list[list[str]], widths: list[int], bar: str) -> Iterator[str]:
    """Cells of several lines, side by side."""
    for index in range(max(map(len, cells))):
        parts = [cell[index] if index < len(cell) else "" for cell in cells]
        shown = [_padded(grid, number, part, widths[number]) for number, part in enumerate(parts)]
        yield f"{bar} {f' {bar} '.join(shown)} {bar}"


def _padded(grid: Grid, column: int, text: str, width: int) -> str:
    room = width - cell_len(text)
    left = room if column in grid.right else room // 2 if column in grid.center else 0
    return " " * left + text + " " * (room - left)


def stacked(grid: Grid, width: int) -> Iterator[tuple[str, bool]]:
    """A few lines for each row: its name, and below it what the other columns say."""
    for row, level, strong in zip(grid.rows, grid.levels, grid.strong, strict=True):
        stem = _branch(level, width // 2)
        yield from ((line, True) for line in wrapped(row[0], width, stem, " " * len(stem)))
        pairs = [f"{head} {cell}" for head, cell in zip(grid.heads[1:], row[1:], strict=True) if cell]
        below = " " * len(stem) + "  "
        yield from ((line, strong) for line in _packed(pairs, width, below))


def _packed(pairs: list[str], width: int, stem: str) -> Iterator[str]:
    """Texts one after the other, as many in a line as fit."""
    line = ""
    for pair in pairs:
        if line and cell_len(f"{line} · {pair}") > width:
            yield line
            line = ""
        *before, line = [f"{line} · {pair}"] if line else wrapped(pair, width, stem, stem + "  ")
        yield from before
    if line:
        yield line
