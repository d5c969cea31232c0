"""What must hold beside budgets: how old prices may be, what is feasible, which option is recommended, how surely."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tco.analysis.feasibility import checks, ruled_out
from tco.document import Faults
from tco.gate.costs import Books, Where
from tco.gate.finding import Finding, Status, place_of
from tco.lineitem import Figure
from tco.scenario.budgets import Checks, Requirement

if TYPE_CHECKING:
    from tco.analysis.compare import Comparison

FEASIBLE, RECOMMENDED, CHEAPEST = "feasible", "recommended", "cheapest"
NOTHING_DRAWN = "nothing is a range: it holds in all draws or in none"


class Rules:
    """The checks of a scenario."""

    def __init__(self, spec: Checks, books: Books, today: date) -> None:
        self.spec, self.books, self.case, self.today = spec, books, books.case, today
        self._compared: Comparison | None = None

    def findings(self) -> Iterator[Finding | Faults]:
        """One finding for each rule, or the faults that keep it from being evaluated."""
        required = self.spec.require
        rules: list[Callable[[], Finding]] = [] if self.spec.max_price_age is None else [self._price_age]
        rules += [partial(self._required, i, r) for i, r in enumerate(required)]
        if self.spec.holds_in is not None:
            rules += [partial(self._holds, r) for r in required] or [partial(self._holds, None)]
        for rule in rules:
            try:
                yield rule()
            except Faults as problem:
                yield problem

    # -- prices -------------------------------------------------------------------------------------------------------

    def _price_age(self) -> Finding:
        """The oldest catalogue figure that a compared option, or what runs today, rests on."""
        limit = self.spec.max_price_age
        assert limit is not None
        path = ("checks", "max_price_age")
        ages = {f: (self.today - date.fromisoformat(f.home.checked)).days for f in self._catalogue_figures()}
        if not ages:
            message = "no figure of a catalogue is in use: nothing has an age"
            expected = "options with catalogue prices, or no `max_price_age`"
            raise Faults([self.case.document.fault(path, message, expected=expected)])
        oldest = max(ages, key=lambda f: (ages[f], f.home.where))
        old = len({f.home.where for f, age in ages.items() if age > limit})
        entry = oldest.home.source.partition(":")[0]
        what = f"{entry} ({oldest.home.where}) was checked on {oldest.home.checked}"
        return Finding(
            rule="price-age",
            name="max_price_age",
            subject="age of the oldest catalogue figure in use",
            status="violated" if ages[oldest] > limit else "within",
            place=place_of(self.case.document, *path),
            unit="days",
            figure=Fraction(ages[oldest]),
            limit=Fraction(limit),
            reason=f"{what}; {old} {'figure is' if old == 1 else 'figures are'} older than {limit} days" if old else "",
            notes=() if old else (what,),
        )

    def _catalogue_figures(self) -> dict[Figure, None]:
        today = self.case.scenario.current
        names = dict.fromkeys((*self.case.candidates, *((today,) if today is not None else ())))
        lines = (line for name in names for _, line in self.books.priced[name].lines)
        return dict.fromkeys(f for line in lines for f in line.inputs if f.home.checked)

    # -- decisions ----------------------------------------------------------------------------------------------------

    def _path(self, i: int) -> tuple[str | int, ...]:
        stated = self.case.document.data["checks"]["require"]
        return ("checks", "require", i) if isinstance(stated, list) else ("checks", "require")

    def _option(self, required: Requirement) -> str:
        option = required.option or self.case.scenario.current
        assert option is not None  # or building the case would have said so
        return option

    def _required(self, i: int, required: Requirement) -> Finding:
        option = self._option(required)
        if required.what == FEASIBLE:
            subject, reason = f"{option} is feasible", self._infeasible(option, self._path(i))
        else:
            subject, reason = f"{required.what} is {option}", self._another(required.what, option)
        status: Status = "violated" if reason else "within"
        place = place_of(self.case.document, *self._path(i), key=False)
        return Finding(required.what, subject, subject, status, place, option=option, reason=reason)

    def _infeasible(self, option: str, path: tuple[str | int, ...]) -> str:
        """Why an option is not feasible; "" where it is. `Faults` where nobody can tell."""
        found = checks(self.case, self.books.priced[option])
        failed = ruled_out(found)
        if failed is not None:
            return failed
        over = self.books.costs(option, Where()).reasons[0]
        unknown = [c.reason for c in found if c.status == "unknown"]
        if unknown and not over:
            message = f"whether `{option}` is feasible is not known: {'; '.join(unknown)}"
            raise Faults([self.case.document.fault(path, message, value="")])
        return over

    def _another(self, what: str, option: str) -> str:
        """Why the decision is another one; "" where it is this."""
        r = self._comparison().recommendation
        if r.option is None:
            return "no option is feasible"
        if r.option != option:
            return f"{r.option} is cheapest"
        if what == RECOMMENDED and r.too_close:
            second = "the only one" if r.runner_up is None else f"only {float(r.margin):.1%} below {r.runner_up}"
            sure = "" if r.probability is None else f", and cheapest in {r.probability:.0%} of draws"
            return f"too close to call: {option} is {second}{sure}"
        return ""

    def _comparison(self) -> Comparison:
        if self._compared is None:
            from tco.analysis.compare import compare

            self._compared = compare(self.case, self.books.draws, self.books.seed)
        return self._compared

    def _holds(self, required: Requirement | None) -> Finding:
        """The share of draws in which what is required holds; without a requirement, the recommendation."""
        least = self.spec.holds_in
        assert least is not None
        notes: tuple[str, ...] = ()
        option = self._comparison().recommendation.option if required is None else self._option(required)
        if option is None:
            share, subject = Fraction(0), "some option is feasible"
        elif required is not None and required.what == FEASIBLE:
            share, subject = self._feasible_in(option), f"{option} is feasible"
        else:
            drawn = self._comparison().uncertainty
            decided = self._comparison().recommendation.option == option
            share = Fraction(decided) if drawn is None else _share_of(drawn.cheapest.get(option, 0.0), drawn.draws)
            notes = (NOTHING_DRAWN,) if drawn is None else ()
            subject = f"cheapest is {option}"
        return Finding(
            rule="holds-in",
            name=f"holds_in: {subject}",
            subject=f"share of draws in which {subject}",
            status="within" if share >= least else "violated",
            place=place_of(self.case.document, "checks", "holds_in"),
            unit="share",
            figure=share,
            limit=least,
            at_least=True,
            option=option,
            reason="" if share >= least else "it holds in too few draws",
            notes=notes,
        )

    def _feasible_in(self, option: str) -> Fraction:
        """The share of draws in which an option can serve the planned volume; none where it fails a requirement."""
        if ruled_out(checks(self.case, self.books.priced[option])) is not None:
            return Fraction(0)
        able = self.books.drawn(option, Where()).able
        return Fraction(int(np.count_nonzero(able)), able.size)


def _share_of(share: float, draws: int) -> Fraction:
    """A share of so many draws, exactly."""
    return Fraction(round(share * draws), draws)
