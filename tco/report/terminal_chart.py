"""A small log-log chart of the options' costs, in characters: each option its own letter, so it needs no colour."""

from __future__ import annotations

from math import log10

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from tco.analysis.compare import Comparison
from tco.report.words import tokens

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red")
ROWS = 11
MOST_OPTIONS = 8
DECADES = 6.0
"""Costs span no more than this: a penny beside a million would flatten everything that matters."""


def chart(c: Comparison, width: int) -> RenderableType | None:
    """The chart, or None where there is nothing to draw."""
    standings = [s for s in c.standings if s.ledger.exact > 0][:MOST_OPTIONS]
    if len(standings) < 2:
        return None
    columns = max(min(width - 14, 100), 30)
    lo, hi = _span(c)
    volumes = np.geomspace(lo, hi, columns)
    costs = np.stack([c.costs(s, volumes) for s in standings])
    finite = costs[np.isfinite(costs) & (costs > 0)]
    if not len(finite):
        return None
    top = log10(finite.max())
    bottom = max(log10(finite.min()), top - DECADES)
    if top - bottom < 0.3:
        top, bottom = top + 0.15, bottom - 0.15
    grid = [[(" ", "")] * columns for _ in range(ROWS)]
    planned = int(np.argmin(np.abs(np.log(volumes) - np.log(float(c.volume)))))
    for row in grid:
        row[planned] = ("┊", "dim")
    for k in reversed(range(len(standings))):
        for x, cost in enumerate(costs[k]):
            if np.isfinite(cost) and cost > 0 and log10(cost) >= bottom - 1e-9:
                y = round((log10(cost) - bottom) / (top - bottom) * (ROWS - 1))
                grid[ROWS - 1 - y][x] = (chr(ord("A") + k), COLOURS[k % len(COLOURS)])
    lines: list[RenderableType] = [Text(f"Cost a month by volume ({c.currency}, both axes logarithmic)", style="bold")]
    per_row = (top - bottom) / (ROWS - 1)
    for i, row in enumerate(grid):
        level = top - i * per_row
        decade = round(level)
        label = _amount(10.0**decade) if abs(decade - level) <= per_row / 2 else ""
        line = Text(f"{label:>9} ┤" if label else " " * 9 + " │")
        for character, style in row:
            line.append(character, style=style)
        lines.append(line)
    axis = f"{tokens(lo)} tokens/day"
    end = tokens(hi)
    lines.append(Text(" " * 11 + axis + " " * max(columns - len(axis) - len(end), 1) + end))
    legend = Text(" " * 11)
    for k, s in enumerate(standings):
        legend.append(f"{chr(ord('A') + k)} {s.name}   ", style=COLOURS[k % len(COLOURS)])
    legend.append("┊ planned", style="dim")
    lines.append(legend)
    return Group(*lines)


def _span(c: Comparison) -> tuple[float, float]:
    """Three decades around what matters: the planned volume and the edges between bands."""
    marks = [float(c.volume), *(b.hi for b in c.bands[:-1])]
    lo, hi = min(marks) / 30, max(marks) * 30
    return max(lo, c.window[0]), min(hi, c.window[1])


def _amount(level: float) -> str:
    return f"{level:,.0f}" if level >= 1 else f"{level:g}"
