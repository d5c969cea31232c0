"""What is paid by the hour: an offer of a catalogue, or a price of one's own; on its term, reserved or spot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from tco.catalog.store import Found, LookupFault
from tco.catalog.words import Term
from tco.fields import Text
from tco.lineitem import Figure, LineItem, Trend
from tco.options.base import At, Context, Unusable, last_dated
from tco.options.fleet.billing import Hours, reserved_replicas
from tco.options.fleet.keys import FleetSpec
from tco.options.fleet.sizing import Sized, hours
from tco.quantity import Quantity, linear
from tco.ranges import Range
from tco.units import Money, UnitError

if TYPE_CHECKING:
    from tco.catalog.offers import OfferPrice
    from tco.options.fleet.terms import Reserved, Spot


RENTED = Trend("gpu")
FALLING = ("on_demand", "spot")
"""Terms whose price moves with the market; on any other it is agreed for long."""


class RentalSpec(FleetSpec):
    """Keys of options that rent by the hour from a catalogue."""

    region: Text | None = Field(None, description="the first region listed when absent")
    term: Term | None = Field(None, description="on_demand when absent")


def check_terms(spec: RentalSpec, own: str | None) -> None:
    """Raises UnitError where a term of a catalogue is asked for beside a price of one's own, the key `own`."""
    if own is None:
        return
    if spec.reserved is not None and spec.reserved.term is not None:
        raise UnitError(None, f"`reserved.price`, not a term, beside `{own}`: it is no catalogue offer", "")
    if spec.spot is not None and spec.spot.price is None:
        raise UnitError(None, f"`spot.price` beside `{own}`: it is no catalogue offer with a spot term", "")


def offer(at: At, context: Context, section: str, key: str) -> tuple[Found, OfferPrice, Figure]:
    """The offer that a key names, its price row, and the hourly rate in the scenario's currency."""
    return _offer(at, context, section, key, at.spec.term, ("term",))


def _offer(
    at: At, context: Context, section: str, key: str, term: str | None, stated: tuple[str, ...]
) -> tuple[Found, OfferPrice, Figure]:
    """The same on a term that is stated at some keys."""
    name: str = getattr(at.spec, key)
    found = context.find(at, section, name, key)
    try:
        index, row, region = context.store.offer_row(found, at.spec.region, term)
    except LookupFault as missing:
        named = {("region",): at.spec.region, stated: term}
        blamed = next((k for k, v in named.items() if f"{v}`" in missing.message), (key,))
        blamed = blamed if at.home(*blamed).where != "default" else blamed[:1]
        raise Unusable(at.fault(missing.message, *blamed, expected=missing.expected, hint=missing.hint)) from None
    context.paper(at.name, found, row)
    if region is not None:
        context.notes.assume(at.name, f"{name} in {region}, the first region listed")
    price = found.figure("per_hour", row.per_hour, f"{found.currency}/hour", row, "prices", index, "per_hour")
    if row.term in FALLING:
        series = [r for r in found.spec.prices if (r.region, r.term) == (row.region, row.term)]
        price = price._replace(trend=RENTED._replace(since=last_dated(series)))
    return found, row, context.converted(at, price, found.currency, key)


def warn_without_people(at: At, context: Context) -> None:
    """Servers that nobody is said to look after."""
    if at.spec.people is None:
        text = "no people cost on self-hosted: 0.25-0.5 FTE is usual (`people: {fte: ..., role: ...}`)"
        context.notes.warn(at.name, text)


def hourly(at: At, context: Context, key: str, money: Money, units: int) -> Figure:
    """A stated price as money per billed hour for so many units."""
    return _hourly(at, context, (key,), money, units)


def _hourly(
    at: At, context: Context, steps: tuple[str, ...], money: Money, units: int, trend: Trend | None = RENTED
) -> Figure:
    stated = context.money(at, ".".join(steps), money, *steps, trend=trend)
    rate = context.per_hour(stated, money.per, hours(at, context))
    return rate.times(factor=units) if units != 1 else rate


class Rented(NamedTuple):
    """What is rented: the line it is billed on, its price, and how other terms are found."""

    category: str
    label: str
    unit: str
    per_hour: Figure
    inputs: tuple[Figure, ...]
    """What turns replicas into what is rented."""
    offer: tuple[str, str] | None = None
    """Section and key of the catalogue's offer; None for a price of one's own."""
    units: int = 1
    """How many of what a stated price is for make one of what is rented."""
    least: Figure | None = None
    """How much is rented at least while any replica runs."""


