"""A run in figures: every definition on requests few enough to work out by hand, and a queue whose wait is known."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, inf, isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from queueing import Server, closed, mean_wait, outcomes, poisson, replayed, served

from tco.replay.measure.latencies import by_request, judged, met_alone, missed, quantile, whole_misses
from tco.replay.measure.measures import latency, summary
from tco.replay.objective import parse_objectives
from tco.replay.outcome import Outcome, Outcomes, gathered
from tco.replay.results import QUANTILES

F = Fraction
MS = 1000
S = 1_000_000


def one(
    index: int, at: int, *, late: int = 0, first: int = 100 * MS, gaps: Sequence[int] = (20 * MS,) * 3, **keys: object
) -> Outcome:
    """A request due at `at` microseconds, sent `late` after that, its first token `first` after it was sent."""
    began = at + late + first
    last = began + sum(gaps)
    fields: dict[str, object] = {
        "index": index, "scheduled": at, "sent": at + late, "first": began, "last": last, "end": last,
        "gaps": tuple(gaps), "input_tokens": 100, "output_tokens": len(gaps) + 1, "cached_tokens": None,
        "status": "ok", **keys,
    }  # fmt: skip
    return Outcome(**fields)  # type: ignore[arg-type]


def failed(index: int, at: int, status: str = "reset", **keys: object) -> Outcome:
    nothing = {"first": None, "last": None, "input_tokens": None, "output_tokens": None, "end": at + 5 * MS}
    return one(index, at)._replace(**{"gaps": (), "status": status, **nothing, **keys})  # type: ignore[arg-type]


class TestDefinitions:
    def test_times_count_from_when_a_request_was_due(self) -> None:
        times = by_request(gathered([one(0, 3 * S, late=250 * MS, first=100 * MS, gaps=(30 * MS, 10 * MS))]))
        assert times["ttft"] == pytest.approx([0.250 + 0.100])
        assert times["service"] == pytest.approx([0.100])
        assert times["lateness"] == pytest.approx([0.250])
        assert times["e2e"] == pytest.approx([0.250 + 0.100 + 0.040])
        assert times["tpot"] == pytest.approx([0.040 / (3 - 1)])

    def test_tokens_are_the_servers_not_chunks(self) -> None:
        """Two chunks of six tokens: 40 ms / (6 − 1), where counting chunks would say 40 ms / 1."""
        run = gathered([one(0, 0, gaps=(40 * MS,), output_tokens=6)])
        assert by_request(run)["tpot"] == pytest.approx([0.040 / 5])
        assert summary(run, ()).tokens_per_chunk == 6 / 2

    def test_one_token_has_no_time_per_token_and_meets_its_objective(self) -> None:
        run = gathered([one(0, 0, gaps=()), one(1, S, gaps=())])
        found = summary(run, parse_objectives("tpot_p50=1ms,itl_p50=1ms"))
        assert found.latencies["tpot"].count == 0 and found.latencies["tpot"].quantiles == (None,) * len(QUANTILES)
        assert [(m.misses, m.value) for m in found.verdict.objectives] == [(0, 0.0), (0, 0.0)]

    def test_a_failed_request_has_no_latency_but_misses_everything(self) -> None:
        run = gathered([one(0, 0), one(1, S), failed(2, 2 * S, first=2 * S + 1, gaps=(1, 1))])
        found = summary(run, parse_objectives("ttft_p50=1s,tpot_p50=1s,itl_p50=1s,e2e_p50=1s"))
        assert all(found.latencies[name].count == 2 for name in ("ttft", "tpot", "e2e", "service"))
        assert found.latencies["itl"].count == 2 * 3, "gaps before a failure are no answer's"
        assert found.latencies["lateness"].count == 3
        assert [m.misses for m in found.verdict.objectives] == [1, 1, 1, 1]
        assert found.succeeded == 2 and found.failures == {"reset": 1}

    def test_a_percentile_that_falls_on_a_failure_is_infinite(self) -> None:
        run = gathered([one(k, k * S) for k in range(9)] + [failed(9, 9 * S)])
        everything = np.ones(10, dtype=np.bool_)
        for metric in ("ttft", "tpot", "itl", "e2e"):
            within, beyond = parse_objectives(f"{metric}_p90=1s")[0], parse_objectives(f"{metric}_p91=1s")[0]
            assert judged(run, within, everything) == pytest.approx(
                {"ttft": 0.1, "tpot": 0.02, "itl": 0.02, "e2e": 0.16}[metric]
            )
            assert judged(run, beyond, everything) == inf

    def test_failures_by_reason_the_commonest_first(self) -> None:
        rows = [
            failed(0, 0),
            failed(1, 1, "http", http=429),
            failed(2, 2, "http", http=429),
            one(3, 3),
            failed(4, 4, "http", http=500),
        ]
        assert list(summary(gathered(rows), ()).failures.items()) == [("http 429", 2), ("reset", 1), ("http 500", 1)]

    def test_nothing_is_zero_for_want_of_a_request(self) -> None:
        for rows in ([], [failed(0, 0, "refused", sent=None, end=None)]):
            found = summary(gathered(rows), parse_objectives("ttft_p95=1s"))
            assert (found.offered_per_s, found.completed_per_s, found.goodput_per_s) == (None, None, None)
            assert (found.input_tokens, found.output_tokens, found.cached_tokens, found.tokens_per_chunk) == (None,) * 4
            assert found.window is None and found.verdict.passed is None
            for name in ("ttft", "tpot", "itl", "e2e", "service"):
                assert found.latencies[name] == (0, None, (None, None, None, None), None)
        assert summary(gathered([]), parse_objectives("ttft_p95=1s")).verdict.objectives[0].value is None

    def test_cached_tokens_are_unknown_where_the_server_does_not_say(self) -> None:
        assert summary(gathered([one(0, 0)]), ()).cached_tokens is None
        rows = [one(0, 0, cached_tokens=64), one(1, 1, cached_tokens=0), one(2, 2)]
        assert summary(gathered(rows), ()).cached_tokens == (64 + 0) / 2

    def test_the_mix_is_of_those_that_were_answered(self) -> None:
        rows = [one(0, 0), one(1, S, input_tokens=300), failed(2, 2 * S, input_tokens=9000, output_tokens=9)]
        found = summary(gathered(rows), ())
        assert (found.input_tokens, found.output_tokens) == ((100 + 300) / 2, 4)

    def test_in_flight_counts_from_sent_to_end(self) -> None:
        rows = [one(0, 0), one(1, 50 * MS), one(2, 160 * MS), failed(3, 0, "refused", sent=None)]  # 0 ends as 2 is sent
        assert summary(gathered(rows), ()).most_in_flight == 2
        assert summary(gathered([failed(0, 0, sent=None)]), ()).most_in_flight == 0


class TestQuantiles:
    @given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.integers(1, 999), st.integers(0, 20))
    def test_within_the_limit_exactly_where_few_enough_exceed_it(
        self, values: list[int], per_mille: int, limit: int
    ) -> None:
        share = F(per_mille, 1000)
        found = quantile(np.array(values, dtype=np.float64), share)
        assert found is not None and found == sorted(values)[ceil(share * len(values)) - 1]
        over = sum(v > limit for v in values)
        assert (found <= limit) == (over <= (1 - share) * len(values))

    def test_the_mean_and_the_longest_leave_out_what_is_unknown(self) -> None:
        assert latency(np.array([np.nan, 1.0, 3.0])) == (2, (1 + 3) / 2, (1.0, 3.0, 3.0, 3.0), 3.0)


class TestObjectives:
    @pytest.mark.parametrize("metric", ["ttft", "e2e"])
    def test_exactly_at_the_limit_is_within_it(self, metric: str) -> None:
        """Also where the difference of two moments in floats is a hair above it, as it is at some of these."""
        for at in range(0, 4000 * S, 123_456_789):
            objective = parse_objectives(f"{metric}_p50=300ms")[0]
            rows = gathered([one(0, at, first=300 * MS, gaps=()), one(1, at, first=300 * MS + 1, gaps=())])
            assert missed(rows, objective).tolist() == [0, 1]

    def test_time_per_token_exactly_at_the_limit(self) -> None:
        objective = parse_objectives("tpot_p50=33.3ms")[0]
        rows = gathered([one(0, 7, gaps=(33_300,) * 7), one(1, 9, gaps=(*(33_300,) * 6, 33_301))])
        assert missed(rows, objective).tolist() == [0, 1]

    def test_gaps_are_shares_of_their_request(self) -> None:
        """One gap in four above the limit is a quarter of a miss, whatever the length of other answers."""
        rows = gathered(
            [one(0, 0, gaps=(10, 10, 10, 99)), one(1, 1, gaps=(99,)), one(2, 2, gaps=(10,) * 50), failed(3, 3)]
        )
        objective = parse_objectives("itl_p75=0.01ms")[0]
        assert missed(rows, objective).tolist() == [1 / 4, 1, 0, 1]
        assert whole_misses(missed(rows, objective)) == ceil(2.25)
        assert met_alone(rows, objective).tolist() == [True, False, True, False]

    def test_gaps_of_answers_of_one_length_are_the_usual_percentile(self) -> None:
        gaps = np.random.default_rng(3).integers(1, 10_000, (40, 25))
        rows = gathered([one(k, k, gaps=tuple(map(int, g))) for k, g in enumerate(gaps)])
        for percent in (50, 90, 95, 99):
            objective = parse_objectives(f"itl_p{percent}=1ms")[0]
            expected = sorted(gaps.ravel())[ceil(percent / 100 * gaps.size) - 1] / 1e6
            assert judged(rows, objective, np.ones(40, dtype=np.bool_)) == pytest.approx(expected)
            limit = parse_objectives(f"itl_p{percent}={expected * 1000:.3f}ms")[0]
            assert whole_misses(missed(rows, limit)) == ceil((gaps / 1e6 > expected + 1e-9).mean() * 40)

    def test_goodput_is_what_met_every_objective(self) -> None:
        """By wall time in the window: one in four is slow to begin, one in five fails, and some would be both."""
        rows = [
            failed(k, k * 10 * MS) if k % 5 == 0 else one(k, k * 10 * MS, first=(300 if k % 4 == 0 else 100) * MS)
            for k in range(1000)
        ]
        found = summary(gathered(rows), parse_objectives("ttft_p95=200ms,e2e_p95=10s"))
        assert found.window is not None and found.goodput_per_s is not None
        due = [k for k in range(1000) if found.window.start <= k * 0.01 <= found.window.end]
        good = [k for k in due if k % 5 and k % 4]
        assert found.goodput_per_s == pytest.approx(len(good) / found.window.seconds)
        assert found.offered_per_s == pytest.approx(1 / 0.010, rel=0.002)
        assert found.completed_per_s == pytest.approx(0.8 / 0.010, rel=0.02), "one in five failed"


class TestQueue:
    @pytest.mark.parametrize("load", [0.5, 0.7, 0.85])
    def test_the_mean_wait_is_that_of_pollaczek_and_khinchine(self, load: float) -> None:
        """The 99 % interval by 30 batch means holds ρS / (2(1 − ρ))."""
        service, count = 0.020, 120_000
        found = summary(replayed(Server(service), load / service, count, seed=11), ())
        waits = by_request(replayed(Server(service), load / service, count, seed=11))["ttft"]
        means = waits.reshape(30, -1).mean(axis=1)
        expected, error = mean_wait(load / service, service), 2.756 * means.std(ddof=1) / np.sqrt(30)
        assert abs(means.mean() - expected) < error < 0.1 * expected
        assert found.latencies["ttft"].mean == pytest.approx(float(means.mean()))

    def test_rates_are_those_of_the_process(self) -> None:
        found = summary(replayed(Server(0.020), 30.0, 20_000, seed=5), ())
        assert found.offered_per_s == pytest.approx(30, rel=0.02) and found.completed_per_s == pytest.approx(
            30, rel=0.02
        )
        assert found.input_tokens_per_s == pytest.approx(30 * 100, rel=0.02)
        assert found.output_tokens_per_s == pytest.approx(30 * 2, rel=0.02)

    def test_a_stall_is_seen_from_when_requests_were_due(self) -> None:
        """Coordinated omission: a client that waits for its answers sends one request into a stall of 2 s, and times it
        from when it was sent. At 50/s the stall delays 100 requests, and what queued behind them, of 2,000."""
        server = Server(0.005, stalls=((20.0, 2.0),))
        arrivals = np.arange(2000) / 50
        first, end = served(server, arrivals)
        sent = np.maximum(arrivals, np.concatenate(([0.0], end[:-1])))
        found = summary(outcomes(arrivals, first, end, sent=sent), ()).latencies
        p99 = QUANTILES.index(0.99)
        from_due, from_sent = found["ttft"].quantiles[p99], found["service"].quantiles[p99]
        assert from_due is not None and 1.5 < from_due <= 2.0
        assert from_sent is not None and from_sent < 0.001
        assert found["service"].longest == pytest.approx(2.0, abs=0.02)

    @pytest.mark.parametrize(("slots", "concurrency"), [(1, 8), (8, 32), (64, 128), (5, 32)])
    def test_a_closed_loop_gives_the_capacity(self, slots: int, concurrency: int) -> None:
        """Within 2 %, though equal slots that were filled together end together, and the first requests are slow."""
        server = Server(0.5, slots, slow_first=slots)
        found = summary(closed(server, concurrency, 600, uneven=0.002), (), closed=True)
        assert found.completed_per_s == pytest.approx(server.capacity, rel=0.02)
        assert found.offered_per_s == found.completed_per_s
        assert found.most_in_flight == concurrency


def scaled(o: Outcomes, factor: float) -> Outcomes:
    times = (o.scheduled * factor, o.sent * factor, o.first * factor, o.last * factor, o.end * factor)
    tokens = (o.input_tokens, o.output_tokens, o.cached_tokens)
    return Outcomes(o.index, *times, *tokens, o.ok, o.status, o.chunks, o.gaps * factor)


class TestProperties:
    @settings(deadline=None, max_examples=25)
    @given(st.integers(0, 10**6), st.sampled_from([2.0, 8.0, 0.5]), st.floats(0.3, 1.5))
    def test_another_unit_of_time_changes_units_alone(self, seed: int, factor: float, load: float) -> None:
        run = replayed(Server(0.1), load * 10, 300, seed)
        own, other = summary(run, parse_objectives("ttft_p90=160ms")), summary(scaled(run, factor), ())
        again = summary(scaled(run, factor), parse_objectives(f"ttft_p90={160 * factor}ms"))
        assert other.offered_per_s is not None and own.offered_per_s is not None
        assert other.offered_per_s == pytest.approx(own.offered_per_s / factor)
        for name, found in own.latencies.items():
            assert other.latencies[name].count == found.count
            assert other.latencies[name].mean == pytest.approx(None if found.mean is None else found.mean * factor)
        assert own.window is not None and again.window is not None
        assert again.window[2:4] == own.window[2:4]
        assert again.verdict.passed == own.verdict.passed

    @settings(deadline=None, max_examples=25)
    @given(st.randoms(use_true_random=False), st.integers(0, 10**6))
    def test_the_order_of_the_journal_does_not_matter(self, random: object, seed: int) -> None:
        rng = np.random.default_rng(seed)
        rows = [
            one(
                k,
                int(at),
                late=int(rng.integers(0, 5 * MS)),
                gaps=tuple(map(int, rng.integers(1, 50 * MS, rng.integers(0, 5)))),
            )
            if rng.random() > 0.1
            else failed(k, int(at))
            for k, at in enumerate(np.cumsum(rng.integers(1, 100 * MS, 120)))
        ]
        shuffled = [rows[k] for k in rng.permutation(len(rows))]
        objectives = parse_objectives("ttft_p90=104ms,itl_p90=40ms")
        assert repr(summary(gathered(rows), objectives)) == repr(summary(gathered(shuffled), objectives))

    def test_a_hundred_thousand_requests(self) -> None:
        """No figure is made request by request in Python; here only that so many are counted."""
        arrivals = poisson(100.0, 100_000, np.random.default_rng(1))
        run = outcomes(arrivals, *served(Server(0.008), arrivals), output_tokens=16)
        found = summary(run, parse_objectives("ttft_p99=1s,tpot_p99=1s,itl_p99=1s,e2e_p99=1s"))
        assert found.latencies["itl"].count == 100_000 * 15
        assert not isnan(found.latencies["itl"].mean or np.nan)
