"""What a change does to the bill of one scenario: every option before and after, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from tco.analysis.case import Case
from tco.analysis.change.causes import CAUSES, PLAN
from tco.analysis.change.composition import Composition
from tco.analysis.change.keys import KeyChange, differing, figures, keys, later_rows
from tco.analysis.change.record import Bill, Change, Measure, OptionChange, Shift, Spend
from tco.analysis.change.side import Side
from tco.analysis.change.spend import Planned, planned, turns
from tco.analysis.change.split import Amount, Cost, measured
from tco.analysis.compare import Comparison, compare
from tco.analysis.feasibility import checks, ruled_out
from tco.analysis.ledger import Ledger, ledger
from tco.document import Fault, Faults, did_you_mean
from tco.lineitem import Exact

S = TypeVar("S")
R = TypeVar("R")
MOST_SPLIT = 4
"""Options of which each one's payments over the plan are split by cause: of more only those of the bill. A plan is
priced for every combination of causes."""


class _Priced(NamedTuple):
    """A side priced: every option's ledger, those that are compared, and whether each can serve the workload."""

    case: Case
    comparison: Comparison
    books: Mapping[str, Ledger]
    feasible: Mapping[str, bool]

    @property
    def shown(self) -> list[str]:
        today = self.case.scenario.current
        return list(dict.fromkeys((*self.case.candidates, *((today,) if today else ()))))


def _priced(side: Side) -> _Priced:
    case = side.case()
    exact = case.price(Exact())
    books = {name: ledger(option, case.volume()) for name, option in exact.items()}
    able = {name: ruled_out(checks(case, exact[name])) is None and not book.over for name, book in books.items()}
    return _Priced(case, compare(case, draws=0), books, able)


def change(old: Side | None, new: Side | None, option: str | None = None) -> Change:
    """What changes from one side to the other; None where the scenario is not there. At point values.

    `option` is held against itself in place of what runs today. `Faults` with everything wrong on either side, and
    where both cannot be compared.
    """
    before, after = _both((old, new), _priced)
    sides = (before, after)
    there = after or before
    assert there is not None
    if before is not None and after is not None:
        _same_currency(before.case, after.case)
    if option is not None:
        _known(option, before, after)
    whose = (_whose(before, after, option), _whose(after, before, option))
    paid_for = [name for name in dict.fromkeys(whose[::-1]) if name is not None]
    shown = (name for side in (after, before) if side is not None for name in side.shown)
    names = list(dict.fromkeys((*shown, *paid_for)))
    stated = tuple(side is not None and side.case.scenario.projection is not None for side in sides)
    plans = _both(sides, lambda side: planned(side.case, names)) if any(stated) else (None, None)
    in_detail = names if len(names) <= MOST_SPLIT else paid_for

    causes: tuple[str, ...] = ()
    composition = None
    changed: list[KeyChange] = []
    if before is not None and after is not None:
        causes = differing(before.case, after.case)
        both = [name for name in in_detail if all(side is not None and name in side.books for side in sides)]
        composition = Composition(before.case, after.case, both if any(stated) else ())
        changed = _changed(before, after, paid_for, composition, over_time=any(stated))
    monthly = tuple(cause for cause in causes if cause != PLAN)
    if not any(stated):  # nothing is planned
        causes = monthly
        changed = [k._replace(cause=None) if k.cause == PLAN else k for k in changed]

    def one(name: str) -> OptionChange:
        feasible = [None if side is None else side.feasible.get(name) for side in sides]
        month = measured(_month(before, name), _month(after, name), monthly, _cost(composition, name))
        total = None
        if any(stated):
            cost = _total(composition, name) if name in in_detail else None
            total = measured(_over_plan(plans[0], name), _over_plan(plans[1], name), causes, cost)
        return OptionChange(name, month, total, (feasible[0], feasible[1]))

    options = tuple(one(name) for name in names)
    spend = None
    if any(stated):
        was, now = (None if side is None else side.plan for side in plans)
        totals = {o.name: o.total for o in options}
        spend = Spend(_bill(sides, whose, totals, option), (was, now), (stated[0], stated[1]), turns(was, now))
    return Change(
        str(there.case.document.path),
        there.case.title,
        there.case.scenario.currency,
        None if before is None else before.comparison,
        None if after is None else after.comparison,
        causes,
        options,
        _bill(sides, whose, {o.name: o.month for o in options}, option),
        spend,
        tuple(changed),
        _shifts(before, after),
        tuple(w for side, priced in ((old, before), (new, after)) if side and priced for w in _warnings(side, priced)),
        (None if before is None else before.case, None if after is None else after.case),
    )


