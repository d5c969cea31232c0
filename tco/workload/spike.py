"""A month with a spike: days one after another that each carry so many times the requests of its other days.

A month of 30 5/12 days is one of 30 days in 7 of 12 and one of 31 in 5. The cycles are such months one after another,
each with one spike, so that all counts are exact. Of a week's profile the spike begins on each weekday equally often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import floor

from tco.numerals import UnitError
from tco.workload.levels import Cycle, Level
from tco.workload.model import DAYS_PER_WEEK, HOURS_PER_DAY


def with_spike(
    usual: Sequence[Level], cycle: Cycle, month: Fraction, factor: Fraction, days: Fraction
) -> tuple[tuple[Level, ...], tuple[Cycle, ...], Fraction | None]:
    """The levels and cycles of a month of so many days with a spike of `factor` on some of them, and how many times the
    usual it carries: 1 + (factor - 1) x days / month. None for the last where it changes nothing.

    A day's shares are of the mean day of that month: those of a usual day divided by that number, in the spike times
    `factor`. Raises UnitError for days that are not whole or that the month does not have, and for a factor that is not
    above 0.
    """
    if days.denominator != 1 or not 1 <= days <= month:
        raise UnitError(days, f"whole days from 1 to {floor(month)}, those of the month", "", "days of a spike")
    if factor <= 0:
        raise UnitError(factor, "a factor above 0", "", "no traffic is left")
    if factor == 1:
        return tuple(usual), (cycle,), None
    part = days / month
    more = 1 + (factor - 1) * part
    names = tuple(usual[0].share_of_day)

    def shares(level: Level, times: Fraction) -> tuple[Fraction, ...]:
        return tuple(level.share_of_day[name] * times / more for name in names)

    hours: dict[tuple[Fraction, ...], Fraction] = {}
    for times, of_all in ((Fraction(1), 1 - part), (factor, part)):
        for level in usual if of_all else ():
            key = shares(level, times)
            hours[key] = hours.get(key, Fraction(0)) + level.hours_per_week * of_all
    order = sorted(hours, reverse=True)
    place = {key: i for i, key in enumerate(order)}
    levels = tuple(Level(hours[key], dict(zip(names, key, strict=True))) for key in order)
    risen = tuple(place[shares(usual[i], factor)] for i in cycle.hours)
    as_ever = tuple(place[shares(usual[i], Fraction(1))] for i in cycle.hours) if part < 1 else risen
    whole = floor(month)
    cycles: list[Cycle] = []
    for length, of_months in ((whole, whole + 1 - month), (whole + 1, month - whole)):
        if of_months:
            cycles += _months(risen, as_ever, int(days), length, of_months * DAYS_PER_WEEK / month)
    return levels, tuple(cycles), more


def _months(
    risen: tuple[int, ...], as_ever: tuple[int, ...], days: int, length: int, per_week: Fraction
) -> Iterator[Cycle]:
    """Months of so many days, of which so many come a week, that begin with the spike: on each weekday equally often.

    Months of a whole number of weeks all begin on one weekday, so each weekday has a cycle of its own; others begin on
    each of the seven in turn.
    """
    kinds = len(as_ever) // HOURS_PER_DAY  # 1 of a daily profile, else 7
    alone = length % kinds == 0

    def day(hours: tuple[int, ...], weekday: int) -> tuple[int, ...]:
        start = weekday % kinds * HOURS_PER_DAY
        return hours[start : start + HOURS_PER_DAY]

    for first in range(kinds) if alone else (0,):
        found: list[int] = []
        for d in range(length if alone else length * kinds):
            found += day(risen if d % length < days else as_ever, first + d)
        yield Cycle(tuple(found), per_week / kinds)


def by_window(windows: Fraction, month: Fraction, factor: Fraction, days: int) -> list[tuple[Fraction, Fraction]]:
    """Windows that come so often a month, each with what came since the one before: by kind, the share of the windows
    and how many times a usual one's work is in one. The spike's days lie side by side in as few as hold them."""
    apart = month / windows
    full = Fraction(floor(days / apart))
    rest = days - full * apart
    kinds = [(full, factor)]
    if rest:  # a window that holds days of both kinds: a whole one, or what is left of the month
        one = min(Fraction(1), windows - full)
        kinds.append((one, 1 + (factor - 1) * rest / (one * apart)))
    kinds.append((windows - sum((count for count, _ in kinds), Fraction(0)), Fraction(1)))
    return [(count / windows, times) for count, times in kinds if count]
