"""The search for the capacity: a closed loop gives a bracket, then the rate is bisected."""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt

from tco.replay.measure.bound import fewest
from tco.replay.measure.conclusion import Course, concluded
from tco.replay.measure.interval import Score, score
from tco.replay.measure.measures import summary
from tco.replay.measure.saturation import PLATEAU, Loop, Saturation, loop_of, piled_up, saturation_of
from tco.replay.measure.stage import BISECTIONS, CLOSED_LOOPS, Stage, runs_left
from tco.replay.measure.steady import FEWEST
from tco.replay.measure.verdict import clearly_missed, kept_up, missed_outright, too_short
from tco.replay.objective import Objective, objectives_text
from tco.replay.outcome import Outcomes
from tco.replay.results import Capacity, NoCapacity, Probe, Verdict

__all__ = ["Ask", "Stage", "find_capacity"]

Ask = Callable[[float | None, int | None, int], tuple[int, Outcomes, float]]
"""(speedup, concurrency, seed) -> (number of the run, outcomes, requests a second offered over the replayed part)."""

TOLERANCE = 0.05
FIRST_CONCURRENCY = 8
MOST_CONCURRENCY = 1024
_GROWTH = 4
_NEAR = 0.9
"""Of the closed loop's throughput: the highest rate that is tried first."""
_ABOVE = 3
"""Runs above the capacity, at most, that the interval alone asks for."""
_BELOW = 50
"""Part of the first rate: where not even that passes, no rate will do."""
_BEYOND = 8
"""Times the closed loop's throughput: the search goes no higher, whatever passes."""


_FLAT = (1.2, 1.05)
"""A speed-up so many times as high that raises the rate by less: more speed offers no more."""
_MOST_UPS = 8
"""Squared steps upward: far beyond what any server does."""


class _NotFound(Exception):
    def __init__(self, reason: str, inconclusive: bool) -> None:
        super().__init__(reason)
        self.reason, self.inconclusive = reason, inconclusive


def find_capacity(
    probe: Ask,
    objectives: tuple[Objective, ...],
    *,
    own_rate: float,
    seeds: tuple[int, ...] = (1, 2, 3),
    gpus: int = 1,
    tolerance: float = TOLERANCE,
    most_concurrency: int = MOST_CONCURRENCY,
    told: Callable[[Stage], None] | None = None,
) -> Capacity | NoCapacity:
    """The highest rate that every seed proves, to within `tolerance`, and an interval.

    `own_rate` is that of the trace at a speed-up of 1, in requests a second. A closed loop whose concurrency grows
    until its throughput does not says where to look. The speed-up is bisected on a scale of logarithms with the first
    seed; what is so found is held against the other seeds, and where one of them does not pass, the search goes on
    below. So a rate that does not pass costs one run. What is not proven does not pass, and is not tried again: a
    second chance would weaken the proof.

    A run in which the client was late is made once more. If it is late again, or a run is too short to tell, the search
    goes no higher, and the capacity is a lower bound, which its notes say.

    Deterministic given the answers of `probe`, so that a search is resumed by answering with the runs there are. The
    k-th call with the same arguments is another run than those before: it is answered by the k-th recorded one. What
    `probe` raises passes through.
    """
    if not seeds or len(seeds) != len(set(seeds)):
        raise ValueError("expected one seed or more, each once")
    search = _Search(probe, objectives, own_rate, seeds, gpus, 1 + tolerance, most_concurrency, told)
    try:
        return search.run()
    except _NotFound as end:
        return NoCapacity(end.reason, end.inconclusive, tuple(search.probes))


