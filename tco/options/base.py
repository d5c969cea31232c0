"""What every kind of option shares: its common keys, where its figures come from, people and fixed costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

from pydantic import Field, model_validator

from tco import units
from tco.catalog.meters import meter
from tco.catalog.store import STALE_DAYS, Found, LookupFault, Store
from tco.document import Document, Fault
from tco.fields import Count, Factor, Model, MoneyOverTime, Name, Positive, Reference, Share, Text, no_keys
from tco.lineitem import Figure, Home, LineItem, Numbers
from tco.quantity import Linear, Number
from tco.workload.demand import Class, Demand

MONTHS_PER_YEAR = 12

Steps = tuple[str | int, ...]
"""Keys from an option down to one of its values."""


class People(Model):
    """The people an option needs: a fraction of a full-time post and what a full-time year costs."""

    fte: Positive = Field(description="full-time equivalents")
    role: Reference | None = Field(None, description="a catalogue entry, such as us/engineer-150k")
    cost: MoneyOverTime | None = Field(None, description="a full-time year of one's own, such as 150k USD/year")

    @model_validator(mode="after")
    def _one_cost(self) -> People:
        if (self.role is None) == (self.cost is None):
            raise units.UnitError(None, "one of `role` (a catalogue entry) and `cost` (such as 150k USD/year)", "")
        return self


class OptionSpec(Model):
    """Keys of every kind of option."""

    kind: str
    label: Text | None = Field(None, description="a longer name for tables and pictures")
    note: Text | None = None
    candidate: bool = Field(True, description="false: only a part of hybrids, not compared by itself")
    people: People | None = None
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


class At(NamedTuple):
    """An option in its document: turns its keys into figures with a home, and faults with a place."""

    name: str
    spec: Any
    document: Document
    path: tuple[str | int, ...]

    def home(self, *steps: str | int) -> Home:
        path = (*self.path, *steps)
        return Home(self.document.where(path)) if path in self.document.marks else Home("default")

    def figure(self, key: str, unit: str) -> Figure:
        """The figure of a key: at its line, or the named default."""
        return Figure(key, Fraction(getattr(self.spec, key)), unit, self.home(key))

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
    notes: Notes

    def find(self, at: At, section: str, name: str, *steps: str | int) -> Found:
        """A catalogue entry, or `Unusable` at the key that names it."""
        try:
            return self.store.find(section, name)
        except LookupFault as missing:
            raise Unusable(at.fault(missing.message, *steps, expected=missing.expected, hint=missing.hint)) from None

    def converted(self, at: At, figure: Figure, currency: str, *steps: str | int) -> tuple[Figure, tuple[Figure, ...]]:
        """A money figure in the scenario's currency, and the figures it was made of, rates included."""
        if currency == self.currency:
            return figure, (figure,)
        try:
            from_rate, to_rate = (self.rates.get(c) or self.store.exchange_rate(c) for c in (currency, self.currency))
        except LookupFault as missing:
            raise Unusable(at.fault(missing.message, *steps, expected=missing.expected, hint=missing.hint)) from None
        value = figure.value * from_rate.value / to_rate.value
        used = [r for r, c in ((from_rate, currency), (to_rate, self.currency)) if c != "USD"]
        for r in used:
            self._warn_stale(r)
            self.notes.assume("", f"{r.name} = {float(r.value):g} {r.unit}: {r.home}")
        unit = figure.unit.replace(currency, self.currency)
        return Figure(figure.name, value, unit, figure.home), (figure, *used)

    def money(self, at: At, key: str, money: units.Money, *steps: str | int) -> tuple[Figure, tuple[Figure, ...]]:
        """A stated amount in the scenario's currency, with its inputs."""
        per = "1M tokens" if money.per == "mtok" else money.per
        figure = Figure(key, money.amount, f"{money.currency}/{per}", at.home(*steps))
        return self.converted(at, figure, money.currency, *steps)

    def per_hour(self, figure: Figure, per: str | None, hours: Figure) -> Figure:
        """Money over time as money per billed hour, of which a month has so many."""
        factor = {
            "hour": Fraction(1),
            "gpu_hour": Fraction(1),
            "day": Fraction(1, 24),
            "month": 1 / hours.value,
            "year": 1 / (MONTHS_PER_YEAR * hours.value),
        }[per or "month"]
        unit = f"{self.currency}/hour"
        return Figure(figure.name, figure.value * factor, unit, figure.home)

    def per_month(self, figure: Figure, per: str | None, hours: Figure | None = None) -> Figure:
        """Money over time as money a month of billed hours: the scenario's, unless an option has its own."""
        month = hours or self.hours
        hourly = self.per_hour(figure, per, month)
        return Figure(figure.name, hourly.value * month.value, f"{self.currency}/month", figure.home)

    def monthly(
        self, at: At, key: str, money: units.Money, *steps: str | int, hours: Figure | None = None
    ) -> tuple[Figure, tuple[Figure, ...]]:
        """A stated amount over time as money a month, with its inputs: the month's hours for an hour or a day."""
        month = hours or self.hours
        figure, made_of = self.money(at, key, money, *steps)
        used = (month,) if money.per in ("hour", "gpu_hour", "day") else ()
        return self.per_month(figure, money.per, month), (*made_of, *used)

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


