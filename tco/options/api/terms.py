"""Terms of business of an API: commitments, volume discounts, fees for requests, tools and seats, retired models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from tco import units
from tco.fields import Count, Factor, Flow, Model, MoneyOverTime, MonthField, Parsed, Share, money
from tco.lineitem import INVOICE, SETTLED, Every, Figure, LineItem, Numbers, Yearly, total
from tco.options.api.fees import MoneyPerRequest
from tco.options.api.quota import check_flow
from tco.options.base import At, Context, constant
from tco.options.costs.keys import Every as Period
from tco.options.usage import any_of
from tco.quantity import Held, Linear, Part, Quantity, Steps, linear
from tco.ranges import Range, is_range, parse_range
from tco.units import Money, UnitError, format_money


def _by_class(value: Any) -> Fraction | dict[str, Fraction]:
    def one(v: Any) -> Fraction:
        return parse_range(v, units.parse_count) if is_range(v) else units.parse_count(v)

    if isinstance(value, dict) and not is_range(value):
        return {str(k): one(v) for k, v in value.items()}
    return one(value)


MoneyOnce = Annotated[Money, money("", example="$8,000")]
MoneyPerSeat = Annotated[Money, money("seat_month", example="$30/seat-month")]
PerRequest = Annotated[
    Fraction | dict[str, Fraction],
    Parsed(
        _by_class,
        {
            "anyOf": [
                {"type": ["number", "string"]},
                {"type": "object", "additionalProperties": {"type": ["number", "string", "object"]}},
            ],
            "examples": [0.3, {"agent": 4}],
        },
    ),
]


def _check_bounded(value: Fraction, key: str) -> None:
    """Raises UnitError for a range without bounds, whose draws could pass what must lie above them."""
    if isinstance(value, Range) and value.shape == "lognormal":
        raise UnitError(None, f"`{key}` between bounds ({{low, high}}), not between percentiles", "")


class Commitment(Model):
    """Spend on tokens that is promised, and paid for whether it is used or not."""

    spend: MoneyOverTime = Field(description="such as $10k/month; of $120k/year, a twelfth is held against a month")
    until: MonthField | None = Field(
        None, description="its last month: over time, another option pays what is left of it; renewed by its own"
    )
    discount: Share = Field(Fraction(0), description="off the price of tokens within the commitment")
    overage: Factor = Field(
        Fraction(1), description="price of tokens beyond it, as a multiple of their price: 120% is a fifth more"
    )

    @model_validator(mode="after")
    def _something_is_paid(self) -> Commitment:
        _check_bounded(self.discount, "discount")
        if getattr(self.discount, "most", self.discount) >= 1:
            raise UnitError(None, "a `discount` below 100%: what is free can never use up a commitment", "")
        if not self.spend.amount:
            raise UnitError(None, "a `spend` above 0", "")
        return self


class DiscountTier(Model):
    """A discount for spend above a level."""

    above: MoneyOverTime = Field(description="spend on tokens up to which it does not hold, such as $10k/month")
    discount: Share = Field(description="off the spend above it")


def check_tiers(tiers: Sequence[DiscountTier]) -> None:
    """Raises UnitError where tiers do not ascend, in one currency and unit."""
    if len({(t.above.currency, t.above.per) for t in tiers}) > 1:
        raise UnitError(None, "`above` in one currency and unit", "")
    for t in tiers[1:] and tiers:
        _check_bounded(t.above.amount, "above")
    for lower, upper in pairwise(t.above.amount for t in tiers):
        if getattr(lower, "most", lower) >= getattr(upper, "least", upper):
            raise UnitError(None, "`above` that ascends from tier to tier", "")


class Tool(Model):
    """Something a provider bills by the use: a web search, a code run."""

    price: MoneyPerRequest = Field(description="per use, such as $10/1k requests")
    per_request: PerRequest = Field(description="uses in one request, or by class: {agent: 4}")
    free: Flow | None = Field(None, description="uses that are not billed, such as 1500 requests/day")

    @model_validator(mode="after")
    def _free_uses(self) -> Tool:
        if self.free is not None:
            check_flow(self.free, "free", "requests")
        return self


class Seats(Model):
    """Seats of an enterprise plan."""

    count: Count = Field(description="how many")
    price: MoneyPerSeat = Field(description="such as $30/seat-month")


class Migrations(Model):
    """Models get retired: testing and prompting again, every so often."""

    cost: MoneyOnce = Field(description="of one migration, such as $8k")
    every: Period = Field(description="how often: 18 months, 2 years, year")


class Spend(NamedTuple):
    """Money a month for tokens, and the figures it follows from."""

    money: Quantity
    inputs: tuple[Figure, ...]
    by: Mapping[str, Quantity]
    """The same by request class, before what is agreed on it."""


def spend_on(lines: Sequence[LineItem], agreed: Sequence[LineItem] = ()) -> Spend:
    """What lines of tokens come to, with what is agreed on them."""
    every = (*lines, *agreed)
    classes = dict.fromkeys(c for line in lines for c in line.by or ())
    by = {c: total([line for line in lines if line.by is not None and c in line.by]) for c in classes}
    return Spend(total(every), tuple(dict.fromkeys(f for line in every for f in line.inputs)), by)


def volume_discounts(at: At, spend: Spend, context: Context) -> tuple[LineItem, ...]:
    """Off the spend above each level; with `all_units_discounts` off the whole spend once a level is passed."""
    key = "volume_discounts" if at.spec.volume_discounts else "all_units_discounts"
    tiers: Sequence[DiscountTier] = getattr(at.spec, key)
    n, lines = context.n, []
    levels = [context.monthly(at, "above", t.above, key, i, "above") for i, t in enumerate(tiers)]
    offs = [Figure("discount", t.discount, "off the spend", at.home(key, i, "discount")) for i, t in enumerate(tiers)]
    uptos = [*levels[1:], None][: len(levels)]
    parts = [
        Part(spend.money, n(level), None if upto is None else n(upto))
        for level, upto in zip(levels, uptos, strict=True)
    ]
    if key == "all_units_discounts" and tiers:
        off = _all_units(spend.money, levels, offs, parts, n)
        inputs = (*offs, *(f for level in levels for f in level.base), *spend.inputs)
        return (LineItem(INVOICE, "all-units discount", off, context.currency, -n(1), inputs, by=spend.by),)
    for tier, level, upto, part, discount in zip(tiers, levels, uptos, parts, offs, strict=True):
        label = f"volume discount above {format_money(tier.above.amount, tier.above.currency)}/{tier.above.per}"
        inputs = (discount, *level.base, *(() if upto is None else upto.base), *spend.inputs)
        lines.append(LineItem(INVOICE, label, part, context.currency, -n(discount), inputs, by=spend.by))
    return tuple(lines)


def _all_units(
    spend: Quantity, levels: Sequence[Figure], offs: Sequence[Figure], parts: Sequence[Quantity], n: Numbers
) -> Quantity:
    """Marginal discounts, and at each level a lump: what the discount that begins there takes off all spend below."""
    terms: list[tuple[Any, Quantity]] = [(n(off), part) for off, part in zip(offs, parts, strict=True)]
    before: Any = n(0)
    for level, off in zip(levels, offs, strict=True):
        if any_of(n(level)):  # below a level of nothing there is nothing to take off
            terms.append(((n(off) - before) * n(level), Steps(spend, n(level), spare=-1, least=0, most=1)))
        before = n(off)
    return linear(0, *terms)


def commitment(at: At, spend: Spend, context: Context) -> tuple[tuple[LineItem, ...], tuple[Yearly, ...]]:
    """The discount within a commitment, the price of what is beyond it, and what is paid without being used; and what
    a year settles, of a yearly one."""
    spec: Commitment | None = at.spec.commitment
    if spec is None:
        return (), ()
    n, currency = context.n, context.currency
    promised = context.monthly(at, "commitment", spec.spend, "commitment", "spend")
    if spec.spend.per == "year":
        context.notes.assume(
            at.name, "of a yearly commitment a twelfth is held against the month; its true-up falls at the year's end"
        )
    inputs = (*promised.base, *spend.inputs)
    lines, paid = [], spend.money
    if spec.discount:
        discount = Figure("discount", spec.discount, "off the price", at.home("commitment", "discount"))
        inputs = (*inputs, discount)
        paid = spend.money.times(1 - n(discount))
    used = Part(paid, 0 * n(1), n(promised))
    if spec.discount:
        off = -n(discount) / (1 - n(discount))
        lines.append(LineItem(INVOICE, "commitment discount", used, currency, off, inputs, by=spend.by))
    more = None
    if "overage" in spec.model_fields_set:
        overage = Figure("overage", spec.overage, "of the price", at.home("commitment", "overage"))
        rate = n(overage) - 1
        if spec.discount:
            rate = rate / (1 - n(discount))
        more = Part(paid, n(promised))
        lines.append(LineItem(INVOICE, "commitment overage", more, currency, rate, (overage, *inputs), by=spend.by))
    short = Held(linear(n(promised), (-1, used)))  # over months, the year decides it
    by_year = spec.spend.per == "year"
    timing = SETTLED if by_year else None
    lines.append(LineItem(INVOICE, "commitment shortfall", short, currency, n(1), inputs, timing, spend.by))
    settled = (Yearly(paid, used, more, short, n(promised)),) if by_year else ()
    return tuple(lines), settled


def seats(at: At, context: Context) -> tuple[LineItem, ...]:
    """Seats, used or not."""
    spec: Seats | None = at.spec.seats
    if spec is None:
        return ()
    count = Figure("seats", spec.count, "seats", at.home("seats", "count"))
    price = context.money(at, "seat price", spec.price, "seats", "price")
    each = Linear(context.n(count), ())
    return (LineItem(INVOICE, "seats", each, "seat-months", context.n(price), (count, *price.base)),)


def migrations(at: At, retires: date | None, context: Context) -> tuple[LineItem, ...]:
    """A month's share of moving to the next model; the first move is due when this one is switched off."""
    spec: Migrations | None = at.spec.migrations
    if spec is None:
        return ()
    cost = context.money(at, "migration", spec.cost, "migrations", "cost")
    every = Figure("every", spec.every, "months", at.home("migrations", "every"))
    monthly = cost.times(per=(every,), unit=f"{context.currency}/month")
    timing = Every(context.n(every), retires)
    return (LineItem("fixed", "model migrations", constant(), "month", context.n(monthly), monthly.base, timing),)
