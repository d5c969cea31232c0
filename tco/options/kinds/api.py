"""A model behind an API, billed per token: closed models and managed open weights alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field, model_validator

from tco.catalog.charge import ChargeFault
from tco.fields import Factor, Name, Reference, Share, later, no_items, no_keys
from tco.lineitem import INVOICE, Bill, Figure, Floor, Limit, LineItem, Yearly
from tco.options.api.fees import MoneyPerRequest, request_fees, tools
from tco.options.api.hours import WHOLE_DAY, Slot, slots, spans, weekdays_apart
from tco.options.api.lines import Metered, metered
from tco.options.api.prices import BATCH, STANDARD, Prices
from tco.options.base import (
    At,
    Context,
    ServesTokens,
    Steps,
    Unusable,
    class_figures,
    fixed_lines,
    grossed_up,
    overheads,
)
from tco.quantity import Number, Quantity, linear
from tco.ranges import Range
from tco.units import UnitError
from tco.workload.demand import Class, Demand

if TYPE_CHECKING:
    from tco.options.api.limits import RateLimit
    from tco.options.api.quota import FreeQuota
    from tco.options.api.stated import StatedPrices
    from tco.options.api.terms import Commitment, DiscountTier, Migrations, Seats, Tool
    from tco.options.api.windows import Window
else:
    RateLimit = later("tco.options.api.limits", "RateLimit")
    FreeQuota = later("tco.options.api.quota", "FreeQuota")
    StatedPrices = later("tco.options.api.stated", "StatedPrices")
    Commitment, DiscountTier, Migrations, Seats, Tool = (
        later("tco.options.api.terms", name) for name in ("Commitment", "DiscountTier", "Migrations", "Seats", "Tool")
    )
    Window = later("tco.options.api.windows", "Window")

PER_MTOK = 1_000_000
BATCH_SECONDS = 24 * 3600
"""What providers promise of a batch: done within a day."""


class Spec(ServesTokens):
    """A model behind an API."""

    kind: Literal["api"]
    model: Reference | None = Field(None, description="a catalogue entry, such as anthropic/claude-haiku-4.5")
    price: StatedPrices | None = Field(None, description="prices of your own")  # type: ignore[valid-type]
    tier: Name = Field(STANDARD, description="service tier of requests that are not batched")
    batch: bool = Field(
        False, description="true: what each class says can wait (`batchable_share`) is sent at the batch tier"
    )
    batch_share: Share = Field(Fraction(0), description="share of requests sent at the batch tier, the same for all")
    cache_ttl: Literal["5m", "1h"] = Field("5m", description="time to live that cache writes are billed at")
    region_uplift: Factor = Field(Fraction(0), description="on top of every price for a region: `10%` is 10 % more")
    markup: Factor = Field(Fraction(0), description="on top of the provider's prices: `15%` is a gateway's 15 % more")
    discount: Share = Field(Fraction(0), description="negotiated, off the provider's prices: `10%` is 10 % less")
    time_of_day: dict[Name, Window] = Field(
        default_factory=no_keys, description="prices by the hour, by name; batched requests pay the same at any hour"
    )
    free_quota: FreeQuota | None = Field(None, description="what is not billed")
    volume_discounts: list[DiscountTier] = Field(
        default_factory=no_items, description="off the month's spend on tokens above each level"
    )
    all_units_discounts: list[DiscountTier] = Field(
        default_factory=no_items, description="off all the month's spend on tokens once it is above a level"
    )
    commitment: Commitment | None = Field(None, description="spend on tokens that is paid, used or not")
    request_fee: MoneyPerRequest | None = Field(None, description="of one model call, beside its tokens")
    tools: dict[Name, Tool] = Field(default_factory=no_keys, description="tools billed by the use, by name")
    seats: Seats | None = Field(None, description="seats of an enterprise plan")
    rate_limit: RateLimit | None = Field(None, description="what the provider allows a minute")
    migrations: Migrations | None = Field(None, description="what retired models cost, time and again")

    @model_validator(mode="after")
    def _one_price(self) -> Spec:
        if (self.model is None) == (self.price is None):
            raise UnitError(None, "one of `model` (a catalogue entry) and `price` (your own)", "")
        return self

    @model_validator(mode="after")
    def _terms(self) -> Spec:
        if self.batch and "batch_share" in self.model_fields_set:
            raise UnitError(None, "either `batch` (what each class says can wait) or `batch_share`", "")
        if self.volume_discounts and self.all_units_discounts:
            raise UnitError(None, "either `volume_discounts` or `all_units_discounts`", "")
        if self.volume_discounts or self.all_units_discounts:
            from tco.options.api.terms import check_tiers

            check_tiers(self.volume_discounts or self.all_units_discounts)
        if self.time_of_day:
            from tco.options.api.windows import check_apart

            check_apart(self.time_of_day)
        if self.free_quota is not None and self.free_quota.requests is not None and self.request_fee is None:
            raise UnitError(None, "`request_fee` beside free requests: without it they cost nothing anyway", "")
        return self

    def references(self) -> dict[Steps, tuple[str, str]]:
        own: dict[Steps, tuple[str, str]] = {("model",): ("models", self.model)} if self.model is not None else {}
        return {**super().references(), **own}


class _Portion(NamedTuple):
    """The part of a class's requests that is sent at one tier."""

    tier: str
    share: Figure | None
    batched: bool

    def number(self, context: Context) -> Number:
        """Its share of the requests."""
        if self.share is None:
            return context.n(1)
        share = context.n(self.share)
        return share if self.batched else 1 - share


