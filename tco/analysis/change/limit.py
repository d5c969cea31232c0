"""A limit on what a change may add to the bill, a month or in all, and whether it holds. Exactly at it is within it."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from tco.analysis.change.record import Bill, Change
from tco.numerals import UnitError
from tco.units import parse_count, parse_fraction, parse_money

EXPECTED = {
    "month": "an increase a month such as 500, $500/month or 10%",
    "total": "an increase in all such as 20k, $20k or 10%",
}


class IncreaseLimit(NamedTuple):
    """The most that the bill may rise by: money, or a share of what it was."""

    of: str
    """What it limits: `month`, the cost a month at the planned volume, or `total`, what is paid over the plan."""
    text: str
    """As it was typed."""
    money: Fraction | None
    currency: str | None
    """None: the scenario's."""
    share: Fraction | None


class Verdict(NamedTuple):
    """Whether a limit holds for a change."""

    limit: IncreaseLimit
    holds: bool | None
    """None where it could not be evaluated, which is no pass."""
    why: str
    """Why it could not."""


def parse_increase(text: str, of: str = "month") -> IncreaseLimit:
    """A limit as it is typed on the command line. Raises UnitError."""
    try:
        if text.strip().endswith("%"):
            return IncreaseLimit(of, text, None, None, parse_fraction(text))
        try:
            return IncreaseLimit(of, text, parse_count(text), None, None)
        except UnitError:
            money = parse_money(text, per=frozenset({None, "month"} if of == "month" else {None}))
            return IncreaseLimit(of, text, money.amount, money.currency, None)
    except UnitError as problem:
        raise UnitError(text, EXPECTED[of], problem.hint) from None


def verdict(limit: IncreaseLimit, change: Change) -> Verdict:
    """Whether the bill rises by no more than a limit."""
    bill = limited(limit, change)
    if bill is None:
        return Verdict(limit, None, "no side has a `projection`: there is no total to compare")
    amount = bill.amount
    if amount is None:
        when = "before" if bill.was is None else "after"
        return Verdict(limit, None, f"no option is feasible {when} the change: there is no bill to compare")
    if limit.money is not None:
        if limit.currency not in (None, change.currency):
            return Verdict(limit, None, f"the scenario counts in {change.currency}: state the limit in it")
        return Verdict(limit, Fraction(amount) <= limit.money, "")
    assert limit.share is not None
    if amount <= 0:
        return Verdict(limit, True, "")
    if not bill.was:
        return Verdict(limit, None, "nothing was paid before: an increase in per cent of nothing is none")
    return Verdict(limit, Fraction(amount) <= limit.share * Fraction(bill.was), "")


def limited(limit: IncreaseLimit, change: Change) -> Bill | None:
    """The bill that a limit is about; None where nothing is planned."""
    if limit.of == "month":
        return change.bill
    return None if change.spend is None else change.spend.bill
