"""All that there is to say of a replay when it is over, or when its journal is read again: what reports are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tco.replay.objective import Objective
from tco.replay.results import Capacity, NoCapacity, Summary

if TYPE_CHECKING:
    from tco.replay.outcome import Outcomes
    from tco.replay.session.crosscheck import CrossCheck


class Rows(NamedTuple):
    """What became of the rows of the trace: read = replayed + left out."""

    read: int
    replayed: int
    """Rows that make up one run."""
    left_out: dict[str, int]
    """By reason, the reader's and the replay's own together."""


class Account(NamedTuple):
    """A replay or a search for the capacity, whole or cut short."""

    trace: str
    """Its file name, without folders."""
    digest: str
    """sha256 of its bytes, in hexadecimal."""
    when: str
    """When the first run began: `2026-11-21T20:14:03Z`."""
    server: str
    """Name and version, as it says itself: `vLLM 0.32.0`."""
    model: str
    gpu: str | None
    """Name of a GPU; None where nobody knows it."""
    gpus: int
    """GPUs of the replica."""
    objectives: tuple[Objective, ...]
    found: Summary | Capacity | NoCapacity
    rows: Rows
    outcomes: Outcomes | None
    """Every request of the run that a timeline is drawn of, the worst at the capacity; None where no run was made."""
    speedup: float | None
    """Of a plain replay."""
    concurrency: int | None
    """Of a plain replay in a closed loop."""
    processes: int
    """The most client processes of a run."""
    check: CrossCheck | None
    """What the server says of the run at the capacity; None where it says nothing."""
    ended: str
    """`done`, `duration`, `interrupted`; `cut` where the journal ends without saying so."""
    warnings: tuple[str, ...]
    journal: str
    """Its file name, without folders."""
    profile: str | None
    """The file that the profile was written to."""
    version: str
    """Of tco."""

    @property
    def summary(self) -> Summary | None:
        """The run that latencies are shown of: the one asked for, or the worst at the capacity.

        Of a search that proved nothing, its last run; None where there is none.
        """
        if isinstance(self.found, Summary):
            return self.found
        if isinstance(self.found, Capacity):
            return self.found.summary if self.found.shown is None else self.found.shown.summary
        return self.found.probes[-1].summary if self.found.probes else None
