"""What can be bought: a GPU, or a server with its GPUs, and what is known of owning it."""

from __future__ import annotations

from pydantic import Field

from tco.catalog.sourced import Dated
from tco.fields import AtLeastOne, Count, Model, Positive, Price, Share, Text, no_items


class Stated(Dated):
    """One figure with its own paper."""

    value: Positive


class StatedShare(Dated):
    """One share with its own paper."""

    value: Share


class StatedPrice(Dated):
    """One amount of the file's currency with its own paper."""

    value: Price


class Residual(StatedShare):
    """What is left of a purchase price."""

    after_months: Positive


class PurchasePrice(Dated):
    """What one costs to buy, with all its GPUs."""

    price: Price


class Hardware(Model):
    """What can be bought: a GPU, or a server with its GPUs. What is not known is absent."""

    name: Text
    gpu: Text
    gpus: AtLeastOne = Field(description="GPUs in one: what is bought at once")
    memory_gb: Count | None = Field(None, description="memory of one GPU")
    note: Text | None = None
    prices: list[PurchasePrice] = Field(default_factory=no_items)
    gpu_watts: Stated | None = Field(None, description="board power of one GPU at full load")
    system_watts: Stated | None = Field(None, description="the whole server at full load")
    system_watts_factor: Stated | None = Field(None, description="power of a server over that of its GPUs")
    residual: Residual | None = Field(None, description="what it still sells for")
    life_years: Stated | None = Field(None, description="years over which it is written off")
    extras_share: StatedShare | None = Field(None, description="networking, cabling, insurance on top of the price")
    maintenance_share_per_year: StatedShare | None = Field(None, description="of the purchase price")
    hosting_per_year: StatedPrice | None = Field(None, description="of one server")
    power_and_cooling_per_hour: StatedPrice | None = Field(None, description="of one server")
    software_per_year: StatedPrice | None = Field(None, description="licences of one server, where they are bought")
    software_per_gpu_year: StatedPrice | None = Field(None, description="licences of one GPU, where they are bought")
