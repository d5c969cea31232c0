"""What ranges do to a comparison, held against as many comparisons as there are draws, each of one draw alone."""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import Build, Data, scenarios
from drawn import blurred, substituted
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tco.analysis.case import build_case
from tco.analysis.compare import Comparison, compare
from tco.analysis.uncertainty import CrossingSpread, Spread, spread
from tco.document import load_text
from tco.draws import Draws

F = Fraction
SLOW = settings(derandomize=True, database=None, deadline=None, max_examples=12, phases=[Phase.generate])
DRAWS = 10
INF = math.inf


def run(text: str, draws: int = 64, seed: int = 1) -> Comparison:
    return compare(build_case(load_text("as_of: 2026-11-21\n" + text, "s.yaml"), today=date(2026, 11, 21)), draws, seed)


def rank(values: list[float], share: float) -> float:
    """The smallest value that at least so large a share of the values does not exceed."""
    return min(v for v in values if sum(w <= v for w in values) >= share * len(values) - 1e-9)


def first_and_last(c: Comparison, below: str, above: str) -> tuple[float, float, int]:
    """Of one scenario: where `above` is cheaper for the first time, from where it stays so, and how many swaps."""
    pair = next(p for p in c.pairs if {p.a, p.b} == {below, above})
    lo = c.window[0]
    if not pair.crossings:
        ahead = {"always_a": pair.a, "always_b": pair.b}.get(pair.outcome, pair.leader)
        return (lo, lo, 0) if ahead == above else (INF, INF, 0)
    swaps = pair.crossings
    first = lo if swaps[0].below == above else swaps[0].volume
    last = swaps[-1].since if swaps[-1].above == above else INF
    return first, last, len(swaps)


def expected(alone: list[Comparison], x: CrossingSpread) -> dict[str, Any]:
    """The spread of a crossover, from the comparisons of its draws."""
    found = [first_and_last(c, x.below, x.above) for c in alone]
    firsts, stays, counts = ([f[k] for f in found] for k in range(3))
    n = len(alone)

    def cheaper(c: Comparison) -> bool:
        costs = {s.name: s.ledger.exact if s.feasible else INF for s in c.standings}
        return costs[x.above] < costs[x.below]

    return {
        "stays": (rank(stays, 0.1), rank(stays, 0.9)),
        "first": (rank(firsts, 0.1), rank(firsts, 0.9)),
        "never": sum(v == INF for v in stays) / n,
        "without": sum(k == 0 for k in counts) / n,
        "several": sum(k > 1 for k in counts) / n,
        "at_plan": sum(map(cheaper, alone)) / n,
    }


def check(build: Build, data: Data, seed: int = 1) -> Comparison:
    """A comparison with draws against a comparison of each draw."""
    result = compare(build(data), DRAWS, seed)
    u = result.uncertainty
    assert u is not None
    n = Draws(DRAWS, seed)
    case = build(data)
    case.price(n)
    case.volume_in(n)
    lo, hi = result.window
    fixed = {"range": {"from": f"{lo:.0f} tokens/day", "to": f"{hi:.0f} tokens/day"}}
    alone = [compare(build({**substituted(data, n, i), **fixed}), 0) for i in range(DRAWS)]
    assert {(f.home.key, f.name) for f in u.ranges} == set(n.drawn)
    for name, s in u.costs.items():
        each = [float(c.standing(name).ledger.exact) for c in alone]
        assert (s.p10, s.p90) == pytest.approx((rank(each, 0.1), rank(each, 0.9)), rel=1e-12), name
    for name, share in u.cheapest.items():
        wins = 0
        for c in alone:
            able = {s.name: s.ledger.exact for s in c.standings if s.feasible}
            wins += name in able and float(able[name]) <= float(min(able.values())) * (1 + 1e-12)
        assert share == wins / DRAWS, name
    best = result.recommendation.option
    assert u.holds == result.recommendation.probability == (None if best is None else u.cheapest[best])
    seen = {frozenset((x.below, x.above)) for x in result.neighbours}
    assert {frozenset((x.below, x.above)) for x in u.crossings} == seen
    for x in u.crossings:
        for key, true in expected(alone, x).items():
            got = getattr(x, key)
            got = tuple(got) if isinstance(got, Spread) else got
            assert got == pytest.approx(true, rel=1e-9), (x.below, x.above, key)
    grid = np.array([lo * 1.7, float(result.volume) * 1.0007, hi / 3.3])
    for name in u.costs:
        low, high = u.ribbon(name, grid)
        for k, v in enumerate(grid):
            drawn = np.sort(np.broadcast_to(u.quantities[name].value(at_one(v)), (1, DRAWS))[0])
            assert (low[k], high[k]) == (drawn[0], drawn[8]), "ranks of ten values"
    return result


