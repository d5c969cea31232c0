"""How the findings of the gate are said, once for every output."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from tco.document import Fault
from tco.gate.finding import (
    CROSSED,
    NOT_EVALUATED,
    OUTSIDE,
    PASSED,
    Checked,
    Crossing,
    Driver,
    Finding,
    Report,
)
from tco.report.words import percent, significant
from tco.units import format_money

ORDER = ("crossed", "violated", "warned", "allowed", "within")
"""Statuses, what keeps a check from passing first."""

MEANINGS = {
    PASSED: "everything holds",
    CROSSED: "a budget is crossed, or a rule is violated",
    NOT_EVALUATED: "something could not be evaluated, which is no pass",
    OUTSIDE: "something outside of tco failed",
}


def by_gravity(findings: Sequence[Finding]) -> list[Finding]:
    """What fails first, else in the scenario's order."""
    return sorted(findings, key=lambda f: ORDER.index(f.status))


def amount(value: Fraction, unit: str, digits: int = 6) -> str:
    """A figure in its unit: money to the cent, unit costs to so many significant digits, shares in per cent."""
    if unit == "share":
        return f"{significant(value * 100, digits)} %"
    if unit == "days":
        return f"{value} {'day' if value == 1 else 'days'}"
    currency, _, per = unit.partition("/")
    if per in ("", "month") and (value * 100).denominator == 1:
        text = format_money(value, currency)
    else:
        sign, shown = ("-" if value < 0 else ""), significant(abs(value), digits)
        text = f"{sign}{format_money(Fraction(0), currency).removesuffix('0.00')}{shown}"
    return f"{text}/{per}" if per else text


def amounts(f: Finding) -> tuple[str, str]:
    """Figure and limit, in as many digits as tell them apart."""
    assert f.figure is not None and f.limit is not None
    for digits in (4 if f.unit == "share" else 6, 9, 12, 15, 18):
        pair = amount(f.figure, f.unit, digits), amount(f.limit, f.unit, digits)
        if pair[0] != pair[1] or f.figure == f.limit:
            break
    return pair


def margin(f: Finding) -> str:
    """How far a figure is from its limit, and as a share of it; "" where there are no numbers."""
    if f.margin is None:
        return ""
    if not f.margin:
        return "exactly at"
    beyond = "below" if f.at_least else "above"
    within = "above" if f.at_least else "below"
    apart = amount(abs(f.margin), f.unit, 4 if f.unit == "share" else 6).partition("/")[0]
    apart = apart.replace(" %", " points") if f.unit == "share" else apart
    share = "" if f.margin_share is None or f.unit == "share" else f" ({percent(abs(f.margin_share))})"
    return f"{apart}{share} {within if f.margin > 0 else beyond}"


def outcome(f: Finding) -> str:
    """What a finding came to, in one line: the figure, the margin and the limit; or why it does not hold."""
    said = []
    if f.figure is not None and f.limit is not None:
        figure, limit = amounts(f)
        when = f" in {f.month}" if f.month is not None else ""
        said.append(f"{figure}{when}, {margin(f)} the limit of {limit}")
    if f.reason:
        said.append(f.reason)
    return "; ".join(said) or "it holds"


def heading(f: Finding) -> str:
    """Its name, where it is stated, and what is held against the limit."""
    about = "" if f.subject == f.name else f": {f.subject}"
    return f"{f.name} ({place(f)}){about}"


def message(f: Finding) -> str:
    """A finding in a sentence or two, for outputs that have one field for it."""
    return " ".join(f"{text[0].upper()}{text[1:]}." for text in (f"{f.subject}: {outcome(f)}", *details(f)))


def details(f: Finding) -> list[str]:
    """What a reader needs to act on it, a phrase each."""
    found = []
    if f.crossing is not None:
        found.append(f"first crossed in {crossing(f.crossing, f.unit)}")
    if f.status == "allowed":
        found.append(f"no failure from {f.not_before} on")
    if f.status == "warned" and f.warn is not None:
        found.append(f"above the warn level of {amount(f.warn, f.unit)}")
    if f.outlook is not None:
        found.append(ahead(f))
    if f.driver is not None:
        found.append(f"driven by {driver(f.driver, f)}")
    found += f.notes
    if f.owner is not None:
        found.append(f"owner: {f.owner}")
    return found


def to_pass(f: Finding) -> str:
    """What can be done about a finding that fails."""
    whom = f"{f.owner}" if f.owner is not None else "who pays (no `owner` is stated)"
    if f.status == "crossed":
        return f"to pass: bring it down, or agree on another limit with {whom} and state it there"
    return f"to pass: make it hold again, or agree with {whom} on what is stated there"


def ahead(f: Finding) -> str:
    """When the projection will cross a limit that holds today."""
    assert f.outlook is not None
    return f"the projection crosses it in {crossing(f.outlook, f.unit)}"


def crossing(x: Crossing, unit: str) -> str:
    """The month, and what it comes to then."""
    return f"{x.month} ({'it cannot serve' if x.figure is None else amount(x.figure, unit)})"


def driver(d: Driver, f: Finding) -> str:
    """A line of cost, what it comes to, and what it has grown by."""
    total = f.rule == "total-cost"
    name = f"{d.part}: {d.label}" if d.part else d.label
    cost = f"{format_money(d.amount, f.currency)}{'' if total else '/month'}"
    if d.growth is None:
        return f"{name} ({d.category}), {cost}"
    return f"{name} ({d.category}), {cost}, {format_money(d.growth, f.currency)} more than in the first month"


def place(f: Finding) -> str:
    """Where it is stated, as editors take it."""
    return f"{f.place.file}:{f.place.line}:{f.place.col}" if f.place.line else f.place.file


def where(f: Fault) -> str:
    """Where something could not be evaluated, as editors take it."""
    return f"{f.file}:{f.line}:{f.col}" if f.line else f.file


def fault(f: Fault) -> str:
    """What could not be evaluated, in one line."""
    value = f": `{f.value}`" if f.value else ""
    return "; ".join(filter(None, (f"{f.message}{value}", f"expected {f.expected}" if f.expected else "", f.hint)))


def counted(findings: Sequence[Finding]) -> str:
    """How many of each status, what fails first: "2 crossed, 5 within"."""
    return ", ".join(f"{n} {status}" for status in ORDER if (n := sum(f.status == status for f in findings)))


def title(s: Checked) -> str:
    """A scenario with what it was read as."""
    return f"{s.file}: {s.title}" if s.title not in ("", s.file) else s.file


def summary(report: Report) -> str:
    """What was checked, in one sentence."""
    scenarios, checks = len(report.scenarios), len(report.findings)
    found = f"{checks} {'check' if checks == 1 else 'checks'}"
    found += f" in {scenarios} scenarios" if scenarios != 1 else ""
    parts = [f"{found}: {counted(report.findings)}" if checks else found]
    faults = sum(len(s.faults) for s in report.scenarios)
    if faults:
        parts.append(f"{faults} {'thing' if faults == 1 else 'things'} could not be evaluated")
    parts += [f"{s.file}: {s.failure}" for s in report.scenarios if s.failure]
    parts += [report.failure] if report.failure else []
    if report.skipped:
        parts.append(f"{report.skipped} other {'file' if report.skipped == 1 else 'files'} skipped")
    return "; ".join(parts)


def verdict(report: Report) -> str:
    """The verdict and what its exit code means."""
    word = {PASSED: "passed", CROSSED: "failed", NOT_EVALUATED: "not evaluated", OUTSIDE: "failed"}[report.verdict]
    return f"{word} (exit {report.exit_code}): {MEANINGS[report.verdict]}"
