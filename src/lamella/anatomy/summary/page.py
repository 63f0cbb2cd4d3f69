"""The summary as HTML, for notebooks: a table with escaped names and nothing to load."""

from __future__ import annotations

from html import escape

from lamella.anatomy.summary.cells import NUMBERS, cells_of, headings, printable, totals
from lamella.anatomy.summary.table import Row, Table

_STYLE = """<style>
.lamella-summary {font: 13px/1.5 system-ui, sans-serif}
.lamella-summary > div {max-height: 44em; overflow: auto; margin: .4em 0}
.lamella-summary table {border-collapse: collapse; font: 12px/1.5 ui-monospace, Menlo, Consolas, monospace}
.lamella-summary th, .lamella-summary td {padding: 2px 12px; text-align: left; vertical-align: top; white-space: nowrap;
  border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent)}
.lamella-summary th {position: sticky; top: 0; z-index: 1; backdrop-filter: blur(16px);
  background: color-mix(in srgb, currentColor 8%, transparent)}
.lamella-summary .n {text-align: right; font-variant-numeric: tabular-nums}
.lamella-summary .h {font-weight: 600; background: color-mix(in srgb, currentColor 6%, transparent)}
.lamella-summary .h td:first-child, .lamella-summary .w {white-space: normal; min-width: 16em}
.lamella-summary i {font-style: normal; opacity: .65}
</style>"""
_LONG = ("Connected to", "From")  # columns whose cells may go on below


def summary_html(shown: Table) -> str:
    """The table of a summary as one piece of HTML; colours are those of the page around it."""
    heads = headings(shown)
    kinds = [' class="n"' if head in NUMBERS else ' class="w"' if head in _LONG else "" for head in heads]
    head = "".join(f'<th scope="col"{kind}>{escape(h)}</th>' for h, kind in zip(heads, kinds, strict=True))
    body = "\n".join(_row(shown, row, kinds) for row in shown.rows)
    title = f"<strong>{escape(printable(shown.model))}</strong>{f' – {escape(shown.header)}' if shown.header else ''}"
    below = "<br>".join(map(escape, totals(shown)))
    return (
        f'{_STYLE}<div class="lamella-summary">{title}<div><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>{below}</div>"
    )


def _row(shown: Table, row: Row, kinds: list[str]) -> str:
    _, *cells = cells_of(shown, row)
    name, kind = escape(printable(row.name)), escape(printable(row.kind))
    first = f"{name}: <i>{kind}</i>" if row.heading else f"{name} <i>({kind})</i>"
    rest = "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(cells, kinds[1:], strict=True))
    indent = f' style="padding-left:{12 + 22 * row.level}px"' if row.level else ""
    strong = ' class="h"' if row.heading else ""
    return f"<tr{strong}><td{indent}>{first}</td>{rest}</tr>"
