"""A small chart of what options have paid so far, in characters: each option its own letter, so it needs no colour."""

from __future__ import annotations

from math import isnan

import numpy as np
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from tco.analysis.outcome import drawn_to, pays_back_at
from tco.analysis.plan import Plan, Prospect
from tco.report import plan_words as words
from tco.report.terminal_chart import COLOURS, MOST_OPTIONS
from tco.report.words import tokens

ROWS = 11
LEAST_WIDTH, MOST_WIDTH = 30, 100
MARK = "×"  # where an option has paid back
MOST_LINES = 3
"""Changes of the cheapest option that are drawn: more would hide the curves."""


def chart(plan: Plan, width: int) -> RenderableType | None:
    """The chart, or None where there is nothing to draw: one month, or nothing paid."""
    shown = plan.prospects[:MOST_OPTIONS]
    months = len(plan.months)
    values = np.array([[float(v) for v in p.cumulative] for p in shown])
    for k, p in enumerate(shown):
        values[k, drawn_to(p) + 1 :] = np.nan
    top, bottom = float(np.nanmax(values)), min(float(np.nanmin(values)), 0.0)
    if months < 2 or top <= bottom:
        return None
    columns = max(min(width - 14, MOST_WIDTH), LEAST_WIDTH)

    def place(column: float) -> int:
        return round(column / months * (columns - 1))

    def level(value: float) -> int:
        return ROWS - 1 - round((value - bottom) / (top - bottom) * (ROWS - 1))

    grid = [[(" ", "")] * columns for _ in range(ROWS)]
    lines = plan.changes if len(plan.changes) <= MOST_LINES else ()
    for change in lines:
        for row in grid:
            row[place(change.month)] = ("┊", "dim")
    times = np.linspace(0, months, columns)
    curves = [np.interp(times, np.arange(months + 1), v) for v in values]
    for k in reversed(range(len(shown))):
        for x, value in enumerate(curves[k]):
            if isnan(value):
                continue
            grid[level(float(value))][x] = (_letter(k), _colour(k))
    repaid = [(k, p) for k, p in enumerate(shown) if pays_back_at(p) is not None]
    for k, p in repaid:
        at = pays_back_at(p) or 0.0
        value = float(np.interp(at, np.arange(months + 1), values[k]))
        grid[level(value)][place(at)] = (MARK, f"bold {_colour(k)}")
    lines_out: list[RenderableType] = [Text(f"Paid so far ({plan.currency})", style="bold")]
    for i, row in enumerate(grid):
        label = _amount(top, bottom, i) if i % 2 == 0 else ""
        line = Text(f"{label:>9} ┤" if label else " " * 9 + " │")
        for character, style in row:
            line.append(character, style=style)
        lines_out.append(line)
    start, end = str(plan.months[0]), str(plan.months[-1])
    lines_out.append(Text(" " * 11 + start + " " * max(columns - len(start) - len(end), 1) + end))
    lines_out += [
        Padding(legend, (0, 0, 0, 11)) for legend in _legend(plan, shown, bool(lines), [k for k, _ in repaid])
    ]
    return Group(*lines_out)


def _amount(top: float, bottom: float, row: int) -> str:
    """The amount at a row: what is 0 but for rounding is 0."""
    value = top + (bottom - top) * (row / (ROWS - 1))
    return "0" if abs(value) < (top - bottom) / 1e9 else tokens(value)


def _legend(plan: Plan, shown: tuple[Prospect, ...], changes: bool, repaid: list[int]) -> list[Text]:
    """Who is who, then what the marks are."""
    legend, marks = Text(), Text(style="dim")
    for k, p in enumerate(shown):
        back = f" ({MARK} {words.at_column(plan, p.payback.month)})" if k in repaid and p.payback is not None else ""
        legend.append(f"{_letter(k)} {p.name}{back}   ", style=_colour(k))
    if repaid:
        marks.append(f"{MARK} has paid back   ")
    if changes:
        marks.append("┊ another is cheapest by the month   ")
    if len(plan.prospects) > len(shown):
        marks.append(f"{len(plan.prospects) - len(shown)} more are not drawn")
    for text in (legend, marks):
        text.rstrip()
    return [legend, marks] if marks else [legend]


def _letter(k: int) -> str:
    return chr(ord("A") + k)


def _colour(k: int) -> str:
    return COLOURS[k % len(COLOURS)]