class _Tokens(NamedTuple):
    """One line of tokens: a charge of a class's requests at one tier, in the hours of one price."""

    c: Class
    slot: Slot
    portion: Number
    """Of the served requests, overhead included."""
    charge: Metered
    label: str
    inputs: tuple[Figure, ...]
    """The figures of the quantity."""


def bill(spec: Spec, at: At, demand: Demand, context: Context) -> Bill:
    """Tokens of every class at the price of their tier, call by call size; then what is agreed on spend, and fees."""
    priced = Prices(at, context)
    tokens = _tokens(spec, at, demand, priced)
    spent = _beyond_quota(spec, at, tokens, demand, context)
    retires = priced.found.spec.retires if priced.found is not None else None
    agreed, seats, yearly, migrations = _terms(spec, at, spent, retires, context)
    fees = (*request_fees(at, demand, context), *tools(at, demand, context), *seats)
    _warn_of_no_effect(spec, at, demand, context)
    lines = (*spent, *agreed, *fees, *migrations, *fixed_lines(at, context))
    limits = _limits(spec, at, demand, context)
    hard = spec.rate_limit is not None and spec.rate_limit.hard
    return Bill(
        lines,
        limits=limits if hard else (),
        retires=retires,
        advice=() if hard else limits,
        floors=_floors(spec, at, demand, context),
        yearly=yearly,
    )


_Lines = tuple[LineItem, ...]


def _terms(
    spec: Spec, at: At, spent: _Lines, retires: date | None, context: Context
) -> tuple[_Lines, _Lines, tuple[Yearly, ...], _Lines]:
    """What is agreed on spend, seats, what a year settles, and migrations; where there are none, what works them out is
    not imported."""
    stated = (spec.volume_discounts, spec.all_units_discounts, spec.commitment, spec.seats, spec.migrations)
    if not any(stated):
        return (), (), (), ()
    from tco.options.api import terms

    discounts = terms.volume_discounts(at, terms.spend_on(spent), context)
    committed, yearly = terms.commitment(at, terms.spend_on(spent, discounts), context)
    migrations = terms.migrations(at, retires, context)
    return (*discounts, *committed), terms.seats(at, context), yearly, migrations


def _limits(spec: Spec, at: At, demand: Demand, context: Context) -> tuple[Limit, ...]:
    """What the provider allows a minute, where that is stated."""
    if spec.rate_limit is None:
        return ()
    from tco.options.api.limits import rate_limits

    unbatched = {c.name: _unbatched(_portions(spec, at, c), context) for c in class_figures(demand)}
    return rate_limits(at, demand, unbatched, context)


def _floors(spec: Spec, at: At, demand: Demand, context: Context) -> tuple[Floor, ...]:
    """How close requests must follow for what is read from a cache."""
    if not spec.cache_hit_rate:
        return ()
    from tco.options.api.limits import cache_floors

    return cache_floors(at, demand, context)


def _portions(spec: Spec, at: At, c: Class) -> tuple[_Portion, ...]:
    """What of a class is sent at the tier, and what as a batch."""
    share = at.figure("batch_share", "of requests") if spec.batch_share else c.batchable if spec.batch else None
    if share is None or not share.value:
        return (_Portion(spec.tier, None, False),)
    batched = _Portion(BATCH, share, True)
    some_wait = isinstance(share.value, Range) or share.value < 1
    return (_Portion(spec.tier, share, False), batched) if some_wait else (batched,)


def _unbatched(portions: Sequence[_Portion], context: Context) -> Number:
    return sum((p.number(context) for p in portions if not p.batched), context.n(0))


