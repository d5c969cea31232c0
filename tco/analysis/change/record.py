"""What `tco diff` says of one scenario, as records for every output to read."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tco.analysis.case import Case
from tco.analysis.change.keys import KeyChange
from tco.analysis.change.shapley import Block
from tco.analysis.compare import Comparison

if TYPE_CHECKING:
    from tco.analysis.plan import Plan
    from tco.calendar import Month

NOTHING = Decimal("0.00")


class Part(NamedTuple):
    """What one cause, or several that cannot be told apart, adds."""

    causes: Block
    exact: Fraction
    amount: Decimal
    """Rounded so that the parts of an option sum to its change."""


class Measure(NamedTuple):
    """What an option costs before and after: in a month at the planned volume, or what is paid over the plan."""

    before: Decimal | None
    """Money, the sum of rounded lines; None where the option was not there."""
    after: Decimal | None
    exact: tuple[Fraction, Fraction]
    """Both unrounded; 0 where it is not there."""
    parts: tuple[Part, ...] = ()
    """What the causes add; none for an option that is added or removed."""
    split: bool = True
    """Whether the parts were asked for."""

    @property
    def amount(self) -> Decimal:
        """What it costs more: after less before."""
        return (self.after or NOTHING) - (self.before or NOTHING)

    @property
    def share(self) -> Fraction | None:
        """The same of what it cost before; None where that was nothing."""
        return Fraction(self.amount) / Fraction(self.before) if self.before else None


class OptionChange(NamedTuple):
    """An option before and after."""

    name: str
    month: Measure
    """At the planned volume."""
    total: Measure | None
    """What is paid over the plan; None where neither side has a projection."""
    feasible: tuple[bool | None, bool | None]
    """Whether it can serve the workload; None where it is not there."""


class Bill(NamedTuple):
    """What is paid: for what runs today, else for the recommended option. It may be another option after the change."""

    kind: str
    """`current`, `recommended` or, as asked for, `option`. A side that names nothing that runs today, and does not have
    the other's, has its recommended option instead."""
    before: str | None
    """The option; None where there is no such."""
    after: str | None
    was: Decimal | None
    """Money; None where nothing could be said: no option is feasible, or it is not there."""
    now: Decimal | None
    new: bool
    """Whether nothing was paid before: the scenario is new, or the option that was asked for."""
    gone: bool
    """Whether nothing is paid any more."""

    @property
    def amount(self) -> Decimal | None:
        """What it costs more; None where that cannot be said."""
        if (self.was is None and not self.new) or (self.now is None and not self.gone):
            return None
        return (self.now or NOTHING) - (self.was or NOTHING)

    @property
    def share(self) -> Fraction | None:
        """The same of what was paid before; None where that was nothing."""
        amount = self.amount
        return None if amount is None or not self.was else Fraction(amount) / Fraction(self.was)


class Shift(NamedTuple):
    """Where the answer changes from one option to another, before and after: tokens a day."""

    below: str
    above: str
    before: tuple[float, ...]
    after: tuple[float, ...]


class Turn(NamedTuple):
    """The months from which another option is the cheapest feasible one, before and after."""

    left: str | None
    """The option that was the cheapest until then; None where none was feasible, and of the first month."""
    taken: str | None
    """The option that is; None where none is feasible."""
    first: bool
    """Whether it is so from the first month on."""
    before: tuple[Month, ...]
    after: tuple[Month, ...]


class Spend(NamedTuple):
    """What is paid over the plan, of a scenario with a projection on either side."""

    bill: Bill
    """Of the same options as the monthly one."""
    plans: tuple[Plan | None, Plan | None]
    """None where the scenario is not there."""
    stated: tuple[bool, bool]
    """Whether a side has a projection; without one its volume and prices are held."""
    turns: tuple[Turn, ...]

    @property
    def same_months(self) -> bool:
        """Whether both sides look at the same months; true where one is not there."""
        before, after = self.plans
        return before is None or after is None or before.months == after.months


class Change(NamedTuple):
    """What `tco diff` says of one scenario, for every output to read."""

    file: str
    """The scenario's, as it is named after the change, or before where it is gone."""
    title: str
    currency: str
    before: Comparison | None
    """None where the scenario is new."""
    after: Comparison | None
    """None where it is gone."""
    causes: tuple[str, ...]
    """The causes of which anything differs."""
    options: tuple[OptionChange, ...]
    bill: Bill
    """A month."""
    spend: Spend | None
    """Over the plan; None where neither side has a projection."""
    changed: tuple[KeyChange, ...]
    """The keys and figures that differ, of all that the option of the bill rests on."""
    shifts: tuple[Shift, ...]
    warnings: tuple[str, ...]
    cases: tuple[Case | None, Case | None]
    """Both sides as they were read; None where the scenario is not there."""

    @property
    def detailed(self) -> OptionChange | None:
        """The option of the bill, with its split; None where there is no such."""
        wanted = (self.bill.after, self.bill.before)
        return next((o for name in wanted for o in self.options if name is not None and o.name == name), None)

    @property
    def status(self) -> str:
        """`new`, `removed`, `changed` or `unchanged`."""
        if self.before is None or self.after is None:
            return "new" if self.before is None else "removed"
        moved = any(m.amount for o in self.options for m in (o.month, o.total) if m is not None)
        turned = self.spend is not None and any(t.before != t.after for t in self.spend.turns)
        r, s = self.before.recommendation, self.after.recommendation
        other = (r.option, r.too_close) != (s.option, s.too_close)
        return "changed" if moved or turned or self.shifts or self.changed or other else "unchanged"
