"""The tokens of a class as charges: by service tier, by each call's own length, by the meter whose price they pay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tco.catalog.charge import ChargeFault, OwnPrices, charges, without_sliver
from tco.catalog.meters import root
from tco.lineitem import Figure, Numbers
from tco.options.api.prices import STANDARD, Prices
from tco.options.base import At, Context
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
from tco.quantity import Number
from tco.ranges import Distribution
from tco.workload.demand import Call, Class

if TYPE_CHECKING:
    from tco.catalog.prices import MeterPrices, TierPrices

NEAR_THRESHOLD = 4
"""A mean within this factor of a long-context threshold hides requests on the other side of it."""


class Metered(NamedTuple):
    """Tokens of one request, of all its calls, that pay one price."""

    label: str
    side: str
    """The outermost meter they lie in: input or output."""
    tokens: Number
    price: Figure
    rate: Number
    """Money per 1M tokens after mark-ups and discounts that hold for every token."""
    made_of: tuple[Figure, ...]
    """The figures of `tokens`."""
    priced_by: tuple[Figure, ...]
    """The figures of `rate`."""


def metered(c: Class, tier: str, prices: TierPrices | OwnPrices, priced: Prices) -> list[Metered]:
    """The charges of a class: of calls up to a long-context threshold, and of calls above it. Raises ChargeFault."""
    at, context = priced.at, priced.context
    found = []
    for long, price_set, tokens in _by_length(c, prices, priced, context.n):
        if long and prices.long_context is None:
            shown = float(longest(c, at))
            raise ChargeFault(f"no long-context price is known in the `{tier}` tier for {shown:,.0f} input tokens")
        for charge in charges(price_set, {key: number for key, (number, _) in tokens.items()}):
            price = priced.figure(tier, long, charge.meter.key, charge.price)
            for meter in charge.unpriced:
                where = "" if tier == STANDARD else f" in the {tier} tier"
                context.notes.assume(at.name, f"no price for {meter.label}{where}: billed as {charge.meter.label}")
            suffix = "" if tier == STANDARD else f" ({tier})"
            suffix += " (long context)" if long else ""
            rate, changed = _changed(context.n(price), at, context.n)
            counts = [less(t[charge.meter.key], *(t[p.key] for p in charge.taken)) for t in tokens[charge.meter.key][1]]
            by_length = figures_in(*(t["input"] for t in tokens["input"][1])) if _cut(prices, priced) else ()
            made_of = (*figures_in(*counts), *calls_inputs(c), *by_length)
            label, side = f"{charge.meter.label}{suffix}", root(charge.meter.key)
            found.append(Metered(label, side, charge.tokens, price, rate, made_of, (*price.base, *changed)))
    _warn_near(c, prices, at, context)
    return found


def _changed(rate: Number, at: At, n: Numbers) -> tuple[Number, list[Figure]]:
    """A price after what is added to or taken off every price, and the figures of that."""
    changed = []
    for key, sign, unit in (
        ("region_uplift", 1, "on top of the price"),
        ("markup", 1, "on top of the price"),
        ("discount", -1, "off the price"),
    ):
        if getattr(at.spec, key):
            changed.append(at.figure(key, unit))
            rate = rate * (1 + sign * n(changed[-1]))
    return rate, changed


Tokens = dict[str, tuple[Number, list[dict[str, Terms]]]]
"""Tokens of one request by meter, and of each kind of call the terms they come from."""


def _cut(prices: TierPrices | OwnPrices, priced: Prices) -> Fraction | None:
    """The input of a call above which other prices hold: of the tier, or of the standard one where it says nothing."""
    tier = prices.long_context or priced.tier(STANDARD).long_context
    return None if tier is None else tier.above_tokens


def _by_length(
    c: Class, prices: TierPrices | OwnPrices, priced: Prices, n: Numbers
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
        left = without_sliver(1 - share, share)
        if any_of(left):
            rest = {key: left * number for key, number in counts.items()}
            put(below, times, {**rest, "input": without_sliver(counts["input"] - tokens, counts["input"])}, terms)
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
