"""What a catalogue file may hold. Every row says where it comes from, when it was checked, and what kind it is."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, create_model, model_validator

from tco.catalog.meters import METERS
from tco.fields import AtLeastOne, Count, Date, Factor, Model, Name, Positive, Price, Text
from tco.units import UnitError

Kind = Literal["list price", "quote", "measured", "published benchmark", "assumption"]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
TERMS = ("on_demand", "spot", "reserved", "commit_1y", "commit_3y")
Term = Literal["on_demand", "spot", "reserved", "commit_1y", "commit_3y"]


class Sourced(Model):
    """A figure's paper: without it no figure enters a catalogue."""

    source: Text = Field(description="where the figure stands: publication and the place in it")
    checked: Date = Field(description="the day somebody last compared the figure with its source")
    kind: Kind
    note: Text | None = Field(None, description="disagreements between sources, conditions, doubts")


class Dated(Sourced):
    """A figure that changes over time: it holds from `as_of` until a later row. A change is a new row."""

    as_of: Date = Field(description="the date of the source's data; the row holds from here to the next one")


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


class LongContext(PriceSet):  # type: ignore[misc, valid-type]
    """Prices of every token of a request whose total input, cached included, is strictly above the threshold."""

    above_tokens: Positive = Field(description="input tokens of one request up to which the base prices hold")


class TierPrices(PriceSet):  # type: ignore[misc, valid-type]
    """The prices of one service tier."""

    long_context: LongContext | None = None


class ApiPrice(Dated, TierPrices):
    """What a model costs per 1M tokens from a date on: the standard tier, and any other by name."""

    tiers: dict[Name, TierPrices] = Field(default_factory=dict, description="other service tiers: batch, flex, ...")

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


class OfferPrice(Dated):
    """The price of one instance in one region on one term."""

    region: Text
    term: Term
    per_hour: Price = Field(description="per hour of the whole instance, all its GPUs")


class Offer(Model):
    """What can be rented by the hour: an instance with its GPUs, or a managed endpoint."""

    gpu: Text
    gpus: AtLeastOne = Field(description="GPUs in one instance: what can be bought")
    memory_gb: Count | None = Field(None, description="memory of one GPU")
    note: Text | None = None
    prices: list[OfferPrice] = Field(min_length=1)


class Person(Sourced):
    """What one full-time person costs a year."""

    role: Text
    per_year: Price
    loading: Factor = Field(Fraction(1), description="factor from `per_year` to what the employer pays in all")
    as_of: Date


class CapacityRates(Model):
    """What one replica sustains: exactly one of the four ways to say it."""

    requests_per_s: Positive | None = Field(None, description="at the stated mix; prefill is in it")
    output_tokens_per_s: Positive | None = Field(None, description="at the stated mix; prefill is in it")
    total_tokens_per_s: Positive | None = Field(None, description="input + output, at the stated mix")
    prefill_tokens_per_s: Positive | None = Field(None, description="with decode_tokens_per_s, each measured apart")
    decode_tokens_per_s: Positive | None = None
    input_tokens: Count | None = Field(None, description="mean input tokens of the mix it was found at")
    output_tokens: Count | None = Field(None, description="mean output tokens of the mix it was found at")

    @model_validator(mode="after")
    def _one_way(self) -> CapacityRates:
        ways = [
            self.requests_per_s is not None,
            self.output_tokens_per_s is not None,
            self.total_tokens_per_s is not None,
            self.prefill_tokens_per_s is not None or self.decode_tokens_per_s is not None,
        ]
        if sum(ways) != 1 or (self.prefill_tokens_per_s is None) != (self.decode_tokens_per_s is None):
            raise UnitError(
                None,
                "one of `requests_per_s`, `output_tokens_per_s`, `total_tokens_per_s`, "
                "or `prefill_tokens_per_s` with `decode_tokens_per_s`",
                "",
            )
        return self


class CapacityProfile(CapacityRates, Sourced):
    """What one replica of a model on given GPUs sustains, at which mix and objective, and how it is known."""

    model: Text
    gpu: Text
    gpus_per_replica: AtLeastOne
    engine: Text | None = None
    precision: Text | None = None
    objective: Text = Field(description="the latency objective it holds at, or `none (maximum load)`")
    as_of: Date


class ExchangeRate(Dated):
    """What one unit of a currency was worth in US dollars."""

    usd: Positive


class Catalogue(Model):
    """One file of prices. Entries are named FILE/ENTRY after the file's name and their key."""

    provider: Text | None = None
    currency: Currency = "USD"
    models: dict[Name, ApiModel] = Field(default_factory=dict, description="APIs billed per token")
    gpus: dict[Name, Offer] = Field(default_factory=dict, description="instances by the hour, operated by you")
    endpoints: dict[Name, Offer] = Field(default_factory=dict, description="managed endpoints by the hour")
    people: dict[Name, Person] = Field(default_factory=dict)
    capacity: dict[Name, CapacityProfile] = Field(default_factory=dict)
    exchange_rates: dict[Currency, list[ExchangeRate]] = Field(default_factory=dict)
