"""Prices by the length of each request, against requests looked at one by one: VALIDATION case 7 and what follows."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from conftest import PAPER, Build, Data

from tco.document import Faults
from tco.draws import Draws
from tco.lineitem import Exact, Point
from tco.quantity import at

F = Fraction
D = Decimal
DAYS = F(365, 12)
CUT = F(200_000)
BASE = {"input": F("1.25"), "output": F(10), "cache_read": F("0.125")}
LONG = {"input": F("2.50"), "output": F(15), "cache_read": F("0.25")}
CLIFF: Data = {
    **PAPER, "input_per_mtok": D("1.25"), "output_per_mtok": 10, "cache_read_per_mtok": D("0.125"),
    "long_context": {
        "above_tokens": 200_000, "input_per_mtok": D("2.50"), "output_per_mtok": 15, "cache_read_per_mtok": D("0.25"),
    },
}  # fmt: skip
CATALOGUE: Data = {"models": {"cliff": {"name": "cliff", "prices": [CLIFF]}}}
Points = list[tuple[Fraction, Fraction]]


def one_request(size: Fraction, output: Fraction, cached: Fraction = CUT * 0) -> Fraction:
    """What one request costs: all of it at the prices that its whole input calls for."""
    price = LONG if size > CUT else BASE
    return ((size - cached) * price["input"] + cached * price["cache_read"] + output * price["output"]) / 10**6


def spread(points: Points, output: Fraction, more: Fraction = CUT * 0) -> Fraction:
    """The mean cost of requests whose sizes grow evenly from point to point (share of requests, size).

    Cut at the threshold, every piece lies on one side of it, and its mean request costs the mean.
    """
    total = F(0)
    for (p, a), (q, b) in pairwise((share, size + more) for share, size in points):
        cuts = [(p, a), (q, b)]
        if a < CUT < b:
            cuts.insert(1, (p + (q - p) * (CUT - a) / (b - a), CUT))
        for (r, x), (s, y) in pairwise(cuts):
            price = LONG if y > CUT else BASE  # up to the threshold itself is not above it
            total += (s - r) * ((x + y) / 2 * price["input"] + output * price["output"]) / 10**6
    return total


def per_request(build: Build, workload: Data, n: Any = None, **api: Any) -> Any:
    """The cost of one request of the scenario at one volume, in each draw."""
    data = {
        "workload": {"volume": "1000 requests/day", **workload},
        "options": {"api": {"kind": "api", "model": "frozen/cliff", **api}},
    }
    case = build(data, CATALOGUE)
    numbers = n or Exact()
    volume = F(10**6) if isinstance(numbers, Exact) else 1e6
    total: Any = sum(line.amount(at([volume])) for _, line in case.price(numbers)["api"].lines)
    requests = volume / case.traffic.mean(numbers) * (DAYS if isinstance(numbers, Exact) else float(DAYS))
    return (total / requests)[0]


HISTOGRAM = {"100k": "50%", "200k": "30%", "400k": "20%"}
SIZES: dict[str, tuple[Any, Points]] = {
    "histogram up to the threshold": (
        {"histogram": {"100k": "50%", "200k": "50%"}},
        [(F(0), F(0)), (F(1, 2), F(100_000)), (F(1), CUT)],
    ),
    "histogram across it": (
        {"histogram": {"150k": "50%", "400k": "50%"}},
        [(F(0), F(0)), (F(1, 2), F(150_000)), (F(1), F(400_000))],
    ),
    "histogram with an edge on it": (
        {"histogram": HISTOGRAM},
        [(F(0), F(0)), (F(1, 2), F(100_000)), (F(8, 10), CUT), (F(1), F(400_000))],
    ),
    "quantiles": (
        {"p50": "20k", "p90": "180k", "p99": "300k", "max": "1M"},
        [(F(0), F(0)), (F("0.5"), F(20_000)), (F("0.9"), F(180_000)), (F("0.99"), F(300_000)), (F(1), F(10**6))],
    ),
    "quantiles, all above": (
        {"min": 200001, "p50": "300k", "max": "400k"},
        [(F(0), F(200_001)), (F("0.5"), F(300_000)), (F(1), F(400_000))],
    ),
    "many at exactly the threshold": (
        {"min": "100k", "p20": "200k", "p80": "200k", "max": "300k"},
        [(F(0), F(100_000)), (F("0.2"), CUT), (F("0.8"), CUT), (F(1), F(300_000))],
    ),
}


@pytest.mark.parametrize("name", SIZES)
def test_each_request_pays_the_price_of_its_own_length(build: Build, name: str) -> None:
    stated, points = SIZES[name]
    want = spread(points, F(1000))
    workload = {"input_tokens": stated, "output_tokens": 1000}
    assert per_request(build, workload) == want
    assert abs(F(float(per_request(build, workload, Point())[0])) - want) <= want / 10**12
    assert per_request(build, workload, Draws(4)).tolist() == per_request(build, workload, Point()).tolist()


@pytest.mark.parametrize(("size", "published"), [(200_000, "0.260"), (200_001, "0.5150025")])
def test_a_distribution_of_one_size_is_that_size(build: Build, size: int, published: str) -> None:
    """The rows of case 7, with 1,000 tokens out: also through quantiles that are all the same."""
    assert one_request(F(size), F(1000)) == F(published)
    for stated in (size, {"min": size, "p50": size, "max": size}):
        assert per_request(build, {"input_tokens": stated, "output_tokens": 1000}) == F(published)


@pytest.mark.parametrize("ratio", ["1.25", "0.8"])
def test_the_options_own_tokens_are_what_is_long(build: Build, ratio: str) -> None:
    stated, points = SIZES["quantiles"]
    want = spread([(p, size * F(ratio)) for p, size in points], F(1000))
    assert per_request(build, {"input_tokens": stated, "output_tokens": 1000}, input_ratio=D(ratio)) == want


CALLS = [F(1), F(4), F("7.5"), F(12)]


@pytest.mark.parametrize("calls", CALLS)
@pytest.mark.parametrize("size", [F(150_000), F(195_000), F(199_990), F(250_000)])
def test_history_grows_call_by_call_and_each_call_is_priced_by_its_length(
    build: Build, calls: Fraction, size: Fraction
) -> None:
    want, left, history = F(0), calls, F(0)
    while left > 0:
        want += min(left, F(1)) * one_request(size + history, F(500))
        history, left = history + 5_000, left - 1
    workload = {
        "input_tokens": int(size), "output_tokens": 500, "calls_per_task": float(calls), "context_growth_tokens": 5000,
    }  # fmt: skip
    assert per_request(build, workload) == want
    assert abs(F(float(per_request(build, workload, Point())[0])) - want) <= want / 10**12


def test_history_is_read_from_the_cache_and_counts_towards_the_length(build: Build) -> None:
    want = F(0)
    for k in range(4):
        prefix = (F(80_000) + k * 40_000) / 2  # half of it is hit
        want += one_request(F(100_000) + k * 40_000, F(500), prefix)
    workload = {
        "input_tokens": 100_000, "cacheable_input_tokens": 80_000, "output_tokens": 500, "calls_per_task": 4,
        "context_growth_tokens": 40_000,
    }  # fmt: skip
    assert per_request(build, workload, cache_hit_rate="50%") == want


def test_a_distribution_grows_call_by_call(build: Build) -> None:
    stated, points = SIZES["quantiles"]
    want = sum((spread(points, F(500), F(k * 30_000)) for k in range(5)), F(0))
    workload = {
        "input_tokens": stated, "output_tokens": 500, "calls_per_task": 5, "context_growth_tokens": 30_000,
    }  # fmt: skip
    assert per_request(build, workload) == want


def test_calls_alike_are_as_many_requests(build: Build) -> None:
    workload = {"input_tokens": 1000, "output_tokens": 500, "calls_per_task": D("7.5")}
    assert per_request(build, workload) == one_request(F(1000), F(500)) * F("7.5")


@pytest.mark.parametrize("calls", [None, 3])
def test_a_range_across_the_threshold_is_decided_draw_by_draw(build: Build, calls: int | None) -> None:
    more: Data = {} if calls is None else {"calls_per_task": calls, "context_growth_tokens": 20_000}
    draws = Draws(32)
    found = per_request(build, {"input_tokens": {"low": "150k", "high": "250k"}, "output_tokens": 1000, **more}, draws)
    ((_, sizes),) = draws.drawn.values()
    want = [
        sum(float(one_request(F(size) + k * 20_000, F(1000))) for k in range(calls or 1)) for size in sizes.tolist()
    ]
    np.testing.assert_allclose(found, want, rtol=1e-12)
    assert (sizes > 200_000).any()
    assert (sizes < 200_000).any()


def test_a_range_of_one_value_on_the_threshold_is_not_above_it(build: Build) -> None:
    workload = {"input_tokens": {"low": "200k", "high": "200k"}, "output_tokens": 1000}
    assert per_request(build, workload, Draws(4)).tolist() == [float(per_request(build, workload, Point())[0])]
    assert per_request(build, workload) == F("0.260")


def test_ranges_of_calls_and_growth(build: Build) -> None:
    draws = Draws(16)
    workload = {
        "input_tokens": 180_000, "output_tokens": 100, "calls_per_task": {"low": 2, "high": 6},
        "context_growth_tokens": {"low": 1000, "high": 30_000},
    }  # fmt: skip
    found = per_request(build, workload, draws)
    by_name = {f.name.split()[-1]: values.tolist() for f, values in draws.drawn.values()}
    for k, (calls, growth) in enumerate(zip(by_name["calls_per_task"], by_name["context_growth_tokens"], strict=True)):
        want, left, history = F(0), F(calls), F(0)
        while left > 0:
            want += min(left, F(1)) * one_request(180_000 + history, F(100))
            history, left = history + F(growth), left - 1
        assert abs(F(float(found[k])) - want) <= want / 10**12


def test_a_threshold_is_one_number(build: Build) -> None:
    """Which calls are long is not drawn: a range of it is refused where it stands."""
    row = {**CLIFF, "long_context": {**CLIFF["long_context"], "above_tokens": {"low": "10k", "high": "100k"}}}
    data = {
        "workload": {"volume": "1000 requests/day", "input_tokens": 99_000},
        "options": {"api": {"kind": "api", "model": "frozen/cliff"}},
    }
    with pytest.raises(Faults, match="above_tokens") as refused:
        build(data, {"models": {"cliff": {"name": "cliff", "prices": [row]}}}).price(Exact())
    assert "not a range" in str(refused.value)
