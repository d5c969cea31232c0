"""Prices of an API that a scenario states itself. Imported when one does."""

from __future__ import annotations

from typing import Any

from pydantic import Field, create_model, model_validator

from tco.catalog.meters import METERS
from tco.fields import Model, MoneyPerMtok
from tco.options.api.prices import BLENDED
from tco.units import Money, UnitError

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