def at_one(v: float) -> Any:
    from tco.quantity import at

    return at([float(v)])


@SLOW
@given(data=scenarios(most_classes=2, hours=4), seed=st.integers(0, 2**32 - 1))
def test_each_draw_is_the_comparison_of_its_numbers(build: Build, data: Data, seed: int) -> None:
    data = blurred(data, seed, 0.4)
    if compare(build(data), 4).uncertainty is not None:
        check(build, data)


FIXED: Data = {
    "workload": {
        "volume": {"low": "20000 requests/day", "high": "60000 requests/day"},
        "input_tokens": {"low": 500, "high": 1500}, "output_tokens": {"p10": 100, "p90": 250},
    },
    "options": {
        "api": {"kind": "api", "price": {"input": {"low": "$0.5/1M tokens", "high": "$1.5/1M tokens"},
                                         "output": "$4/1M tokens"}},
        "own": {"kind": "self_hosted", "gpu_price": {"low": "$1/hour", "mode": "$2/hour", "high": "$3/hour"},
                "capacity": {"requests_per_s": {"p10": "0.3", "p90": "1.2"}}},
        "full": {"kind": "self_hosted", "gpu_price": "$1.2/hour",
                 "capacity": {"requests_per_s": {"low": "0.2", "high": "1"}},
                 "replicas": {"max": 2}},
    },
}  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_steps_ends_and_several_swaps(build: Build, seed: int) -> None:
    result = check(build, FIXED, seed)
    assert result.uncertainty is not None and result.uncertainty.crossings


def test_percentiles_are_values_that_some_draw_had() -> None:
    for n in (1, 2, 3, 9, 10, 11, 19, 64, 255, 256):
        values = np.random.default_rng(n).permutation(np.arange(n) * 1.5)
        low, high = np.percentile(values, [10, 90], method="inverted_cdf")
        assert spread(values, n) == Spread(low, high), n
        assert (spread(values, n).p10, spread(values, n).p90) == (
            rank(values.tolist(), 0.1),
            rank(values.tolist(), 0.9),
        )
    assert spread(np.array([7.0]), 256) == Spread(7, 7)
    assert spread(np.array([1.0] * 8 + [INF] * 2), 10) == Spread(1, INF)
    assert spread(np.array([1.0] * 9 + [INF]), 10) == Spread(1, 1), "nine of ten draws have it"


PLAIN = """
workload: {volume: @, input_tokens: 900, output_tokens: 100}
options:
  api: {kind: api, price: {blended: $2/1M tokens}}
  own: {kind: self_hosted, gpu_price: #, capacity: {requests_per_s: 5}}
"""


def plain(volume: str, gpu: str = "$2/hour", more: str = "") -> str:
    return PLAIN.replace("@", volume).replace("#", gpu) + more


