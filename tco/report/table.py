"""A comparison in a terminal: the answer first, then what it rests on. Readable at 80 columns, and without colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from tco.analysis.compare import Comparison
from tco.analysis.variants import VariantResult
from tco.options.base import Note
from tco.report import words
from tco.report.sheets import Column, Row, Sheet, sheets
from tco.report.terminal_chart import chart

FOLDED, GAP = 8, 2
"""The least width of a column of words, and the space between columns."""
STYLES = {"best": "bold green", "dim": "dim", "here": "bold", "bad": "red", "": ""}


def print_comparison(c: Comparison, variants: Sequence[VariantResult], console: Console) -> None:
    """Print the whole comparison; notes go with it, warnings last so that they are read."""
    beside = {s.name: s.label for s in c.standings if s.label != s.name} if console.width >= 100 else {}
    tables = [_table(sheet, console, beside if i == 0 else {}) for i, sheet in enumerate(sheets(c))]
    # an amount is never cut: where a table needs more than the terminal has, the lines run on
    console.width = max(console.width, *(width for _, _, _, width in tables))
    console.print(Text(c.title, style="bold"))
    console.print(Text(_subtitle(c), style="dim"))
    console.print()
    console.print(Text(words.verdict(c), style="bold green" if c.recommendation.option else "bold red"))
    for sentence in (words.changes(c), *words.why(c)):
        console.print(Text(sentence))
    for part in (*map(_group, tables), chart(c, console.width)):
        if part is not None:
            console.print()
            console.print(part)
    if variants:
        console.print()
        sheet = list(sheets(c, variants))[-1]
        console.print(_group(_table(sheet, console, {})))
    elif c.variants:
        console.print()
        console.print(
            Text(f"Variants: {', '.join(c.variants)} (--variants for all, --variant NAME for one)", style="dim")
        )
    print_notes(c.assumptions, c.warnings, console)


def print_notes(assumptions: Sequence[Note], warnings: Sequence[Note], console: Console) -> None:
    """Print what a result rests on; warnings last, so that they are read."""
    for title, notes, style in (("Assumptions", assumptions, "dim"), ("Warnings", warnings, "yellow")):
        if notes:
            console.print()
            console.print(_notes(title, notes, style))


def print_sheets(found: Sequence[Sheet], console: Console, labels: dict[str, str] | None = None) -> None:
    """Print tables under their headings, an empty line before each. An amount is never cut: lines run on.

    labels: longer names that stand beside those of the first table.
    """
    tables = [_table(sheet, console, labels or {} if i == 0 else {}) for i, sheet in enumerate(found)]
    console.width = max(console.width, *(parts.width for parts in tables), 0)
    for parts in tables:
        console.print()
        console.print(_group(parts))


def _subtitle(c: Comparison) -> str:
    stated = f"{c.stated} = " if "token" not in c.stated else ""
    return (
        f"{stated}{words.tokens(c.volume)} tokens/day · {words.tokens(c.requests_per_day)} requests/day · "
        f"prices as of {c.as_of}"
    )


def heading(text: str, body: RenderableType) -> Group:
    """A body under its heading."""
    return Group(Text(text, style="bold"), body)


def plain_table() -> Table:
    """The one look of every table: a rule under the header, nothing else."""
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")


class _Parts(NamedTuple):
    """A sheet laid out, and the least width at which no amount is cut."""

    title: Text
    table: Table | None
    notes: Group | None
    width: int


def _group(parts: _Parts) -> Group:
    return Group(*(part for part in parts[:3] if part is not None))


def _table(sheet: Sheet, console: Console, labels: dict[str, str]) -> _Parts:
    """Heading, table and sentences of a sheet; what is too wide is turned, or does without what can be spared."""
    notes = Group(*(Text(text, style=STYLES[style]) for text, style in sheet.notes)) if sheet.notes else None
    title = Text(sheet.heading, style="bold")
    if not sheet.rows:
        return _Parts(title, None, notes, 0)
    if sheet.turns and _width(sheet, labels) > console.width:
        sheet = min(sheet, sheet.turned(), key=lambda s: _width(s, {}))
    while _width(sheet, labels) > console.width and any(column.rank for column in sheet.columns):
        sheet = sheet.without(max(range(len(sheet.columns)), key=lambda i: sheet.columns[i].rank))
    return _Parts(title, _rich(sheet, labels), notes, _width(sheet, labels, least=True))


def _width(sheet: Sheet, labels: dict[str, str], least: bool = False) -> int:
    """Characters that a table takes: on one line each, or at the least, where words may be folded."""

    def of(i: int, column: Column) -> int:
        texts = [column.title, *(row.cells[i] for row in sheet.rows)]
        if least and not column.number:
            return FOLDED
        beside = [f"{row.cells[0]}  {labels[row.cells[0]]}" for row in sheet.rows if i == 0 and row.cells[0] in labels]
        return max(0 if column.number else FOLDED, *map(cell_len, [*texts, *beside]))

    return sum(of(i, column) + GAP for i, column in enumerate(sheet.columns)) - GAP


def _rich(sheet: Sheet, labels: dict[str, str]) -> Table:
    table = plain_table()
    for i, column in enumerate(sheet.columns):
        if column.number:
            longest = max(cell_len(text) for text in (column.title, *(row.cells[i] for row in sheet.rows)))
            table.add_column(column.title, justify="right", no_wrap=True, min_width=longest)
        else:
            table.add_column(column.title, overflow="fold", min_width=FOLDED)

    def cell(i: int, row: Row) -> Text:
        text = Text(row.cells[i], style=STYLES[row.style] if i == 0 or row.style in ("dim", "here") else "")
        if i == 0 and row.cells[0] in labels:
            text.append(f"  {labels[row.cells[0]]}", style="dim")
        return text

    for row in sheet.rows:
        table.add_row(*(cell(i, row) for i in range(len(row.cells))))
    return table


def _notes(title: str, notes: Sequence[Note], style: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    for text in words.gathered(notes):
        grid.add_row(Text("•", style=style), Text(text, style=style))
    return heading(title, grid)
