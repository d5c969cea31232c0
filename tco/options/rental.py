"""What is paid by the hour: an offer of a catalogue, or a price of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tco.catalog.store import Found, LookupFault
from tco.catalog.words import Term
from tco.fields import Text
from tco.lineitem import Figure
from tco.options.base import At, Context, Unusable
from tco.options.fleet import FleetSpec, hours
from tco.units import Money

if TYPE_CHECKING:
    from tco.catalog.offers import OfferPrice


class RentalSpec(FleetSpec):
    """Keys of options that rent by the hour from a catalogue."""

    region: Text | None = Field(None, description="the first region listed when absent")
    term: Term | None = Field(None, description="on_demand when absent")


def offer(at: At, context: Context, section: str, key: str) -> tuple[Found, OfferPrice, Figure]:
    """The offer that a key names, its price row, and the hourly rate in the scenario's currency."""
    name: str = getattr(at.spec, key)
    found = context.find(at, section, name, key)
    try:
        index, row, region = context.store.offer_row(found, at.spec.region, at.spec.term)
    except LookupFault as missing:
        blamed = next((k for k in ("region", "term") if f"{getattr(at.spec, k)}`" in missing.message), key)
        raise Unusable(at.fault(missing.message, blamed, expected=missing.expected, hint=missing.hint)) from None
    context.paper(at.name, found, row)
    if region is not None:
        context.notes.assume(at.name, f"{name} in {region}, the first region listed")
    price = found.figure("per_hour", row.per_hour, f"{found.currency}/hour", row, "prices", index, "per_hour")
    return found, row, context.converted(at, price, found.currency, key)


def hourly(at: At, context: Context, key: str, money: Money, units: int) -> Figure:
    """A stated price as money per billed hour for so many units."""
    rate = context.per_hour(context.money(at, key, money, key), money.per, hours(at, context))
    return rate.times(factor=units) if units != 1 else rate
