"""What a run is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tco.replay.http.target import Target
from tco.replay.load.pace import Pace
from tco.replay.load.source import Source


class Order(NamedTuple):
    """All that a run needs."""

    run: int
    """Its number in the journal."""
    source: Source
    pace: Pace
    target: Target
    model: str
    salt: str
    block_tokens: int | None
    token_ids: tuple[int, int] = (1000, 4000)
    processes: int | None = None
    """The most client processes; None for as many as there are cores."""
    begin_with: int = 1
    """Client processes from the start, at most `processes`: as many as an earlier run of this kind needed."""
    drain_s: float = 30.0
    """How long an interrupted run waits for what is under way."""
    timeout_s: float = 600.0
    """Of a whole request."""
    first_byte_s: float | None = None
    """To the headers of an answer; None for `timeout_s`."""
    done: Mapping[int, tuple[int, bool]] = {}
    """Rows that ended in an earlier part of this run and are not sent again: when, in microseconds since the run's
    zero, and whether well. What follows in their sessions waits for that."""
    resume_us: int = 0
    """Where the clock of a closed loop goes on; an open loop goes on where the first that is missing is due."""

    @property
    def headers_s(self) -> float:
        """Seconds to the headers of an answer."""
        return self.timeout_s if self.first_byte_s is None else self.first_byte_s
