"""Budgets and rules that a change breaks: what fails after it and did not before."""

from __future__ import annotations

from datetime import date

from tco.analysis.case import Case
from tco.document import Fault
from tco.gate.costs import Books
from tco.gate.finding import Finding
from tco.gate.gate import each


def newly_failed(
    before: Case | None, after: Case | None, today: date, draws: int, seed: int
) -> tuple[tuple[Finding, ...], tuple[Fault, ...]]:
    """The findings of `after` that fail, without those of the same name that failed before; and what could not be
    evaluated after. None: the scenario is not there. A scenario without budgets and rules has no findings."""
    was, _ = _findings(before, today, draws, seed)
    now, faults = _findings(after, today, draws, seed)
    failed = {(f.rule, f.name) for f in was if f.failed}
    return tuple(f for f in now if f.failed and (f.rule, f.name) not in failed), tuple(faults)


def _findings(case: Case | None, today: date, draws: int, seed: int) -> tuple[list[Finding], list[Fault]]:
    if case is None or not (case.scenario.budgets or case.scenario.checks):
        return [], []
    findings: list[Finding] = []
    faults: list[Fault] = []
    for found in each(case, today, Books(case, draws, seed), None):
        if isinstance(found, Finding):
            findings.append(found)
        else:
            faults += found.faults
    return findings, faults
