"""A model behind an API, billed per token: closed models and managed open weights alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, create_model, model_validator

from tco.catalog.charge import ChargeFault, OwnPrices, charges
from tco.catalog.meters import METERS
from tco.catalog.store import LookupFault
from tco.fields import Factor, Model, MoneyPerMtok, Name, Reference, Share
from tco.lineitem import INVOICE, Bill, Figure, LineItem, Numbers
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
from tco.options.usage import (
    Terms,
    any_of,
    cacheable,
    calls_inputs,
    counted,
    figures_in,
    less,
    longest,
    portions,
    usage_terms,
)
from tco.quantity import Number, Quantity
from tco.ranges import Distribution, Range
from tco.units import Money, UnitError
from tco.workload.demand import Call, Class, Demand

if TYPE_CHECKING:
    from tco.catalog.prices import ApiPrice, MeterPrices, TierPrices

STANDARD, BATCH = "standard", "batch"
PER_MTOK = 1_000_000
BLENDED = ("input", "output")
NEAR_THRESHOLD = 4
"""A mean within this factor of a long-context threshold hides requests on the other side of it."""


_METER_PRICES: dict[str, Any] = {
    m.key: (MoneyPerMtok | None, Field(None, description=f"{m.label}, such as $0.80/1M tokens")) for m in METERS
}


class _StatedPrices(Model):
    """Prices of one's own, in place of a catalogue entry: per 1M tokens, `blended` for input and output alike."""

    blended: MoneyPerMtok | None = Field(None, description="one price for input and output")

    @model_validator(mode="after")
    def _either(self) -> _StatedPrices:
        single = [self.of(key) for key in BLENDED]
        if self.blended is not None and any(price is not None for price in single):
            raise UnitError(None, "either `blended`, or `input` and `output`", "")
        if self.blended is None and single[0] is None:
            raise UnitError(None, "`input` and `output`, or `blended`", "")
        return self

    def of(self, key: str) -> Money | None:
        """The stated price of a meter, None when there is none."""
        price: Money | None = getattr(self, key)
        return price


StatedPrices = create_model("StatedPrices", __base__=_StatedPrices, __doc__=_StatedPrices.__doc__, **_METER_PRICES)


class Spec(ServesTokens):
    """A model behind an API."""

    kind: Literal["api"]
    model: Reference | None = Field(None, description="a catalogue entry, such as anthropic/claude-haiku-4.5")
    price: StatedPrices | None = Field(None, description="prices of your own")  # type: ignore[valid-type]
    tier: Name = Field(STANDARD, description="service tier of requests that are not batched")
    batch_share: Share = Field(Fraction(0), description="share of requests sent at the batch tier")
    cache_ttl: Literal["5m", "1h"] = Field("5m", description="time to live that cache writes are billed at")
    markup: Factor = Field(Fraction(0), description="on top of the provider's prices: `15%` is a gateway's 15 % more")
    discount: Share = Field(Fraction(0), description="negotiated, off the provider's prices: `10%` is 10 % less")

    @model_validator(mode="after")
    def _one_price(self) -> Spec:
        if (self.model is None) == (self.price is None):
            raise UnitError(None, "one of `model` (a catalogue entry) and `price` (your own)", "")
        return self

    def references(self) -> dict[Steps, tuple[str, str]]:
        own: dict[Steps, tuple[str, str]] = {("model",): ("models", self.model)} if self.model is not None else {}
        return {**super().references(), **own}


