"""Draws of ranges: spread evenly, one for one figure everywhere, and each of them a scenario of its own."""

from __future__ import annotations

import random
from datetime import date
from fractions import Fraction
from math import erf, exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from conftest import Build, Data, scenarios
from drawn import blurred, ranges_of, substituted
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tco.analysis.case import Case, build_case
from tco.analysis.compare import compare
from tco.document import load_text
from tco.draws import Draws, stratified
from tco.lineitem import Exact, Figure, Home, Point, total
from tco.quantity import at
from tco.ranges import Range, parse_range

F = Fraction
MANY = settings(derandomize=True, database=None, deadline=None, max_examples=100)
SLOW = settings(derandomize=True, database=None, deadline=None, max_examples=40, phases=[Phase.generate])
SHAPES: list[Data] = [
    {"low": F(2), "high": F(5)}, {"low": F(0), "mode": F(0), "high": F(1)}, {"low": F(1), "mode": F(2), "high": F(9)},
    {"low": F(1), "mode": F(9), "high": F(9)}, {"p10": F(2), "p90": F(7)}, {"p10": F(1, 1000), "p90": F(2000)},
]  # fmt: skip


def case_of(text: str) -> Case:
    return build_case(load_text("as_of: 2026-11-21\n" + text, "s.yaml"), today=date(2026, 11, 21))


def ranged(value: Data) -> Range:
    found = parse_range(value, Fraction)
    assert isinstance(found, Range)
    return found


# -- one draw ---------------------------------------------------------------------------------------------------------


@MANY
@given(st.integers(0, 2**64 - 1), st.integers(1, 600))
def test_one_draw_in_each_slice(seed: int, count: int) -> None:
    u = stratified(seed, count)
    assert u.shape == (count,)
    assert ((u > 0) & (u < 1)).all()
    assert sorted(int(x * count) for x in u.tolist()) == list(range(count))


def test_the_order_of_slices_is_the_seeds_own() -> None:
    a, b = stratified(1, 256), stratified(2, 256)
    assert a.tolist() == stratified(1, 256).tolist()
    ranks = [np.argsort(np.argsort(x)) for x in (a, b)]
    assert abs(np.corrcoef(ranks[0], ranks[1])[0, 1]) < 0.2, "two figures are not drawn in step"
    assert abs(np.corrcoef(ranks[0], np.arange(256))[0, 1]) < 0.2


def cdf(value: Data, x: float) -> float:
    """The share of a range below x, in closed form."""
    v = {k: float(b) for k, b in value.items()}
    if "p10" in v:
        z90 = 1.2815515655446004
        sigma = log(v["p90"] / v["p10"]) / (2 * z90)
        return (1 + erf((log(x) - (log(v["p10"]) + log(v["p90"])) / 2) / sigma / sqrt(2))) / 2
    low, high = v["low"], v["high"]
    if "mode" not in v:
        return (x - low) / (high - low)
    mode = v["mode"]
    if x < mode:
        return (x - low) ** 2 / ((high - low) * (mode - low))
    return 1 - (high - x) ** 2 / ((high - low) * (high - mode)) if high > mode else 1.0 * (x >= high)


@pytest.mark.parametrize("value", SHAPES)
def test_quantiles_turn_the_distribution_around(value: Data) -> None:
    u = np.concatenate([stratified(7, 500), [1e-9, 0.1, 0.5, 0.9, 1 - 1e-9]])
    drawn = ranged(value).quantiles(u)
    assert (np.diff(drawn[np.argsort(u)]) >= 0).all()
    for share, x in zip(u.tolist(), drawn.tolist(), strict=True):
        assert cdf(value, x) == pytest.approx(share, rel=1e-7, abs=1e-12)


def test_means_and_percentiles_are_those_of_the_shape() -> None:
    for value in SHAPES[:5]:
        n = Draws(4000)
        drawn = n(Figure("x", ranged(value), "", Home("s:1", key="k")))
        v = {k: float(b) for k, b in value.items()}
        if "p10" in v:
            sigma = log(v["p90"] / v["p10"]) / 2.5631031310892007
            mean = sqrt(v["p10"] * v["p90"]) * exp(sigma**2 / 2)
            ordered = np.sort(drawn)
            assert (ordered[399], ordered[3599]) == pytest.approx((v["p10"], v["p90"]), rel=2e-3)
        else:
            mean = sum(v.values()) / len(v)
        assert np.mean(drawn) == pytest.approx(mean, rel=2e-3)


# -- which figures are one draw ---------------------------------------------------------------------------------------


