"""What a model behind an API costs per 1M tokens: by meter, by service tier, and for long requests."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field, create_model, model_validator

from tco.catalog.meters import METERS
from tco.catalog.sourced import Dated
from tco.fields import Date, Model, Name, Parsed, Price, Text, no_keys
from tco.units import UnitError, parse_count

_METER_PRICES: dict[str, Any] = {
    m.price_key: (Price | None, Field(None, description=f"{m.label}, per 1M")) for m in METERS
}


class MeterPrices(Model):
    """Prices per 1M tokens by meter. A meter without a price pays its container's."""

    def of(self, key: str) -> Fraction | None:
        """The price per 1M of a meter, None when it has none of its own."""
        price: Fraction | None = getattr(self, f"{key}_per_mtok")
        return price


PriceSet = create_model("PriceSet", __base__=MeterPrices, __doc__=MeterPrices.__doc__, **_METER_PRICES)


def _threshold(value: Any) -> Fraction:
    if isinstance(value, dict):
        raise UnitError(None, "one number, not a range: which requests are long is not drawn", "")
    tokens = parse_count(value)
    if not tokens:
        raise UnitError(value, "a number of tokens above 0", "")
    return tokens


Threshold = Annotated[Fraction, Parsed(_threshold, {"type": ["number", "string"], "examples": [200_000, "200k"]})]


class LongContext(PriceSet):  # type: ignore[misc, valid-type]
    """Prices of every token of a request whose total input, cached included, is strictly above the threshold."""

    above_tokens: Threshold = Field(description="input tokens of one request up to which the base prices hold")


class TierPrices(PriceSet):  # type: ignore[misc, valid-type]
    """The prices of one service tier."""

    long_context: LongContext | None = None


class ApiPrice(Dated, TierPrices):
    """What a model costs per 1M tokens from a date on: the standard tier, and any other by name."""

    tiers: dict[Name, TierPrices] = Field(default_factory=no_keys, description="other service tiers: batch, flex, ...")

    @model_validator(mode="after")
    def _has_base_prices(self) -> ApiPrice:
        if self.of("input") is None:
            raise UnitError(None, "`input_per_mtok`: a row without it prices nothing", "")
        return self


class ApiModel(Model):
    """A model behind an API, closed or open weights, billed per token."""

    name: Text
    retires: Date | None = Field(None, description="the day the provider switches it off")
    note: Text | None = None
    prices: list[ApiPrice] = Field(min_length=1)
