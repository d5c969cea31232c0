"""The catalogue in a terminal: lists of entries with the figure that matters, and what nobody has checked lately."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import date
from itertools import groupby
from textwrap import wrap
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from tco.catalog.browse import Entry, Old
from tco.report.price_lines import LISTINGS
from tco.report.table import heading, plain_table

WIDE, WIDEST, GAP = 116, 400, 2
"""Columns from which a list has everything on one line, the most that a table may need, those between two columns."""
TEXT = {"GPU", "term", "rate of", "section", "figures", "GPUs"}
"""Columns of words, not of numbers."""
FOOTNOTE = "* an assumption, not a price anybody asks"


def print_list(entries: Sequence[Entry], as_of: date, console: Console) -> None:
    """The entries by section, one line each, with their figures as of the date."""
    for i, (section, group) in enumerate(groupby(entries, lambda e: e.section)):
        if i:
            console.print()
        _print_section(section, list(group), as_of, console)


def table_of(columns: Mapping[str, Sequence[str]], left: Container[str] = (), folding: Container[str] = ()) -> Table:
    """An empty table whose columns are as wide as what they will hold: a name or a figure is never cut."""
    table = plain_table()
    for name, cells in columns.items():
        justify: Literal["left", "right"] = "left" if name in left else "right"
        if name in folding:
            table.add_column(name, justify=justify, overflow="fold", min_width=12)
        else:
            widest = _widest(name, cells)
            table.add_column(
                "\n".join(wrap(name, max(widest, 1), break_on_hyphens=False)),
                justify=justify,
                no_wrap=True,
                min_width=widest,
            )
    return table


def print_whole(part: RenderableType, console: Console) -> None:
    """Where a table needs more than the terminal has, the lines run on."""
    needed = Measurement.get(console, console.options.update(max_width=WIDEST), part).minimum
    width, console.width = console.width, max(console.width, needed)
    console.print(part)
    console.width = width


def _print_section(section: str, entries: Sequence[Entry], as_of: date, console: Console) -> None:
    listing = LISTINGS[section]
    lines = [line for e in entries for line in listing.lines(e)]
    beside = listing.roomy if console.width >= WIDE else ()
    days = ["–" if line.checked is None else line.checked.isoformat() for line in lines]
    columns = {
        "name": [line.name for line in lines],
        **{column: [line.cells[i] for line in lines] for i, column in enumerate(listing.columns)},
        **{column: [line.roomy[i] for line in lines] for i, column in enumerate(beside)},
        "checked": days,
    }
    all_checked = ""
    if not beside:
        if _width(columns) > console.width and len(set(days)) == 1:  # what all share is said once, to save room
            all_checked = f", all checked {days[0]}"
            del columns["checked"]
        if _width(columns) > console.width:
            columns.pop("regions", None)
        room = console.width - _width({key: cells for key, cells in columns.items() if key != "name"}) - GAP - len("  ")
        below = [[line.remark] if line.remark or not listing.under else line.roomy for line in lines]
        columns["name"] = [
            "\n".join([line.name, *_wrapped(texts, room)]) for line, texts in zip(lines, below, strict=True)
        ]
    table = table_of(columns, {"name", "checked", *beside, *TEXT}, beside)
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*map(_dim_below, cells))
    many = f"{len(entries):,} {'entry' if len(entries) == 1 else 'entries'}"
    notes = [Text(FOOTNOTE, style="dim")] if any(c.endswith("*") for line in lines for c in line.cells) else []
    print_whole(
        heading(f"{section}: {listing.title} ({many}, as of {as_of}{all_checked})", Group(table, *notes)), console
    )


def _width(columns: Mapping[str, Sequence[str]]) -> int:
    """The least width of a table with these columns."""
    return sum(_widest(name, cells) + GAP for name, cells in columns.items()) - GAP


def _widest(name: str, cells: Sequence[str]) -> int:
    """The width of a column whose heading may be broken between words, its cells not."""
    pieces = (*name.split(), *(line for cell in cells for line in cell.split("\n")))
    return max(map(cell_len, pieces), default=0)


def _wrapped(texts: Sequence[str], width: int) -> list[str]:
    return [f"  {line}" for line in wrap(", ".join(filter(None, texts)), max(width, 20))]


def _dim_below(cell: str) -> Text:
    first, _, rest = cell.partition("\n")
    text = Text(first)
    return text.append(f"\n{rest}", style="dim") if rest else text


def print_stale(old: Sequence[Old], looked_at: int, as_of: date, days: int, console: Console) -> None:
    """What was checked too long ago, the oldest first."""
    within = f"within {days} days of {as_of}"
    if not old:
        console.print(Text(f"All {looked_at:,} figures in use were checked {within}."))
        return
    columns = {
        "checked": [o.checked.isoformat() for o in old],
        "days ago": [f"{o.days:,}" for o in old],
        "name": [o.entry.name for o in old],
        "section": [o.entry.section for o in old],
        "figures": [o.what or rows(o.many) for o in old],
    }
    table = table_of(columns, {"checked", "name", *TEXT})
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    print_whole(table, console)
    count = sum(o.many for o in old)
    were = "figure in use was" if looked_at == 1 else "figures in use were"
    console.print(Text(f"{count:,} of {looked_at:,} {were} not checked {within}.", style="bold red"))


def rows(count: int) -> str:
    """So many rows."""
    return f"{count} row{'' if count == 1 else 's'}"