def figure(value: Any, key: str = "k", name: str = "x") -> Figure:
    return Figure(name, value, "", Home("s.yaml:1", key=key))


def test_the_same_figure_is_the_same_draw() -> None:
    n, spread = Draws(64), ranged(SHAPES[0])
    assert n(figure(spread)) is n(figure(spread))
    assert n(figure(spread)).tolist() == Draws(64)(figure(spread)).tolist()
    for other in (figure(spread, key="other"), figure(spread, name="other")):
        assert sorted(((n(other) - 2) * 64 / 3).astype(int)) == list(range(64))
        assert n(other).tolist() != n(figure(spread)).tolist()
    assert Draws(64, seed=2)(figure(spread)).tolist() != n(figure(spread)).tolist()
    assert len(n.drawn) == 3


def test_what_is_certain_is_not_drawn() -> None:
    n = Draws(64)
    for certain in (figure(F(1, 3)), F(1, 3), figure(F(1, 3)).times(figure(F(2)), per=(figure(F(2)),))):
        assert n(certain).tolist() == [float(F(1, 3))]
    assert n(3).tolist() == [3.0]
    assert not n.drawn


def test_a_product_draws_each_factor_once() -> None:
    n = Draws(32)
    a, b, c = figure(ranged(SHAPES[0]), "a"), figure(ranged(SHAPES[4]), "b"), figure(F(3), "c")
    made = a.times(b, c, per=(figure(ranged(SHAPES[2]), "d"),), factor=F(1, 7)).times(a)
    d = figure(ranged(SHAPES[2]), "d")
    assert made.uncertain
    assert made.value == a.value * b.value * 3 / d.value / 7 * a.value
    assert n(made) == pytest.approx(n(a) * n(b) * 3 / n(d) / 7 * n(a), rel=1e-14)
    assert Exact()(made) == made.value
    assert len(n.drawn) == 3
    assert made.base == (a, b, c, d, a)


TWO = """
catalogs: [{folder}]
workload: {{volume: 1M tokens/day, input_tokens: 900, output_tokens: 100}}
options:
  one: {{kind: api, model: own/m}}
  two: {{kind: api, model: own/m}}
  mine: {{kind: api, price: {{blended: {{low: $1/1M tokens, high: $3/1M tokens}}}}}}
  mine-too: {{kind: api, price: {{blended: {{low: $1/1M tokens, high: $3/1M tokens}}}}}}
"""
OWN = """
currency: USD
models:
  m: {name: M, prices: [{as_of: 2026-01-01, kind: list price, source: a page, checked: 2026-11-01,
      input_per_mtok: {low: 1, high: 3}, output_per_mtok: 5}]}
"""


def test_one_catalogue_figure_is_one_draw_and_two_statements_are_two(tmp_path: Any) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    text = TWO.format(folder=tmp_path)
    n = Draws(32)
    priced = case_of(text).price(n)
    costs = {k: total([line for _, line in o.lines]).value(at([1e6]))[0] for k, o in priced.items()}
    assert costs["one"].tolist() == costs["two"].tolist()
    assert costs["mine"].tolist() != costs["mine-too"].tolist()
    assert len(n.drawn) == 3
    more = Draws(32)
    again = case_of(text + "  third: {kind: api, price: {blended: {low: $1/1M tokens, high: $9/1M tokens}}}\n").price(
        more
    )
    for k, before in costs.items():
        assert total([line for _, line in again[k].lines]).value(at([1e6]))[0].tolist() == before.tolist()
    without = Draws(32)
    fewer = case_of("".join(line + "\n" for line in text.splitlines() if "one:" not in line)).price(without)
    assert total([line for _, line in fewer["two"].lines]).value(at([1e6]))[0].tolist() == costs["two"].tolist()


