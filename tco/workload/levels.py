"""Hours of equal load: the levels of a traffic, and the cycles in which they follow one another."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from tco.workload.model import HOURS_PER_WEEK


class Level(NamedTuple):
    """Hours that carry the same load: how many a week, and by class the share of a mean day's requests in one."""

    hours_per_week: Fraction
    share_of_day: Mapping[str, Fraction]


class Cycle(NamedTuple):
    """Whole days of hours one after another, the last followed by the first: the load level of each."""

    hours: tuple[int, ...]
    per_week: Fraction
    """How often a week these hours pass."""


def by_load(profiles: Mapping[str, tuple[Fraction, ...]]) -> tuple[tuple[Level, ...], Cycle]:
    """Equal hours merged, heaviest first: 168 hours of a usual profile make far fewer levels. And each hour's level."""
    length = max(len(p) for p in profiles.values())
    hours = [tuple(p[h % len(p)] for p in profiles.values()) for h in range(length)]
    per_week = Fraction(HOURS_PER_WEEK, length)
    counts: dict[tuple[Fraction, ...], Fraction] = {}
    for shares in hours:
        counts[shares] = counts.get(shares, Fraction(0)) + per_week
    order = sorted(counts, reverse=True)
    levels = tuple(Level(counts[shares], dict(zip(profiles, shares, strict=True))) for shares in order)
    place = {shares: i for i, shares in enumerate(order)}
    return levels, Cycle(tuple(place[shares] for shares in hours), per_week)