def _both(sides: tuple[S | None, S | None], work: Callable[[S], R]) -> tuple[R | None, R | None]:
    """The same done for both sides that are there; `Faults` with everything that is wrong on either."""
    faults: list[Fault] = []
    found: list[R | None] = []
    for side in sides:
        try:
            found.append(None if side is None else work(side))
        except Faults as problem:
            faults += problem.faults
    if faults:
        raise Faults(faults)
    return found[0], found[1]


def _month(side: _Priced | None, name: str) -> Amount | None:
    book = None if side is None else side.books.get(name)
    return None if book is None else Amount(book.total, book.exact)


def _over_plan(side: Planned | None, name: str) -> Amount | None:
    return None if side is None else side.paid.get(name)


def _cost(composition: Composition | None, name: str) -> Cost | None:
    return None if composition is None else lambda changed: composition.cost(name, changed)


def _total(composition: Composition | None, name: str) -> Cost | None:
    return None if composition is None else lambda changed: composition.total(name, changed)


def _warnings(side: Side, priced: _Priced) -> Iterator[str]:
    """What to know of a side: how it was read, and figures that its own texts do not give any more."""
    yield from side.warnings
    recorded = side.figures or {}
    other = [name for name, amount in recorded.items() if name in priced.books and priced.books[name].total != amount]
    if other or (side.figures is not None and set(recorded) != set(priced.books)):
        first = (
            f": {other[0]} was {recorded[other[0]]:,.2f} and is {priced.books[other[0]].total:,.2f}" if other else ""
        )
        yield f"tco counts otherwise than when {side.document.path} was saved, of the same texts{first}; save it again"


def _same_currency(old: Case, new: Case) -> None:
    was, now = old.scenario.currency, new.scenario.currency
    if was != now:
        message = f"the currency was {was} and is {now}: before and after cannot be compared"
        raise Faults([new.document.fault(("currency",), message, expected=f"`currency: {was}` on both sides")])


def _known(option: str, before: _Priced | None, after: _Priced | None) -> None:
    """Raises Faults where neither side has an option of this name."""
    sides = [side for side in (after, before) if side is not None]
    names = list(dict.fromkeys(name for side in sides for name in side.books))
    if option not in names:
        hint = did_you_mean(option, names)
        expected = "one of " + ", ".join(names)
        document = sides[0].case.document
        raise Faults([document.fault(("options",), f"no option `{option}`", expected=expected, hint=hint, key=True)])


def _whose(side: _Priced | None, other: _Priced | None, option: str | None) -> str | None:
    """The option that is paid for on a side; None where there is no such."""
    if side is None:
        return None
    if option is not None:
        return option if option in side.books else None
    named = side.case.scenario.current or (None if other is None else other.case.scenario.current)
    return named if named is not None and named in side.books else side.comparison.recommendation.option


def _bill(
    sides: tuple[_Priced | None, _Priced | None],
    whose: tuple[str | None, str | None],
    costs: Mapping[str, Measure | None],
    option: str | None,
) -> Bill:
    today = any(side is not None and side.case.scenario.current for side in sides)
    kind = "option" if option is not None else "current" if today else "recommended"
    found = [None if name is None else costs[name] for name in whose]
    was, now = (None if found[0] is None else found[0].before), (None if found[1] is None else found[1].after)
    absent = [side is None or (option is not None and option not in side.books) for side in sides]
    return Bill(kind, *whose, was, now, *absent)


def _changed(
    before: _Priced, after: _Priced, names: Sequence[str], composition: Composition, *, over_time: bool
) -> list[KeyChange]:
    """What differs of all that these options rest on. over_time: in later months as well."""
    around = {leaf for name in names for leaf in composition.closure(name)}
    found = keys(before.case.document, after.case.document, around)
    for name in names:
        if name in before.books and name in after.books:
            found += figures(before.books[name], after.books[name])
    if over_time:
        found += later_rows(before.case, after.case, around)
    order = [*CAUSES, None]
    return sorted(dict.fromkeys(found), key=lambda k: order.index(k.cause))


def _shifts(before: _Priced | None, after: _Priced | None) -> tuple[Shift, ...]:
    """The crossovers between bands that are not the same before and after."""
    found: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    for i, side in enumerate((before, after)):
        for x in side.comparison.neighbours if side is not None else ():
            found.setdefault((x.below, x.above), ([], []))[i].append(x.volume)
    return tuple(
        Shift(below, above, tuple(was), tuple(now)) for (below, above), (was, now) in found.items() if was != now
    )
