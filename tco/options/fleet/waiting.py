"""The load of a fleet hour by hour, as it comes or with what can wait moved within its deadline.

A request that comes in an hour may be served in that hour and those that follow, as many in all as its deadline has
whole hours. A deadline longer than the cycle of the traffic (a day or a week) gains nothing beyond it: over a whole
cycle as much comes as is served.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tco.lineitem import Figure, Numbers
from tco.options.base import At, Unusable, class_figures
from tco.options.fleet.stints import slope
from tco.quantity import VOLUME, Array, Number, Quantity, linear
from tco.ranges import Range
from tco.workload.demand import Class, Demand
from tco.workload.model import DAYS_PER_WEEK, HOURS_PER_DAY

SECONDS_PER_HOUR = 3600
MOST_INTERVALS = 2000
"""Intervals of hours that are each held against a fleet whose load is no multiple of the volume."""


class HourLoad(NamedTuple):
    """Hours that carry the same load: busy replicas, None where there are none."""

    hours_per_week: int
    share_of_day: Fraction
    load: Quantity | None


class Profile(NamedTuple):
    """The different hours of a demand, and which of them each hour of the cycle is."""

    hours: tuple[HourLoad, ...]
    cycle: tuple[int, ...]


def as_it_comes(demand: Demand, seconds: Mapping[str, Number]) -> Profile:
    """The load of each level of the traffic."""
    traffic = demand.traffic
    hours = (
        HourLoad(level.hours_per_week, traffic.day_share(level), demand.load(i, seconds))
        for i, level in enumerate(traffic.levels)
    )
    return Profile(tuple(hours), traffic.cycle)


class _Wait(NamedTuple):
    """A class that can wait: the share of its requests that does, and the hours it may be served in."""

    share: Figure
    hours: int


def batchable_inputs(demand: Demand) -> tuple[Figure, ...]:
    """The figures of what can wait, and how long."""
    figures = (f for c in class_figures(demand) for f in (c.batchable, c.deadline))
    return tuple(f for f in figures if f is not None)


def _waiting(demand: Demand, at: At) -> dict[str, _Wait]:
    """The classes that can wait longer than their own hour. `Unusable` where none of the workload can, or a deadline is
    a range; a hybrid may well send those that can wait elsewhere."""
    found: dict[str, _Wait] = {}
    for c in demand.traffic.classes.values():
        if c.batchable is None or not c.batchable.value or c.deadline is None:
            continue
        hours = _whole_hours(c, at, len(demand.traffic.cycle))
        if hours > 1:
            found[c.name] = _Wait(c.batchable, hours)
    if not found:
        raise Unusable(
            at.fault(
                "`batch` without requests that can wait",
                "batch",
                expected="a class with a `batchable_share` and a `deadline` of two hours or more",
            )
        )
    return {name: wait for name, wait in found.items() if name in demand.flows}


def _whole_hours(c: Class, at: At, most: int) -> int:
    assert c.deadline is not None
    if isinstance(c.deadline.value, Range):
        expected = f"one `deadline` of {c.name}, not a range: which hours it reaches is not drawn"
        raise Unusable(at.fault("requests are batched within a certain deadline", "batch", expected=expected))
    return min(most, max(1, int(c.deadline.value // SECONDS_PER_HOUR)))


def spread(demand: Demand, seconds: Mapping[str, Number], at: At, n: Numbers) -> Profile:
    """What can wait, spread evenly over the hours it may be served in."""
    traffic, waits = demand.traffic, _waiting(demand, at)
    cycle = traffic.cycle
    lengths = sorted({w.hours for w in waits.values()})
    seen: dict[tuple[object, ...], int] = {}
    hours: list[HourLoad] = []
    places: list[int] = []
    for hour in range(len(cycle)):
        reached = {d: Counter(cycle[hour - k] for k in range(d)) for d in lengths}
        key = (cycle[hour], *(frozenset(reached[d].items()) for d in lengths))
        if key not in seen:
            seen[key] = len(hours)
            hours.append(HourLoad(0, *_spread_load(demand, seconds, waits, cycle[hour], reached, n)))
        place = seen[key]
        each = HOURS_PER_DAY * DAYS_PER_WEEK // len(cycle)
        hours[place] = hours[place]._replace(hours_per_week=hours[place].hours_per_week + each)
        places.append(place)
    return Profile(tuple(hours), tuple(places))


def _spread_load(
    demand: Demand,
    seconds: Mapping[str, Number],
    waits: Mapping[str, _Wait],
    level: int,
    reached: Mapping[int, Counter[int]],
    n: Numbers,
) -> tuple[Fraction, Quantity | None]:
    """The share of a day's requests that is served in an hour, and its load."""
    terms: list[tuple[Number, Quantity]] = []
    share = Fraction(0)
    levels = demand.traffic.levels
    for c in class_figures(demand):
        busy, flows, part = seconds[c.name] / SECONDS_PER_HOUR, demand.flows[c.name], Fraction(c.share.figure.value)
        wait = waits.get(c.name)
        later = Fraction(0) if wait is None else Fraction(wait.share.value)
        own = n(1) if wait is None else n(1) - n(wait.share)
        if level in flows:
            terms.append((busy * own, flows[level]))
        share += part * (1 - later) * levels[level].share_of_day[c.name]
        if wait is not None:
            for i, times in reached[wait.hours].items():
                if i in flows:
                    terms.append((busy * n(wait.share) * times / wait.hours, flows[i]))
                share += part * later * times / wait.hours * levels[i].share_of_day[c.name]
    load = linear(0, *terms)
    return share, load if load.terms else None