def _tokens(spec: Spec, at: At, demand: Demand, priced: Prices) -> list[_Tokens]:
    """Every line of tokens; `Unusable` with all that cannot be priced."""
    context, n = priced.context, priced.context.n
    gross = overheads(at, context)
    whole = grossed_up(gross, n)
    by_hour, all_day = list(slots(at)), Slot("", WHOLE_DAY, None, 0)
    found, faults = [], []
    for c in class_figures(demand):
        prefix = f"{c.name}: " if len(demand.traffic.classes) > 1 else ""
        for portion in _portions(spec, at, c):
            key = "tier" if not portion.batched else "batch_share" if spec.batch_share else "batch"
            shared = (portion.share,) if portion.share is not None else ()
            inputs = (*demand.inputs[c.name], demand.traffic.days_per_month, *shared, *gross)
            try:
                charged = metered(c, portion.tier, priced.tier(portion.tier, key), priced)
            except ChargeFault as problem:
                faults.append(at.fault(f"{c.name}: {problem}", "model" if spec.model else "price"))
                continue
            for slot in by_hour if spec.time_of_day and not portion.batched else (all_day,):
                load = (c.load,) if slot is not all_day else ()
                found += [
                    _Tokens(
                        c,
                        slot,
                        whole * portion.number(context),
                        charge,
                        f"{prefix}{charge.label}" + (f" ({slot.name})" if slot.name else ""),
                        (*inputs, *load, *charge.made_of),
                    )
                    for charge in charged
                ]
    if faults:
        raise Unusable(*faults)
    return found


def _beyond_quota(
    spec: Spec, at: At, tokens: Sequence[_Tokens], demand: Demand, context: Context
) -> tuple[LineItem, ...]:
    """The lines of tokens, of what a quota leaves of them."""
    n = context.n
    billed: dict[int, tuple[Quantity, tuple[Figure, ...]]] = {}
    for key, sides in spec.free_quota.sides().items() if spec.free_quota is not None else ():
        from tco.options.api.quota import Use, beyond

        flow = getattr(spec.free_quota, key)
        quota = Figure(f"free {key}", flow.amount, f"{flow.unit}/{flow.per}", at.home("free_quota", key))
        members = [i for i, t in enumerate(tokens) if t.charge.side in sides]
        terms: dict[int, list[tuple[Number, Quantity]]] = {i: [] for i in members}
        follows: dict[int, dict[int, None]] = {i: {} for i in members}
        for span in spans(demand, flow.per, n):
            requests = {
                (t.c.name, t.slot.hours): span.requests(demand, t.c.name, t.slot.hours, n)
                for t in (tokens[i] for i in members)
            }
            uses = [
                Use(requests[t.c.name, t.slot.hours], t.portion * t.charge.tokens) for t in (tokens[i] for i in members)
            ]
            for i, part in zip(members, beyond(n(quota), uses), strict=True):
                terms[i].append((span.times, part.quantity))
                follows[i] |= dict.fromkeys(members[k] for k in part.follows)
                if part.ordered:
                    order = " → ".join(dict.fromkeys(tokens[k].c.name for k in members))
                    context.notes.assume(
                        at.name, f"free tokens go to {order}, in this order: their mix changes with the volume"
                    )
        for i in members:
            using = [tokens[k] for k in follows[i]]
            profiles = (f for t in using for f in weekdays_apart(demand, flow.per, t.c.name))
            inputs = (quota, *profiles, *(f for t in using for f in t.inputs))
            billed[i] = linear(0, *terms[i]), inputs
    (month,) = spans(demand, "month", n)
    lines = []
    for i, t in enumerate(tokens):
        changed = (t.slot.change,) if t.slot.change is not None else ()
        rate = t.slot.rate(t.charge.rate, n)
        if i in billed:
            quantity, inputs = billed[i]
            quantity, label = quantity.times(n(1) / PER_MTOK), f"{t.label} beyond the free quota"
        else:
            monthly: Quantity = demand.requests_per_month(t.c.name, n)
            if t.slot.hours != WHOLE_DAY:
                within = month.requests(demand, t.c.name, t.slot.hours, n)
                if not within.terms:
                    continue  # no requests of the class in these hours
                monthly = within
            quantity, inputs, label = monthly.times(t.portion).times(t.charge.tokens / PER_MTOK), t.inputs, t.label
        figures = (*inputs, *t.charge.priced_by, *changed)
        lines.append(LineItem(INVOICE, label, quantity, "M tokens", rate, figures, by={t.c.name: quantity}))
    return tuple(lines)


def _warn_of_no_effect(spec: Spec, at: At, demand: Demand, context: Context) -> None:
    """What the scenario states and nothing comes of; and batches that may come too late."""
    classes = demand.traffic.classes.values()
    if spec.cache_hit_rate and not any(c.cacheable for c in classes):
        context.notes.warn(at.name, "`cache_hit_rate` has no effect: no class states `cacheable_input_tokens`")
    if not spec.batch:
        return
    if not any(c.batchable for c in classes):
        context.notes.warn(at.name, "`batch` has no effect: no class states `batchable_share`")
    for c in class_figures(demand):
        wait = None if c.deadline is None else getattr(c.deadline.value, "least", c.deadline.value)
        if wait is not None and c.batchable is not None and c.batchable.value and wait < BATCH_SECONDS:
            context.notes.warn(
                at.name, f"{c.name} can wait {float(wait / 3600):g} h, and a batch may take 24 h: some would be late"
            )
