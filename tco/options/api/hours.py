"""Prices by the hour of the day, and the requests that fall into some hours of a day or of a month."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from tco.lineitem import Figure, Numbers
from tco.options.base import At
from tco.quantity import Linear, Number, Quantity, linear
from tco.workload.demand import Demand
from tco.workload.model import DAYS_PER_WEEK, HOURS_PER_DAY

HourParts = tuple[Fraction, ...]
"""The part of each hour of the day that is meant: 24 shares."""

WHOLE_DAY: HourParts = (Fraction(1),) * HOURS_PER_DAY


class Slot(NamedTuple):
    """Hours in which one price holds."""

    name: str
    """Of a window; "" for the hours of none."""
    hours: HourParts
    change: Figure | None
    sign: int

    def rate(self, rate: Number, n: Numbers) -> Number:
        """A price in these hours."""
        return rate if self.change is None else rate * (1 + self.sign * n(self.change))


def slots(at: At) -> Iterator[Slot]:
    """The hours of no window, then those of each."""
    windows = at.spec.time_of_day
    left = tuple(1 - sum((w.hours[h] for w in windows.values()), Fraction(0)) for h in range(HOURS_PER_DAY))
    if any(left):
        yield Slot("", left, None, 0)
    for name, window in windows.items():
        key = "discount" if window.discount is not None else "surcharge"
        unit = "off the price" if key == "discount" else "on top of the price"
        home = at.home("time_of_day", name, key)
        figure = Figure(f"{name}: {key}", getattr(window, key), unit, home)
        yield Slot(name, window.hours, figure, -1 if key == "discount" else 1)


class Span(NamedTuple):
    """A time that a quota holds for: the month, or a day of one kind, of which a month has so many."""

    times: Number
    parts: tuple[tuple[tuple[int, ...], Number], ...]
    """The load level of each of its hours, and how often these hours come in it: the days of a month, or its weeks."""

    def requests(self, demand: Demand, name: str, hours: HourParts, n: Numbers) -> Linear:
        """Requests of a class within one such time, in these hours of the day."""
        flows = demand.flows[name].items()
        terms: list[tuple[Number, Quantity]] = []
        for levels, repeats in self.parts:
            weights: dict[int, Fraction] = {}
            for i, level in enumerate(levels):
                weights[level] = weights.get(level, Fraction(0)) + hours[i % HOURS_PER_DAY]
            terms += [(repeats * n(weights[i]), q) for i, q in flows if weights.get(i)]
        return linear(0, *terms)


def weekdays_apart(demand: Demand, per: str, name: str) -> tuple[Figure, ...]:
    """The load profile of a class where it moves what lies beyond a quota: a day's, and days of the week differ."""
    traffic = demand.traffic
    if per != "day":
        return ()
    shares = [traffic.levels[level].share_of_day[name] for level in traffic.cycle]
    alike = shares == shares[:HOURS_PER_DAY] * (len(shares) // HOURS_PER_DAY)
    return () if alike else (traffic.classes[name].load,)


def spans(demand: Demand, per: str, n: Numbers) -> tuple[Span, ...]:
    """The month, or the kinds of days in it (per "day"): days of the week, or of a spike, whose hours carry other
    loads."""
    traffic = demand.traffic
    days = n(traffic.days_per_month)
    if per == "day":
        a_week = traffic.days().items()
        return tuple(Span(days * n(count) / n(DAYS_PER_WEEK), ((day, n(1)),)) for day, count in a_week)
    if traffic.spike is None:
        return (Span(n(1), ((traffic.cycle, days * HOURS_PER_DAY / n(len(traffic.cycle))),)),)
    return (Span(n(1), tuple((day, days * n(count) / n(DAYS_PER_WEEK)) for day, count in traffic.days().items())),)
