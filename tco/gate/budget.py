"""One budget held against what it is a limit on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tco.analysis.ledger import MOST
from tco.calendar import Month
from tco.document import Fault, Faults, did_you_mean
from tco.gate.costs import Books, Costs, Where
from tco.gate.finding import Crossing, Driver, Finding, Place
from tco.gate.judge import Judged, Measured, judge, percentile
from tco.lineitem import Exact
from tco.options.base import Notes, Unusable
from tco.quantity import Array
from tco.scenario.budgets import MONTH, MTOK, REQUEST, SHARE, TOTAL, Budget, Level
from tco.units import Money

RULE_OF = {MONTH: "monthly-cost", REQUEST: "request-cost", MTOK: "token-cost", TOTAL: "total-cost"}
PER = {MONTH: "/month", REQUEST: "/request", MTOK: "/1M tokens", TOTAL: ""}
UNITS = (REQUEST, MTOK)
NOTHING_DRAWN = "nothing is a range: every percentile is the point"


class Entry(NamedTuple):
    """A budget with what unqualified ones leave open, and where it is stated."""

    name: str
    budget: Budget
    option: str
    over: str | None
    """The reference of an increase."""
    path: tuple[str | int, ...]
    place: Place


def check_budget(entry: Entry, books: Books, today: date) -> Finding:
    """Hold a budget against what it is a limit on. `Faults` where that cannot be evaluated."""
    _check_date(entry, books, today)
    return _Holding(entry, books).finding()


def _check_date(entry: Entry, books: Books, today: date) -> None:
    """A budget past its last day is agreed on by nobody: it is neither kept nor crossed, and has to be renewed."""
    expires = entry.budget.expires
    if expires is not None and today > expires:
        message = f"the budget `{entry.name}` expired on {expires}"
        expected = "a later `expires`, agreed on anew, or no such budget"
        raise Faults([books.case.document.fault((*entry.path, "expires"), message, expected=expected)])


class _Holding:
    """A budget in the numbers of its scenario."""

    def __init__(self, entry: Entry, books: Books) -> None:
        self.entry, self.books, self.case = entry, books, books.case
        self.budget = entry.budget
        self.per = entry.budget.level.per
        self.notes = Notes()
        self.where = self._where()
        self.said: list[str] = []

    def _where(self) -> Where:
        b = self.budget
        if (self.per == TOTAL or b.when is not None) and self.case.scenario.projection is None:
            what = "a total over the horizon" if self.per == TOTAL else "`when: any month`"
            message = f"the budget `{self.entry.name}` looks ahead ({what})"
            raise self._unknown(message, "a scenario with a `projection`")
        if self.per == TOTAL:
            return Where("horizon")
        if b.when is not None:
            return Where("months")
        return Where("volume", b.at, tuple(map(str, (*self.entry.path, "at"))) if b.at is not None else ())

    def finding(self) -> Finding:
        """The budget judged, with what a reader needs to act on it."""
        b, entry = self.budget, self.entry
        self._check_not_before()
        limit = self._amount(b.level, b.kind)
        warn = None if b.warn is None else self._amount(b.warn, "warn")
        measured = self._measured(self.where)
        judged = self._judge(measured, limit, warn)
        place = measured[judged.highest]
        costs = self._costs(entry.option, self.where)
        crossed = judged.first is not None
        said = tuple(note.text for note in self.notes.assumptions)
        return Finding(
            rule="increase" if b.increase is not None else RULE_OF[self.per],
            name=entry.name,
            subject=self._subject(),
            status=judged.status,
            place=entry.place,
            currency=self.case.scenario.currency,
            unit=self._unit(),
            figure=place.figure,
            limit=limit,
            warn=warn,
            month=self._month(judged.highest) if self.where.scope == "months" else None,
            crossing=self._crossing(measured, judged),
            outlook=None if crossed else self._outlook(limit),
            driver=self._driver(costs, judged),
            option=entry.option,
            percentile=b.percentile,
            not_before=b.not_before,
            expires=b.expires,
            owner=b.owner,
            reason=self._reason(measured, judged),
            notes=(*self.said, *said),
        )

    def _check_not_before(self) -> None:
        """From its first month on no crossing is a failure: such a budget would pass whatever it costs."""
        start = None if self.budget.not_before is None else self.books.timeline.months[0]
        if start is None or self._failing() > 0:
            return
        message = f"the budget `{self.entry.name}` can never fail: the projection begins in {start}, no month before it"
        raise self._unknown(message, f"a `not_before` after {start}, or no such budget", "not_before")

    def _failing(self) -> int:
        """How many months from the first on lie before `not_before`; 0 or less for none."""
        assert self.budget.not_before is not None
        return self.books.timeline.month_of(self.budget.not_before)

    # -- what is held against the limit -------------------------------------------------------------------------------

    def _amount(self, level: Level, key: str) -> Fraction:
        """A level in the scenario's currency; a share as it is."""
        if level.currency is None:
            return level.amount
        context = self.case.context(Exact(), self.notes)
        money = Money(level.amount, level.currency, None)
        try:
            return Fraction(context.money(context.scenario, key, money, *self.entry.path, key).value)
        except Unusable as problem:
            raise Faults(problem.faults) from None

    def _costs(self, option: str, where: Where) -> Costs:
        """The rows that count; a component that the option does not have is no cost of nothing."""
        costs = self.books.costs(option, where, self.budget.class_)
        if any(abs(total) > MOST for total in costs.totals):
            at = self.case.options[option][1]
            raise Faults([at.fault(f"`{option}` costs more than 10^30", expected="units that fit")])
        component = self.budget.component
        if component is not None and component not in costs.categories:
            known = costs.categories
            message = f"`{option}` has no cost of the component `{component}`"
            expected, hint = "one of " + ", ".join(known), did_you_mean(component, known)
            raise self._unknown(message, expected, "component", hint=hint)
        return costs.of(component)

    def _measured(self, where: Where) -> list[Measured]:
        """The places of `where`; of a total, one."""
        if self.budget.percentile is None:
            return self._at_points(where)
        if not self.books.ranges(where, *filter(None, (self.entry.option, self.entry.over))):
            self.said = [NOTHING_DRAWN]
            return self._at_points(where)
        return self._at_percentile(where, self.budget.percentile)

    def _at_points(self, where: Where) -> list[Measured]:
        costs = self._costs(self.entry.option, where)
        amounts, reasons = self._over_time(self._totals(costs), where), self._so_far(costs.reasons, where)
        references: Sequence[Fraction] = [Fraction(0)] * len(amounts)
        if self.entry.over is not None:
            reference = self._costs(self.entry.over, where)
            self._check_able(reference.reasons)
            references = self._over_time(self._totals(reference), where)
        bases = self._bases(references, where)
        return [
            Measured(None if why else amount - before, base, why)
            for amount, before, base, why in zip(amounts, references, bases, reasons, strict=True)
        ]

    def _totals(self, costs: Costs) -> Sequence[Fraction]:
        """Money as it is billed, of whole cents; of a cost per unit unrounded, as `tco compare` divides it."""
        return costs.exact if self.per in UNITS else [Fraction(total) for total in costs.totals]

    def _bases(self, references: Sequence[Fraction], where: Where) -> Sequence[Fraction]:
        if self.per == SHARE:
            bases = references
        elif self.per in UNITS:
            bases = self.books.units(self.per, where, self.budget.class_)
        else:
            return [Fraction(1)] * len(references)
        self._check_bases(bases, where)
        return bases

    def _over_time(self, amounts: Sequence[Fraction], where: Where) -> Sequence[Fraction]:
        """Of a total, what has been paid up to each column."""
        if where.scope != "horizon":
            return amounts
        return [sum(amounts[: i + 1], Fraction(0)) for i in range(len(amounts))]

    def _so_far(self, reasons: Sequence[str], where: Where) -> Sequence[str]:
        if where.scope != "horizon":
            return reasons
        return [next((why for why in reasons[: i + 1] if why), "") for i in range(len(reasons))]

    def _at_percentile(self, where: Where, share: Fraction) -> list[Measured]:
        amounts = self._drawn(self.entry.option, where)
        bases: Array = np.ones(amounts.shape)
        if self.entry.over is not None:
            reference = self._drawn(self.entry.over, where)
            self._check_able(["in some draws"] if np.isinf(reference).any() else [])
            amounts = amounts - reference
            bases = reference if self.per == SHARE else bases
        if self.per in UNITS:
            bases = self.books.drawn_units(self.per, where, self.budget.class_)
        self._check_bases([Fraction(float(least)) for least in bases.min(axis=1)], where)
        found = []
        for i in range(len(amounts)):
            amount, base = percentile(amounts[i], bases[i], share, self.per in UNITS)
            unable = float(np.isinf(amounts[i]).mean())
            found.append(Measured(amount, base, "" if amount is not None else f"in {unable:.0%} of draws"))
        return found

    def _drawn(self, option: str, where: Where) -> Array:
        self._costs(option, where)  # refuses a component that is not there
        cost = self.books.drawn(option, where, self.budget.class_).total(self.budget.component)
        return np.cumsum(cost, axis=0) if where.scope == "horizon" else cost

    def _check_able(self, reasons: Sequence[str]) -> None:
        """What cannot serve is no reference."""
        why = next((why for why in reasons if why), None)
        if why is not None:
            message = (
                f"the budget `{self.entry.name}` is an increase over `{self.entry.over}`, which cannot serve: {why}"
            )
            raise self._unknown(message, "a reference that can serve in every place the budget looks at")

    def _check_bases(self, bases: Sequence[Fraction], where: Where) -> None:
        """What is divided by must be above 0 in every place."""
        place = next((i for i, base in enumerate(bases) if base <= 0), None)
        if place is None:
            return
        if self.per == SHARE:
            message = f"`{self.entry.over}` costs nothing: there is no per cent of it"
            raise self._unknown(message, "an increase in money, such as $500/month", "increase")
        of = "" if self.budget.class_ is None else f" of `{self.budget.class_}`"
        message = f"there are no requests{of} {self._place(place, where)}: nothing to divide by"
        raise self._unknown(message, "a limit a month, such as $500/month")

    def _place(self, place: int, where: Where) -> str:
        """A place in words: "in 2027-02", "at 0 tokens/day"."""
        if where.scope == "months":
            return f"in {self.books.timeline.months[place]}"
        stated = self.case.document.data
        if where.at is not None:
            return f"at {stated['budgets'][self.entry.name]['at']}"
        return f"at the planned volume of {stated['workload']['volume']}"

    # -- what it comes to ---------------------------------------------------------------------------------------------

    def _judge(self, measured: Sequence[Measured], limit: Fraction, warn: Fraction | None) -> Judged:
        """Of a total, the last column decides; where that is above the limit, the first column above it is where it is
        crossed: money that comes back may have been spent before."""
        if self.where.scope == "horizon":
            last = len(measured) - 1
            judged = judge(measured[last:], limit, warn)
            first = None if judged.first is None else judge(measured, limit).first
            return Judged(judged.status, last, first)
        return judge(measured, limit, warn, None if self.budget.not_before is None else self._failing())

    def _reason(self, measured: Sequence[Measured], judged: Judged) -> str:
        """Why it cannot serve, where that is what fails."""
        if judged.first is None:
            return ""
        why = measured[judged.highest if self.where.scope == "horizon" else judged.first].reason
        return f"{self.entry.option} cannot serve it: {why}" if why else ""

    def _month(self, place: int) -> Month:
        timeline = self.books.timeline
        return timeline.months[max(0, place - 1) if self.where.scope == "horizon" else place]

    def _crossing(self, measured: Sequence[Measured], judged: Judged) -> Crossing | None:
        if judged.first is None or self.where.scope == "volume":
            return None
        return Crossing(self._month(judged.first), measured[judged.first].figure)

    def _outlook(self, limit: Fraction) -> Crossing | None:
        """When the projection would cross a limit of today."""
        if self.where != Where() or self.case.scenario.projection is None or self.entry.over is not None:
            return None
        ahead = self._measured(Where("months"))
        first = judge(ahead, limit).first
        return None if first is None else Crossing(self.books.timeline.months[first], ahead[first].figure)

    def _driver(self, costs: Costs, judged: Judged) -> Driver | None:
        """The largest line; of a crossing in a later month, the line that grew most since the first."""
        place = judged.highest if judged.first is None or self.where.scope == "horizon" else judged.first
        if self.where.scope == "horizon":
            amounts = [sum(r.amounts, Decimal("0.00")) for r in costs.rows]
        else:
            amounts = [r.amounts[place] for r in costs.rows]
            grown = [amount - r.amounts[0] for amount, r in zip(amounts, costs.rows, strict=True)]
            if judged.first and max(grown, default=Decimal(0)) > 0:
                most = grown.index(max(grown))
                return Driver(*costs.rows[most][:3], amounts[most], grown[most])
        if not amounts:
            return None
        largest = amounts.index(max(amounts))
        return Driver(*costs.rows[largest][:3], amounts[largest], None)

    # -- words --------------------------------------------------------------------------------------------------------

    def _unit(self) -> str:
        return "share" if self.per == SHARE else f"{self.case.scenario.currency}{PER[self.per]}"

    def _subject(self) -> str:
        """What is limited: "P90 of the monthly people cost of own for chat, in any month"."""
        b, entry = self.budget, self.entry
        cost = {MONTH: "monthly cost", REQUEST: "cost per request", MTOK: "cost per 1M tokens", SHARE: "monthly cost"}
        what = cost.get(self.per, "total cost over the horizon")
        what = f"{b.component} part of the {what}" if b.component is not None else what
        what = f"{what} of {entry.option}" + (f" for {b.class_}" if b.class_ is not None else "")
        if entry.over is not None:
            what = f"increase of the {what} over {entry.over}"
        if b.percentile is not None:
            what = f"P{float(b.percentile * 100):g} of the {what}"
        if b.at is not None:
            return f"{what} at {self.case.document.data['budgets'][entry.name]['at']}"
        return f"{what} in any month" if b.when is not None else what

    def _unknown(self, message: str, expected: str, *steps: str, hint: str = "") -> Faults:
        fault: Fault = self.case.document.fault((*self.entry.path, *steps), message, expected=expected, hint=hint)
        return Faults([fault])
