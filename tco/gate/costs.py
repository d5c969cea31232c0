"""What options cost, in the places that budgets look at: at a volume, in each month, over the horizon.

Each thing is worked out when a budget first asks for it, once: most scenarios have no budget over months or on draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tco.analysis.case import Case
from tco.analysis.ledger import cents, ledger
from tco.draws import Draws
from tco.lineitem import Exact, Numbers, total
from tco.options.assembly import Assembled
from tco.quantity import Array, Number, at
from tco.scenario.budgets import MTOK, REQUEST
from tco.units import Flow

if TYPE_CHECKING:
    from tco.analysis.flows import Course
    from tco.analysis.months import Months
    from tco.analysis.timeline import Timeline

PER_MTOK = 10**6


class Row(NamedTuple):
    """A line of an option, an amount for each place: rounded once to the cent, and as it is."""

    part: str
    category: str
    label: str
    amounts: tuple[Decimal, ...]
    exact: tuple[Fraction, ...]
    """The same unrounded, for what is divided."""


class Costs(NamedTuple):
    """An option at the point values."""

    rows: tuple[Row, ...]
    reasons: tuple[str, ...]
    """By place, why it cannot serve; "" where it can."""

    @property
    def categories(self) -> list[str]:
        """What can be named as a component."""
        return list(dict.fromkeys(row.category for row in self.rows))

    def of(self, component: str | None) -> Costs:
        """The rows of one category; all for None."""
        return self if component is None else self._replace(rows=tuple(r for r in self.rows if r.category == component))

    @property
    def totals(self) -> tuple[Decimal, ...]:
        """The sum of the rounded lines at each place."""
        return tuple(sum((r.amounts[i] for r in self.rows), Decimal("0.00")) for i in range(len(self.reasons)))

    @property
    def exact(self) -> tuple[Fraction, ...]:
        """The sum of the unrounded lines at each place."""
        return tuple(sum((r.exact[i] for r in self.rows), Fraction(0)) for i in range(len(self.reasons)))


class Drawn(NamedTuple):
    """An option in draws: unrounded costs by category, and where it can serve, each (place, draw)."""

    categories: dict[str, Array]
    able: Array

    def total(self, component: str | None) -> Array:
        """The cost of one category or of all; inf where the option cannot serve."""
        kept = [v for k, v in self.categories.items() if component in (None, k)]
        return np.where(self.able, sum(kept, np.zeros(self.able.shape)), np.inf)


class Where(NamedTuple):
    """Where a budget looks: at a volume, in every month, or over the horizon, column by column of what is paid."""

    scope: str = "volume"
    """volume, months or horizon."""
    at: Flow | None = None
    """The volume where it is not the planned one, and the keys that state it."""
    steps: tuple[str, ...] = ()


class Books:
    """The costs of a case."""

    def __init__(self, case: Case, draws: int, seed: int) -> None:
        self.case, self.draws, self.seed = case, draws, seed
        self._found: dict[Any, Any] = {}

    def _once(self, key: tuple[object, ...], work: Callable[[], Any]) -> Any:
        if key not in self._found:
            self._found[key] = work()
        return self._found[key]

    @cached_property
    def priced(self) -> dict[str, Assembled]:
        """Every option at the point values."""
        return self.case.price(Exact())

    @cached_property
    def sampled(self) -> tuple[Draws, dict[str, Assembled]]:
        """Every option in draws."""
        n = Draws(self.draws, self.seed)
        return n, self.case.price(n)

    @cached_property
    def timeline(self) -> Timeline:
        """The months of the projection. `Faults` where they do not fit the scenario."""
        from tco.analysis.plan import check_current
        from tco.analysis.timeline import Timeline

        _ = self.priced  # what has been looked up says when prices change
        check_current(self.case)
        return Timeline(self.case)

    @cached_property
    def months(self) -> Months:
        """The months at the point values."""
        return self._months(Exact())

    @cached_property
    def drawn_months(self) -> Months:
        """The months in draws."""
        return self._months(Draws(self.draws, self.seed))

    def _months(self, n: Numbers) -> Months:
        from tco.analysis.months import Months

        return Months(self.timeline, self.timeline.eras(), n)

    # -- at the point values ------------------------------------------------------------------------------------------

    def costs(self, option: str, where: Where, klass: str | None = None) -> Costs:
        """An option in the places of `where`; of one request class what it causes."""
        work = self._at_volume if where.scope == "volume" else self._over_months
        found: Costs = self._once(("costs", option, where, klass), lambda: work(option, where, klass))
        return found

    def _at_volume(self, option: str, where: Where, klass: str | None) -> Costs:
        n = Exact()
        assembled = self._of_class(self.priced[option], klass, self.case, n)
        books = ledger(assembled, self.volume(where))
        rows = tuple(Row(e.part, e.category, e.label, (e.amount,), (e.exact,)) for e in books.entries)
        return Costs(rows, ("; ".join(books.over),))

    def volume(self, where: Where) -> Fraction:
        """Tokens a day, at the point values."""
        return self.case.volume() if where.at is None else self.case.to_volume(where.at)

    def _of_class(self, option: Assembled, klass: str | None, case: Case, n: Numbers) -> Assembled:
        if klass is None:
            return option
        from tco.analysis.attribution import of_class

        return of_class(option, klass, case.traffic.demand(n), n)

    def _over_months(self, option: str, where: Where, klass: str | None) -> Costs:
        one = self._course(self.months, option, klass)
        paid = where.scope == "horizon"
        rows = []
        for line in one.lines:
            values = line.paid if paid else line.cost
            if values is not None:
                exact = tuple(Fraction(v) for v in values)
                rows.append(Row(line.key.part, line.key.category, line.key.label, tuple(map(cents, exact)), exact))
        by_month = ["; ".join(why for why, when in one.over if when[i]) for i in range(len(self.months))]
        return Costs(tuple(rows), tuple(["", *by_month] if paid else by_month))

    # -- over months --------------------------------------------------------------------------------------------------

    def _course(self, months: Months, option: str, klass: str | None, fold: bool = False) -> Course:
        found: Course = self._once(
            ("course", months.exact, option, klass), lambda: self._followed(months, option, klass, fold)
        )
        return found

    def _followed(self, months: Months, option: str, klass: str | None, fold: bool) -> Course:
        from tco.analysis.course import course

        today = self.case.scenario.current
        current = None if today in (None, option) else self._course(months, today, None, fold)
        whole = course(months, option, current, fold=fold)
        if klass is None:
            return whole
        from copy import copy

        from tco.analysis.switching import LEFT, WAITING

        parted = copy(months)
        parted.priced = [
            {**priced, option: self._of_class(priced[option], klass, era.case, n)}
            for era, priced, n in zip(months.eras, months.priced, months.numbers, strict=True)
        ]
        its = course(parted, option, current, fold=fold)
        running = (line for line in its.lines if line.key.category not in (WAITING, LEFT))
        share = self._share_of_requests(klass, months.inner)
        switching = (
            line._replace(cost=line.cost * share)
            for line in whole.lines
            if line.key.category in (WAITING, LEFT) and line.cost is not None
        )
        return its._replace(lines=(*running, *switching))

    def _share_of_requests(self, klass: str, n: Numbers) -> Number:
        return self.case.traffic.classes[klass].share.number(n)

    # -- in draws -----------------------------------------------------------------------------------------------------

    def ranges(self, where: Where, *options: str) -> bool:
        """Whether anything that is priced in these places is a range, or what these options take to move to."""
        if where.scope == "volume":
            n, _ = self.sampled
            self._drawn_volume(where)
            return bool(n.drawn)
        inner = self.drawn_months.inner
        for option in options:
            self._course(self.drawn_months, option, None, fold=True)
        return isinstance(inner, Draws) and bool(inner.drawn)

    def drawn(self, option: str, where: Where, klass: str | None = None) -> Drawn:
        """An option in draws, in the places of `where`."""
        work = self._drawn_at_volume if where.scope == "volume" else self._drawn_in_months
        found: Drawn = self._once(("drawn", option, where, klass), lambda: work(option, where, klass))
        return found

    def _drawn_at_volume(self, option: str, where: Where, klass: str | None) -> Drawn:
        from tco.analysis.uncertainty import where_able

        n, priced = self.sampled
        assembled = self._of_class(priced[option], klass, self.case, n)
        here = at(np.array(self._drawn_volume(where)), rows=np.arange(n.count))
        lines = [line for _, line in assembled.lines]
        categories = {}
        for category in dict.fromkeys(line.category for line in lines):
            amount = total([line for line in lines if line.category == category]).value(here)
            categories[category] = np.broadcast_to(amount, (n.count,))[np.newaxis]
        able = np.isfinite(where_able(assembled, np.zeros(n.count), here))
        return Drawn(categories, able[np.newaxis])

    def _drawn_volume(self, where: Where) -> Array:
        n, _ = self.sampled
        volume = self.case.volume_in(n) if where.at is None else self.case.flow_in(n, where.at, *where.steps)
        return np.broadcast_to(volume, (n.count,))

    def _drawn_in_months(self, option: str, where: Where, klass: str | None) -> Drawn:
        one = self._course(self.drawn_months, option, klass, fold=True)
        paid = where.scope == "horizon"
        shape = (len(self.drawn_months) + paid, self.draws)
        categories: dict[str, Array] = {}
        for line in one.lines:
            values = line.paid if paid else line.cost
            if values is not None:
                so_far = categories.get(line.key.category, np.zeros(shape))
                categories[line.key.category] = so_far + values
        able = np.broadcast_to(one.able, (len(self.drawn_months), self.draws))
        return Drawn(categories, np.concatenate([able[:1] | True, able]) if paid else able)

    # -- what limits are per ------------------------------------------------------------------------------------------

    def units(self, per: str, where: Where, klass: str | None) -> Sequence[Fraction]:
        """Requests or 1M tokens a month at each place, of one class or of all."""
        volumes = [self.volume(where)] if where.scope == "volume" else [Fraction(v) for v in self.months.volumes]
        return [Fraction(self._units(per, v, klass, Exact())) for v in volumes]

    def drawn_units(self, per: str, where: Where, klass: str | None) -> Array:
        """The same in draws: (place, draw)."""
        months = where.scope != "volume"
        n = self.drawn_months.inner if months else self.sampled[0]
        volumes = self.drawn_months.volumes if months else self._drawn_volume(where)[np.newaxis]
        return np.broadcast_to(self._units(per, volumes, klass, n), (len(volumes), self.draws))

    def _units(self, per: str, volume: Number, klass: str | None, n: Numbers) -> Number:
        traffic = self.case.traffic
        tokens = volume * n(traffic.days_per_month)
        if klass is not None:
            c = traffic.classes[klass]
            requests = tokens / traffic.mean(n) * c.share.number(n)
            return requests if per == REQUEST else requests * c.served(n) / PER_MTOK
        return tokens / PER_MTOK if per == MTOK else tokens / traffic.mean(n)
