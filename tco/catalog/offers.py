"""What can be rented by the hour."""

from __future__ import annotations

from pydantic import Field

from tco.catalog.sourced import Dated
from tco.catalog.words import Term
from tco.fields import AtLeastOne, Count, Model, Price, Text


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
