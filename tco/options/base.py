"""What every kind of option shares: its common keys, where its figures come from, its overhead and fixed costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Discriminator, Field, Tag, model_validator

from tco import units
from tco.calendar import MONTHS_PER_YEAR
from tco.catalog.store import STALE_DAYS, Found, LookupFault, Store
from tco.document import Document, Fault
from tco.fields import (
    AtLeastOne,
    Count,
    Factor,
    Model,
    Name,
    Positive,
    Reference,
    Salary,
    Share,
    Text,
    later,
    no_keys,
)
from tco.lineitem import KEY_JOINT, Every, Figure, Home, LineItem, Numbers, Trend
from tco.options.costs.keys import RETRY, Amount, CostName, Months, Standing, standing_form
from tco.options.facts import Facts
from tco.quantity import Linear, Number
from tco.workload.demand import Class, Demand

if TYPE_CHECKING:
    from tco.catalog.sourced import Dated
    from tco.options.costs.stated import EmbeddedBy, Quality, Recurring, Stored, UsageCost
else:
    _COSTS = "tco.options.costs.stated"
    EmbeddedBy, Quality, UsageCost = (later(_COSTS, name) for name in ("EmbeddedBy", "Quality", "UsageCost"))
    Recurring, Stored = later(_COSTS, "Recurring"), later(_COSTS, "Stored")

FixedCost = Annotated[
    Annotated[Standing, Tag("money")] | Annotated[Recurring, Tag("recurring")] | Annotated[Stored, Tag("stored")],
    Discriminator(standing_form),
]

MONTHS_IN = {"quarter": 3, "year": MONTHS_PER_YEAR}

SHOWN_PER = {"mtok": "1M tokens", "gb": "GB", "gb_month": "GB-month"}

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
    cost: Salary | None = Field(None, description="a full-time post of one's own, such as 150k USD/year")

    @model_validator(mode="after")
    def _one_cost(self) -> People:
        if (self.role is None) == (self.cost is None):
            raise units.UnitError(None, "one of `role` (a catalogue entry) and `cost` (such as 150k USD/year)", "")
        if self.at_least is not None and self.per_gpus is None:
            raise units.UnitError(None, "`per_gpus` beside `at_least`: a fixed `fte` needs no minimum", "")
        return self


class OptionSpec(Facts):
    """Keys of every kind of option."""

    kind: str
    label: Text | None = Field(None, description="a longer name for tables and pictures")
    note: Text | None = None
    candidate: bool = Field(True, description="false: only a part of hybrids, not compared by itself")
    people: People | None = Field(None, description="who looks after it, and what they cost")
    fixed_costs: dict[CostName, FixedCost] = Field(
        default_factory=no_keys,
        description="further costs by name, whatever the volume: over time, `every` so often, or kept by the GB",
    )
    usage_costs: dict[CostName, UsageCost] = Field(
        default_factory=no_keys,
        description="further costs by name that grow with its traffic: egress, reranker, guardrails",
    )
    one_offs: dict[CostName, Amount] = Field(
        default_factory=no_keys, description="what is paid once, by name: fine-tuning, migration, evaluation set"
    )
    amortise_months: Positive | None = Field(
        None, description="months that `one_offs` are spread over; the scenario's when absent"
    )
    time_to_production: Months | None = Field(
        None, description="until it serves, such as 4 months: what runs today is paid for beside it"
    )
    margin_lost: Standing | None = Field(
        None, description="what waiting for it costs the business until then, such as $20k/month"
    )
    embeddings: EmbeddedBy | None = Field(None, description="who embeds the corpus and the queries of the workload")
    quality: Quality | None = Field(None, description="how often it is wrong, and what that costs")

    def references(self) -> dict[Steps, tuple[str, str]]:
        """The catalogue entries this option names: section and name, by the key that names them."""
        role = self.people.role if self.people is not None else None
        model = self.embeddings.model if self.embeddings is not None else None
        named: dict[Steps, tuple[str, str]] = {} if role is None else {("people", "role"): ("people", role)}
        return named if model is None else {**named, ("embeddings", "model"): ("models", model)}

    @model_validator(mode="after")
    def _amortised(self) -> OptionSpec:
        if self.amortise_months is not None and not self.one_offs:
            raise units.UnitError(None, "`one_offs` beside `amortise_months`", "")
        if self.margin_lost is not None and self.time_to_production is None:
            raise units.UnitError(None, "`time_to_production` beside `margin_lost`", "")
        return self


class ServesTokens(OptionSpec):
    """Keys of every option that itself processes tokens."""

    input_ratio: Positive = Field(Fraction(1), description="its input tokens per token of the reference tokenizer")
    output_ratio: Positive = Field(Fraction(1), description="its output tokens likewise, verbosity included")
    reasoning_tokens: Count = Field(
        Fraction(0), description="hidden reasoning tokens of each model call, billed as output"
    )
    cache_hit_rate: Share = Field(Fraction(0), description="share of the cacheable prefix that is read from its cache")
    overhead: dict[Name, Factor] = Field(
        default_factory=no_keys, description="replaces or adds to the workload's overhead for this option"
    )


class Note(NamedTuple):
    """Something a reader should know, of one option or ("") of the whole scenario."""

    option: str
    text: str
    grave: bool = False
    """Whether it may undo the answer: said in the same breath as a recommendation of the option."""

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

    def warn(self, option: str, text: str, grave: bool = False) -> None:
        """Something that makes the result less sure."""
        self.warnings[Note(option, text, grave)] = None


def home_of(document: Document, path: Steps, source: str = "", checked: str = "") -> Home:
    """Where a document states what stands at these keys; a named default when it does not."""
    if path not in document.marks:
        return Home("default")
    return Home(document.where(path), source, checked, "", KEY_JOINT.join(map(str, path)))


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
    scenario: At
    """The scenario as a whole, where its figures are found; it is no option."""

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

    def money(self, at: At, key: str, money: units.Money, *steps: str | int, trend: Trend | None = None) -> Figure:
        """A stated amount in the scenario's currency."""
        per = SHOWN_PER.get(money.per or "", money.per)
        unit = f"{money.currency}/{per}" if per else money.currency
        figure = Figure(key, money.amount, unit, at.home(*steps), trend=trend)
        return self.converted(at, figure, money.currency, *steps)

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
        return figure.times(factor=Fraction(1, MONTHS_IN.get(per or "", 1)), unit=unit)

    def monthly(
        self,
        at: At,
        key: str,
        money: units.Money,
        *steps: str | int,
        hours: Figure | None = None,
        trend: Trend | None = None,
    ) -> Figure:
        """A stated amount over time as money a month."""
        return self.per_month(self.money(at, key, money, *steps, trend=trend), money.per, hours)

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


