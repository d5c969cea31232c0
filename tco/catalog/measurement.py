"""What `tco replay` noted beside a capacity: how it was measured, with what traffic, and how well it is known."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tco.fields import AtLeastOne, Count, Model, Parsed, Positive, Share, Text, Whole
from tco.units import UnitError

Method = Literal["search", "replay", "closed loop"]
"""The highest rate that every seed proved, one rate that was proven, or what came out at a fixed number in flight."""


def _instant(value: Any) -> str:
    """A second in UTC. It stays text: YAML's versions read times differently."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            return value
    raise UnitError(value, 'a time in UTC, such as "2026-11-21T14:03:22Z"', "")


def _digest(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
        return value
    raise UnitError(value, "a SHA-256 of 64 digits, 0-9 and a-f", "")


Instant = Annotated[str, Parsed(_instant, {"type": "string", "examples": ["2026-11-21T14:03:22Z"]})]
Digest = Annotated[str, Parsed(_digest, {"type": "string", "pattern": "^[0-9a-f]{64}$"})]


class Interval(Model):
    """95 % bounds of the rate at which the allowed share of requests misses an objective, or the server falls behind.

    The rate that was proven lies within them.
    """

    low: Positive
    high: Positive

    @model_validator(mode="after")
    def _ordered(self) -> Interval:
        if self.low > self.high:
            raise UnitError(None, "`low` at most `high`", "")
        return self


class Measurement(Model):
    """The provenance of a capacity that `tco replay` measured. What was not known is absent, never 0."""

    at: Instant = Field(description="when it was written, UTC")
    tco: Text = Field(description="the version of tco that measured it")
    method: Method
    host: Text | None = Field(None, description="the machine of the server, in words: no address and no name")
    driver: Text | None = Field(None, description="of the GPUs")
    flags: list[Text] | None = Field(None, description="how the server was started, as far as known")
    trace: Text = Field(description="name of the recording that was replayed")
    trace_sha256: Digest
    rows: AtLeastOne = Field(description="requests of the recording that were replayed, by any run")
    requests: AtLeastOne = Field(description="requests in the steady window that the figures are of")
    speedup: Positive | None = Field(
        None,
        description="of the recording's clock, 2 is twice as fast; where each seed has another part, that of the first",
    )
    concurrency: AtLeastOne | None = Field(None, description="requests in flight, where they were kept at a number")
    seeds: list[Whole] | None = Field(None, description="runs at this rate, each of which proved it")
    interval: Interval | None = Field(
        None, description="of the requests/s of one replica; absent where nothing says how much more it can do"
    )
    failed_at_per_s: Positive | None = Field(None, description="the lowest rate above it that a run did not sustain")
    goodput_per_s: Count | None = Field(None, description="requests/s that met every objective")
    input_tokens_per_s_per_gpu: Count | None = None
    output_tokens_per_s_per_gpu: Count | None = None
    lateness_p99_ms: Count | None = Field(None, description="how late the client sent; above 10 ms nothing is proven")
    prefix_hit_rate: Share | None = Field(None, description="input tokens that a cache served, as the server counts")
    ideal_prefix_hit_rate: Share | None = Field(None, description="what an endless cache would have served")
    gpu_watts_busy: Positive | None = Field(None, description="mean draw of one GPU in the steady window")
    gpu_watts_idle: Positive | None = Field(None, description="mean draw of one GPU before the first request")
    cross_check: list[Text] | None = Field(None, description="what the server counted beside what the client did")
    journal: Text | None = Field(None, description="name of the record of every request")

    @model_validator(mode="after")
    def _watts(self) -> Measurement:
        idle, busy = self.gpu_watts_idle, self.gpu_watts_busy
        if idle is not None and busy is None:
            raise UnitError(None, "`gpu_watts_busy` beside `gpu_watts_idle`", "")
        return self
