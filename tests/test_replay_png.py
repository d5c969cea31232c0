"""The pictures of a replay: what is marked where."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from replayed import ALL_FAILED, account, judged, run, searched, simulated

from tco.replay.outcome import Outcome, gathered
from tco.replay.results import Capacity, NoCapacity
from tco.replay.session.account import Account
from tco.report import replay_png, replay_png_rate, replay_png_time

NONE_PROVEN = NoCapacity("0.3 requests/s already misses ttft_p95=500ms", False, searched((1,), None))
ONE_SEED = Capacity(8.4, 8.1, 8.9, 4.2, 8.9, (1,), searched((1,)), run())
STALLED = simulated(stall=(30.0, 2.0), failing=0.02)
FEW = gathered([Outcome(0, 0, 100, 200_000, 300_000, 300_100, (), 5, 2, 0, "ok")])
NEVER_SENT = gathered([Outcome(0, 0, None, None, None, None, (), None, None, None, "cancelled")])
CASES = {
    "a search": account(outcomes=simulated()),
    "one seed": account(ONE_SEED),
    "no capacity": account(NONE_PROVEN, outcomes=simulated(rate=12.0)),
    "maximum load": account(objectives=()),
    "all failed": account(ALL_FAILED._replace(window=None), speedup=4.2, outcomes=simulated(failing=1.0)),
    "a stall": account(run(verdict=judged(8.4, False, 1.2, 60)), speedup=4.2, outcomes=STALLED),
    "one request": account(run(window=None), speedup=4.2, outcomes=FEW),
    "never sent": account(run(window=None), speedup=4.2, outcomes=NEVER_SENT),
}


def drawn(paint: Any, a: Account, *more: Any) -> Figure:
    figure = Figure(figsize=(10, 6))
    paint(figure, a, *more)
    return figure


def against(a: Account) -> Figure:
    return drawn(replay_png_rate.against_rate, a, a.found)


def xs(line: Any) -> list[float]:
    return [float(v) for v in line.get_xdata()]


def ys(line: Any) -> list[float]:
    return [float(v) for v in line.get_ydata()]


@pytest.mark.parametrize("a", CASES.values(), ids=CASES.keys())
def test_a_picture_has_its_size_and_the_same_bytes_each_time(a: Account) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, again = replay_png.pictures(a), replay_png.pictures(a)
    assert found
    assert found == again
    for data in found.values():
        assert Image.open(io.BytesIO(data)).size == (1500, 900)


def test_a_search_has_a_picture_of_its_runs_and_one_of_the_time() -> None:
    assert list(replay_png.pictures(CASES["a search"])) == ["", "-timeline"]
    assert list(replay_png.pictures(CASES["a stall"])) == [""]
    assert replay_png.pictures(account(NoCapacity("nothing was sent", True, ()))) == {}


def test_each_run_has_a_mark_whose_shape_says_how_it_went() -> None:
    figure = against(account())
    for axes in figure.axes:  # one panel for each objective
        marks = Counter(line.get_marker() for line in axes.lines if len(xs(line)) == 1)
        assert marks == {"s": 2, "o": 6, "X": 2}  # closed loops; 6.7 and 8.4 with three seeds each; 9.3 and 8.9


def test_objective_capacity_and_interval_are_where_they_belong() -> None:
    first, second = against(account()).axes
    assert [ys(line)[0] for line in first.lines if xs(line) == [0, 1]] == [0.5]
    assert [ys(line)[0] for line in second.lines if xs(line) == [0, 1]] == [0.05]
    assert [xs(line)[0] for line in first.lines if ys(line) == [0, 1]] == [8.4]
    (interval,) = first.patches
    assert interval.get_extents().transformed(first.transData.inverted()).intervalx == pytest.approx((8.1, 8.9))
    texts = [t.get_text() for t in first.texts]
    assert texts == ["objective:\nttft_p95=500ms", "8.4 requests/s\n95 % interval 8.1–8.9"]


def test_no_capacity_has_no_line_and_maximum_load_no_objective() -> None:
    none = against(CASES["no capacity"]).axes[0]
    assert not [line for line in none.lines if ys(line) == [0, 1]]
    (most,) = against(CASES["maximum load"]).axes
    assert not [line for line in most.lines if xs(line) == [0, 1]]


def test_a_percentile_that_is_a_failed_request_stands_at_the_top() -> None:
    probes = tuple(p._replace(summary=ALL_FAILED) for p in searched((1,), None)[2:])
    axes = against(account(NoCapacity("all failed", False, probes))).axes[0]
    tops = [line for line in axes.lines if line.get_marker() == "^"]
    assert len(tops) == len(probes)
    assert tops[0].get_label() == "failed, the percentile is a failed request"


def test_a_timeline_counts_every_arrival_and_failure_and_marks_the_window() -> None:
    a = CASES["a stall"]
    rates, flight, first = drawn(replay_png_time.over_time, a, a.outcomes, a.found).axes
    totals = {}
    for patch in rates.patches:
        if hasattr(patch, "get_data"):
            values, edges, _ = patch.get_data()
            totals[patch.get_label()] = float((values * np.diff(edges)).sum())
    failed = int((~STALLED.ok).sum())
    assert totals["arrivals/s"] == pytest.approx(len(STALLED))
    assert totals["failures/s"] == pytest.approx(failed)
    (line,) = flight.lines
    assert ys(line)[-1] == 0  # all that was sent is over
    dots = {one.get_label(): len(xs(one)) for one in first.lines}
    assert (dots["a request"], dots["failed"]) == (len(STALLED) - failed, failed)
    assert [t.get_text() for t in rates.texts] == ["judged: the steady window"]


def test_most_requests_are_drawn_one_by_one_and_it_is_said_where_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_png_time, "MOST_DOTS", 200)
    a = CASES["a stall"]
    _, _, first = drawn(replay_png_time.over_time, a, a.outcomes, a.found).axes
    dots = {one.get_label(): len(xs(one)) for one in first.lines}
    answered = int(STALLED.ok.sum())
    assert dots["one request in 3"] == -(-answered // 3)


def test_the_rates_are_those_of_the_marks_with_some_room() -> None:
    a = account()
    assert isinstance(a.found, Capacity)
    rates = [p.rate for p in a.found.probes]
    low, high = against(a).axes[0].get_xlim()
    room = replay_png_rate.ROOM * (max(rates) - min(rates))
    assert (low, high) == pytest.approx((min(rates) - room, max(rates) + room))
    one = account(NoCapacity("cut", True, a.found.probes[:1]))
    low, high = against(one).axes[0].get_xlim()
    assert low < rates[0] < high
