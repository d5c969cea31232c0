"""Requirements, stage by stage: what fails is in no band and never recommended; what would turn the answer does."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from conftest import Build, Data

from tco.analysis.case import build_case
from tco.analysis.compare import STAGES, Comparison, Flip, compare
from tco.document import Faults, load_text

F = Fraction
D = Decimal
STAGE_ORDER = ("data", "quality", "context", "operations", "fine-tuning", "latency")
MET: Data = {
    "data": "vpc", "quality": {"accuracy": "95%"}, "context_tokens": 20000, "needs_engineers": 3,
    "needs_on_call": False, "fine_tunable": True, "time_to_first_token": "500 ms",
}  # fmt: skip
FAILING: dict[str, tuple[Data, str]] = {
    "data": ({"data": "dpa"}, "data is at level `dpa`, and `vpc` or stricter is required"),
    "quality": ({"quality": {"accuracy": "91.9%"}}, "its accuracy is 91.9 %, and 92 % is required"),
    "context": ({"context_tokens": 9999}, "tokens must fit"),
    "operations": ({"needs_engineers": 4}, "needs a team of 4 engineers, and there are 3"),
    "fine-tuning": ({"fine_tunable": False}, "it cannot be fine-tuned"),
    "latency": ({"time_to_first_token": "1.1 s"}, "its first token takes 1.1 s, and at most 1 s is required"),
}
ALL: Data = {
    "requirements": {"data": "vpc", "accuracy": "92%", "context_tokens": 10000, "fine_tuning": True,
                     "time_to_first_token": "1 s"},
    "team": {"engineers": 3, "on_call": False},
}  # fmt: skip
WORKLOAD: Data = {"volume": "1000000 tokens/day", "input_tokens": 900, "output_tokens": 100}


def api(price: str = "$2", **keys: Any) -> Data:
    return {"kind": "api", "price": {"blended": f"{price}/1M tokens"}, **keys}


def own(**keys: Any) -> Data:
    return {"kind": "self_hosted", "gpu_price": "$1/hour", "capacity": {"requests_per_s": 1}, **keys}


def run(build: Build, options: Data, workload: Data = WORKLOAD, **keys: Any) -> Comparison:
    return compare(build({"workload": workload, "options": options, **keys}), 0)


def verdicts(c: Comparison, option: str = "a") -> list[tuple[str, str]]:
    return [(check.stage, check.status) for check in c.standing(option).checks]


# -- stages -----------------------------------------------------------------------------------------------------------


def test_all_met_in_order(build: Build) -> None:
    c = run(build, {"a": api(**MET)}, **ALL)
    checks = c.standing("a").checks
    assert all(check.status == "met" for check in checks)
    stages = [check.stage for check in checks]
    assert stages == [s for s in STAGE_ORDER if s in stages]
    assert c.standing("a").feasible and c.recommendation.option == "a"


@pytest.mark.parametrize("stage", STAGE_ORDER)
def test_each_fails_alone(build: Build, stage: str) -> None:
    keys, said = FAILING[stage]
    c = run(build, {"a": api(**{**MET, **keys}), "b": api("$9", **MET)}, **ALL)
    (last,) = [check for check in c.standing("a").checks if check.status == "failed"]
    assert last is c.standing("a").checks[-1]
    assert last.stage == stage and said in last.reason
    assert not c.standing("a").feasible and c.standing("a").reasons == (last.reason,)
    assert c.recommendation.option == "b" and c.recommendation.ruled_out == ("a",)


@pytest.mark.parametrize(("first", "second"), [p for p in product(range(6), repeat=2) if p[0] < p[1]])
def test_the_first_failure_ends_it(build: Build, first: int, second: int) -> None:
    keys = {**FAILING[STAGE_ORDER[second]][0], **FAILING[STAGE_ORDER[first]][0]}
    found = verdicts(run(build, {"a": api(**{**MET, **keys})}, **ALL))
    assert found[-1] == (STAGE_ORDER[first], "failed")
    assert [s for _, s in found].count("failed") == 1


@pytest.mark.parametrize(("stage", "key"), [
    ("data", "data"), ("quality", "quality"), ("context", "context_tokens"), ("fine-tuning", "fine_tunable"),
    ("latency", "time_to_first_token"),
])  # fmt: skip
def test_what_is_not_stated_is_unknown_and_said(build: Build, stage: str, key: str) -> None:
    c = run(build, {"a": api(**{k: v for k, v in MET.items() if k != key})}, **ALL)
    found = dict(verdicts(c))
    assert found.pop(stage) == "unknown"
    assert set(found.values()) == {"met"}
    assert c.standing("a").feasible, "neither met nor failed"
    assert [check.stage for check in c.standing("a").unknown] == [stage]
    assert any(w.option == "a" and w.grave and "is not stated" in w.text for w in c.warnings)


def test_exactly_at_a_requirement_is_within_it(build: Build) -> None:
    exact = {
        "quality": {"accuracy": "92%"},
        "context_tokens": 10000,
        "time_to_first_token": "1 s",
        "needs_engineers": 3,
    }
    assert {s for _, s in verdicts(run(build, {"a": api(**{**MET, **exact})}, **ALL))} == {"met"}


def test_nothing_required_is_nothing_checked(build: Build) -> None:
    assert verdicts(run(build, {"a": api()})) == []
    assert verdicts(run(build, {"a": api(context_tokens=1000)})) == [("context", "met")]
    assert verdicts(run(build, {"a": api(context_tokens=999)})) == [("context", "failed")]


LEVELS = ("public", "dpa", "zero_retention", "vpc", "on_premises")


@pytest.mark.parametrize(("need", "have"), list(product(LEVELS, LEVELS)))
def test_levels_of_data(build: Build, need: str, have: str) -> None:
    met = LEVELS.index(have) >= LEVELS.index(need)
    c = run(build, {"a": api(data=have)}, requirements={"data": need})
    assert verdicts(c) == [("data", "met" if met else "failed")]


def test_rented_gpus_are_a_private_network(build: Build) -> None:
    for need, status in (("vpc", "met"), ("on_premises", "failed")):
        assert verdicts(run(build, {"a": own()}, requirements={"data": need})) == [("data", status)]
    assert verdicts(run(build, {"a": own(data="public")}, requirements={"data": "vpc"})) == [("data", "failed")]


def test_accuracy_within_the_reference(build: Build) -> None:
    def status(accuracy: str, **keys: Any) -> str:
        options = {"a": api(quality={"accuracy": accuracy}), "ref": api("$9", quality={"accuracy": "93%"})}
        return dict(verdicts(run(build, options, requirements={"accuracy_within": "3%"}, **keys)))["quality"]

    assert status("90%", current="ref") == status("90%", reference_api="ref") == "met"
    assert status("89.9%", current="ref") == "failed"
    assert status("90%", reference_accuracy="94%", current="ref") == "failed", "what is stated goes first"
    assert status("90%") == "unknown", "nobody says what the reference is"


def test_the_longest_call_must_fit(build: Build) -> None:
    """Quantiles up to 4000, seven calls and a half of 100 more each: 4000 + 7 x 100 + 50 of output."""
    workload = {"volume": "1000000 tokens/day", "input_tokens": {"p50": 900, "max": 4000}, "output_tokens": 50,
                "calls_per_task": D("7.5"), "context_growth_tokens": 100}  # fmt: skip
    for context, status in ((4750, "met"), (4749, "failed")):
        assert verdicts(run(build, {"a": api(context_tokens=context)}, workload)) == [("context", status)]


def test_somebody_on_call(build: Build) -> None:
    for there, needed, want in ((False, True, "failed"), (True, True, None), (False, False, None)):
        found = verdicts(run(build, {"a": api(needs_on_call=needed)}, team={"on_call": there}))
        assert [s for _, s in found] == ([want] if want else [])


def test_a_hybrid_is_judged_by_all_that_is_behind_it(build: Build) -> None:
    hybrid: Data = {"kind": "hybrid", "routes": {"x": "50%", "y": "rest"}}
    need = {"data": "zero_retention"}

    def found(x: Data, y: Data, **keys: Any) -> tuple[str, str]:
        c = run(build, {"x": api(**x), "y": api(**y), "a": {**hybrid, **keys}}, requirements=need)
        (check,) = c.standing("a").checks
        return check.status, check.reason

    fits, short = {"data": "vpc"}, {"data": "dpa"}
    assert found(fits, fits)[0] == "met"
    status, reason = found(fits, short)
    assert status == "failed" and "y: data is at level `dpa`" in reason and "x:" not in reason
    status, reason = found(fits, {})
    assert status == "unknown" and "of y" in reason
    assert found(short, {})[0] == "failed", "one that fails is enough"
    assert found(short, short, data="vpc")[0] == "met", "its own fact is of the whole"


@pytest.mark.parametrize(("keys", "said"), [
    ({"requirements": {"data": "secret"}}, "data"), ({"requirements": {"accuracy": "120%"}}, "share"),
    ({"requirements": {"speed": 1}}, "unknown key: `speed`"), ({"team": {"engineers": D("1.5")}}, "a whole number"),
    ({"team": {"on_call": "maybe"}}, "on_call"), ({"current": "nobody"}, "no option `nobody`"),
])  # fmt: skip
def test_bad_requirements(build: Build, keys: Data, said: str) -> None:
    with pytest.raises(Faults) as caught:
        run(build, {"a": api()}, **keys)
    assert said in " ".join(caught.value.render().split())


# -- bands and the recommendation -------------------------------------------------------------------------------------


def test_what_is_ruled_out_is_in_no_band(build: Build) -> None:
    options = {"cheap": api("$1", data="public"), "own": own(), "dear": api("$5", data="dpa")}
    free = run(build, options)
    bound = run(build, options, requirements={"data": "dpa"})
    assert any("cheap" in b.leaders for b in free.bands) and free.recommendation.option == "cheap"
    assert not any("cheap" in b.leaders for b in bound.bands)
    without = run(build, {k: v for k, v in options.items() if k != "cheap"}, requirements={"data": "dpa"})
    assert bound.bands == without.bands
    assert bound.recommendation.ruled_out == ("cheap",)
    assert bound.recommendation.option == without.recommendation.option
    assert bound.recommendation.margin == without.recommendation.margin
    assert bound.recommendation.flips == without.recommendation.flips


def test_none_feasible_is_a_band(build: Build) -> None:
    c = run(build, {"a": api(data="public"), "b": api("$3", data="dpa")}, requirements={"data": "vpc"})
    assert [(b.lo, b.hi, b.leaders) for b in c.bands] == [(*c.window, ())]
    assert c.recommendation.option is None and c.recommendation.flips == () and c.recommendation.stage is None
    assert all(p.crossings == () and p.outcome == "neither" for p in c.pairs)


def test_ruled_out_and_full_are_told_apart(build: Build) -> None:
    options = {"full": own(replicas=1), "banned": api("$1", data="public"), "dear": api("$9", data="vpc")}
    c = run(build, options, {**WORKLOAD, "volume": "200000000 tokens/day"}, requirements={"data": "vpc"})
    assert c.recommendation.option == "dear"
    assert c.recommendation.ruled_out == ("full", "banned"), "cheaper first"
    assert "at most" in c.standing("full").reasons[0] and "required" in c.standing("banned").reasons[0]
    assert c.bands[-1].leaders == ("dear",)
    assert c.bands[-1].lo == 86400 * 1000, "one request of 1000 tokens a second"


def test_savings_against_what_runs_today(build: Build) -> None:
    c = run(build, {"a": api("$2"), "b": api("$3"), "c": api("$1")}, current="a")
    assert c.standing("a").saving is None
    month = F(365, 12)
    for name, price in (("b", 3), ("c", 1)):
        s = c.standing(name).saving
        assert s is not None and s.current == "a"
        assert abs(F(s.amount) - (2 - price) * month) <= F(1, 100)
        assert float(s.share) == pytest.approx((2 - price) / 2, abs=1e-3)


@pytest.mark.parametrize(("option", "stage"), [("a", STAGES[0]), ("own", STAGES[2]), ("mix", STAGES[1])])
def test_stages(build: Build, option: str, stage: str) -> None:
    options = {
        "a": api("$2", data="vpc" if option == "a" else "public"),
        "own": own(data="vpc" if option == "own" else "public"),
        "mix": {
            "kind": "hybrid",
            "routes": {"a": "50%", "own": "rest"},
            "data": "vpc" if option == "mix" else "public",
        },
    }
    r = run(build, options, requirements={"data": "vpc"}).recommendation
    assert (r.option, r.stage) == (option, stage)


# -- flips ------------------------------------------------------------------------------------------------------------

NEAR = 1e-3
"""Costs are compared to the cent: nearer than this, two may be equal."""


def flip(c: Comparison, what: str) -> Flip:
    (found,) = [f for f in c.recommendation.flips if f.what == what]
    return found


@pytest.mark.parametrize("volume", [3, 12, 13, 40, 90, 400])
def test_a_flip_of_the_volume_turns_the_recommendation(build: Build, volume: int) -> None:
    options = {"a": api("$2"), "own": own()}
    c = run(build, options, {**WORKLOAD, "volume": f"{volume}000000 tokens/day"})
    best, other = c.recommendation.option, c.recommendation.runner_up
    f = flip(c, "volume")
    assert f.now == volume * 1e6
    factor = 1 + NEAR if f.of == "above" else 1 - NEAR
    assert f.value >= f.now if f.of == "above" else f.value < f.now
    for times, winner in ((factor, other), (2 - factor, best)):
        turned = run(build, options, {**WORKLOAD, "volume": f"{f.value * times:.3f} tokens/day"})
        assert turned.recommendation.option == winner, times


@pytest.mark.parametrize("volume", [3, 13, 40, 90])
def test_a_flip_of_the_price_turns_the_recommendation(build: Build, volume: int) -> None:
    def at_prices(token: float, gpu: float) -> Comparison:
        options = {"a": api(f"${2 * token:.12f}"), "own": own(gpu_price=f"${gpu:.12f}/hour",
                   fixed_costs={"logs": "$3/month"})}  # fmt: skip
        return run(build, options, {**WORKLOAD, "volume": f"{volume}000000 tokens/day"})

    c = at_prices(1, 1)
    best, other = c.recommendation.option, c.recommendation.runner_up
    f = flip(c, "price")
    assert f.of == {"a": "api", "own": "gpu"}[str(other)]
    assert 0 < f.value < 1
    for cut, winner in ((f.value + NEAR, other), (f.value - NEAR, best)):
        prices = (1 - cut, 1) if other == "a" else (1, 1 - cut)
        assert at_prices(*prices).recommendation.option == winner, cut


def test_a_flip_of_the_utilisation_is_the_price_it_stands_for(build: Build) -> None:
    c = run(build, {"a": api("$2"), "own": own(gpu_price="$0.3/hour")}, {**WORKLOAD, "volume": "3000000 tokens/day"})
    assert c.recommendation.option == "a"
    price, used = flip(c, "price"), flip(c, "utilisation")
    assert used.now == pytest.approx(3000 / 86400)
    assert used.value == pytest.approx(used.now / (1 - price.value))
    assert 219 * used.now / used.value == pytest.approx(3 * 2 * 365 / 12), "the GPU at $219, as busy as that"


def test_a_flip_is_named_only_where_the_next_option_would_win(build: Build) -> None:
    """m million tokens a month: 2m, 100 + m and 180. The second overtakes the first at 100, where 180 beats both."""
    options = {
        "first": api("$2"), "second": api("$1", fixed_costs={"base": "$100/month"}),
        "third": {"kind": "self_hosted", "all_in": "$180/month"},
    }  # fmt: skip
    c = run(build, options, {**WORKLOAD, "volume": "70000000 tokens/month"})
    assert (c.recommendation.option, c.recommendation.runner_up) == ("first", "second")
    assert not any("second" in b.leaders for b in c.bands)
    assert [f for f in c.recommendation.flips if f.what == "volume"] == []
    assert flip(c, "price").value == pytest.approx(30 / 100), "100 + 70 against 140: its main cost down by 30 of 100"


def test_requirements_are_read_from_yaml() -> None:
    text = (
        "as_of: 2026-11-21\nworkload: {volume: 1M tokens/day, input_tokens: 900}\nrequirements: {data: dpa}\n"
        "options: {a: {kind: api, price: {blended: $2/1M tokens}, data: zero_retention}}\n"
    )
    c = compare(build_case(load_text(text, "s.yaml"), today=date(2026, 11, 21)))
    assert verdicts(c) == [("data", "met")]


# -- context ----------------------------------------------------------------------------------------------------------


def test_a_hybrid_is_held_to_what_reaches_each_option(build: Build) -> None:
    """Short requests to the small model, long ones to the large: routing by length is what hybrids are for."""
    workload: Data = {
        "volume": "1000000 tokens/day",
        "classes": {
            "short": {"share": "90%", "input_tokens": 900, "output_tokens": 100},
            "long": {"share": "rest", "input_tokens": 100_000, "output_tokens": 100},
        },
    }
    options: Data = {
        "small": api(context_tokens=8000),
        "large": api("$4", context_tokens=200_000),
        "routed": {"kind": "hybrid", "routes": {"small": {"short": "100%"}, "large": {"long": "100%"}}},
        "crossed": {"kind": "hybrid", "routes": {"small": {"long": "100%"}, "large": {"short": "100%"}}},
    }
    c = run(build, options, workload)
    assert c.standing("routed").feasible
    assert not c.standing("small").feasible
    assert c.standing("crossed").reasons[0].startswith("small: its context is 8k tokens, and a call of long of 100k")


@pytest.mark.parametrize(
    ("keys", "needs"),
    [({}, 11_000), ({"input_ratio": 1.5}, 16_000), ({"output_ratio": 2}, 12_000), ({"reasoning_tokens": 5000}, 16_000)],
)
def test_context_counts_tokens_as_the_option_does(build: Build, keys: Data, needs: int) -> None:
    workload: Data = {"volume": "1000000 tokens/day", "input_tokens": 10_000, "output_tokens": 1000}
    options = {"fits": api(context_tokens=needs, **keys), "short": api(context_tokens=needs - 1, **keys)}
    c = run(build, options, workload)
    assert [s.feasible for s in c.standings] == [True, False]


def test_equivalent_spend_is_of_an_api_that_may_serve(build: Build) -> None:
    c = run(
        build,
        {
            "cheap": api("$1", data="public"),
            "allowed": api("$3", data="vpc"),
            "x": own(),
            "y": own(gpu_price="$0.1/hour", fixed_costs={"much": "$900/month"}, capacity={"requests_per_s": 100}),
        },
        requirements={"data": "vpc"},
    )
    named = {x.equivalent_api for p in c.pairs for x in p.crossings if {p.a, p.b} == {"x", "y"}}
    assert named == {"allowed"}
