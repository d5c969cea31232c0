"""The picture: log-log cost curves, bands shaded, crossovers marked, the planned volume marked.

Legible in greyscale and for colour-blind readers: every option has its own dash and marker beside its colour, names
stand at the lines, and bands are told apart by their labels, not by their tint.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable
from itertools import pairwise
from textwrap import wrap
from typing import Any

os.environ["MPLBACKEND"] = "agg"  # drawn to bytes; a backend of the environment could stop the import

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from tco.analysis.compare import Comparison, Standing
from tco.analysis.crossings import Band
from tco.report import words

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8B5A2B")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (6, 2)),
    (0, (2, 1.5)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (1, 1)),
    (0, (9, 3)),
    (0, (4, 1, 1, 1, 1, 1)),
    (0, (3, 3)),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
TINTS = ("#f2f2f2", "#dcdcdc")
POINTS = 4000
RIBBON_EVERY = 5
LABELLED_CROSSINGS = 9
LABELLED_BANDS = 8
DPI = 150
TITLE_WIDTH = 98


def picture(paint: Callable[[Figure], None]) -> bytes:
    """What `paint` draws, as PNG bytes, 1500 x 900. The same drawing gives the same bytes."""
    style: dict[Any, Any] = {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.parse_math": False,
    }
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()  # not what a matplotlibrc on this machine says
        mpl.rcParams.update(style)
        warnings.filterwarnings("ignore", message="Glyph")  # a label in a script that the font lacks shows boxes
        figure = Figure(figsize=(10, 6), dpi=DPI, layout="constrained")
        paint(figure)
        out = io.BytesIO()
        figure.savefig(out, format="png", metadata={"Software": f"matplotlib {mpl.__version__}"})
    return out.getvalue()


def draw(c: Comparison) -> bytes:
    """The picture of a comparison. The same comparison gives the same bytes."""
    return picture(lambda figure: _comparison(figure, c))


def _comparison(figure: Figure, c: Comparison) -> None:
    axes = figure.add_subplot()
    lo, hi = _span(c)
    _curves(axes, c, lo, hi)
    _bands(axes, c, lo, hi)
    _crossings(axes, c, lo, hi)
    _planned(axes, c)
    axes.set_xlabel("volume, tokens per day (input + output)")
    axes.set_ylabel(f"cost, {c.currency} per month")
    axes.set_title(titled(c.title, f"{words.verdict(c)} {words.changes(c)}"), loc="left", fontsize=11)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words.tokens(v)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: _amount(v)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(visible=True, which="major", color="#cccccc", linewidth=0.6)
    axes.legend(loc="upper left", frameon=True, framealpha=0.95, fontsize=9)
    footer(figure, c.as_of, 0 if c.uncertainty is None else c.uncertainty.draws)


def titled(title: str, answer: str) -> str:
    """A title, and the answer below it in lines: matplotlib's own wrapping reads dollars as mathematics."""
    return "\n".join([title, *wrap(answer, TITLE_WIDTH)])


def footer(figure: Figure, as_of: str, draws: int) -> None:
    """The date of the prices in a corner, and what is shaded where anything is drawn."""
    drawn = f"; shaded: P10 – P90 of {draws} draws" if draws else ""
    figure.text(0.995, 0.005, f"prices as of {as_of}{drawn}", ha="right", va="bottom", fontsize=7, color="#666666")


def look(i: int) -> dict[str, Any]:
    """Colour, dash and marker of the i-th option: another dash and marker with each round of colours."""
    again = i // len(COLOURS)
    return {
        "color": COLOURS[i % len(COLOURS)],
        "linestyle": DASHES[(i + again) % len(DASHES)],
        "marker": MARKERS[(i + 3 * again) % len(MARKERS)],
    }


def _span(c: Comparison) -> tuple[float, float]:
    """What is worth looking at: the planned volume and the band edges, with room on both sides."""
    marks = [float(c.volume), *(b.hi for b in c.bands[:-1])]
    return max(c.window[0], min(marks) / 30), min(c.window[1], max(marks) * 30)


