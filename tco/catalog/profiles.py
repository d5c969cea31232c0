"""What one replica sustains, as somebody found it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from tco.catalog.capacity import CapacityRates
from tco.catalog.sourced import Sourced
from tco.fields import AtLeastOne, Date, Text, later
from tco.units import UnitError

if TYPE_CHECKING:
    from tco.catalog.measurement import Measurement
else:
    Measurement = later("tco.catalog.measurement", "Measurement")


class CapacityProfile(CapacityRates, Sourced):
    """What one replica of a model on given GPUs sustains, at which mix and objective, and how it is known."""

    model: Text
    gpu: Text
    gpus_per_replica: AtLeastOne
    engine: Text | None = None
    precision: Text | None = None
    objective: Text = Field(description="the latency objective it holds at, or `none (maximum load)`")
    as_of: Date
    measured: Measurement | None = Field(None, description="how it was measured, as `tco replay` wrote it")

    @model_validator(mode="after")
    def _measured_at_a_mix(self) -> CapacityProfile:
        if self.measured is not None and (self.kind != "measured" or self.input_tokens is None):
            raise UnitError(None, "`kind: measured`, and the mix in tokens, beside `measured`", "")
        return self

    @property
    def provenance(self) -> str:
        """`measured 2026-11-21 on vLLM 0.32.0 (H200), 95 % interval 8.1–8.9 requests/s`; of others their kind."""
        if self.measured is None:
            return self.kind
        text = f"measured {self.as_of} on {f'{self.engine} ({self.gpu})' if self.engine else self.gpu}"
        if self.measured.interval is None:
            return f"{text}, without an interval"
        low, high = (f"{float(bound):g}" for bound in (self.measured.interval.low, self.measured.interval.high))
        return f"{text}, 95 % interval {low}–{high} requests/s"
