"""What is paid over the plan before and after, and in which months another option becomes the cheapest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tco.analysis.case import Case
from tco.analysis.change.record import Turn
from tco.analysis.change.split import Amount

if TYPE_CHECKING:
    from tco.analysis.plan import Plan
    from tco.calendar import Month


class Planned(NamedTuple):
    """A side over the months of its projection, at point values."""

    plan: Plan
    paid: Mapping[str, Amount]
    """By option, all that is paid."""


def planned(case: Case, names: Collection[str]) -> Planned:
    """The plan of a case, and what is paid for these of its options. `Faults` where the projection does not fit."""
    from tco.analysis.plan import plan

    found = plan(case, draws=0)
    there = {one.name: one for one in found.prospects}
    parts = [name for name in names if name in case.options and name not in there]
    if parts:  # only a part of others: no plan follows it by itself
        there |= {one.name: one for one in plan(_candidates(case, parts), draws=0).prospects}
    exact = {
        name: Amount(there[name].total, sum((v for line in there[name].payments for v in line.exact), Fraction(0)))
        for name in names
        if name in there
    }
    return Planned(found, exact)


def _candidates(case: Case, names: Collection[str]) -> Case:
    """The case with these options compared too."""
    options = dict(case.options)
    for name in names:
        module, at = options[name]
        options[name] = (module, at._replace(spec=at.spec.model_copy(update={"candidate": True})))
    return case._replace(options=options)


def turns(before: Plan | None, after: Plan | None) -> tuple[Turn, ...]:
    """Which option becomes the cheapest after which, and in which months; the first months' where it is another one."""
    found: dict[tuple[str | None, str | None, bool], tuple[list[Month], list[Month]]] = {}
    firsts = [None if side is None else side.cheapest[0] for side in (before, after)]
    for i, side in enumerate((before, after)):
        if side is None:
            continue
        if firsts[0] != firsts[1]:
            found.setdefault((None, side.cheapest[0], True), ([], []))[i].append(side.months[0])
        for turn in side.changes:
            found.setdefault((turn.before, turn.after, False), ([], []))[i].append(side.months[turn.month])
    return tuple(Turn(*key, tuple(was), tuple(now)) for key, (was, now) in found.items())