def _curves(axes: Axes, c: Comparison, lo: float, hi: float) -> None:
    edges = [e for b in c.bands for e in (b.hi, np.nextafter(b.hi, np.inf))]
    volumes = np.unique(np.concatenate([np.geomspace(lo, hi, POINTS), edges]))
    volumes = volumes[(volumes >= lo) & (volumes <= hi)]
    drawn: list[np.ndarray[Any, Any]] = []
    for i, s in enumerate(c.standings):
        style = look(i)
        costs = c.costs(s, volumes)
        shown = np.where(np.isfinite(costs) & (costs > 0), costs, np.nan)
        drawn.append(shown)
        if c.uncertainty is not None:
            low, high = c.uncertainty.ribbon(s.name, volumes[::RIBBON_EVERY])
            axes.fill_between(
                volumes[::RIBBON_EVERY],
                low,
                high,
                where=np.isfinite(shown[::RIBBON_EVERY]),
                color=style["color"],
                alpha=0.13,
                linewidth=0,
                zorder=1,
            )
        axes.plot(
            volumes,
            shown,
            **style,
            linewidth=2,
            markersize=5,
            label=_name(s),
            markevery=(len(c.standings) * 17, POINTS // 8),
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(lo, hi)
    _limits(axes, drawn)


def _limits(axes: Axes, drawn: list[np.ndarray[Any, Any]]) -> None:
    values = np.concatenate(drawn) if drawn else np.array([])
    values = values[np.isfinite(values)]
    if not len(values):
        axes.set_ylim(1, 10)
        return
    top, bottom = values.max() * 6, max(values.min() / 2, values.max() / 1e6)
    axes.set_ylim(bottom, top)


def _bands(axes: Axes, c: Comparison, lo: float, hi: float) -> None:
    shown = [b for b in c.bands if b.hi > lo and b.lo < hi]
    for i, band in enumerate(shown):
        left, right = max(band.lo, lo), min(band.hi, hi)
        axes.axvspan(left, right, color=TINTS[i % 2], zorder=0, linewidth=0)
        if len(shown) <= LABELLED_BANDS and np.log(right / left) > 0.08 * np.log(hi / lo):
            _band_label(axes, band, left, right)


def _band_label(axes: Axes, band: Band, left: float, right: float) -> None:
    axes.text(
        np.sqrt(left * right),
        0.02,
        f"cheapest:\n{words.band_name(band)}",
        transform=axes.get_xaxis_transform(),
        ha="center",
        va="bottom",
        fontsize=9,
        style="italic",
        color="#333333",
    )


def _crossings(axes: Axes, c: Comparison, lo: float, hi: float) -> None:
    """A circle at every crossover between bands: with its volume where there is room, else with a number and a list."""
    shown = [x for x in c.neighbours if lo < x.volume < hi]
    room = 0.12 * np.log(hi / lo)
    numbered = any(np.log(b.volume / a.volume) < room for a, b in pairwise(shown))
    for i, x in enumerate(shown):
        cost = float(c.costs(c.standing(x.below), np.array([x.volume]))[0])
        size = 5 if numbered else 11
        axes.plot(
            [x.volume], [cost], marker="o", markersize=size, markerfacecolor="white", markeredgecolor="black", zorder=5
        )
        if numbered and i < LABELLED_CROSSINGS:
            away = (-6, 6) if i % 2 == 0 else (6, -13)  # on either side in turn: neighbours do not hide each other
            axes.annotate(
                str(i + 1),
                (x.volume, cost),
                xytext=away,
                textcoords="offset points",
                ha="center",
                fontsize=7.5,
                fontweight="bold",
                zorder=6,
            )
        elif not numbered:
            axes.annotate(
                f"{words.edge(x.volume)}/day",
                (x.volume, cost),
                xytext=(9, -16),
                textcoords="offset points",
                fontsize=9,
                fontweight="bold",
            )
    if numbered:
        lines = [f"{i + 1}  {words.edge(x.volume)}  {x.above}" for i, x in enumerate(shown[:LABELLED_CROSSINGS])]
        rest = len(shown) - len(lines)
        lines += [f"and {rest} more"] if rest else []
        axes.text(
            0.985,
            0.12,
            "\n".join(["tokens/day, cheapest above", *lines]),
            transform=axes.transAxes,
            ha="right",
            va="bottom",
            multialignment="left",
            fontsize=8.5,
            zorder=7,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": "#999999"},
        )


def _planned(axes: Axes, c: Comparison) -> None:
    axes.axvline(float(c.volume), color="black", linewidth=1, linestyle=(0, (1, 2)), zorder=1)
    axes.text(
        float(c.volume),
        0.985,
        f" planned: {words.tokens(c.volume)}/day",
        transform=axes.get_xaxis_transform(),
        va="top",
        ha="left",
        fontsize=9,
    )


def _name(s: Standing) -> str:
    return s.name if s.label == s.name else f"{s.name}: {s.label}"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
