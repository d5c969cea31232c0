"""A whole catalogue file, for checking one and for its schema: comparing reads single entries of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from tco.catalog.capacity import CapacityRates
from tco.catalog.currencies import ExchangeRate
from tco.catalog.hardware import Hardware
from tco.catalog.offers import Offer, OfferPrice
from tco.catalog.open_weights import OpenModel
from tco.catalog.people import Person
from tco.catalog.power import Colocation, Electricity, Pue
from tco.catalog.prices import ApiModel, ApiPrice, LongContext, MeterPrices, PriceSet, TierPrices
from tco.catalog.profiles import CapacityProfile
from tco.catalog.sourced import Dated, Sourced
from tco.fields import Model, Name, Text, no_keys

__all__ = [
    "ApiModel",
    "ApiPrice",
    "CapacityProfile",
    "CapacityRates",
    "Catalogue",
    "Colocation",
    "Dated",
    "Electricity",
    "ExchangeRate",
    "Hardware",
    "LongContext",
    "MeterPrices",
    "Offer",
    "OfferPrice",
    "OpenModel",
    "Person",
    "PriceSet",
    "Pue",
    "Sourced",
    "TierPrices",
]

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Catalogue(Model):
    """One file of prices. Entries are named FILE/ENTRY after the file's name and their key."""

    provider: Text | None = None
    currency: Currency = "USD"
    models: dict[Name, ApiModel] = Field(default_factory=no_keys, description="APIs billed per token")
    gpus: dict[Name, Offer] = Field(default_factory=no_keys, description="instances by the hour, operated by you")
    endpoints: dict[Name, Offer] = Field(default_factory=no_keys, description="managed endpoints by the hour")
    people: dict[Name, Person] = Field(default_factory=no_keys)
    capacity: dict[Name, CapacityProfile] = Field(default_factory=no_keys, description="what one replica sustains")
    open_weights: dict[Name, OpenModel] = Field(default_factory=no_keys, description="models one can run oneself")
    hardware: dict[Name, Hardware] = Field(default_factory=no_keys, description="GPUs and servers to buy")
    electricity: dict[Name, Electricity] = Field(default_factory=no_keys)
    pue: dict[Name, Pue] = Field(default_factory=no_keys, description="what a data centre draws over its computers")
    colocation: dict[Name, Colocation] = Field(default_factory=no_keys, description="space for one's own servers")
    exchange_rates: dict[Currency, list[ExchangeRate]] = Field(default_factory=no_keys)