class _Priced:
    """The price sets of an option by tier, with the figure of each price."""

    def __init__(self, at: At, context: Context) -> None:
        self.at, self.context = at, context
        spec: Spec = at.spec
        if spec.model is not None:
            self.found = context.find(at, "models", spec.model, "model")
            self.index, self.row = self._row()
            context.paper(at.name, self.found, self.row)
            self.currency = self.found.currency
            retires = self.found.spec.retires
            if retires is not None:
                gone = "was switched off" if retires <= context.store.as_of else "will be switched off"
                context.notes.warn(at.name, f"{spec.model} {gone} on {retires}")
        else:
            assert spec.price is not None
            self.found, self.row, self.index = None, None, 0
            self.stated = OwnPrices(
                {m.key: found[1].amount for m in METERS if (found := self._stated(m.key)) is not None}
            )

    def _row(self) -> tuple[int, ApiPrice]:
        assert self.found is not None
        try:
            return self.context.store.row(self.found, self.found.spec.prices, "")
        except LookupFault as missing:
            raise Unusable(self.at.fault(missing.message, "model", expected=missing.expected)) from None

    def tier(self, name: str, *steps: str) -> TierPrices | OwnPrices:
        """The prices of a service tier; `Unusable` when none are known: never the standard price in its place."""
        if self.row is None:
            if name == STANDARD:
                return self.stated
            raise Unusable(self.at.fault(f"no `{name}` prices among your own", *steps, expected="a catalogue `model`"))
        if name == STANDARD:
            return self.row
        if name not in self.row.tiers:
            known = ", ".join([STANDARD, *self.row.tiers])
            raise Unusable(
                self.at.fault(
                    f"no `{name}` prices are known for {self.at.spec.model}", *steps, expected=f"one of {known}"
                )
            )
        return self.row.tiers[name]

    def figure(self, tier: str, long: bool, key: str, price: Fraction) -> Figure:
        """The figure of a price, in the scenario's currency."""
        if self.found is not None:
            assert self.row is not None
            steps = ("prices", self.index, *(() if tier == STANDARD else ("tiers", tier)))
            steps = (*steps, *(("long_context",) if long else ()), f"{key}_per_mtok")
            figure = self.found.figure(f"{key}_per_mtok", price, f"{self.currency}/1M tokens", self.row, *steps)
            return self.context.converted(self.at, figure, self.currency, "model")
        stated = self._stated(key)
        assert stated is not None
        return self.context.money(self.at, f"{stated[0]} price", stated[1], "price", stated[0])

    def _stated(self, key: str) -> tuple[str, Money] | None:
        """The key and the amount that the scenario states for a meter."""
        prices = self.at.spec.price
        named = "blended" if key in BLENDED and prices.blended is not None else key
        money: Money | None = getattr(prices, named)
        return None if money is None else (named, money)


def bill(spec: Spec, at: At, demand: Demand, context: Context) -> Bill:
    """Tokens of every class at the price of their tier, call by call size."""
    n = context.n
    priced = _Priced(at, context)
    gross = overheads(at, context)
    lines: list[LineItem] = []
    parts: list[tuple[str, Figure | None]] = []
    if spec.batch_share < 1 or isinstance(spec.batch_share, Range):
        parts.append((spec.tier, at.figure("batch_share", "of requests") if spec.batch_share else None))
    if spec.batch_share:
        parts.append((BATCH, at.figure("batch_share", "of requests")))
    faults = []
    for c in class_figures(demand):
        monthly = demand.requests_per_month(c.name, n).times(grossed_up(gross, n))
        for i, (tier, share) in enumerate(parts):
            batched = share is not None and i == len(parts) - 1  # not by name: `tier` may be the batch tier too
            portion = n(1) if share is None else n(share) if batched else 1 - n(share)
            requests = monthly.times(portion)
            shared = (share,) if share is not None else ()
            try:
                prices = priced.tier(tier, "batch_share" if batched else "tier")
                inputs = (*demand.inputs[c.name], demand.traffic.days_per_month, *shared, *gross)
                lines += _class_lines(c, tier, prices, requests, priced, inputs, len(demand.traffic.classes))
            except ChargeFault as problem:
                faults.append(at.fault(f"{c.name}: {problem}", "model" if spec.model else "price"))
    if faults:
        raise Unusable(*faults)
    if spec.cache_hit_rate and not any(c.cacheable for c in demand.traffic.classes.values()):
        context.notes.warn(at.name, "`cache_hit_rate` has no effect: no class states `cacheable_input_tokens`")
    retires = priced.found.spec.retires if priced.found is not None else None
    return Bill((*lines, *fixed_lines(at, context)), retires=retires)


