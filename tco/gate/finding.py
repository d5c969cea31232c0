"""Records of the gate: what each budget and each rule came to, of one scenario and of many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from tco.calendar import Month
from tco.document import Document, Fault

Status = Literal["within", "warned", "allowed", "crossed", "violated"]
"""within: holds, exactly at the limit included. warned: above the warn level. allowed: crossed, but not before the
month from which that is no failure. crossed: above the limit. violated: another rule that does not hold, or the option
cannot serve the volume at all."""

FAILED: frozenset[Status] = frozenset({"crossed", "violated"})

RULES: Mapping[str, tuple[str, str]] = {
    "monthly-cost": ("MonthlyCost", "A month costs no more than its budget."),
    "request-cost": ("RequestCost", "A request costs no more than its budget."),
    "token-cost": ("TokenCost", "1M tokens cost no more than their budget."),
    "total-cost": ("TotalCost", "All that is paid over the horizon is no more than its budget."),
    "increase": ("IncreaseOverReference", "An option costs no more than a reference by more than its budget allows."),
    "price-age": ("PriceAge", "Every catalogue figure in use was checked lately."),
    "feasible": ("OptionIsFeasible", "An option can serve the planned volume and meets the requirements."),
    "recommended": ("RecommendationIs", "The recommendation is the one that is required."),
    "cheapest": ("CheapestIs", "The cheapest feasible option is the one that is required."),
    "holds-in": ("HoldsIn", "The decision holds in the share of draws that is required."),
}
"""Every rule by its stable id: a name, and what holds where it holds."""


class Place(NamedTuple):
    """Where something is stated: a line and column from 1; 0 for a file as a whole."""

    file: str
    line: int
    col: int


def place_of(document: Document, *path: str | int, key: bool = True) -> Place:
    """Where a document states a key; its value's place where it has no key."""
    fault = document.fault(path, "", key=key)
    return Place(fault.file, fault.line, fault.col)


class Crossing(NamedTuple):
    """The first month above a limit."""

    month: Month
    figure: Fraction | None
    """What it comes to, in the limit's unit; None where the option cannot serve that month."""


class Driver(NamedTuple):
    """The line of a cost that matters most to a finding."""

    part: str
    """The leaf a hybrid's line belongs to; "" for the option's own."""
    category: str
    label: str
    amount: Decimal
    growth: Decimal | None
    """Since the first month; None where it is the largest line, not the one that grew most."""


class Finding(NamedTuple):
    """What one budget, or one other rule, came to."""

    rule: str
    name: str
    """The budget's key, or the rule as it is stated."""
    subject: str
    """What is held against the limit, in words: "monthly cost of api"."""
    status: Status
    place: Place
    currency: str = ""
    unit: str = ""
    """Of figure and limit: "USD/month", "USD/request", "USD/1M tokens", "USD", "share", "days"; "" for no numbers."""
    figure: Fraction | None = None
    limit: Fraction | None = None
    at_least: bool = False
    """Whether the figure must reach the limit, not stay below."""
    warn: Fraction | None = None
    month: Month | None = None
    """The month of the figure, the highest of all; None for today and for a total."""
    crossing: Crossing | None = None
    outlook: Crossing | None = None
    """For a budget of today: when the projection would cross it. It is no failure."""
    driver: Driver | None = None
    option: str | None = None
    percentile: Fraction | None = None
    not_before: Month | None = None
    expires: date | None = None
    owner: str | None = None
    reason: str = ""
    """Why it is violated."""
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it keeps the check from passing."""
        return self.status in FAILED

    @property
    def margin(self) -> Fraction | None:
        """What is left up to the limit, in its unit; negative beyond it. None where there are no two numbers."""
        if self.figure is None or self.limit is None:
            return None
        return self.figure - self.limit if self.at_least else self.limit - self.figure

    @property
    def margin_share(self) -> Fraction | None:
        """The same as a share of the limit; None of a limit of nothing."""
        return self.margin / self.limit if self.margin is not None and self.limit else None


class Checked(NamedTuple):
    """One scenario held against its budgets and rules."""

    file: str
    title: str
    currency: str
    as_of: str
    findings: tuple[Finding, ...]
    faults: tuple[Fault, ...]
    """What could not be evaluated, and why."""
    failure: str
    """What failed outside of tco while it was read; "" for nothing."""
    inputs: Mapping[str, str]

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings that keep it from passing."""
        return tuple(f for f in self.findings if f.failed)


PASSED, CROSSED, NOT_EVALUATED, OUTSIDE = "passed", "crossed", "not evaluated", "failed outside"

EXIT_PASSED, EXIT_NOT_EVALUATED, EXIT_OUTSIDE = 0, 2, 4
"""1 is left to Python, so that a crash never reads as a verdict."""


class Report(NamedTuple):
    """What `tco check` says, for every output to read."""

    scenarios: tuple[Checked, ...]
    skipped: int
    """YAML files of folders that are no scenarios."""
    today: date
    crossed_code: int
    """The exit code where something is crossed."""
    failure: str = ""
    """What failed outside of tco while outputs were written; "" for nothing."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of all scenarios."""
        return tuple(f for s in self.scenarios for f in s.findings)

    @property
    def verdict(self) -> str:
        """What failed outside comes before what could not be evaluated, and that before what is crossed."""
        if self.failure or any(s.failure for s in self.scenarios):
            return OUTSIDE
        if any(s.faults for s in self.scenarios) or not self.findings:
            return NOT_EVALUATED
        return CROSSED if any(f.failed for f in self.findings) else PASSED

    @property
    def exit_code(self) -> int:
        """Of the verdict."""
        codes = {PASSED: EXIT_PASSED, NOT_EVALUATED: EXIT_NOT_EVALUATED, OUTSIDE: EXIT_OUTSIDE}
        return codes.get(self.verdict, self.crossed_code)

    @property
    def inputs(self) -> dict[str, str]:
        """Every file that was read, with the digest of its text."""
        return dict(sorted({path: digest for s in self.scenarios for path, digest in s.inputs.items()}.items()))
