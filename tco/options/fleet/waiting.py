"""The load of a fleet hour by hour, as it comes or with what can wait moved within its deadline.

A request that comes in an hour may be served in that hour and those that follow, as many in all as its deadline has
whole hours. A deadline longer than the cycle of the traffic (a day or a week, a month with a spike) gains nothing
beyond it: over a whole cycle as much comes as is served.
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
from tco.workload.levels import Cycle
from tco.workload.model import HOURS_PER_DAY, HOURS_PER_WEEK

SECONDS_PER_HOUR = 3600
MOST_INTERVALS = 2000
"""Intervals of hours that are each held against a fleet whose load is no multiple of the volume."""


class HourLoad(NamedTuple):
    """Hours that carry the same load: busy replicas, None where there are none."""

    hours_per_week: Fraction
    share_of_day: Fraction
    load: Quantity | None


class Profile(NamedTuple):
    """The different hours of a demand, and which of them each hour of its cycles is."""

    hours: tuple[HourLoad, ...]
    cycles: tuple[Cycle, ...]


def as_it_comes(demand: Demand, seconds: Mapping[str, Number]) -> Profile:
    """The load of each level of the traffic."""
    traffic = demand.traffic
    hours = (
        HourLoad(level.hours_per_week, traffic.day_share(level), demand.load(i, seconds))
        for i, level in enumerate(traffic.levels)
    )
    return Profile(tuple(hours), traffic.cycles)


class _Wait(NamedTuple):
    """A class that can wait: the share of its requests that does, and the hours it may be served in."""

    share: Figure
    hours: int


def batchable_inputs(demand: Demand) -> tuple[Figure, ...]:
    """The figures of what can wait, and how long."""
    figures = (f for c in class_figures(demand) for f in (c.batchable, c.deadline))
    return tuple(f for f in figures if f is not None)


def _waiting(demand: Demand, at: At) -> dict[str, _Wait]:
    """The classes that can wait longer than their own hour. `Unusable` where none of the workload can, a deadline is a
    range, or a spike meets a profile by the week; a hybrid may well send those that can wait elsewhere."""
    found: dict[str, _Wait] = {}
    if demand.traffic.spike is not None and len(demand.traffic.cycle) != HOURS_PER_DAY:
        problem = "requests cannot wait beside a spike that falls on any day of a week's profile"
        raise Unusable(at.fault(problem, "batch", expected="a `load` by the hour of the day, or no `batch`"))
    longest = min(len(cycle.hours) for cycle in demand.traffic.cycles)
    for c in demand.traffic.classes.values():
        if c.batchable is None or not c.batchable.value or c.deadline is None:
            continue
        hours = _whole_hours(c, at, longest)
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
    waits = _waiting(demand, at)
    lengths = sorted({w.hours for w in waits.values()})
    seen: dict[tuple[object, ...], int] = {}
    hours: list[HourLoad] = []
    cycles: list[Cycle] = []
    for cycle, per_week in demand.traffic.cycles:
        places: list[int] = []
        for hour in range(len(cycle)):
            reached = {d: Counter(cycle[hour - k] for k in range(d)) for d in lengths}
            key = (cycle[hour], *(frozenset(reached[d].items()) for d in lengths))
            if key not in seen:
                seen[key] = len(hours)
                hours.append(HourLoad(Fraction(0), *_spread_load(demand, seconds, waits, cycle[hour], reached, n)))
            place = seen[key]
            hours[place] = hours[place]._replace(hours_per_week=hours[place].hours_per_week + per_week)
            places.append(place)
        cycles.append(Cycle(tuple(places), per_week))
    return Profile(tuple(hours), tuple(cycles))


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
    week = n(HOURS_PER_WEEK)
    mean = linear(0, *((n(hours) / week, q) for hours, q in loads if q is not None))
    return mean if mean.terms else None


def within_deadlines(demand: Demand, seconds: Mapping[str, Number], at: At, n: Numbers) -> list[Quantity]:
    """Loads that a fleet of constant size must be able to carry for all work to be done within its deadline.

    For every interval of hours: the work that must be done inside it, an hour. What comes in hour h and may be served
    in d hours must be done inside the intervals that hold h ... h + d - 1. To carry the highest of these is also enough
    (earliest deadline first; Liu and Layland 1973, Baruah et al. 1990). Intervals as long as the cycle, or longer, ask
    for no more than shorter ones and the mean do.
    """
    waits = _waiting(demand, at)
    if any(slope(q) is None for flows in demand.flows.values() for q in flows.values()):
        return _interval_loads(demand, seconds, waits, at, n)
    spike = demand.traffic.spike
    if spike is not None:
        from tco.options.fleet.surge import highest_asked

        mean = mean_load(demand, seconds, n)
        if mean is None:
            return []
        months = [_asked(demand, seconds, waits, cycle.hours, n) for cycle in demand.traffic.cycles]
        rise = 0 if spike.factor > 1 else spike.days * HOURS_PER_DAY  # each month begins with the spike
        return [linear(0, (highest_asked(months, slope(mean), rise), VOLUME))]
    now, due = _asked(demand, seconds, waits, demand.traffic.cycle, n)
    length = len(now)
    inside = 0 * now
    highest = (now + sum(due.values())).sum(axis=0) / n(length)
    for hours in range(1, length):
        inside = inside + np.roll(now, 1 - hours, axis=0)
        for d, later in due.items():
            if hours >= d:
                inside = inside + np.roll(later, d - hours, axis=0)
        highest = np.maximum(highest, inside.max(axis=0) / n(hours))
    return [linear(0, (highest, VOLUME))]


def _asked(
    demand: Demand, seconds: Mapping[str, Number], waits: Mapping[str, _Wait], hours: tuple[int, ...], n: Numbers
) -> tuple[Array, dict[int, Array]]:
    """Busy replicas per token a day that come in each hour of a cycle, (hour,) or (hour, draw): those of the hour
    itself, and by the hours they may be served in those that can wait. All loads are multiples of the volume."""
    now: Array | None = None
    due: dict[int, Array] = {}
    for name, flows in demand.flows.items():
        wait, by_hour = waits.get(name), _by_hour(seconds[name] / SECONDS_PER_HOUR, flows, hours)
        own = by_hour if wait is None else by_hour * (n(1) - n(wait.share))
        now = own if now is None else now + own
        if wait is not None:
            later = by_hour * n(wait.share)
            due[wait.hours] = due[wait.hours] + later if wait.hours in due else later
    assert now is not None
    return now, due


def _by_hour(each: Number, flows: Mapping[int, Quantity], hours: tuple[int, ...]) -> Array:
    """So much of the requests of each hour, per token a day: (hour,) or (hour, draw)."""
    known = {i: each * slope(q) for i, q in flows.items()}
    by_hour = [known[i] if i in known else each * Fraction(0) for i in hours]
    if isinstance(each, np.ndarray):
        return np.stack(np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in by_hour)))
    return np.array(by_hour, dtype=object)


def _interval_loads(
    demand: Demand, seconds: Mapping[str, Number], waits: Mapping[str, _Wait], at: At, n: Numbers
) -> list[Quantity]:
    """The load of each different interval of hours, where loads are no multiples of the volume. `Unusable` where there
    are too many, as in a month with a spike."""
    if demand.traffic.spike is not None:
        problem = "too many different intervals of hours to batch in beside a spike"
        raise Unusable(at.fault(problem, "batch", expected="no overflow into this fleet, or no `batch`"))
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
