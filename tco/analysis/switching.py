"""What it costs to move to an option: what is paid once, what runs until it serves, what is still owed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tco.analysis.flows import Course, Key, Line, added
from tco.analysis.months import Months
from tco.analysis.settlement import at_the_end_of_years
from tco.lineitem import Figure
from tco.options.assembly import Assembled
from tco.options.costs.usage import one_offs
from tco.quantity import Array, Number
from tco.trends import rows

ONE_OFF, WAITING, LEFT = "one-off", "until production", "commitment"


def switching(months: Months, option: Assembled, running: Sequence[Line], current: Course | None) -> list[Line]:
    """The lines of an option with what it costs to move to it. running: what it costs by itself. current: what runs
    today, where that is another option; None for what runs today itself, whose one-offs are in the past, and where
    nothing is said of it."""
    if months.timeline.case.scenario.current == option.name:
        return list(running)
    waiting = _waiting(months, option)
    today = set() if current is None else set(_behind(months.priced[0][current.name]))
    lines = [*_paid_once(months, option, today), *_lost(months, waiting)]
    if current is None:
        return [*running, *lines]
    lines += _until_production(months, waiting, current)
    lines += _left_of_commitments(months, option, waiting, current)
    return [*_not_twice(months, running, waiting, both_use(months, option, current)), *lines]


def both_use(months: Months, option: Assembled, current: Course) -> set[str]:
    """The leaves of a hybrid that what runs today uses as well."""
    today = {part.leaf for part in months.priced[0][current.name].parts}
    return {part.leaf for part in option.parts if part.leaf != option.name} & today


def _not_twice(months: Months, running: Sequence[Line], waiting: Waiting | None, shared: set[str]) -> list[Line]:
    """Until it serves, what an option shares with what runs today is paid for there alone: it is the same API or fleet,
    and the traffic comes once."""
    if waiting is None or not shared:
        return list(running)
    then = 1 - waiting.share

    def later(line: Line) -> Line:
        if line.key.part not in shared or line.key.category == ONE_OFF or line.cost is None:
            return line
        cost = line.cost * then
        if line.settled:
            return line._replace(cost=cost, paid=months.columns(at_the_end_of_years(months, cost)))
        return line._replace(cost=cost, paid=None if line.paid is None else line.paid * months.columns(then))

    return [later(line) for line in running]


def _behind(option: Assembled) -> list[str]:
    """The options behind one, itself among them."""
    return list(dict.fromkeys((option.name, *option.hybrids, *(p.leaf for p in option.parts))))


def _paid_once(months: Months, option: Assembled, running: set[str]) -> list[Line]:
    """One-offs, before the first month. running: options that run today, whose one-offs are in the past."""
    context, lines = months.context(), []
    later = [months.inner(0) for _ in range(len(months))]
    for behind in (b for b in _behind(option) if b not in running):
        for label, figure in one_offs(months.timeline.case.options[behind][1], context).items():
            paid = rows([months.inner(figure), *later], months.exact)
            lines.append(Line(Key("" if behind == option.name else behind, ONE_OFF, label), None, paid, figure.base))
    return lines


class Waiting(NamedTuple):
    """The time until an option serves."""

    share: Array
    """Of each month, what passes before."""
    figure: Figure
    option: str
    """Which of the options behind it takes so long."""


def _waiting(months: Months, option: Assembled) -> Waiting | None:
    """Its own time to production, else the longest of what it is made of."""
    options = months.timeline.case.options
    stated = [b for b in _behind(option) if options[b][1].spec.time_to_production is not None]
    if not stated:
        return None
    slowest = option.name if option.name in stated else max(stated, key=lambda b: options[b][1].spec.time_to_production)
    figure = options[slowest][1].figure("time_to_production", "months")
    return Waiting(_share(months, months.inner(figure)), figure, slowest)


def _until_production(months: Months, waiting: Waiting | None, current: Course) -> list[Line]:
    """What runs today is paid for as well, until the option serves. Of a year's shortfall it is what these months bear,
    and it is paid when it is settled, though the option serves by then."""
    if waiting is None:
        return []
    running = [line for line in current.lines if not line.key.capital and line.key.category != ONE_OFF]
    cost = current._replace(lines=tuple(running)).cost * waiting.share
    by_month = current._replace(lines=tuple(line for line in running if not line.settled))
    borne = (line.cost * waiting.share for line in running if line.settled and line.cost is not None)
    paid = added(
        [
            by_month.paid * months.columns(waiting.share),
            *(months.columns(at_the_end_of_years(months, amounts)) for amounts in borne),
        ]
    )
    inputs = tuple(dict.fromkeys((waiting.figure, *(f for line in running for f in line.inputs))))
    return [Line(Key("", WAITING, f"{current.name} until production"), cost, paid, inputs)]


def _lost(months: Months, waiting: Waiting | None) -> list[Line]:
    """The margin that the business does without until the option serves."""
    if waiting is None:
        return []
    at = months.timeline.case.options[waiting.option][1]
    if at.spec.margin_lost is None:
        return []
    monthly = months.context().monthly(at, "margin_lost", at.spec.margin_lost, "margin_lost")
    lost = waiting.share * months.inner(monthly)
    return [Line(Key("", WAITING, "margin lost"), lost, months.columns(lost), (waiting.figure, *monthly.base))]


def _share(months: Months, until: Number) -> Array:
    """The share of each month that passes before production."""
    zero, one = months.inner(0), months.inner(1)
    shares = [np.minimum(np.maximum(until - (month - 1), zero), one) for month in range(1, len(months) + 1)]
    return rows(shares, months.exact)


def _left_of_commitments(months: Months, option: Assembled, waiting: Waiting | None, current: Course) -> list[Line]:
    """What is still owed of the commitments behind what runs today, by an option that does not use them."""
    case, lines = months.timeline.case, []
    kept = {p.leaf for p in option.parts}
    for leaf in (p.leaf for p in months.priced[0][current.name].parts):
        at_leaf = case.options[leaf][1]
        terms = getattr(at_leaf.spec, "commitment", None)
        if leaf in kept or terms is None or terms.until is None:
            continue
        owed = months.context().monthly(at_leaf, "commitment", terms.spend, "commitment", "spend")
        last = months.timeline.month_of(terms.until)
        amounts = rows([months.inner(owed) * (1 if i <= last else 0) for i in range(len(months))], months.exact)
        if waiting is not None:
            amounts = amounts * (1 - waiting.share)
        label = f"commitment of {leaf} until {terms.until}"
        if np.any(amounts != 0):
            lines.append(Line(Key("", LEFT, label), amounts, months.columns(amounts), owed.base))
    return lines