def test_every_range_of_a_scenario_is_drawn_once() -> None:
    text = """
workload:
  volume: {low: 10k requests/day, high: 30k requests/day}
  burst: {low: 1, high: 2}
  overhead: {retries: {low: 1%, high: 5%}}
  classes:
    x: {share: {low: 10%, high: 30%}, input_tokens: {low: 900, high: 1500}, output_tokens: {p10: 50, p90: 90},
        cacheable_input_tokens: {low: 100, high: 300}, calls_per_task: {low: 2, high: 5},
        context_growth_tokens: {low: 10, high: 30}}
    z: {share: rest, output_tokens: 100}
options:
  api: {kind: api, price: {input: {low: $1/1M tokens, high: $3/1M tokens}, output: $5/1M tokens},
        cache_hit_rate: {low: 10%, high: 30%}, discount: {low: 1%, high: 5%}, markup: {low: 1%, high: 5%}}
  own: {kind: self_hosted, gpu_price: {low: $1/hour, high: $3/hour}, capacity: {requests_per_s: {p10: 1, p90: 3}},
        target_utilisation: {low: 50%, high: 90%}, cluster_overhead: {low: 20%, high: 40%},
        people: {fte: {low: 0.1, high: 0.4}, per_gpus: 8, at_least: {low: 0.2, high: 0.5},
                 cost: {low: 90k USD/year, high: 150k USD/year}}}
  mix: {kind: hybrid, routes: {api: {x: {low: 10%, high: 30%}, z: 10%}, own: rest}, response_cache: {low: 1%, high: 5%}}
"""
    case = case_of(text)
    n = Draws(8)
    case.price(n)
    case.volume_in(n)
    stated = [key for key, _ in ranges_of(yaml_data(case))]
    assert sorted(key for key, _ in n.drawn) == sorted(stated), "each once, by no second name"


def yaml_data(case: Case) -> Data:
    data: Data = case.document.data
    return data


# -- draw by draw -----------------------------------------------------------------------------------------------------

VOLUMES = [3141.59, 271828.18, 1.4142e6, 1.7320508e7, 5.77215e8, 2.685452e9]
DRAWS = 4


def by_category(option: Any, volumes: list[float]) -> dict[tuple[str, str], np.ndarray[Any, Any]]:
    """Costs by leaf and category: (volume, draw)."""
    found: dict[tuple[str, str], Any] = {}
    for part, line in option.lines:
        amount = np.broadcast_to(line.amount(at(volumes)), (len(volumes), max(line.amount(at(volumes)).shape[-1], 1)))
        found[part, line.category] = found.get((part, line.category), 0) + amount
    return found


@SLOW
@given(data=scenarios(), seed=st.integers(0, 2**32 - 1))
def test_each_draw_is_a_scenario_with_its_numbers(build: Build, data: Data, seed: int) -> None:
    check(build, blurred(data, seed))


def check(build: Build, data: Data) -> int:
    n = Draws(DRAWS, seed=3)
    case = build(data)
    priced = case.price(n)
    volume = np.broadcast_to(case.volume_in(n), (DRAWS,))
    assert sorted(key for key, _ in n.drawn) == sorted({key for key, _ in n.drawn}), "no range under two names"
    for i in range(DRAWS):
        alone = build(substituted(data, n, i))
        point = Point()
        floats = alone.price(point)
        assert not point.ranges
        assert volume[i] == pytest.approx(float(alone.volume()), rel=1e-12)
        for name, option in floats.items():
            want, got = by_category(option, VOLUMES), by_category(priced[name], VOLUMES)
            gross = sum(np.abs(x[:, 0]) for x in want.values())
            for key in want.keys() | got.keys():
                mine = got[key][:, i % got[key].shape[1]] if key in got else 0.0
                true = want[key][:, 0] if key in want else 0.0
                assert (np.abs(mine - true) <= 1e-12 * gross).all(), (name, key, i)
            assert len(priced[name].limits) >= len(option.limits)
            here = at(VOLUMES)
            for leaf, fleet in option.fleets.items():
                other = priced[name].fleets[leaf]
                for level, drawn in zip(fleet.levels, other.levels, strict=True):
                    want_n = level.replicas.value(here)[:, 0]
                    all_n = drawn.replicas.value(here)
                    assert all_n[:, i % all_n.shape[1]].tolist() == want_n.tolist()
    return len(n.drawn)


def test_the_scenarios_above_have_many_ranges(build: Build) -> None:
    """A strategy that blurs nothing would show nothing."""
    r = random.Random(5)
    sizes = {"input_tokens": 900, "output_tokens": 100}
    data: Data = {
        "workload": {"volume": "1000000 tokens/day", **sizes, "overhead": {"retries": "3%"}},
        "options": {
            "api": {"kind": "api", "price": {"input": "$2/1M tokens", "output": "$7/1M tokens"}, "markup": "5%"},
            "own": {"kind": "self_hosted", "gpu_price": "$1.5/hour", "capacity": {"requests_per_s": 2},
                    "people": {"fte": 1, "cost": "$100000/year"}},
            "mix": {"kind": "hybrid", "routes": {"api": "30%", "own": "rest"}, "response_cache": "20%"},
        },
    }  # fmt: skip
    counts = [check(build, blurred(data, r.randrange(2**32), 0.9)) for _ in range(8)]
    assert min(counts) >= 6


