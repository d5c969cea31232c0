"""What every kind of option shares: its common keys, where its figures come from, its overhead and fixed costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from pydantic import Field, model_validator

from tco import units
from tco.catalog.store import STALE_DAYS, Found, LookupFault, Store
from tco.document import Document, Fault
from tco.fields import AtLeastOne, Count, Factor, Model, MoneyOverTime, Name, Positive, Reference, Share, Text, no_keys
from tco.lineitem import Figure, Home, LineItem, Numbers
from tco.quantity import Linear, Number
from tco.workload.demand import Class, Demand

MONTHS_PER_YEAR = 12

Steps = tuple[str | int, ...]
"""Keys from an option down to one of its values."""


class People(Model):
    """The people an option needs: a fraction of a full-time post and what a full-time year costs."""

    fte: Positive = Field(description="full-time equivalents, in all or `per_gpus`")
    per_gpus: AtLeastOne | None = Field(
        None, description="`fte` for every so many GPUs at the peak, all fleets of the option together"
    )
    at_least: Positive | None = Field(None, description="full-time equivalents at least: on-call around the clock")
    role: Reference | None = Field(None, description="a catalogue entry, such as us/engineer-150k")
    cost: MoneyOverTime | None = Field(None, description="a full-time year of one's own, such as 150k USD/year")

    @model_validator(mode="after")
    def _one_cost(self) -> People:
        if (self.role is None) == (self.cost is None):
            raise units.UnitError(None, "one of `role` (a catalogue entry) and `cost` (such as 150k USD/year)", "")
        if self.at_least is not None and self.per_gpus is None:
            raise units.UnitError(None, "`per_gpus` beside `at_least`: a fixed `fte` needs no minimum", "")
        return self


class OptionSpec(Model):
    """Keys of every kind of option."""

    kind: str
    label: Text | None = Field(None, description="a longer name for tables and pictures")
    note: Text | None = None
    candidate: bool = Field(True, description="false: only a part of hybrids, not compared by itself")
    people: People | None = Field(None, description="who looks after it, and what they cost")
    fixed_costs: dict[Name, MoneyOverTime] = Field(default_factory=no_keys, description="further costs by name")

    def references(self) -> dict[Steps, tuple[str, str]]:
        """The catalogue entries this option names: section and name, by the key that names them."""
        role = self.people.role if self.people is not None else None
        return {} if role is None else {("people", "role"): ("people", role)}


class ServesTokens(OptionSpec):
    """Keys of every option that itself processes tokens."""

    input_ratio: Positive = Field(Fraction(1), description="its input tokens per token of the reference tokenizer")
    output_ratio: Positive = Field(Fraction(1), description="its output tokens likewise, verbosity included")
    reasoning_tokens: Count = Field(Fraction(0), description="hidden reasoning tokens per request, billed as output")
    cache_hit_rate: Share = Field(Fraction(0), description="share of the cacheable prefix that is read from its cache")
    overhead: dict[Name, Factor] = Field(
        default_factory=no_keys, description="replaces or adds to the workload's overhead for this option"
    )


class Note(NamedTuple):
    """Something a reader should know, of one option or ("") of the whole scenario."""

    option: str
    text: str

    def __str__(self) -> str:
        return f"{self.option}: {self.text}" if self.option else self.text


class Notes:
    """What a reader should know: assumptions made and warnings, each once, in order."""

    def __init__(self) -> None:
        self.assumptions: dict[Note, None] = {}
        self.warnings: dict[Note, None] = {}

    def assume(self, option: str, text: str) -> None:
        """Something taken for granted that a reader may want to state."""
        self.assumptions[Note(option, text)] = None

    def warn(self, option: str, text: str) -> None:
        """Something that makes the result less sure."""
        self.warnings[Note(option, text)] = None


def home_of(document: Document, path: Steps, source: str = "", checked: str = "") -> Home:
    """Where a document states what stands at these keys; a named default when it does not."""
    if path not in document.marks:
        return Home("default")
    return Home(document.where(path), source, checked, "", ".".join(map(str, path)))


class At(NamedTuple):
    """An option in its document: turns its keys into figures with a home, and faults with a place."""

    name: str
    spec: Any
    document: Document
    path: tuple[str | int, ...]

    def home(self, *steps: str | int) -> Home:
        return home_of(self.document, (*self.path, *steps))

    def figure(self, key: str, unit: str) -> Figure:
        """The figure of a key: at its line, or the named default."""
        return Figure(key, getattr(self.spec, key), unit, self.home(key))

    def fault(self, message: str, *steps: str | int, expected: str = "", hint: str = "", key: bool = False) -> Fault:
        return self.document.fault((*self.path, *steps), message, expected=expected, hint=hint, key=key)


class Unusable(Exception):
    """This option cannot be priced: the faults say why. Others are still looked at."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults


