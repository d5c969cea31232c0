"""The hours of a month in which so many replicas run, and how often more are started than ran the hour before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from tco.quantity import VOLUME, Highest, Linear, Number, Quantity, linear


class Stint(NamedTuple):
    """Hours a month in which so many replicas run, in each zone."""

    hours: Number
    replicas: Quantity
    load: Quantity | None
    """Busy replicas; None: without load."""


class Month(NamedTuple):
    """The stints of a month, and those of each hour of its cycles (a day or a week; months with a spike) in order."""

    stints: tuple[Stint, ...]
    cycles: tuple[tuple[tuple[int, ...], Number], ...] = ()
    """Each with how often a month it runs."""

    def turned(self, of: Callable[[Quantity], Quantity]) -> list[Quantity]:
        """The replicas of each stint turned into something that never falls when they rise, such as lots."""
        return [of(stint.replicas) for stint in self.stints]

    def hours(self, running: Sequence[Quantity]) -> Linear:
        """Hours a month of what runs in each stint."""
        return linear(0, *((stint.hours, q) for stint, q in zip(self.stints, running, strict=True)))

    def started(self, running: Sequence[Quantity]) -> Linear:
        """How many are started a month: the sum over the hours of each cycle of what runs beyond the hour before.

        (a - b)+ = max(a, b) - b, and where it is known which of two hours has the higher load, that one's: only local
        peaks less local troughs remain. The first hour of a cycle follows its last.
        """
        either: dict[tuple[int, int], Quantity] = {}
        terms: list[tuple[Number, Quantity]] = []
        for hours, per_month in self.cycles:
            counts: dict[int, tuple[int, Quantity]] = {}

            def count(times: int, q: Quantity, counts: dict[int, tuple[int, Quantity]] = counts) -> None:
                counts[id(q)] = (counts[id(q)][0] + times if id(q) in counts else times, q)

            turns = Counter(zip((*hours[-1:], *hours), hours, strict=False))  # a month of hours has few that differ
            for (before, now), often in turns.items():
                rises = before != now and _rises(self.stints[before], self.stints[now])
                if rises is False:
                    continue
                higher = running[now]
                if rises is None:
                    pair = (min(before, now), max(before, now))
                    higher = either.setdefault(pair, Highest((running[pair[0]], running[pair[1]])))
                count(often, higher)
                count(-often, running[before])
            terms += [(per_month * times, q) for times, q in counts.values() if times]
        return linear(0, *terms)


def _rises(before: Stint, now: Stint) -> bool | None:
    """Whether there is at least as much load as before, at every volume and in every draw; None where that differs."""
    if before.load is None or now.load is None:
        return now.load is not None
    then, here = slope(before.load), slope(now.load)
    if then is None or here is None:
        return None
    if np.all(np.asarray(here >= then)):
        return True
    return False if np.all(np.asarray(here <= then)) else None


def slope(q: Quantity) -> Number | None:
    """The factor of a quantity that is a multiple of the volume; None for any other."""
    if isinstance(q, Linear) and len(q.terms) == 1 and q.terms[0][1] is VOLUME and not np.any(np.asarray(q.const)):
        return q.terms[0][0]
    return None