AGENTS: Data = {
    "workload": {
        "volume": {"low": "10000 requests/day", "high": "20000 requests/day"},
        "input_tokens": {"low": 900, "high": 1900}, "output_tokens": 100,
        "cacheable_input_tokens": {"low": 1, "high": 899},
        "calls_per_task": {"low": 2, "high": 9}, "context_growth_tokens": {"p10": 50, "p90": 300},
        "burst": {"low": 1, "high": 3}, "load": {"peak_hour_share": "11%"},
    },
    "options": {
        "rich": {"kind": "api", "model": "frozen/rich", "cache_hit_rate": {"low": "10%", "high": "90%"},
                 "batch_share": {"low": 0, "high": 1}, "input_ratio": {"low": 1, "high": 2}},
        "own": {"kind": "self_hosted", "gpu_price": "$1.5/hour", "billing": "autoscaled",
                "capacity": {"prefill_tokens_per_s": {"low": 3000, "high": 9000}, "decode_tokens_per_s": 900},
                "replicas": {"max": 4, "spare": 1}, "cache_hit_rate": {"low": "10%", "high": "90%"}},
        "mix": {"kind": "hybrid", "routes": {"rich": {"low": "10%", "high": "30%"}, "own": "rest"},
                "overflow": {"own": "rich"}},
    },
}  # fmt: skip


def test_agents_whose_calls_and_context_are_ranges(build: Build) -> None:
    assert check(build, AGENTS) == 12


def test_stated_shares_are_parts_of_their_sum_in_each_draw() -> None:
    text = """
workload:
  volume: 10k requests/day
  classes:
    x: {share: {low: 10%, high: 50%}, input_tokens: 900}
    y2: {share: {low: 20%, high: 60%}, input_tokens: 300}
    z: {share: 30%, output_tokens: 100}
options:
  a: {kind: api, price: {input: $1/1M tokens, output: $2/1M tokens}}
  b: {kind: api, price: {blended: $3/1M tokens}}
  mix: {kind: hybrid, routes: {a: {low: 10%, high: 50%}, b: {low: 50%, high: 90%}}}
"""
    case, n = case_of(text), Draws(16)
    priced = case.price(n)
    drawn = {key: array for (key, _), (_, array) in n.drawn.items()}
    for i in range(16):
        x, y = (F(float(drawn[f"workload / classes / {c} / share"][i])) for c in ("x", "y2"))
        z = F(3, 10)
        whole = x + y + z
        mean = (x * 900 + y * 300 + z * 100) / whole
        v = 1_000_000
        a = F(v) / mean * (x * 900 + y * 300 + z * 100 * 2) / whole / 10**6 * F(365, 12)
        b = F(v) * 3 / 10**6 * F(365, 12)
        to_a, to_b = (F(float(drawn[f"options / mix / routes / {k}"][i])) for k in ("a", "b"))
        mix = (to_a * a + to_b * b) / (to_a + to_b)
        for name, true in (("a", a), ("b", b), ("mix", mix)):
            got = total([line for _, line in priced[name].lines]).value(at([float(v)]))[0]
            assert got[i % len(got)] == pytest.approx(float(true), rel=1e-12)


def test_shares_beside_a_rest_are_taken_as_they_are() -> None:
    """What is left is left: 20 % of x are 20 %, not all there is."""
    text = """
workload:
  volume: 10k requests/day
  classes: {x: {share: {low: 10%, high: 30%}, input_tokens: 900}, z: {share: rest, output_tokens: 100}}
options:
  a: {kind: api, price: {input: $1/1M tokens, output: $2/1M tokens}}
  b: {kind: api, price: {blended: $3/1M tokens}}
  mix: {kind: hybrid, routes: {a: {low: 10%, high: 30%}, b: rest}}
"""
    case, n = case_of(text), Draws(16)
    assert case.traffic.mean_tokens == F(2, 10) * 900 + F(8, 10) * 100
    exact, priced = case.price(Exact()), case.price(n)
    drawn = {key: array for (key, _), (_, array) in n.drawn.items()}
    v = 1_000_000

    def costs(x: Fraction, to_a: Fraction) -> Fraction:
        a = v / (x * 900 + (1 - x) * 100) * (x * 900 + (1 - x) * 100 * 2) / 10**6
        return (to_a * a + (1 - to_a) * v * F(3, 10**6)) * F(365, 12)

    assert total([x for _, x in exact["mix"].lines]).value(at([F(v)]))[0] == costs(F(2, 10), F(2, 10))
    got = total([line for _, line in priced["mix"].lines]).value(at([float(v)]))[0]
    for i in range(16):
        x, to_a = (F(float(drawn[k][i])) for k in ("workload / classes / x / share", "options / mix / routes / a"))
        assert got[i] == pytest.approx(float(costs(x, to_a)), rel=1e-12)


