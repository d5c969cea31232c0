"""The search for the capacity on recordings that are not of one rate: bursts, sessions, parts that differ, ties."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np
import pytest
from queueing import Server, Times, closed, outcomes, poisson, served
from test_capacity_search import Lab, found_by

from tco.replay.measure.conclusion import Course, concluded
from tco.replay.measure.saturation import Loop, Saturation
from tco.replay.measure.search import find_capacity
from tco.replay.measure.stage import Stage
from tco.replay.objective import parse_objectives
from tco.replay.outcome import Outcomes
from tco.replay.results import Capacity, NoCapacity
from tco.replay.session.counted import rate_of

Answer = tuple[int, Outcomes, float]
P95 = "ttft_p95=300ms"


class Parts:
    """Answers with recordings, one of each seed from 1 on, brought to one rate: that is what is asked for."""

    def __init__(self, server: Server, *recordings: Times, output_tokens: tuple[int, ...] = (2,)) -> None:
        self.server, self.output_tokens = server, output_tokens
        self.recordings = [(t - t[0]) / (t[-1] - t[0]) * (len(t) - 1) for t in recordings]  # 1 request/s
        self.asked: list[tuple[float | None, int | None, int]] = []

    def __call__(self, speedup: float | None, concurrency: int | None, seed: int) -> Answer:
        self.asked.append((speedup, concurrency, seed))
        part = (seed - 1) % len(self.recordings)
        if speedup is None:
            assert concurrency is not None
            return len(self.asked), closed(self.server, concurrency, len(self.recordings[part])), 0.0
        run = self.run(self.recordings[part] / speedup, self.output_tokens[part % len(self.output_tokens)])
        return len(self.asked), run, rate_of(run, None)

    def run(self, arrivals: Times, output_tokens: int) -> Outcomes:
        return outcomes(arrivals, *served(self.server, arrivals), output_tokens=output_tokens)


def capacity_of(ask: Callable[..., Answer], slo: str = "", **keys: object) -> Capacity:
    found = find_capacity(ask, parse_objectives(slo) if slo else (), **{"own_rate": 1.0, **keys})  # type: ignore[arg-type]
    assert isinstance(found, Capacity), found
    return found


def early_burst(seed: int, count: int = 1000) -> Times:
    """The first quarter at three times the rate of the rest."""
    rng = np.random.default_rng(seed)
    few = count // 4
    return np.cumsum(np.concatenate((rng.exponential(1 / 3, few), rng.exponential(1.0, count - few))))


def highest(server: Server, recording: Times, limit: float, share: float) -> float:
    """The rate of a recording, all of it, at which the allowed share waits longer."""
    per = (len(recording) - 1) / (recording[-1] - recording[0])
    low, high = 0.1 * server.capacity, 2 * server.capacity
    for _ in range(40):
        middle = (low + high) / 2
        arrivals = (recording - recording[0]) * per / middle
        first, _ = served(server, arrivals)
        low, high = (middle, high) if (first - arrivals > limit).mean() <= share else (low, middle)
    return low


class TestBursts:
    @pytest.mark.parametrize("seed", range(8))
    def test_a_burst_at_the_beginning_counts(self, seed: int) -> None:
        """What is cropped as warm-up must not raise the rate: it is at most what all of the trace allows."""
        recording = early_burst(seed)
        found = capacity_of(Parts(Server(0.1), recording), P95)
        truth = highest(Server(0.1), recording, 0.3, 0.05)
        assert 0.8 * truth < found.rate <= truth and found.low <= truth <= found.high

    def test_a_rate_is_no_higher_than_that_of_the_part_that_is_judged(self) -> None:
        """Slow first requests are cropped, and so are the many that came with them."""
        rng = np.random.default_rng(1)
        recording = poisson(1.0, 900, rng)

        class Cold(Parts):
            def run(self, arrivals: Times, output_tokens: int) -> Outcomes:
                hold = np.full(len(arrivals), 0.1)
                hold[:30] *= 5
                return outcomes(arrivals, *served(self.server, arrivals, hold))

        found = capacity_of(Cold(Server(0.1), recording), "ttft_p95=1s")
        there = [p for p in found.probes if p.speedup == found.speedup]
        assert found.rate == min(min(p.rate, p.summary.offered_per_s or 0) for p in there)

    @pytest.mark.parametrize("slots", [8, 32])
    def test_the_trap_of_a_short_run(self, slots: int) -> None:
        """Most of 400 requests at once: they are sent before the server has shown what it cannot do. Whatever the rate,
        no more is found than the closed loop did."""
        server = Server(0.46, slots)
        for seed in range(6):
            rng = np.random.default_rng(seed)
            recording = np.cumsum(np.concatenate((rng.exponential(0.01, 320), rng.exponential(1.0, 80))))
            for flipped in (recording, recording[-1] - recording[::-1]):
                found = capacity_of(Parts(server, flipped))
                saturated = max(p.rate for p in found.probes if p.concurrency is not None)
                assert found.rate <= 1.05 * server.capacity and saturated == pytest.approx(server.capacity, rel=0.03)
                assert found.low <= server.capacity <= found.high * 1.001

    def test_what_piled_up_is_said(self) -> None:
        recording = np.concatenate((np.arange(80) * 1.0, 80 + np.arange(320) * 0.001))
        found = capacity_of(Parts(Server(0.46, 8), recording))
        assert any("requests had piled up" in reason for p in found.probes for reason in p.summary.verdict.reasons)
        bounded = capacity_of(Parts(Server(0.46, 8), recording), "e2e_p95=60s")
        assert not any("piled up" in reason for p in bounded.probes for reason in p.summary.verdict.reasons)


class Sessions:
    """Chains of turns, each due a pause after the answer before it: more speed shortens the pauses alone."""

    def __init__(self, server: Server, chains: int, turns: int) -> None:
        self.server, self.chains, self.turns = server, chains, turns
        self.asked = 0

    def __call__(self, speedup: float | None, concurrency: int | None, seed: int) -> Answer:
        self.asked += 1
        assert self.asked < 30, "a search without an end"
        if speedup is None:
            assert concurrency is not None
            return self.asked, closed(self.server, concurrency, self.chains * self.turns), 0.0
        due = [(2.0 * chain / speedup, chain, 0) for chain in range(self.chains)]
        heapq.heapify(due)
        free = [0.0] * self.server.slots
        rows = []
        while due:
            at, chain, turn = heapq.heappop(due)
            taken = max(at, free[0])
            heapq.heapreplace(free, taken + self.server.service)
            rows.append((at, taken, taken + self.server.service))
            if turn + 1 < self.turns:
                heapq.heappush(due, (taken + self.server.service + 5.0 / speedup, chain, turn + 1))
        run = outcomes(*np.array(sorted(rows)).T)
        return self.asked, run, rate_of(run, None)


class TestSessions:
    @pytest.mark.parametrize("slo", ["", "ttft_p95=2s"])
    @pytest.mark.parametrize(("chains", "turns"), [(10, 60), (20, 30)])
    def test_sessions_that_offer_no_more_end_the_search(self, slo: str, chains: int, turns: int) -> None:
        lab = Sessions(Server(0.1), chains, turns)
        found = capacity_of(lab, slo, own_rate=chains * turns / (2 * chains + 5.1 * turns))
        assert any(n.startswith("a lower bound: its sessions offer no more than") for n in found.notes)
        assert found.lower_bound and found.failed_at is None and 8 < found.rate <= 10.1
        assert lab.asked <= 12


class TestSeeds:
    def test_the_seed_that_fails_searches_on(self) -> None:
        """Three parts of the same rate, the last with bursts: its own limit is bisected, and no other is beside it."""
        rng = np.random.default_rng(3)
        even, odd = np.arange(800) + rng.uniform(0, 0.5, 800), poisson(1.0, 800, rng)
        bursts = np.sort(np.concatenate([k * 50 + rng.exponential(15.0, 50) for k in range(16)]))
        lab = Parts(Server(0.1), even, odd, bursts)
        heard: list[Stage] = []
        found = capacity_of(lab, P95, told=heard.append)
        alone = capacity_of(Parts(Server(0.1), bursts), P95, seeds=(1,))
        assert found.rate == pytest.approx(alone.rate, rel=0.06)
        assert len(lab.asked) <= 28, "each failure of a later seed moved the first by one step, and cost a bisection"
        assert heard[-1].left <= 3
        assert {p.seed for p in found.probes if p.speedup == found.speedup} == {1, 2, 3}

    def test_the_least_rate_of_the_seeds_counts(self) -> None:
        class Told(Lab):
            def __call__(self, speedup: float | None, concurrency: int | None, seed: int) -> Answer:
                run, made, rate = super().__call__(speedup, concurrency, seed)
                return run, made, rate * (1 - 0.1 * (seed == 2))

        found = found_by(Told(Server(0.1), 2000), P95)
        there = {p.seed: p.rate for p in found.probes if p.speedup == found.speedup}
        assert found.rate <= min(there.values()) == there[2] < there[1]

    def test_the_mix_is_the_mean_of_the_seeds(self) -> None:
        recordings = [poisson(1.0, 600, np.random.default_rng(k)) for k in range(3)]
        found = capacity_of(Parts(Server(0.1), *recordings, output_tokens=(2, 3, 7)), P95)
        assert found.summary.output_tokens == pytest.approx((2 + 3 + 7) / 3)
        assert "the seeds' requests differ: 2 to 7 output tokens in the mean; their mean is taken" in found.notes
        same = capacity_of(Parts(Server(0.1), *recordings), P95)
        assert same.summary.output_tokens == 2 and not any("differ:" in n and "tokens" in n for n in same.notes)


class TestBounds:
    def test_a_closed_loop_that_ran_out_of_rows_is_no_ceiling(self) -> None:
        """256 slots, and rows for 128 requests at once: the loops grew to the end; the server does twice as much."""
        for number in range(3):
            found = found_by(Lab(Server(1.0, 256), 1000, number), "ttft_p95=2s")
            assert max(p.rate for p in found.probes if p.concurrency) == pytest.approx(128, rel=0.01)
            assert any("did not saturate the server: with 128 requests at once" in n for n in found.notes)
            tried = max(p.rate for p in found.probes if p.speedup and p.summary.verdict.passed)
            assert found.rate > 200 and found.high >= tried

    def test_the_last_step_down_is_to_a_fiftieth(self) -> None:
        class Batches(Parts):
            """Ten at a time, whatever the speed-up."""

            def run(self, arrivals: Times, output_tokens: int) -> Outcomes:
                arrivals = np.repeat(arrivals[::10], 10)
                return outcomes(arrivals, *served(self.server, arrivals))

        lab = Batches(Server(1.0), np.arange(600.0))
        found = find_capacity(lab, parse_objectives("ttft_p95=1s"), own_rate=1.0)
        assert isinstance(found, NoCapacity) and not found.inconclusive
        rates = [p.rate for p in found.probes if p.speedup is not None]
        assert rates[0] / 50 * 0.95 <= min(rates) <= rates[0] / 50 * 1.05

    def test_a_failure_is_remembered_below_which_the_client_was_late(self) -> None:
        class Late(Lab):
            def sent(self, arrivals: Times, rate: float) -> Times:
                return arrivals + (0.02 if 6.5 < rate < 7.2 else 0.0)

        found = found_by(Late(Server(0.1), 8000), P95)
        failures = [p.rate for p in found.probes if p.speedup is not None and p.summary.verdict.passed is False]
        late = [p.rate for p in found.probes if any("late" in reason for reason in p.summary.verdict.reasons)]
        assert late and failures, "this test needs both"
        assert found.failed_at == min(rate for rate in failures if rate > found.rate)

    def test_what_proved_nothing_did_not_fail(self) -> None:
        for number in range(6):
            found = found_by(Lab(Server(0.1), 600, number), P95)
            failures = [p for p in found.probes if p.speedup and p.summary.verdict.passed is False]
            assert found.failed_at is None or found.failed_at in [p.rate for p in failures]

    def test_no_more_than_a_saturated_closed_loop_says(self) -> None:
        found = found_by(Lab(Server(0.1), 1500), P95)
        there = tuple(p for p in found.probes if p.speedup == found.speedup)
        loop = Loop(8, 4.0, 3.9, 4.1, 0.8)
        for reached, rate in ((True, 4.1), (False, found.rate)):
            course = Course(there, found.probes, Saturation(loop, 0.8, reached), found.rate, True, False, None)
            capped = concluded(course, (), ())
            assert capped.rate == rate and any("they were too short" in n for n in capped.notes) is reached
            assert capped.low <= capped.rate <= capped.high
