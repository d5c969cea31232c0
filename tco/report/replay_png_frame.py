"""What the pictures of a replay have in common: how they are laid out, their axes of times, objectives, legends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter, NullFormatter

from tco.replay.objective import Objective
from tco.replay.session.account import Account
from tco.report import replay_words as words
from tco.report.png import COLOURS, titled
from tco.report.replay_numbers import seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, RED, GREEN, GREY = COLOURS[0], COLOURS[1], COLOURS[2], "#666666"
BACKDROP = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1}
"""Behind text that may lie on a line."""
FOOT = 0.025
"""The share of the height that is left to the footer."""


def lay_out(figure: Figure, a: Account) -> None:
    """Room for a footer, and the footer."""
    figure.set_layout_engine("constrained", rect=(0, FOOT, 1, 1 - FOOT))
    figure.text(0.995, 0.005, words.subtitle(a), ha="right", va="bottom", fontsize=7, color=GREY)


def head(axes: Axes, title: str, a: Account) -> None:
    """The title with the answer below it."""
    axes.set_title(titled(title, words.verdict(a)), loc="left", fontsize=11)


def limit(axes: Axes, objective: Objective, outside: bool = False) -> None:
    """The line that an objective draws, named at its left end; or outside of the axes, where it covers no mark."""
    at = float(objective.limit)
    axes.axhline(at, color="black", linewidth=1.2, linestyle=(0, (6, 2)), zorder=3)
    axes.annotate(
        f"objective:\n{objective}" if outside else f"objective: {objective}",
        (1, at) if outside else (0, at),
        xycoords=axes.get_yaxis_transform(),
        xytext=(6, 0) if outside else (6, 4),
        textcoords="offset points",
        va="center" if outside else "baseline",
        fontsize=9,
        bbox=BACKDROP,
        zorder=5,
    )


def times(axes: Axes) -> None:
    """A logarithmic axis of times, in the units that they are read in."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: seconds(v)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    low, high = axes.get_ylim()
    axes.set_yticks([t for t in _ticks(low, high) if low <= t <= high])
    axes.grid(visible=True, which="major", color="#cccccc", linewidth=0.6)


def _ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 …; over many decades their beginnings alone."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if len(decades) <= 3 else (1, 3) if len(decades) <= 4 else (1,)
    return [step * 10.0**decade for decade in decades for step in steps]


def legend(figure: Figure, panels: Sequence[Axes], first: Sequence[str] = ()) -> None:
    """Each label once, below everything: those of `first` in their order, then others as they came."""
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if found:
        order = list(first)
        names = sorted(found, key=lambda name: order.index(name) if name in order else len(order))
        figure.legend(
            [found[name] for name in names], names, loc="outside lower left", ncols=5, frameon=False, fontsize=9
        )
