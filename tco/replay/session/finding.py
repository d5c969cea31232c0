"""The search for the capacity over runs that a journal holds: replayed, it gives the same answer again.

The search is deterministic given what its probes answer. So nothing of it is kept but the runs: to go on with one that
was cut is to begin anew, and to recall each run that is there already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tco.replay.measure import sizing
from tco.replay.measure.search import MOST_CONCURRENCY, Ask, Stage, find_capacity
from tco.replay.objective import Objective
from tco.replay.outcome import Outcomes
from tco.replay.record.header import Header
from tco.replay.results import Capacity, NoCapacity, Probe, Verdict
from tco.replay.session.counted import Run, probe_of

CUT = "the search was stopped before it was over: go on with it by `--resume`"

Key = tuple[float | None, int | None, int]
"""Speed-up, concurrency, seed."""


class NotMade(Exception):
    """The journal has no such run."""


class Recall:
    """Runs that ended, by what was asked of them. The search may ask for a run twice: it then has another."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs: dict[Key, list[Run]] = {}
        for run in runs:
            if run.whole:
                self._runs.setdefault((run.speedup, run.concurrency, run.seed), []).append(run)

    def __call__(self, speedup: float | None, concurrency: int | None, seed: int) -> tuple[int, Outcomes, float]:
        """Number, requests and rate of the run. Raises NotMade."""
        left = self._runs.get((speedup, concurrency, seed))
        if not left:
            raise NotMade
        run = left.pop(0)
        return run.recorded.run, run.outcomes, run.rate


def found_in(header: Header, runs: Sequence[Run], objectives: tuple[Objective, ...]) -> Capacity | NoCapacity:
    """What a search over recorded runs finds; NoCapacity with `CUT` where they are too few."""
    try:
        return search(header, objectives, Recall(runs))
    except NotMade:
        return NoCapacity(CUT, inconclusive=True, probes=tuple(map(_so_far, runs)))


def _so_far(run: Run) -> Probe:
    """A run of a search that was stopped; the one that was cut says nothing."""
    probe = probe_of(run)
    if run.whole:
        return probe
    verdict = Verdict(None, ("it was cut before its end",), probe.summary.verdict.objectives)
    return probe._replace(summary=probe.summary._replace(verdict=verdict))


def _to_nobody(stage: Stage) -> None:
    """Where the runs are there already, nothing is to be told."""


def search(
    header: Header, objectives: tuple[Objective, ...], probe: Ask, told: Callable[[Stage], None] = _to_nobody
) -> Capacity | NoCapacity:
    """The search as the journal's header asks for it. told: what is known before each run."""
    asked, own_rate = header.asked, header.rate
    if own_rate is None:
        return NoCapacity("the trace has no rate: its requests have no times, or all of them one", True, ())
    seeds = tuple(range(asked.seed, asked.seed + asked.seeds))
    found = find_capacity(
        probe, objectives, own_rate=own_rate, seeds=seeds, gpus=asked.gpus,
        most_concurrency=min(MOST_CONCURRENCY, header.trace.rows), told=told,
    )  # fmt: skip
    return with_the_trace(found, header)


def with_the_trace(found: Capacity | NoCapacity, header: Header) -> Capacity | NoCapacity:
    """What was found, with what the trace has to do with it."""
    trace, ties = header.trace, sizing.ties(header.trace)
    if isinstance(found, NoCapacity):
        return found._replace(reason=f"{found.reason}; {ties}") if ties and not found.inconclusive else found
    notes = [*found.notes, *([ties] if ties else [])]
    if len(found.seeds) > 1 and len(trace.parts) == 1:
        notes.append(f"all seeds replay the same {trace.rows:,} requests: what differs is chance alone")
    return found._replace(notes=tuple(notes))
