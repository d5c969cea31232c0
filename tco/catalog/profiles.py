"""What one replica sustains, as somebody found it."""

from __future__ import annotations

from pydantic import Field

from tco.catalog.capacity import CapacityRates
from tco.catalog.sourced import Sourced
from tco.fields import AtLeastOne, Date, Text


class CapacityProfile(CapacityRates, Sourced):
    """What one replica of a model on given GPUs sustains, at which mix and objective, and how it is known."""

    model: Text
    gpu: Text
    gpus_per_replica: AtLeastOne
    engine: Text | None = None
    precision: Text | None = None
    objective: Text = Field(description="the latency objective it holds at, or `none (maximum load)`")
    as_of: Date