class _Search:
    def __init__(
        self,
        ask: Ask,
        objectives: tuple[Objective, ...],
        per_speedup: float,
        seeds: tuple[int, ...],
        gpus: int,
        step: float,
        most_concurrency: int,
        told: Callable[[Stage], None] | None,
    ) -> None:
        self.ask, self.objectives, self.seeds, self.gpus, self.told = ask, objectives, seeds, gpus, told
        self.per_speedup, self.step, self.most_concurrency = per_speedup, step, most_concurrency
        self.probes: list[Probe] = []
        self.scores: list[Score] = []
        self.order = list(seeds)
        """The seed that searches, then those that what it finds is held against."""
        self.passed: dict[float, dict[int, Probe]] = {}
        """By speed-up and seed."""
        self.high: float | None = None
        """The lowest speed-up that did not pass."""
        self.limit: Probe | None = None
        """Where the client was late there, or the run too short to tell: what ended the search, which is no failure."""
        self.flat = False
        """More speed offers no more, as where sessions wait for answers."""
        self.first = self.saturated = 0.0
        """Requests a second: of the first run in an open loop, and the most in a closed one."""
        self.full = Saturation(Loop(0, 0.0, 0.0, 0.0, None), None, False)
        self.tried = 0.0
        """The highest rate of the search itself, runs for the interval aside."""
        self.ups = self.downs = 0
        """Steps above the closed loop's throughput, and below all that did not pass: each the square of the last."""

    def run(self) -> Capacity:
        self.saturate()
        speedup: float | None = self.first / self.per_speedup
        while True:
            if speedup is not None:
                self.passes(speedup, self.order[0])
            elif all(self.passes(self.lowest, s) for s in self.order[1:] if s not in self.passed[self.lowest]):
                self.tried = max(p.rate for p in self.probes if p.speedup is not None)
                self.look_above()
                return self.capacity()
            speedup = self.following()

    @property
    def low(self) -> float | None:
        """The highest speed-up, below all that did not pass, that the seed that searches passed."""
        below = (s for s, by in self.passed.items() if self.order[0] in by and (self.high is None or s < self.high))
        return max(below, default=None)

    @property
    def lowest(self) -> float:
        low = self.low
        assert low is not None
        return low

    def following(self) -> float | None:
        """The next speed-up for the seed that searches; None where the highest that passed is near one that did not."""
        low, high = self.low, self.high
        if low is None:
            assert high is not None
            least = self.first / _BELOW
            if high * self.per_speedup <= least * (1 + 1e-9):
                raise self.nothing_passed()
            self.downs += 1
            return max(high / float(self.step ** (2**self.downs)), min(least / self.per_speedup, high / self.step))
        if high is None:
            self.flat = self.offers_no_more()
            if self.flat or self.ups >= _MOST_UPS or low * self.per_speedup > _BEYOND * self.saturated:
                return None
            most = self.saturated / self.per_speedup
            if most > low * self.step:
                return sqrt(low * most) if most > low * self.step**2 else most
            self.ups += 1
            return low * float(self.step ** (2**self.ups))
        return None if high <= low * self.step * (1 + 1e-9) else sqrt(low * high)

    def offers_no_more(self) -> bool:
        """Whether the rate follows the speed-up no longer, by what passed."""
        times, least = _FLAT
        rates = {s: by[self.order[0]].rate for s, by in self.passed.items() if self.order[0] in by}
        top = max(rates)
        before = max((s for s in rates if s * times <= top * (1 + 1e-9)), default=None)
        if before is None or rates[before] <= 0:
            return False
        return log(rates[top] / rates[before]) < log(least) / log(times) * log(top / before)

    # -- one run -----------------------------------------------------------------------------------------------------

    def saturate(self) -> None:
        """Closed loops of growing concurrency until the throughput has reached its most."""
        concurrency, good = min(FIRST_CONCURRENCY, self.most_concurrency), 0.0
        loops: list[Loop] = []
        while True:
            probe, outcomes = self.made(None, concurrency, self.seeds[0])
            if not probe.summary.succeeded:
                failures = ", ".join(f"{status} ({count})" for status, count in probe.summary.failures.items())
                raise _NotFound(f"no request succeeded in a closed loop of {concurrency}: {failures or 'none'}", False)
            if not missed_outright(probe.summary.verdict):
                good = max(good, probe.rate)
            grown = probe.rate > PLATEAU * self.saturated
            self.saturated = max(self.saturated, probe.rate)
            loops.append(loop_of(outcomes, probe.summary.window, concurrency, probe.rate))
            longer = concurrency * _GROWTH
            if not grown or longer > self.most_concurrency or longer * 2 > len(outcomes):
                break
            concurrency = longer
        self.full = saturation_of(loops)
        self.first = min(good or self.saturated / 2, _NEAR * self.saturated)

    def passes(self, speedup: float, seed: int) -> bool:
        """Whether a seed passes at a speed-up; the bracket follows. One that does not is the one that searches on."""
        probe, on_time = self.opened(speedup, seed)
        if on_time and probe.summary.verdict.passed:
            self.passed.setdefault(speedup, {})[seed] = probe
            return True
        if seed != self.order[0]:
            self.order.remove(seed)
            self.order.insert(0, seed)
            self.downs = 0
        short = probe.summary.verdict.passed is None and too_short(probe.summary.window)
        self.high, self.limit = speedup, None if on_time and not short else probe
        return False

    def look_above(self) -> None:
        """Runs for the interval alone: it ends where an objective is missed, which some run must show clearly."""
        if self.high is None or self.limit is not None or not self.objectives:
            return
        speedup = self.high
        for k in range(1, _ABOVE + 1):
            if any(clearly_missed(p.summary.verdict) for p in self.probes if p.speedup is not None):
                break
            speedup *= self.step ** (2 * k)
            self.opened(speedup, self.order[0])

    def opened(self, speedup: float, seed: int) -> tuple[Probe, bool]:
        """A run in an open loop, and whether the client kept up; where it did not, it is made twice."""
        probe, outcomes = self.made(speedup, None, seed)
        on_time = kept_up(outcomes, probe.summary.window)
        if not on_time:
            probe, outcomes = self.made(speedup, None, seed)
            on_time = kept_up(outcomes, probe.summary.window)
        if on_time:
            self.refuse_too_few(outcomes)
            if probe.summary.window is not None:
                self.scores.append(score(outcomes, probe.summary.window, self.objectives, speedup))
        if probe.rate > 0:
            self.per_speedup = probe.rate / speedup
        return probe, on_time

    def made(self, speedup: float | None, concurrency: int | None, seed: int) -> tuple[Probe, Outcomes]:
        if self.told is not None:
            self.told(self.stage(speedup, concurrency, seed))
        run, outcomes, rate = self.ask(speedup, concurrency, seed)
        found = summary(outcomes, self.objectives, gpus=self.gpus, closed=speedup is None)
        if speedup is None:
            rate = found.completed_per_s or 0.0
        elif found.verdict.passed and (words := piled_up(outcomes, self.objectives, self.full.usual)):
            found = found._replace(verdict=Verdict(False, (words,), found.verdict.objectives))
        probe = Probe(run, seed, speedup, concurrency, rate, found)
        self.probes.append(probe)
        return probe, outcomes

    def refuse_too_few(self, outcomes: Outcomes) -> None:
        """A run that would prove nothing without a single miss is not worth another."""
        needed = max([FEWEST, *(fewest(objective.share, 0) for objective in self.objectives)])
        if len(outcomes) < needed:
            words = f"a run had {len(outcomes)} requests, and {needed} without a miss are the fewest that prove"
            raise _NotFound(f"{words} {objectives_text(self.objectives)}", True)

    # -- what is said ------------------------------------------------------------------------------------------------

    def stage(self, speedup: float | None, concurrency: int | None, seed: int) -> Stage:
        low, high = self.low, self.high
        if speedup is None:
            left, pace = CLOSED_LOOPS + BISECTIONS + len(self.seeds), self.saturated
        else:
            top = high or max(self.saturated / self.per_speedup, speedup) * self.step
            confirmed = max(len(self.passed.get(speedup, {})), 1)
            left = runs_left(low or min(top, speedup) / 2, top, self.step, len(self.seeds) - confirmed)
            pace = min(top, speedup) * self.per_speedup
        requests = self.probes[-1].summary.requests if self.probes else 0
        return Stage(
            made=len(self.probes),
            left=max(left, 1),
            seconds_left=max(left, 1) * requests / pace if requests and pace else None,
            concurrency=concurrency,
            rate=None if speedup is None else speedup * self.per_speedup,
            seed=seed,
            low=None if low is None else low * self.per_speedup,
            high=None if high is None else high * self.per_speedup,
        )

    def capacity(self) -> Capacity:
        speedup = self.lowest
        course = Course(
            tuple(self.passed[speedup][seed] for seed in self.seeds),
            tuple(self.probes),
            self.full,
            self.tried,
            self.high is not None,
            self.flat,
            self.limit,
        )
        return concluded(course, self.scores, self.objectives)

    def nothing_passed(self) -> _NotFound:
        last = self.probes[-1]
        reasons = "; ".join(last.summary.verdict.reasons)
        return _NotFound(f"not even {last.rate:.3g} requests/s passed: {reasons}", last.summary.verdict.passed is None)
