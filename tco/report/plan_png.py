"""The picture of a plan: what has been paid so far by option, payback marked, the cheapest by the month shaded.

Legible in greyscale and for colour-blind readers, as the picture of a comparison is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tco.analysis.outcome import drawn_to, pays_back_at
from tco.analysis.plan import Plan, Prospect
from tco.calendar import MONTHS_PER_YEAR
from tco.quantity import Array
from tco.report import plan_words as words
from tco.report.png import LABELLED_BANDS, TINTS, footer, look, picture, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_TICKS = 13
STEPS = (1, 2, 3, 6, 12, 24, 60)
"""Months between two ticks."""
BAND_WIDTH = 0.09
"""The least share of the width at which a band has its label."""
MARK_WIDTH = 0.2
"""The least share of the width between two paybacks that stand beside their circles."""
MARKERS_APART = 0.12
FOOT = 0.025
"""The share of the height that is left to the footer."""
RIBBON_HEIGHT = 2.0
"""Times the highest curve, what percentiles may take of the height."""
NEAR_THE_BOTTOM = 0.15
"""The share of the height below which a payback is written above its circle: bands have their labels there."""
LEGEND_COLUMNS = 4
LEGEND_BELOW = -0.07
"""Where the legend begins, as a share of the height of the axes: below the months."""


def draw(plan: Plan) -> bytes:
    """The picture as PNG bytes, 1500 x 900. The same plan gives the same bytes."""
    return picture(lambda figure: _plan(figure, plan))


def _plan(figure: Figure, plan: Plan) -> None:
    figure.set_layout_engine("constrained", rect=(0, FOOT, 1, 1 - FOOT))
    axes = figure.add_subplot()
    _curves(axes, plan)
    _limits(axes, plan)
    _bands(axes, plan)
    _paybacks(axes, plan)
    _ticks(axes, plan)
    axes.set_ylabel(f"paid so far, {plan.currency}")
    axes.set_title(titled(plan.title, f"{words.verdict(plan)} {words.changes(plan)}".strip()), loc="left", fontsize=11)
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
    axes.grid(visible=True, which="major", color="#cccccc", linewidth=0.6)
    _legend(axes, len(plan.prospects))
    footer(figure, plan.as_of, plan.draws)


def _legend(axes: Axes, options: int) -> None:
    """Below the months: curves may be anywhere above."""
    columns = min(options, LEGEND_COLUMNS)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, LEGEND_BELOW), ncols=columns, frameon=False, fontsize=9)


def _curves(axes: Axes, plan: Plan) -> None:
    columns = np.arange(len(plan.months) + 1)
    many = len(plan.prospects)
    for i, p in enumerate(plan.prospects):
        style = look(i)
        if p.outlook is not None:
            so_far = p.outlook.paid.cumsum(axis=0)
            low, high = (p.outlook.percentile(so_far, share) for share in (0.1, 0.9))
            shown = columns <= drawn_to(p)
            axes.fill_between(columns, low, high, where=shown, color=style["color"], alpha=0.13, linewidth=0, zorder=1)
        # where lines lie on each other, markers in turn tell them apart
        every = (MARKERS_APART * (i + 0.5) / many, MARKERS_APART)
        name = p.name if p.label == p.name else f"{p.name}: {p.label}"
        axes.plot(columns, _cumulative(p), **style, linewidth=2, markersize=5, markevery=every, label=name, zorder=3)


def _cumulative(p: Prospect) -> Array:
    """(month + 1,), NaN beyond what is drawn."""
    values = np.array([float(v) for v in p.cumulative])
    values[drawn_to(p) + 1 :] = np.nan
    return values


def _limits(axes: Axes, plan: Plan) -> None:
    """Room above for what is written at the curves, and below for who is cheapest."""
    axes.set_xlim(0, len(plan.months))
    paid = [v for p in plan.prospects for v in _cumulative(p) if np.isfinite(v)]
    low, high = min(0.0, *paid), max(0.0, *paid)
    # what few draws come to is not to flatten all else
    high = min(max(high, axes.get_ylim()[1]), RIBBON_HEIGHT * high) if high else 1.0
    room = (high - low) or 1.0
    axes.set_ylim(low - 0.1 * room, high + 0.04 * room)
    axes.set_yticks([t for t in axes.get_yticks() if low <= t <= high + 0.04 * room])
    axes.axhline(0, color="#999999", linewidth=0.8, zorder=2)


def _bands(axes: Axes, plan: Plan) -> None:
    """Months in which the same option is the cheapest feasible one."""
    count = len(plan.months)
    edges = [0, *(c.month for c in plan.changes), count]
    bands = list(pairwise(edges))
    for i, (left, right) in enumerate(bands):
        axes.axvspan(left, right, color=TINTS[i % 2], zorder=0, linewidth=0)
        if len(bands) <= LABELLED_BANDS and right - left > BAND_WIDTH * count:
            axes.text(
                (left + right) / 2,
                0.015,
                f"cheapest:\n{plan.cheapest[left] or 'none feasible'}",
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontsize=8,
                style="italic",
                color="#333333",
            )


def _paybacks(axes: Axes, plan: Plan) -> None:
    """A circle where an option has paid back, with its month; with a number and a list where they are close."""
    found = []
    for p in plan.prospects:
        at = pays_back_at(p)
        if at is not None:
            value = float(np.interp(at, np.arange(len(plan.months) + 1), _cumulative(p)))
            turn = words.reversal_cell(plan, p.payback)
            said = f"{p.name} {words.payback_cell(plan, p.payback)}"
            found.append((at, value, said if turn == words.NONE else f"{said}, reverses {turn}"))
    found.sort()
    numbered = any(b[0] - a[0] < MARK_WIDTH * len(plan.months) for a, b in pairwise(found))
    for i, (column, value, said) in enumerate(found):
        axes.plot(
            [column], [value], marker="o", markersize=10, markerfacecolor="white", markeredgecolor="black", zorder=5
        )
        if numbered:
            axes.annotate(
                str(i + 1), (column, value), ha="center", va="center", fontsize=7, fontweight="bold", zorder=6
            )
        else:
            bottom, top = axes.get_ylim()
            above = value - bottom < NEAR_THE_BOTTOM * (top - bottom)
            right = column > len(plan.months) * 0.75
            axes.annotate(
                f"paid back: {said}",
                (column, value),
                xytext=(-9 if right else 9, 10 if above else -16),
                textcoords="offset points",
                ha="right" if right else "left",
                fontsize=9,
                fontweight="bold",
                zorder=6,
                bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1},
            )
    if numbered:
        lines = [f"{i + 1}  {said}" for i, (_, _, said) in enumerate(found)]
        axes.text(
            0.015,
            0.97,
            "\n".join(["paid back after months", *lines]),
            transform=axes.transAxes,
            ha="left",
            va="top",
            fontsize=8.5,
            zorder=7,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": "#999999", "alpha": 0.9},
        )


def _ticks(axes: Axes, plan: Plan) -> None:
    """Months at their beginning, in steps that a calendar has."""
    count = len(plan.months)
    size = next((s for s in STEPS if count / s <= MOST_TICKS), STEPS[-1])
    places = [i for i, m in enumerate(plan.months) if (m.number - 1 + MONTHS_PER_YEAR * m.year) % size == 0]
    axes.set_xticks(places or [0], [str(plan.months[i]) for i in places or [0]])