Terms = Mapping[tuple[Figure, ...], int]
"""A count of tokens as a sum: the figures of each product, and its sign."""


def usage_terms(c: Class, at: At) -> dict[str, Terms]:
    """Tokens of one request by meter, as this option counts them: ratios applied, reasoning added, cache reads split.

    Meters inside another are part of their container's count. Absent meters are left out.
    """
    spec: ServesTokens = at.spec
    ratio = {"input": at.figure("input_ratio", ""), "output": at.figure("output_ratio", "")}
    counts: dict[str, Terms] = {}
    for key, figure in c.tokens.items():
        root = _root(key)
        if figure.value or key == root:
            counts[key] = {(figure, ratio[root]): 1}
    if spec.reasoning_tokens:
        counts["reasoning"] = {(at.figure("reasoning_tokens", "tokens/request"),): 1}
        counts["output"] = {**counts["output"], **counts["reasoning"]}
    if c.cacheable is not None and spec.cache_hit_rate:
        counts["cache_read"] = {
            (c.cacheable, ratio["input"], at.figure("cache_hit_rate", "of the cacheable prefix")): 1
        }
    return counts


def less(whole: Terms, *parts: Terms) -> Terms:
    """What is left of a count without its parts: products in both fall away."""
    left = dict(whole)
    for part in parts:
        for product, times in part.items():
            left[product] = left.get(product, 0) - times
    return {product: times for product, times in left.items() if times}


def counted(terms: Terms, n: Numbers) -> Number:
    """The number of tokens."""
    return sum((prod(map(n, product), start=n(times)) for product, times in terms.items()), n(0))


def usage(c: Class, at: At, n: Numbers) -> dict[str, Number]:
    """The numbers of `usage_terms`."""
    return {key: counted(terms, n) for key, terms in usage_terms(c, at).items()}


def figures_in(*counts: Terms) -> tuple[Figure, ...]:
    """The figures that counts are made of: those that somebody stated."""
    return tuple(dict.fromkeys(f for terms in counts for product in terms for f in product if not f.home.is_default))


def _root(key: str) -> str:
    row = meter(key)
    return key if row.inside is None else _root(row.inside)


def standing_lines(at: At, context: Context) -> tuple[LineItem, ...]:
    """People and fixed costs: lines that do not depend on the volume."""
    n, spec = context.n, at.spec
    lines: list[LineItem] = []
    if spec.people is not None:
        fte = Figure("fte", spec.people.fte, "FTE", at.home("people", "fte"))
        if spec.people.role is not None:
            found = context.find(at, "people", spec.people.role, "people", "role")
            person = found.spec
            context.paper(at.name, found, person)
            year = found.figure("per_year", person.per_year, f"{found.currency}/year", person, "per_year")
            loading = found.figure("loading", person.loading, "", person, "loading")
            loaded = Figure("per_year", year.value * loading.value, year.unit, year.home)
            rate, made_of = context.converted(at, loaded, found.currency, "people", "role")
            made_of = (*made_of, *((loading,) if loading.value != 1 else ()))
            monthly = context.per_month(rate, "year")
        else:
            monthly, made_of = context.monthly(at, "cost of a full-time post", spec.people.cost, "people", "cost")
        lines.append(LineItem("people", "people", constant().times(n(fte)), "FTE", n(monthly), (fte, *made_of)))
    for name, money in spec.fixed_costs.items():
        monthly, made_of = context.monthly(at, name, money, "fixed_costs", name)
        lines.append(LineItem("fixed", name, constant(), "month", n(monthly), made_of))
    return tuple(lines)


def class_figures(demand: Demand) -> Sequence[Class]:
    """The classes a demand holds, in the workload's order."""
    return [c for name, c in demand.traffic.classes.items() if name in demand.flows]