class Context(NamedTuple):
    """What pricing an option needs besides the option and its demand."""

    n: Numbers
    store: Store
    currency: str
    rates: Mapping[str, Figure]
    """Exchange rates of the scenario's own, US dollars for one unit."""
    hours: Figure
    overhead: Mapping[str, Figure]
    burst: Figure
    notes: Notes

    def find(self, at: At, section: str, name: str, *steps: str | int) -> Found:
        """A catalogue entry, or `Unusable` at the key that names it."""
        try:
            return self.store.find(section, name)
        except LookupFault as missing:
            raise Unusable(at.fault(missing.message, *steps, expected=missing.expected, hint=missing.hint)) from None

    def converted(self, at: At, figure: Figure, currency: str, *steps: str | int) -> Figure:
        """A money figure in the scenario's currency."""
        if currency == self.currency:
            return figure
        try:
            from_rate, to_rate = (self.rates.get(c) or self.store.exchange_rate(c) for c in (currency, self.currency))
        except LookupFault as missing:
            raise Unusable(at.fault(missing.message, *steps, expected=missing.expected, hint=missing.hint)) from None
        by, per = ((r,) if c != "USD" else () for r, c in ((from_rate, currency), (to_rate, self.currency)))
        for r in (*by, *per):
            self._warn_stale(r)
            self.notes.assume("", f"{r.name} = {float(r.value):g} {r.unit}: {r.home}")
        return figure.times(*by, per=per, unit=figure.unit.replace(currency, self.currency))

    def money(self, at: At, key: str, money: units.Money, *steps: str | int) -> Figure:
        """A stated amount in the scenario's currency."""
        per = "1M tokens" if money.per == "mtok" else money.per
        unit = f"{money.currency}/{per}" if per else money.currency
        return self.converted(at, Figure(key, money.amount, unit, at.home(*steps)), money.currency, *steps)

    def per_hour(self, figure: Figure, per: str | None, hours: Figure) -> Figure:
        """Money over time as money per billed hour, of which a month has so many."""
        unit = f"{self.currency}/hour"
        if per in ("hour", "gpu_hour", "day"):
            return figure.times(factor=Fraction(1, 24) if per == "day" else 1, unit=unit)
        return figure.times(per=(hours,), factor=Fraction(1, MONTHS_PER_YEAR) if per == "year" else 1, unit=unit)

    def per_month(self, figure: Figure, per: str | None, hours: Figure | None = None) -> Figure:
        """Money over time as money a month; an hour or a day by the month's billed hours, its own where it has such."""
        unit = f"{self.currency}/month"
        if per in ("hour", "gpu_hour", "day"):
            month = hours or self.hours
            return figure.times(month, factor=Fraction(1, 24) if per == "day" else 1, unit=unit)
        return figure.times(factor=Fraction(1, MONTHS_PER_YEAR) if per == "year" else 1, unit=unit)

    def monthly(self, at: At, key: str, money: units.Money, *steps: str | int, hours: Figure | None = None) -> Figure:
        """A stated amount over time as money a month."""
        return self.per_month(self.money(at, key, money, *steps), money.per, hours)

    def _warn_stale(self, rate: Figure) -> None:
        if rate.home.checked:
            age = (self.store.as_of - date.fromisoformat(rate.home.checked)).days
            if age > STALE_DAYS:
                self.notes.warn("", f"the rate {rate.name} was last checked on {rate.home.checked}, {age} days ago")

    def paper(self, option: str, found: Found, row: Any) -> None:
        """Warn about what is old or assumed."""
        age = (self.store.as_of - row.checked).days
        if age > STALE_DAYS:
            self.notes.warn(option, f"{found.name} was last checked on {row.checked}, {age} days ago")
        if row.kind == "assumption":
            self.notes.warn(option, f"{found.name} is an assumption: {row.source}")


def constant(amount: int = 1) -> Linear:
    """A quantity that does not depend on the volume."""
    return Linear(amount, ())


def overheads(at: At, context: Context) -> tuple[Figure, ...]:
    """The overhead of an option: the workload's, replaced or added to by name."""
    own = {
        name: Figure(f"overhead: {name}", value, "of served requests", at.home("overhead", name))
        for name, value in at.spec.overhead.items()
    }
    return tuple({**context.overhead, **own}.values())


def grossed_up(figures: Iterable[Figure], n: Numbers) -> Number:
    """1 + the sum of the overheads."""
    return sum((n(f) for f in figures), n(1))


def fixed_lines(at: At, context: Context) -> tuple[LineItem, ...]:
    """Fixed costs: lines that do not depend on the volume."""
    lines = []
    for name, money in at.spec.fixed_costs.items():
        monthly = context.monthly(at, name, money, "fixed_costs", name)
        lines.append(LineItem("fixed", name, constant(), "month", context.n(monthly), monthly.base))
    return tuple(lines)


def class_figures(demand: Demand) -> Sequence[Class]:
    """The classes a demand holds, in the workload's order."""
    return [c for name, c in demand.traffic.classes.items() if name in demand.flows]
