"""A run over its time: what arrived, what was in flight, what failed, how long each first token took.

Failures are hatched, and crosses: no colour is needed to tell them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tco.replay.measure.latencies import by_request
from tco.replay.results import Capacity, Summary, Window
from tco.replay.session.account import Account
from tco.report import replay_words as words
from tco.report.png import TINTS
from tco.report.replay_png_frame import BACKDROP, BLUE, GREEN, RED, head, lay_out, legend, limit, times

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from tco.replay.outcome import Outcomes

    Floats = NDArray[np.float64]

BINS = 150
"""The most bars of a timeline."""
FINEST = 0.25
"""Seconds that a bar spans at the least."""
MOST_DOTS = 20_000
"""Requests drawn one by one; of more, evenly chosen ones, and it is said."""
HEADROOM = 1.2
"""How far the axis goes on above the highest rate: what is judged is written there."""


def over_time(figure: Figure, a: Account, o: Outcomes, s: Summary) -> None:
    """Arrivals and failures a second, requests in flight, and every time to first token, the window left white."""
    lay_out(figure, a)
    rates, flight, first = figure.subplots(3, 1, sharex=True, height_ratios=(1, 1, 1.3))
    end = max(float(np.nanmax(np.concatenate([o.scheduled, o.end]))), FINEST)
    _rates(rates, o, end)
    _in_flight(flight, o)
    _first_tokens(first, a, o)
    for axes in (rates, flight, first):
        _window(axes, s.window, named=axes is rates)
        axes.set_xlim(0, end)
        axes.grid(visible=True, which="major", color="#cccccc", linewidth=0.6)
    first.set_xlabel("seconds since the run began")
    head(rates, _run_title(a), a)
    legend(figure, (rates, flight, first))


def _run_title(a: Account) -> str:
    if isinstance(a.found, Capacity):
        return "The run at the capacity"
    return words.title(a) if isinstance(a.found, Summary) else "The last run of the search"


def _rates(axes: Axes, o: Outcomes, end: float) -> None:
    """Arrivals a second, and failures where there are any."""
    bars = int(min(BINS, max(end / FINEST, 1)))
    edges = np.linspace(0, end, bars + 1)
    axes.stairs(_per_second(o.scheduled, edges), edges, color=BLUE, linewidth=1.3, label="arrivals/s")
    failed = ~o.ok
    if failed.any():
        at = np.where(np.isnan(o.end), o.scheduled, o.end)[failed]
        axes.stairs(
            _per_second(at, edges), edges, color=RED, fill=True, alpha=0.45, hatch="////", label="failures/s", zorder=3
        )
    axes.set_ylim(0, axes.get_ylim()[1] * HEADROOM)
    axes.set_ylabel("requests/s")


def _per_second(times: Floats, edges: Floats) -> Floats:
    counts, _ = np.histogram(times[np.isfinite(times)], edges)
    found: Floats = counts / np.diff(edges)
    return found


def _in_flight(axes: Axes, o: Outcomes) -> None:
    """Requests sent and not yet over."""
    over = np.isfinite(o.sent) & np.isfinite(o.end)
    times = np.concatenate([o.sent[over], o.end[over]])
    steps = np.concatenate([np.ones(over.sum()), -np.ones(over.sum())])
    order = np.argsort(times, kind="stable")
    axes.plot(
        np.concatenate([[0.0], times[order]]),
        np.concatenate([[0.0], np.cumsum(steps[order])]),
        drawstyle="steps-post",
        color=GREEN,
        linewidth=1.3,
    )
    axes.set_ylim(bottom=0)
    axes.set_ylabel("in flight")


def _first_tokens(axes: Axes, a: Account, o: Outcomes) -> None:
    """Time to first token of every request, by when it was due; failed ones along the top."""
    waited = by_request(o)["ttft"]
    shown = np.flatnonzero(waited > 0)
    every = max(1, -(-len(shown) // MOST_DOTS))
    dots = shown[::every]
    limits = [x for x in a.objectives if x.metric == "ttft"]
    marks = [*waited[shown].tolist(), *(float(x.limit) for x in limits)] or [0.1, 1.0]
    axes.set_yscale("log")
    axes.set_ylim(min(marks) / 1.5, max(marks) * 2.2)
    label = "a request" if every == 1 else f"one request in {every}"
    if len(dots):
        axes.plot(
            o.scheduled[dots],
            waited[dots],
            linestyle="none",
            marker=".",
            markersize=4,
            color=BLUE,
            alpha=0.7,
            label=label,
        )
    failed = np.flatnonzero(~o.ok)
    if len(failed):
        height = np.full(len(failed), 0.95)
        axes.plot(
            o.scheduled[failed],
            height,
            transform=axes.get_xaxis_transform(),
            linestyle="none",
            marker="x",
            markersize=5,
            color=RED,
            label="failed",
        )
    for objective in limits:
        limit(axes, objective)
    axes.set_ylabel("time to first token")
    times(axes)


def _window(axes: Axes, w: Window | None, named: bool) -> None:
    """What is judged stays white; what is before and after is shaded."""
    left, right = (0.0, 0.0) if w is None else (w.start, w.end)
    low, high = axes.get_xlim()
    if w is not None:
        axes.axvspan(low, left, color=TINTS[1], linewidth=0, zorder=0)
        axes.axvspan(right, max(high, right) * 2, color=TINTS[1], linewidth=0, zorder=0)
    if named:
        said = "no steady window" if w is None else "judged: the steady window"
        axes.annotate(
            said,
            ((left + right) / 2 if w is not None else 0.5, 0.97),
            xycoords=axes.get_xaxis_transform() if w is not None else "axes fraction",
            ha="center",
            va="top",
            fontsize=9,
            style="italic",
            color="#333333",
            bbox=BACKDROP,
        )
