"""Latency against rate: every run of a search, the objectives, and the capacity that was found with its interval.

Legible in greyscale and for colour-blind readers: passed, failed and inconclusive differ by their shapes.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from tco.replay.objective import METRICS, Objective, parse_objectives
from tco.replay.results import QUANTILES, Capacity, NoCapacity, Probe
from tco.replay.session.account import Account
from tco.report import replay_words as words
from tco.report.replay_numbers import DOWN, significant
from tco.report.replay_png_frame import BACKDROP, BLUE, GREEN, GREY, RED, head, lay_out, legend, limit, times

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 3
ROOM = 0.12
"""Beside the first and the last mark: a share of what lies between them."""
LEAST_SPREAD = 0.2
"""Of the highest rate: marks that lie closer are not drawn farther apart."""
SHOWN = parse_objectives("ttft_p95=1s")[0]
"""What is drawn of a search at maximum load; its limit is not."""


class Look(NamedTuple):
    """A kind of mark."""

    label: str
    marker: str
    face: str
    edge: str


LOOKS = {
    True: Look("passed", "o", BLUE, "white"),
    False: Look("failed", "X", RED, "white"),
    None: Look("inconclusive", "D", "white", GREY),
}
CLOSED = Look("closed loop", "s", "#bbbbbb", GREY)


def against_rate(figure: Figure, a: Account, found: Capacity | NoCapacity) -> None:
    """A panel for each objective, a mark for each run; the capacity as a line in its interval."""
    lay_out(figure, a)
    objectives = a.objectives[:MOST_PANELS] or (SHOWN,)
    panels: list[Axes] = list(figure.subplots(len(objectives), 1, sharex=True, squeeze=False)[:, 0])
    for axes, objective in zip(panels, objectives, strict=True):
        _panel(axes, objective, found, limited=bool(a.objectives))
    panels[0].set_xlim(*_region(found))
    if isinstance(found, Capacity):
        for axes in panels:
            _capacity(axes, found, named=axes is panels[0])
    panels[-1].set_xlabel("requests per second, of one replica")
    head(panels[0], words.title(a), a)
    legend(figure, panels, [look.label for look in (*LOOKS.values(), CLOSED)])


def _region(found: Capacity | NoCapacity) -> tuple[float, float]:
    """The rates that are drawn: those of the marks and of the interval, with some room."""
    rates = [p.rate for p in found.probes]
    if isinstance(found, Capacity):
        rates += [found.low, found.rate, found.high]
    low, high = min(rates), max(rates)
    spread = max(high - low, LEAST_SPREAD * high) or 1.0
    return max(0.0, (low + high - spread) / 2 - ROOM * spread), (low + high + spread) / 2 + ROOM * spread


def _panel(axes: Axes, objective: Objective, found: Capacity | NoCapacity, limited: bool) -> None:
    """The percentile of one objective in every run, and its limit."""
    values = [(p, _value(p, objective)) for p in found.probes]
    finite = [v for _, v in values if v is not None and isfinite(v) and v > 0]
    marks = [*finite, *([float(objective.limit)] if limited else [])] or [1.0]
    low, high = min(marks) / 1.6, max(marks) * 2
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    for p, value in values:
        if value is None or value <= 0:  # nothing to draw on a logarithmic axis
            continue
        look = CLOSED if p.concurrency is not None else LOOKS[p.summary.verdict.passed]
        endless = not isfinite(value)
        axes.plot(
            [p.rate],
            [high / 1.15 if endless else value],
            linestyle="none",
            marker="^" if endless else look.marker,
            markersize=9 if look.marker == "X" else 7,
            markerfacecolor=look.face,
            markeredgecolor=look.edge,
            label=f"{look.label}, the percentile is a failed request" if endless else look.label,
            clip_on=False,
            zorder=4,
        )
    if limited:
        limit(axes, objective, outside=True)
    axes.set_ylabel(f"{METRICS[objective.metric]},\np{float(objective.share * 100):g}")
    times(axes)


def _value(p: Probe, objective: Objective) -> float | None:
    """The percentile that was judged; where nothing was, that of all requests."""
    for m in p.summary.verdict.objectives:
        if m.objective.name == objective.name:
            return m.value
    latency = p.summary.latencies.get(objective.metric)
    share = float(objective.share)
    return latency.quantiles[QUANTILES.index(share)] if latency is not None and share in QUANTILES else None


def _capacity(axes: Axes, c: Capacity, named: bool) -> None:
    axes.axvspan(c.low, c.high, color=GREEN, alpha=0.18, linewidth=0, zorder=1)
    axes.axvline(c.rate, color=GREEN, linewidth=2, zorder=2)
    if named:
        first, last = axes.get_xlim()
        left = c.high > first + (last - first) * 0.7
        axes.annotate(
            f"{significant(c.rate, DOWN)} requests/s\n{words.interval_words(c)}",
            (c.low if left else c.high, 0.97),
            xycoords=axes.get_xaxis_transform(),
            xytext=(-6 if left else 6, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="top",
            fontsize=10,
            fontweight="bold",
            zorder=6,
            bbox=BACKDROP,
        )