def rented_lines(what: Rented, fleet: Sized, billed: Hours, at: At, context: Context) -> tuple[LineItem, ...]:
    """A line for each price that hours are billed at, and for what does not serve: cold starts and staging."""
    n, spec = context.n, at.spec
    spot: Spot | None = spec.spot
    least = () if what.least is None else (what.least,)
    own = (*what.inputs, *least, *fleet.inputs, *billed.above)

    def line(label: str, quantity: Quantity, rate: Figure, inputs: tuple[Figure, ...]) -> LineItem:
        return LineItem(what.category, label, quantity, what.unit, n(rate), (*rate.base, *inputs))

    lines: list[LineItem] = []
    if billed.reserved is not None:
        rate, label = _on_other_terms(what, "reserved", spec.reserved, at, context)
        zones = (at.figure("zones", "zones"),) if "zones" in spec.model_fields_set else ()
        inputs = (*what.inputs, fleet.hours, reserved_replicas(at), *zones)
        lines.append(line(f"reserved: {label}", billed.reserved, rate, inputs))
    shares: tuple[Figure, ...] = ()
    kept = n(1)
    if spot is not None:
        share = Figure("spot.share", spot.share, "of the hours", at.home("spot", "share"))
        shares, kept = (share,), n(1) - n(share)
    if spot is None or isinstance(spot.share, Range) or spot.share != 1:
        scale: Callable[[Quantity], Quantity] = (lambda q: q) if spot is None else (lambda q: q.times(kept))
        lines.append(line(what.label, scale(billed.running), what.per_hour, (*own, *shares)))
        if billed.starts is not None:
            inputs = (*own, *shares, *billed.of_starts)
            label = "wake-ups" if fleet.work is not None else "cold starts"
            lines.append(line(label, scale(billed.starts), what.per_hour, inputs))
    if spot is not None:
        lines.append(_spot_line(what, own, billed, at, context))
    if billed.staging is not None:
        inputs = (*what.inputs, fleet.hours, at.figure("staging", "replicas"))
        lines.append(line("staging", billed.staging, what.per_hour, inputs))
    return tuple(lines)


def _spot_line(what: Rented, own: tuple[Figure, ...], billed: Hours, at: At, context: Context) -> LineItem:
    """The hours that can be interrupted, their starts with them, and those that interruptions cost."""
    n, spot = context.n, at.spec.spot
    share = Figure("spot.share", spot.share, "of the hours", at.home("spot", "share"))
    figures: tuple[Figure, ...] = (share,)
    factor = n(share)
    if spot.interruption_overhead is None:
        context.notes.warn(at.name, "spot hours without an `interruption_overhead`: nothing is lost when they end")
    else:
        where = at.home("spot", "interruption_overhead")
        lost = Figure("spot.interruption_overhead", spot.interruption_overhead, "of the spot hours", where)
        figures, factor = (share, lost), factor * (n(1) + n(lost))
    quantity = linear(0, (factor, billed.running))
    if billed.starts is not None:
        quantity = linear(0, (1, quantity), (factor, billed.starts))
        figures = (*figures, *billed.of_starts)
    rate, label = _on_other_terms(what, "spot", spot, at, context)
    inputs = (*rate.base, *own, *figures)
    return LineItem(what.category, f"spot: {label}", quantity, what.unit, n(rate), inputs)


def _on_other_terms(what: Rented, key: str, stated: Reserved | Spot, at: At, context: Context) -> tuple[Figure, str]:
    """The hourly price on another term than the option's own, and what it is called."""
    if stated.price is not None:
        label = what.label.split(" (")[0]
        trend = None if key == "reserved" else RENTED
        return _hourly(at, context, (key, "price"), stated.price, what.units, trend), label
    assert what.offer is not None
    section, name = what.offer
    found, row, rate = _offer(at, context, section, name, stated.term or "spot", (key, "term"))
    return rate, offer_label(found, getattr(at.spec, name), row)


def offer_label(found: Found, name: str, row: OfferPrice) -> str:
    """An offer in a line: its GPU, its name and its term."""
    return f"{found.spec.gpu} ({name}, {row.term})"
