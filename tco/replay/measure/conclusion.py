"""What a search for the capacity says when it is over: the rate, its interval, and what must be said beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isclose
from typing import NamedTuple

from tco.replay.measure.interval import Score, interval
from tco.replay.measure.saturation import Saturation
from tco.replay.objective import Objective
from tco.replay.results import Capacity, Probe, Summary, worst

_MIX = 0.02
"""By how much the mean length of one seed's requests may differ from the others' before it is said."""


class Course(NamedTuple):
    """How a search went."""

    found: tuple[Probe, ...]
    """The run of each seed at the highest speed-up that all passed."""
    probes: tuple[Probe, ...]
    full: Saturation
    tried: float
    """Requests a second: the highest rate of the search itself, runs for the interval aside."""
    bounded: bool
    """Some rate above did not pass."""
    flat: bool
    """More speed offered no more."""
    limit: Probe | None
    """What did not pass above, where that was no failure of the server."""


def concluded(course: Course, scores: Sequence[Score], objectives: tuple[Objective, ...]) -> Capacity:
    """The capacity, of runs that all passed."""
    found, speedup = course.found, course.found[0].speedup
    assert speedup is not None
    offered = min(p.rate for p in found)
    rate = min([_held(p) for p in found])
    if course.full.reached:
        rate = min(rate, course.full.loop.high)
    opened = [p for p in course.probes if p.speedup is not None]
    failures = [p.rate for p in opened if p.summary.verdict.passed is False and (p.speedup or 0.0) > speedup]
    failed_at = min(failures, default=None)
    most = course.full.loop.high if course.full.reached else course.tried
    served = min(p.summary.succeeded / p.summary.seconds for p in found)
    low, high = interval(
        scores,
        objectives,
        proven=speedup,
        ceiling=max(most, rate, failed_at or 0.0) * speedup / offered,
        floor=max(course.full.loop.low, served) * speedup / offered,
    )
    return Capacity(
        rate=rate,
        low=min(low * rate / speedup, rate),
        high=max(high * offered / speedup, rate),
        speedup=speedup,
        failed_at=failed_at,
        seeds=tuple(p.seed for p in found),
        probes=course.probes,
        summary=_in_the_mean(found),
        notes=tuple(_notes(course, rate)),
        lower_bound=course.flat or not course.bounded or course.limit is not None,
    )


def _notes(course: Course, rate: float) -> Iterator[str]:
    found = course.found
    opened = [p for p in course.probes if p.speedup is not None]
    most = max(p.rate for p in opened)
    if course.flat:
        yield f"a lower bound: its sessions offer no more than {most:.4g} requests/s however fast they are replayed"
    elif not course.bounded:
        yield (
            f"a lower bound: no rate failed up to {most:.4g} requests/s, and the closed loop's most is"
            f" {course.full.loop.rate:.4g}"
        )
    elif course.limit is not None:
        reasons = "; ".join(course.limit.summary.verdict.reasons)
        yield f"a lower bound: at {course.limit.rate:.4g} requests/s {reasons}"
    if not course.full.reached:
        yield (
            f"the closed loop did not saturate the server: with {course.full.loop.concurrency} requests at once its"
            " throughput still rose"
        )
    elif rate < min(_held(p) for p in found):
        yield (
            f"runs passed at {min(_held(p) for p in found):.4g} requests/s, which the closed loop shows to be more"
            " than the server can do for long: they were too short"
        )
    above = max((p for p in opened if p.summary.verdict.passed), key=lambda p: p.rate)
    below = min((p for p in opened if p.summary.verdict.passed is False), key=lambda p: p.rate, default=None)
    if below is not None and (below.rate < above.rate or isclose(below.rate, above.rate)):
        yield (
            f"runs differ: seed {above.seed} passed at {above.rate:.4g} requests/s and seed {below.seed} failed at"
            f" {below.rate:.4g}"
        )
    for what in ("input", "output"):
        means = [getattr(p.summary, f"{what}_tokens") for p in found]
        known = [m for m in means if m is not None]
        if known and max(known) > (1 + _MIX) * min(known):
            yield (
                f"the seeds' requests differ: {min(known):,.4g} to {max(known):,.4g} {what} tokens in the mean;"
                " their mean is taken"
            )


def _held(probe: Probe) -> float:
    """Requests a second that an open loop shows to be served: what was offered over all of it, or in the steady part,
    by which it was judged, where that is less."""
    return min(probe.rate, probe.summary.offered_per_s or probe.rate)


def _in_the_mean(runs: Sequence[Probe]) -> Summary:
    """The worst run, its mix that of all of them."""
    found = [p.summary for p in runs]

    def mean(values: list[float | None]) -> float | None:
        known = [v for v in values if v is not None]
        return sum(known) / len(known) if len(known) == len(values) else None

    return worst(runs).summary._replace(
        input_tokens=mean([s.input_tokens for s in found]),
        output_tokens=mean([s.output_tokens for s in found]),
        cached_tokens=mean([s.cached_tokens for s in found]),
    )