def test_the_spread_of_one_price_is_solved() -> None:
    """The API costs V x 2 / 10^6 a day, a GPU 24 hours x g: they meet at V = 12M x g x 730 x 12 / (365 x 24)."""
    u = run(plain("30M tokens/day", "{low: $1/hour, high: $3/hour}"), draws=100).uncertainty
    assert u is not None
    (x,) = u.crossings
    n = Draws(100)
    (figure,) = u.ranges
    prices = n(figure)
    meets = np.sort(prices * 730 / (2 / 1e6) / (365 / 12))
    assert (x.below, x.above) == ("api", "own")
    assert (x.stays.p10, x.stays.p90) == pytest.approx((meets[9], meets[89]), rel=1e-12)
    assert x.first == x.stays
    assert (x.never, x.without, x.several) == (0, 0, 0)
    assert x.at_plan == np.mean(meets < 30e6) == u.cheapest["own"] == 1 - u.cheapest["api"]
    assert u.costs["own"] == Spread(*(float(np.sort(prices * 730)[k]) for k in (9, 89)))
    assert u.costs["api"].p10 == u.costs["api"].p90 == pytest.approx(30 * 2 * 365 / 12)


def test_draws_in_which_it_never_stays_cheaper_count_as_infinite() -> None:
    text = plain("30M tokens/day", "{low: $1/hour, high: $3/hour}", "range: {to: 30M tokens/day}\n")
    u = run(text, draws=100).uncertainty
    assert u is not None
    (x,) = u.crossings
    assert x.never == x.without == 1 - x.at_plan
    assert 0.1 < x.never < 0.9
    assert x.stays.p90 == INF and x.first.p90 == INF and x.stays.p10 < 30e6


def test_a_range_that_moves_nothing_leaves_everything_as_it_is() -> None:
    """Input and output cost the same, and the volume is in tokens: their sizes make no difference to the API."""
    u = run(plain("30M tokens/day").replace("900", "{low: 800, high: 1000}").replace("capacity: {requests_per_s: 5}",
        "replicas: 1")).uncertainty  # fmt: skip
    assert u is not None
    assert [s.p10 for s in u.costs.values()] == pytest.approx([s.p90 for s in u.costs.values()], rel=1e-12)
    assert u.holds == 1


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    text = plain("{low: 20M tokens/day, high: 40M tokens/day}", "{low: $1/hour, high: $3/hour}")
    a, b, c = run(text), run(text), run(text, seed=2)
    assert a.uncertainty is not None and b.uncertainty is not None and c.uncertainty is not None
    assert a.uncertainty._replace(quantities={}) == b.uncertainty._replace(quantities={})
    assert a.uncertainty.costs != c.uncertainty.costs
    assert (c.uncertainty.draws, c.uncertainty.seed) == (64, 2)
    assert a._replace(uncertainty=None, quantities={}, recommendation=b.recommendation) == b._replace(
        uncertainty=None, quantities={}
    )


def test_the_points_are_those_of_a_scenario_without_ranges() -> None:
    drawn = run(plain("{low: 20M tokens/day, high: 40M tokens/day}", "{low: $1/hour, mode: $2.5/hour, high: $3/hour}"))
    point = run(plain("30M tokens/day", "$2.5/hour"))
    assert drawn.volume == point.volume
    assert [(s.name, s.ledger.exact, s.upto) for s in drawn.standings] == [
        (s.name, s.ledger.exact, s.upto) for s in point.standings
    ]
    assert drawn.bands == point.bands and drawn.pairs == point.pairs and drawn.window == point.window


# -- too close to call ------------------------------------------------------------------------------------------------


def test_a_probability_under_the_stated_one_is_too_close_to_call() -> None:
    text = plain("30M tokens/day", "{low: $1/hour, high: $3/hour}")
    first = run(text, draws=100).recommendation
    # $1825 against $1460 a month: own is cheapest by 20 %, in the draws of a GPU price under $2.5 alone
    assert (first.option, first.runner_up) == ("own", "api")
    assert first.margin == 1 - F(1460, 1825)
    assert first.probability == 0.75
    assert first.too_close
    for sure, unsure in (("75%", False), ("76%", True), ("0%", False), ("74.9%", False)):
        r = run(text + f"sure_enough: {sure}\n", draws=100).recommendation
        assert r.too_close is unsure, sure
        assert (r.option, r.probability) == ("own", 0.75)
    assert not run(text, draws=0).recommendation.too_close
    close = run(text + "sure_enough: 0%\ntoo_close_to_call: 21%\n", draws=100).recommendation
    assert close.too_close, "by its margin"


