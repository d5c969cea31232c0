"""The months of a plan: the volume of each, what prices and pay have become by then, and which prices hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from tco.analysis.case import Case
from tco.calendar import MONTHS_PER_YEAR, NAMES, Month
from tco.document import Faults
from tco.lineitem import Figure, Numbers, Trend
from tco.options.base import Steps, home_of
from tco.quantity import Array, Number
from tco.trends import OverTime, grown, rows

if TYPE_CHECKING:
    from tco.scenario.projection import Pace, Projection, Spike


class Era(NamedTuple):
    """Months in which the same prices and the same shape of the traffic hold: a case of their own."""

    case: Case
    months: tuple[int, ...]
    """Their places, from 0."""


class Timeline:
    """The months of a case's projection."""

    def __init__(self, case: Case) -> None:
        from tco.scenario.projection import Projection

        self.case = case
        self.spec: Projection = case.scenario.projection or Projection.model_validate({})
        start = self.spec.start or Month.of(case.store.as_of).later(1)
        self.months = tuple(start.later(i) for i in range(self.spec.months))
        self._check()

    @property
    def start(self) -> Month:
        """The first month."""
        return self.months[0]

    def month_of(self, month: Month) -> int:
        """The place of a month, from 0; negative or beyond the last one outside."""
        return month.since(self.start)

    # -- what is stated and has no part in the plan -------------------------------------------------------------------

    def _check(self) -> None:
        document, last = self.case.document, self.months[-1]
        faults = []
        for i, spike in enumerate(self.spec.spikes):
            if not self.start <= spike.month <= last:
                where: Steps = ("projection", "spikes", i, "month")
                expected = f"a month from {self.start} to {last}"
                faults.append(document.fault(where, f"{spike.month} is not planned", expected=expected))
        for key in ("volumes", "growth"):
            for month in getattr(self.spec, key):
                if month is not None and month > last:
                    message, expected = f"{month} comes after the plan", f"a month up to {last}"
                    where = ("projection", key, str(month))
                    faults.append(document.fault(where, message, expected=expected, key=True))
        for i, spike in enumerate(self.spec.spikes):
            if spike.days > self.case.traffic.days_per_month.value:
                where = ("projection", "spikes", i, "days")
                faults.append(document.fault(where, "more days than a month has of traffic"))
        if faults:
            raise Faults(faults)

    # -- volume -------------------------------------------------------------------------------------------------------

    def volumes(self, n: Numbers) -> Array:
        """The mean tokens per day of each month: (month,) of `Fraction`, or (month, draw)."""
        bases: list[Number] = []
        planned = self.case.volume_in(n)
        known = {
            m: self.case.flow_in(n, flow, "projection", "volumes", str(m)) for m, flow in self.spec.volumes.items()
        }
        growth = self._growth(n)
        for month in self.months:
            since = max((m for m in known if m <= month), default=None)
            base = planned if since is None else known[since]
            place = max(0, self.month_of(since)) if since is not None else 0
            bases.append(base * growth(place, self.month_of(month)))
        seasons = {k: self._figure(f, "seasonality", NAMES[k - 1]) for k, f in self.spec.seasonality.items()}
        spikes = {s.month: s for s in self.spec.spikes}
        found = []
        for month, volume in zip(self.months, bases, strict=True):
            season = seasons.get(month.number)
            usual = volume if season is None else volume * n(season)
            found.append(usual if month not in spikes else usual * n(_surge(self.case, spikes[month])))
        return rows(found, n.exact)

    def _growth(self, n: Numbers) -> Callable[[int, int], Number]:
        """By how much the volume grows from one month to another, as stated rates have it. Of each rate it is one power
        of the months that it held in between, so that whole years are exact from wherever they are counted."""
        paces = self.spec.growth
        rates = {key: n(1) + n(self._rate(key, pace)) for key, pace in paces.items()}
        begun = [[key for key in paces if key is None or key <= month] for month in self.months]

        def between(first: int, last: int) -> Number:
            value = n(1)
            for key, count in Counter(keys[-1] for keys in begun[first + 1 : last + 1] if keys).items():
                value = value * grown(rates[key], [Fraction(count, paces[key].months)], n.exact)[0]
            return value

        return between

    def _rate(self, key: Month | None, pace: Pace) -> Figure:
        steps = ("growth",) if key is None else ("growth", str(key))
        unit = "a month" if pace.months == 1 else "a year"
        return Figure("growth", pace.rate, unit, home_of(self.case.document, ("projection", *steps)))

    def _figure(self, value: Fraction, *steps: str, unit: str = "") -> Figure:
        return Figure(" ".join(steps), value, unit, home_of(self.case.document, ("projection", *steps)))

    # -- prices and pay -----------------------------------------------------------------------------------------------

    def over_time(self, inner: Numbers, months: Sequence[int]) -> OverTime:
        """The numbers of `inner` in these months."""

        @cache
        def factor(trend: Trend) -> Array | None:
            if trend.of == "pay":
                yearly, sign = self._figure(self.spec.salary_growth, "salary_growth", unit="a year"), 1
            else:
                decline = getattr(self.spec.price_decline, trend.of)
                yearly, sign = self._figure(decline, "price_decline", trend.of, unit="a year"), -1
            if not yearly.value and not yearly.uncertain:
                return None
            known_to = self._known_to(trend)
            elapsed = [Fraction(max(0, i - known_to), MONTHS_PER_YEAR) for i in months]
            return grown(inner(1) + sign * inner(yearly), elapsed, inner.exact)

        return OverTime(inner, factor)

    def _known_to(self, trend: Trend) -> int:
        """The place of the month up to which a figure is as it is known: the one after the day of the prices, or the
        first that begins with a later price; before the plan where that begins late."""
        known = Month.of(self.case.store.as_of).later(1)
        if trend.since is not None and trend.since > self.case.store.as_of:
            begins = Month.of(trend.since)
            known = max(known, begins if trend.since.day == 1 else begins.later(1))
        return self.month_of(known)

    def discount_rate(self, n: Numbers) -> Number:
        """A year."""
        return n(self._figure(self.spec.discount_rate, "discount_rate", unit="a year"))

    # -- eras ---------------------------------------------------------------------------------------------------------

    def eras(self) -> tuple[Era, ...]:
        """The months by what holds in them. What the case has looked up must be known: price it once before."""
        spikes = {s.month: s for s in self.spec.spikes}
        changes = sorted(d for d in self.case.store.changes() if self.case.store.as_of < d <= self.months[-1].first)
        groups: dict[tuple[int, Month | None], list[int]] = {}
        for i, month in enumerate(self.months):
            begun = sum(1 for d in changes if d <= month.first)
            groups.setdefault((begun, month if month in spikes else None), []).append(i)
        found = []
        for (begun, spiked), places in groups.items():
            case = self.case
            if begun:
                case = case._replace(store=case.store.on(changes[begun - 1]))
            if spiked is not None:
                spike = spikes[spiked]
                case = case._replace(traffic=case.traffic.spiked(spike.factor, spike.days)[0])
            found.append(Era(case, tuple(places)))
        return tuple(found)


def _surge(case: Case, spike: Spike) -> Fraction:
    """By how much the month's mean volume is higher."""
    return Fraction(case.traffic.spiked(spike.factor, spike.days)[1])