def _class_lines(
    c: Class,
    tier: str,
    prices: TierPrices | OwnPrices,
    requests: Quantity,
    priced: _Priced,
    inputs: tuple[Figure, ...],
    classes: int,
) -> list[LineItem]:
    """The lines of a class: those of calls up to a long-context threshold, and those of calls above it."""
    at, context = priced.at, priced.context
    lines = []
    for long, price_set, tokens in _by_length(c, prices, priced, context.n):
        if long and prices.long_context is None:
            shown = float(longest(c, at))
            raise ChargeFault(f"no long-context price is known in the `{tier}` tier for {shown:,.0f} input tokens")
        for charge in charges(price_set, {key: number for key, (number, _) in tokens.items()}):
            price = priced.figure(tier, long, charge.meter.key, charge.price)
            for meter in charge.unpriced:
                where = "" if tier == STANDARD else f" in the {tier} tier"
                context.notes.assume(at.name, f"no price for {meter.label}{where}: billed as {charge.meter.label}")
            prefix = f"{c.name}: " if classes > 1 else ""
            suffix = "" if tier == STANDARD else f" ({tier})"
            suffix += " (long context)" if long else ""
            rate, changed = context.n(price), []
            if at.spec.markup:
                changed.append(at.figure("markup", "on top of the price"))
                rate = rate * (1 + context.n(changed[-1]))
            if at.spec.discount:
                changed.append(at.figure("discount", "off the price"))
                rate = rate * (1 - context.n(changed[-1]))
            quantity = requests.times(charge.tokens / PER_MTOK)
            counts = [less(t[charge.meter.key], *(t[p.key] for p in charge.taken)) for t in tokens[charge.meter.key][1]]
            by_length = figures_in(*(t["input"] for t in tokens["input"][1])) if _cut(prices, priced) else ()
            made_of = (*figures_in(*counts), *calls_inputs(c), *by_length, *price.base, *changed)
            label = f"{prefix}{charge.meter.label}{suffix}"
            lines.append(LineItem(INVOICE, label, quantity, "M tokens", rate, (*inputs, *made_of)))
    _warn_near(c, prices, at, context)
    return lines


Tokens = dict[str, tuple[Number, list[dict[str, Terms]]]]
"""Tokens of one request by meter, and of each kind of call the terms they come from."""


def _cut(prices: TierPrices | OwnPrices, priced: _Priced) -> Fraction | None:
    """The input of a call above which other prices hold: of the tier, or of the standard one where it says nothing."""
    tier = prices.long_context or priced.tier(STANDARD).long_context
    return None if tier is None else tier.above_tokens


def _by_length(
    c: Class, prices: TierPrices | OwnPrices, priced: _Priced, n: Numbers
) -> Iterator[tuple[bool, MeterPrices | OwnPrices, Tokens]]:
    """Of one request: its calls up to the threshold and those above it, each with its prices. One of them where all
    calls of all draws lie on one side."""
    at = priced.at
    threshold = _cut(prices, priced)
    below: Tokens = {}
    above: Tokens = {}

    def put(into: Tokens, times: Number, counts: Mapping[str, Number], terms: dict[str, Terms]) -> None:
        for key, number in counts.items():
            known, made_of = into.get(key, (n(0), []))
            into[key] = (known + times * number, [*made_of, terms])

    for call in c.calls:
        times, terms = call.times(n), _with_writes(usage_terms(c, at, call), c, call, prices, at)
        counts = {key: counted(t, n) for key, t in terms.items()}
        if threshold is None:
            put(below, times, counts, terms)
            continue
        share, tokens = portions(c, at, call, n, threshold)
        if any_of(1 - share):
            rest = {key: (1 - share) * number for key, number in counts.items()}
            put(below, times, {**rest, "input": counts["input"] - tokens}, terms)
        if any_of(share):
            part = {key: share * number for key, number in counts.items()}
            put(above, times, {**part, "input": tokens}, terms)
    if below:
        yield False, prices, below
    if above:
        yield True, prices.long_context or prices, above


def _with_writes(
    terms: dict[str, Terms], c: Class, call: Call, prices: TierPrices | OwnPrices, at: At
) -> dict[str, Terms]:
    """Where the provider prices writes to its cache: what of the prefix is not read is written."""
    write = f"cache_write_{at.spec.cache_ttl}"
    if "cache_read" in terms and prices.of(write) is not None and c.cacheable is not None:
        terms[write] = less(cacheable(c, at, call), terms["cache_read"])
    return terms


def _warn_near(c: Class, prices: TierPrices | OwnPrices, at: At, context: Context) -> None:
    """A mean alone says nothing of the requests on the other side of a threshold near it."""
    tier, size = prices.long_context, c.tokens["input"].value
    if tier is None or isinstance(size, Distribution):
        return
    tokens = longest(c, at)
    if tokens and tier.above_tokens / NEAR_THRESHOLD <= tokens <= tier.above_tokens * NEAR_THRESHOLD:
        mean = "up to" if len(c.calls) > 1 else "a mean of"
        context.notes.warn(
            at.name,
            f"{c.name} has {mean} {float(tokens):,.0f} input tokens, near the long-context threshold of "
            f"{float(tier.above_tokens):,.0f}: single requests lie on both sides (state quantiles of `input_tokens`)",
        )
