"""The first line of a journal: what was asked for, of which trace and server. All that a resume or a summary needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tco.document import Fault, Faults
from tco.replay.objective import Objective, parse_objectives


class Asked(msgspec.Struct, frozen=True):
    """What the user asked for. Durations in seconds."""

    slo: str
    """The objectives as they are typed; empty for none."""
    gpus: int
    seed: int
    drain_s: float
    timeout_s: float
    processes: int
    """The most client processes."""
    speedup: float | None = None
    concurrency: int | None = None
    duration_s: float | None = None
    find_capacity: bool = False
    seeds: int = 1
    requests: int | None = None
    """Rows of a run, from the first on; None for all."""
    gpu: str | None = None
    precision: str | None = None

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What runs are judged by. Raises UnitError where that is no objective."""
        return parse_objectives(self.slo) if self.slo else ()


class Part(msgspec.Struct, frozen=True):
    """The rows that one run replays."""

    first: int
    """The row it begins with, counted over what the trace keeps."""
    span_s: float | None
    """From the first to the last of them, as recorded; None where the trace has no times."""
    ideal_hit_rate: float | None
    """Share of the input tokens that a prefix cache without limits would have; None where the trace has no blocks."""
    recorded_input_tokens: float | None = None
    """Mean input tokens of its rows as the log has them; None where a row has none."""


class TraceFacts(msgspec.Struct, frozen=True):
    """The trace, and what of it a run replays."""

    path: str
    """As it was given; a resume looks there."""
    name: str
    digest: str
    """sha256 of its bytes, in hexadecimal."""
    format: str | None
    time_unit: str | None
    spread: int | None
    """The seed by which tied time stamps are spread."""
    block_tokens: int | None
    read: int
    left_out: dict[str, int]
    """Rows by reason: the reader's and the replay's own together. read = used + these."""
    rows: int
    """Requests of one run."""
    used: int
    """Rows that any run has."""
    parts: list[Part]
    """By the seeds in their order; one where every run has the same rows."""
    sessions: bool
    """Some requests wait for the end of another."""
    real_prompts: bool
    """Some rows have a prompt, which is sent as it is."""
    tied: int = 0
    """Requests of the part with the most that are due at the moment of the one before: no speed-up parts them."""

    def rate(self, part: Part) -> float | None:
        """Requests a second of a part as recorded; None where there are no times, or all are one."""
        return (self.rows - 1) / part.span_s if part.span_s else None


class ServerFacts(msgspec.Struct, frozen=True):
    """The server as it was found."""

    url: str
    name: str
    """As it says itself, such as `vLLM`; `unknown server` where it does not."""
    version: str | None
    model: str
    max_model_len: int | None
    metrics: bool
    """It has a page of metrics with figures that are known here."""
    resets: bool
    """It empties its prefix cache when asked."""
    cache: dict[str, str] = {}
    """Settings of its KV cache, as far as its metrics tell them."""
    host: str | None = None
    """Its machine in words, where that is this one."""

    @property
    def title(self) -> str:
        """`vLLM 0.32.0`."""
        return f"{self.name} {self.version}" if self.version else self.name


class GpuFacts(msgspec.Struct, frozen=True):
    """The GPUs of this machine."""

    name: str
    driver: str
    count: int
    idle_watts: list[float]
    """Of each, before the session began."""


class Header(msgspec.Struct, frozen=True):
    """A journal's first line."""

    version: str
    """Of tco."""
    started: str
    """UTC: `2026-11-21T20:14:03Z`."""
    salt: str
    """Random: what makes the synthetic prompts of this session unlike those of any other."""
    asked: Asked
    trace: TraceFacts
    server: ServerFacts
    gpus: GpuFacts | None = None

    def part(self, seed: int) -> Part:
        """What the runs with a seed replay."""
        return self.trace.parts[(seed - self.asked.seed) % len(self.trace.parts)]

    @property
    def rate(self) -> float | None:
        """Requests a second at a speed-up of 1: that of the first part. The others are brought to the same rate."""
        return self.trace.rate(self.trace.parts[0])

    def factor(self, speedup: float, seed: int) -> float:
        """The speed-up of a seed's own part at which it has the rate that the first has at `speedup`."""
        own = self.trace.rate(self.part(seed))
        return speedup if own is None or self.rate is None else speedup * self.rate / own

    def as_dict(self) -> dict[str, Any]:
        """For the journal."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


def read_header(path: str | Path, about: dict[str, Any]) -> Header:
    """What a journal begins with. Raises Faults where another version of tco wrote something else there."""
    try:
        return msgspec.convert(about, Header)
    except msgspec.ValidationError as problem:
        what = "the first line of this journal is of another version of tco"
        raise Faults([Fault(str(path), 1, 1, what, "what `tco replay` of this version writes", str(problem))]) from None
