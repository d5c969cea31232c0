"""The prices of an API option: a catalogue entry's by service tier, or the scenario's own, each with its figure."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tco.catalog.charge import OwnPrices
from tco.catalog.meters import METERS
from tco.catalog.store import Found, LookupFault
from tco.lineitem import Figure
from tco.options.base import BY_USE, At, Context, Unusable, last_dated
from tco.units import Money

if TYPE_CHECKING:
    from tco.catalog.prices import ApiPrice, TierPrices

STANDARD, BATCH = "standard", "batch"
BLENDED = ("input", "output")


class Prices:
    """The price sets of an option by tier, with the figure of each price."""

    def __init__(self, at: At, context: Context) -> None:
        self.at, self.context = at, context
        spec = at.spec
        self.found: Found | None = None
        self.row: ApiPrice | None = None
        self.index = 0
        if spec.model is not None:
            self.found = context.find(at, "models", spec.model, "model")
            self.index, self.row = self._row()
            context.paper(at.name, self.found, self.row)
            self.currency = self.found.currency
            retires = self.found.spec.retires
            if retires is not None:
                past = retires <= context.store.as_of
                gone = "was switched off" if past else "will be switched off"
                context.notes.warn(at.name, f"{spec.model} {gone} on {retires}", grave=past)
        else:
            assert spec.price is not None
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
            figure = figure._replace(trend=BY_USE._replace(since=last_dated(self.found.spec.prices)))
            return self.context.converted(self.at, figure, self.currency, "model")
        stated = self._stated(key)
        assert stated is not None
        return self.context.money(self.at, f"{stated[0]} price", stated[1], "price", stated[0], trend=BY_USE)

    def _stated(self, key: str) -> tuple[str, Money] | None:
        """The key and the amount that the scenario states for a meter."""
        prices = self.at.spec.price
        named = "blended" if key in BLENDED and prices.blended is not None else key
        money: Money | None = getattr(prices, named)
        return None if money is None else (named, money)