def test_a_line_names_every_figure_of_a_share_that_moves_it() -> None:
    text = """
workload:
  volume: 10k requests/day
  input_tokens: 900
options:
  a: {kind: api, price: {input: $1/1M tokens, output: $2/1M tokens}}
  b: {kind: api, price: {blended: $3/1M tokens}}
  mix: {kind: hybrid, routes: {a: {low: 10%, high: 50%}, b: {low: 50%, high: 90%}}}
"""
    for _, line in case_of(text).price(Exact())["mix"].lines:
        assert {"options / mix / routes / a", "options / mix / routes / b"} <= {f.home.key for f in line.inputs}


def test_a_lognormal_number_of_calls_is_not_cut_at_its_90th_percentile() -> None:
    text = """
workload: {volume: 10k requests/day, input_tokens: 100, calls_per_task: {p10: 2, p90: 4}, context_growth_tokens: 10}
options: {a: {kind: api, price: {blended: $1/1M tokens}}}
"""
    case, n = case_of(text), Draws(200)
    tokens = case.traffic.mean(n)
    ((_, calls),) = n.drawn.values()
    assert max(calls) > 4.5
    for got, drawn in zip(tokens.tolist(), calls.tolist(), strict=True):
        whole, part = int(drawn), drawn - int(drawn)
        assert got == pytest.approx(sum(100 + 10 * k for k in range(whole)) + part * (100 + 10 * whole), rel=1e-12)


def test_a_draw_that_leaves_a_fleet_nothing_spills_nothing(build: Build) -> None:
    """A lognormal share ends at 100 %: in those draws the cache answers everything, and nothing is left to split."""
    data: Data = {
        "workload": {"volume": "900000000 tokens/day", "input_tokens": 900},
        "options": {
            "api": {"kind": "api", "price": {"blended": "$1/1M tokens"}},
            "own": {"kind": "self_hosted", "gpu_price": "$1/hour", "capacity": {"requests_per_s": 2}, "replicas": 1},
            "mix": {"kind": "hybrid", "routes": {"own": "100%"}, "overflow": {"own": "api"},
                    "response_cache": {"p10": "60%", "p90": "99%"}},
        },
    }  # fmt: skip
    n = Draws(64)
    cost = total([x for _, x in build(data).price(n)["mix"].lines]).value(at([9e8]))[0]
    ((_, hits),) = n.drawn.values()
    assert (hits == 1).any()
    for got, hit in zip(cost.tolist(), hits.tolist(), strict=True):
        spilled = max(1e6 * (1 - hit) - 2 * 86400, 0) * 900 / 1e6 * 365 / 12
        assert got == pytest.approx(730 + spilled, rel=1e-9)


# -- nothing to draw --------------------------------------------------------------------------------------------------


def test_nothing_is_drawn_where_nothing_is_a_range(build: Build) -> None:
    text = """
workload: {volume: 1M tokens/day, input_tokens: @, output_tokens: 100}
options: {a: {kind: api, price: {blended: $1/1M tokens}}, o: {kind: self_hosted, gpu_price: $1/hour, replicas: 1}}
"""
    for same in ("900", "{low: 900, high: 900}", "{low: 900, mode: 900, high: 900}", "{p10: 900, p90: 900}"):
        result = compare(case_of(text.replace("@", same)))
        assert result.uncertainty is None
        assert result.recommendation.probability is None
    drawn = compare(case_of(text.replace("@", "{low: 800, high: 1000}").replace("1M tokens/day", "1k requests/day")))
    assert drawn.uncertainty is not None and drawn.uncertainty.draws == 256
    none = compare(case_of(text.replace("@", "{low: 800, high: 1000}")), draws=0)
    assert none.uncertainty is None and none.recommendation.probability is None
    plain = compare(case_of(text.replace("@", "900")))
    assert none.standings == plain.standings or [s.ledger.exact for s in none.standings] == [
        s.ledger.exact for s in plain.standings
    ]
    assert [(p.outcome, p.crossings) for p in none.pairs] == [(p.outcome, p.crossings) for p in plain.pairs]
    assert none.bands == plain.bands