def test_an_option_alone_is_not_too_close_to_anything() -> None:
    text = plain("30M tokens/day", "{low: $1/hour, high: $3/hour}").replace(
        "  api: {kind: api,", "  api: {kind: api, candidate: false,"
    )
    r = run(text).recommendation
    assert (r.option, r.runner_up, r.probability, r.too_close) == ("own", None, 1.0, False)


def test_an_option_that_some_draws_cannot_serve_is_not_cheapest_there() -> None:
    """One replica carries 5 requests a second, 432M tokens a day; the volume is drawn up to twice as much."""
    text = plain("{low: 216M tokens/day, high: 864M tokens/day}").replace(
        "requests_per_s: 5}", "requests_per_s: 5}, replicas: 1"
    )
    result = run(text + "sure_enough: 10%\n", draws=90)
    u = result.uncertainty
    assert u is not None
    assert (u.cheapest["own"], u.cheapest["api"]) == (30 / 90, 60 / 90)
    assert result.volume == 540_000_000
    assert result.recommendation.option == "api", "at the point volume the fleet is full"
    (x,) = u.crossings
    assert (x.below, x.above) == ("api", "own")
    assert (x.first.p10, x.first.p90) == pytest.approx((24e6, 24e6), rel=1e-12)
    assert (x.never, x.several, x.stays.p10) == (1, 1, INF), "beyond its end it is not the cheaper one"


def test_what_is_ruled_out_is_cheapest_in_no_draw() -> None:
    text = plain("30M tokens/day", "{low: $1/hour, high: $3/hour}", "requirements: {data: vpc}\n")
    u = run(text.replace("kind: api,", "kind: api, data: dpa,")).uncertainty
    assert u is not None
    assert u.cheapest == {"api": 0, "own": 1}
    assert u.holds == 1 and u.crossings == ()
    neither = run(text.replace("kind: api,", "kind: api, data: dpa,").replace("vpc", "on_premises"))
    assert neither.recommendation.option is None and neither.recommendation.probability is None
    assert neither.uncertainty is not None and neither.uncertainty.holds is None
    assert neither.uncertainty.cheapest == {"api": 0, "own": 0}


def test_a_months_tokens_are_the_same_however_many_days_carry_them() -> None:
    """10M tokens a month at $1 per 1M cost $10 in every draw of the days."""
    c = run("""traffic_days_per_month: {low: 20, high: 30}
workload: {volume: 10M tokens/month, input_tokens: 1000}
options: {a: {kind: api, price: {blended: $1/1M tokens}}}""")
    assert c.uncertainty is not None
    assert c.uncertainty.costs["a"] == pytest.approx((10, 10), rel=1e-12)


def test_an_option_alone_that_few_draws_can_use_is_not_recommended_flatly() -> None:
    """One replica serves a request a second at its point, and less in half of the draws: the plan needs all of it."""
    c = run("""workload: {volume: 86400 requests/day, input_tokens: 1000}
options:
  own: {kind: self_hosted, gpu_price: $1/hour, capacity: {requests_per_s: {low: 0.5, high: 1.5}}, replicas: 1}""")
    r = c.recommendation
    assert (r.option, r.runner_up) == ("own", None)
    assert r.probability == pytest.approx(0.5, abs=0.02) and r.too_close


def test_figures_of_names_with_dots_are_two_draws() -> None:
    c = run("""workload: {volume: 1M tokens/day, input_tokens: 1000}
options:
  a: {kind: api, price: {input: {low: $1/1M tokens, high: $2/1M tokens}, output: $1/1M tokens}}
  a.price: {kind: api, price: {input: {low: $1/1M tokens, high: $2/1M tokens}, output: $1/1M tokens}}""")
    assert c.uncertainty is not None and len(c.uncertainty.ranges) == 2
    assert len({figure.home.key for figure in c.uncertainty.ranges}) == 2
