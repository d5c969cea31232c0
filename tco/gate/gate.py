"""Scenarios held against their budgets and rules, one after another: a fault in one never hides another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from tco.analysis.case import Case, build_case, document_of, every_fault
from tco.catalog.store import Reading
from tco.document import Document, Fault, Faults, did_you_mean
from tco.gate.budget import Entry, check_budget
from tco.gate.costs import Books
from tco.gate.finding import Checked, Finding, place_of
from tco.scenario.budgets import MONTH, Budget, Level

MAX_MONTHLY = "--max-monthly"


class Limit(NamedTuple):
    """A limit on monthly cost from the command line, beside those of the scenarios."""

    amount: Fraction
    currency: str | None
    """None: the scenario's."""
    option: str | None
    """None: what runs today."""


def check_each(
    scenarios: Sequence[str], today: date, draws: int, seed: int, limit: Limit | None = None
) -> Iterator[Checked]:
    """Every scenario checked. Catalogues that they share are read once."""
    reading = Reading()
    for scenario in scenarios:
        yield check(scenario, today, draws, seed, limit, reading)


def check(
    scenario: str, today: date, draws: int, seed: int, limit: Limit | None = None, reading: Reading | None = None
) -> Checked:
    """One scenario, by file or shipped name, as far as it can be evaluated."""
    document: Document | None = None
    case: Case | None = None
    findings: list[Finding] = []
    faults: list[Fault] = []
    failure = ""
    try:
        document = document_of(scenario)
        case = build_case(document, None, today, reading=reading)
        for found in each(case, today, Books(case, draws, seed), limit):
            if isinstance(found, Finding):
                findings.append(found)
            else:
                faults += found.faults
    except Faults as problem:
        faults += problem.faults
    except OSError as problem:  # of a disk or a network drive: the next scenario may be fine
        failure = f"{problem.filename}: {problem.strerror}" if problem.filename else str(problem.strerror or problem)
    return Checked(
        file=scenario if document is None else str(document.path),
        title=scenario if case is None else case.title,
        currency="" if case is None else case.scenario.currency,
        as_of="" if case is None else case.store.as_of.isoformat(),
        findings=tuple(findings),
        faults=tuple(faults if document is None else every_fault(document, faults)),
        failure=failure,
        inputs={} if case is None else case.inputs(),
    )


def each(case: Case, today: date, books: Books, limit: Limit | None = None) -> Iterator[Finding | Faults]:
    """A finding for each budget and each rule, or what keeps it from being evaluated."""
    entries = list(_entries(case))
    if limit is not None:
        try:
            entries.append(_from_command_line(case, limit))
        except Faults as problem:
            yield problem
    spec = case.scenario.checks
    if not entries and limit is None and (spec is None or not spec.model_fields_set):
        expected = f"`budgets` or `checks` in the scenario, or {MAX_MONTHLY}"
        yield Faults([Fault(str(case.document.path), 0, 0, "nothing to check: no budget and no rule", expected)])
        return
    _ = books.priced  # what cannot be priced is said once, not for each budget
    for entry in entries:
        try:
            yield check_budget(entry, books, today)
        except Faults as problem:
            yield problem
    if spec is not None:
        from tco.gate.rules import Rules

        yield from Rules(spec, books, today).findings()


def _entries(case: Case) -> Iterator[Entry]:
    current = case.scenario.current
    for name, budget in case.scenario.budgets.items():
        option = budget.option or current
        assert option is not None  # or building the case would have said so
        over = None if budget.increase is None else budget.over or current
        path = ("budgets", name)
        yield Entry(name, budget, option, over, path, place_of(case.document, *path))


def _from_command_line(case: Case, limit: Limit) -> Entry:
    """The limit as a budget of the scenario; it is shown where the option stands."""
    option, known = limit.option or case.scenario.current, list(case.scenario.options)
    if option is None:
        message = f"{MAX_MONTHLY} without --option is a limit on what runs today, and no `current` is stated"
        raise Faults([case.document.fault(("options",), message, expected="`current: NAME`, or --option", key=True)])
    if option not in known:
        expected, hint = "one of " + ", ".join(known), did_you_mean(option, known)
        raise Faults(
            [case.document.fault(("options",), f"no option `{option}`", expected=expected, hint=hint, key=True)]
        )
    level = Level(limit.amount, MONTH, limit.currency or case.scenario.currency)
    budget = Budget.model_validate({"limit": level})
    place = place_of(case.document, "options", option)
    return Entry(MAX_MONTHLY, budget, option, None, ("options", option), place)