BY_USE = Trend("api")
"""What an API bills by use."""


def last_dated(rows: Iterable[Dated]) -> date:
    """The date from which the last known price holds."""
    return max(row.as_of for row in rows)


def constant(amount: int = 1) -> Linear:
    """A quantity that does not depend on the volume."""
    return Linear(amount, ())


def overheads(at: At, context: Context) -> tuple[Figure, ...]:
    """The overhead of an option: the workload's, replaced or added to by name; and failures that are asked again."""
    own = {
        name: Figure(f"overhead: {name}", value, "of served requests", at.home("overhead", name))
        for name, value in at.spec.overhead.items()
    }
    quality: Quality | None = at.spec.quality
    if quality is not None and quality.on_failure == RETRY and quality.failure_rate:
        rate = quality.failure_rate
        own["asked again"] = Figure("failure_rate", rate, "of served requests", at.home("quality", "failure_rate"))
    return tuple({**context.overhead, **own}.values())


def grossed_up(figures: Iterable[Figure], n: Numbers) -> Number:
    """1 + the sum of the overheads."""
    return sum((n(f) for f in figures), n(1))


def fixed_lines(at: At, context: Context) -> tuple[LineItem, ...]:
    """Fixed costs: lines that do not depend on the volume."""
    lines = []
    for name, cost in at.spec.fixed_costs.items():
        where = ("fixed_costs", name)
        if isinstance(cost, units.Money):
            monthly = context.monthly(at, name, cost, *where)
            lines.append(LineItem("fixed", name, constant(), "month", context.n(monthly), monthly.base))
            continue
        from tco.options.costs.stated import Stored

        if isinstance(cost, Stored):
            kept = Figure(f"{name}: gb", cost.gb, "GB", at.home(*where, "gb"))
            price = context.money(at, f"{name}: price", cost.price, *where, "price")
            quantity = constant().times(context.n(kept))
            lines.append(LineItem("storage", name, quantity, "GB-month", context.n(price), (kept, *price.base)))
            continue
        every = Figure(f"{name}: every", cost.every, "months", at.home(*where, "every"))
        once = context.money(at, name, cost.cost, *where, "cost")
        monthly = once.times(per=(every,), unit=f"{context.currency}/month")
        rate, timing = context.n(monthly), Every(context.n(every))
        lines.append(LineItem("fixed", name, constant(), "month", rate, monthly.base, timing))
    return tuple(lines)


def class_figures(demand: Demand) -> Sequence[Class]:
    """The classes a demand holds, in the workload's order."""
    return [c for name, c in demand.traffic.classes.items() if name in demand.flows]