def mean_load(demand: Demand, seconds: Mapping[str, Number], n: Numbers) -> Quantity | None:
    """The load of the mean hour."""
    loads = ((level.hours_per_week, demand.load(i, seconds)) for i, level in enumerate(demand.traffic.levels))
    week = n(HOURS_PER_DAY * DAYS_PER_WEEK)
    mean = linear(0, *((hours / week, q) for hours, q in loads if q is not None))
    return mean if mean.terms else None


def within_deadlines(demand: Demand, seconds: Mapping[str, Number], at: At, n: Numbers) -> list[Quantity]:
    """Loads that a fleet of constant size must be able to carry for all work to be done within its deadline.

    For every interval of hours: the work that must be done inside it, an hour. What comes in hour h and may be served
    in d hours must be done inside the intervals that hold h ... h + d - 1. To carry the highest of these is also enough
    (earliest deadline first; Liu and Layland 1973, Baruah et al. 1990). Intervals as long as the cycle, or longer, ask
    for no more than shorter ones and the mean do.
    """
    waits = _waiting(demand, at)
    slopes = _slopes(demand, seconds)
    if slopes is None:
        return _interval_loads(demand, seconds, waits, at, n)
    length = len(demand.traffic.cycle)
    now: Array | None = None
    due: dict[int, Array] = {}
    for name, by_hour in slopes.items():
        wait = waits.get(name)
        own = by_hour if wait is None else by_hour * (n(1) - n(wait.share))
        now = own if now is None else now + own
        if wait is not None:
            later = by_hour * n(wait.share)
            due[wait.hours] = due[wait.hours] + later if wait.hours in due else later
    assert now is not None
    inside = 0 * now
    highest = (now + sum(due.values())).sum(axis=0) / n(length)
    for hours in range(1, length):
        inside = inside + np.roll(now, 1 - hours, axis=0)
        for d, later in due.items():
            if hours >= d:
                inside = inside + np.roll(later, d - hours, axis=0)
        highest = np.maximum(highest, inside.max(axis=0) / n(hours))
    return [linear(0, (highest, VOLUME))]


def _slopes(demand: Demand, seconds: Mapping[str, Number]) -> dict[str, Array] | None:
    """Busy replicas per token a day of each class in each hour of the cycle, (hour,) or (hour, draw); None where a load
    is no multiple of the volume."""
    found: dict[str, Array] = {}
    for name, flows in demand.flows.items():
        known = {i: slope(q) for i, q in flows.items()}
        if any(s is None for s in known.values()):
            return None
        by_hour = [seconds[name] / SECONDS_PER_HOUR * known.get(i, Fraction(0)) for i in demand.traffic.cycle]
        if isinstance(seconds[name], np.ndarray):
            found[name] = np.stack(np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in by_hour)))
        else:
            found[name] = np.array(by_hour, dtype=object)
    return found


def _interval_loads(
    demand: Demand, seconds: Mapping[str, Number], waits: Mapping[str, _Wait], at: At, n: Numbers
) -> list[Quantity]:
    """The load of each different interval of hours, where loads are no multiples of the volume."""
    loads: dict[tuple[object, ...], Quantity] = {}
    for key, hours, counts in _intervals(demand.traffic.cycle, waits):
        if key in loads:
            continue
        terms: list[tuple[Number, Quantity]] = []
        for name, flows in demand.flows.items():
            wait, busy = waits.get(name), seconds[name] / SECONDS_PER_HOUR / hours
            own = n(1) if wait is None else n(1) - n(wait.share)
            terms += [(busy * own * times, flows[i]) for i, times in counts[1].items() if i in flows]
            if wait is not None:
                due = counts.get(wait.hours, Counter())
                terms += [(busy * n(wait.share) * times, flows[i]) for i, times in due.items() if i in flows]
        load = linear(0, *terms)
        if load.terms:
            loads[key] = load
        if len(loads) > MOST_INTERVALS:
            expected = "traffic by the hour of the day, or no overflow into this fleet"
            raise Unusable(at.fault("too many different intervals of hours to batch in", "batch", expected=expected))
    return list(loads.values())


def _intervals(
    cycle: tuple[int, ...], waits: Mapping[str, _Wait]
) -> Iterator[tuple[tuple[object, ...], int, dict[int, Counter[int]]]]:
    """Intervals of hours: their length, and by hours to be served in, how often each level comes that is due inside."""
    lengths = sorted({1, *(w.hours for w in waits.values())})
    for hours in range(1, len(cycle) + 1):
        for first in range(len(cycle)) if hours < len(cycle) else (0,):
            come = {d: hours if hours == len(cycle) else hours - d + 1 for d in lengths if d <= hours}
            counts = {d: Counter(cycle[(first + k) % len(cycle)] for k in range(times)) for d, times in come.items()}
            yield (hours, *((d, frozenset(c.items())) for d, c in counts.items())), hours, counts
