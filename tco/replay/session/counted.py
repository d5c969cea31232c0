"""A recorded run with its figures."""

from __future__ import annotations

from typing import NamedTuple

from tco.replay.measure.measures import summary
from tco.replay.objective import Objective
from tco.replay.outcome import Outcomes, gathered
from tco.replay.record.journal import RecordedRun
from tco.replay.results import Probe, Summary


class Run(NamedTuple):
    """A recorded run as it was counted."""

    recorded: RecordedRun
    outcomes: Outcomes
    summary: Summary

    @property
    def whole(self) -> bool:
        """It ended as it was meant to."""
        return self.recorded.ended is not None and self.recorded.ended.get("reason") in ("done", "duration")

    @property
    def seed(self) -> int:
        seed: int = self.recorded.about["seed"]
        return seed

    @property
    def speedup(self) -> float | None:
        speedup: float | None = self.recorded.about["speedup"]
        return speedup

    @property
    def concurrency(self) -> int | None:
        concurrency: int | None = self.recorded.about["concurrency"]
        return concurrency

    @property
    def rate(self) -> float:
        """As `rate_of`."""
        return rate_of(self.outcomes, self.concurrency)


def rate_of(outcomes: Outcomes, concurrency: int | None) -> float:
    """Requests a second offered over all of a run, (n − 1) / (last due − first due), for so many gaps lie between them;
    of a closed loop those that succeeded. 0 where that is no span."""
    if not len(outcomes):
        return 0.0
    if concurrency is None:
        seconds = float(outcomes.scheduled[-1] - outcomes.scheduled[0])
        return (len(outcomes) - 1) / seconds if seconds > 0 else 0.0
    ends = outcomes.end[outcomes.ok]
    seconds = float(ends.max() - outcomes.scheduled[0]) if len(ends) else 0.0
    return len(ends) / seconds if seconds > 0 else 0.0


def counted(recorded: RecordedRun, objectives: tuple[Objective, ...], gpus: int) -> Run:
    """A run's summary."""
    outcomes = gathered(recorded.outcomes)
    closed = recorded.about.get("concurrency") is not None
    return Run(recorded, outcomes, summary(outcomes, objectives, gpus=gpus, closed=closed))


def probe_of(run: Run) -> Probe:
    """A run as a step of a search."""
    return Probe(run.recorded.run, run.seed, run.speedup, run.concurrency, run.rate, run.summary)
