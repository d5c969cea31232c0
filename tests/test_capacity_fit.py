"""Prefill and decode rates fitted to two mixes or more: solved again here, by Cramer's rule and by normal equations."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import FROZEN, PAPER, Build, Data

from tco.analysis.case import Case
from tco.document import Faults
from tco.draws import Draws
from tco.lineitem import Exact, Point
from tco.options.base import Notes
from tco.options.fleet.fitted import Mix, fitted
from tco.quantity import at

F = Fraction
D = Decimal

SHORT: Data = {"output_tokens_per_s": 2000, "input_tokens": 1000, "output_tokens": 500}
LONG: Data = {"requests_per_s": D("1.25"), "input_tokens": 8000, "output_tokens": 700}
TOTAL: Data = {"total_tokens_per_s": 9000, "input_tokens": 4000, "output_tokens": 500}
SECONDS = {"short": F(500, 2000), "long": 1 / F("1.25"), "total": F(4500, 9000)}


def profile(**keys: Any) -> Data:
    same = {
        "model": "M",
        "gpu": "X100",
        "gpus_per_replica": 2,
        "engine": "E",
        "precision": "fp8",
        "objective": "p99 2 s",
    }
    return {**PAPER, "kind": "measured", **same, **keys}


CATALOGUE: Data = {
    **FROZEN,
    "capacity": {
        "short": profile(**SHORT), "long": profile(**LONG), "total": profile(**TOTAL),
        "other-gpu": profile(**LONG, gpu="Y200"), "other-engine": profile(**LONG, engine="F"),
        "other-precision": profile(**LONG, precision="fp16"), "other-objective": profile(**LONG, objective="none"),
        "two-gpus": profile(**LONG, gpus_per_replica=4), "other-model": profile(**LONG, model="N"),
        "twice": profile(output_tokens_per_s=2100, input_tokens=2000, output_tokens=1000),
        "no-mix": profile(output_tokens_per_s=2000),
        "reuse": profile(requests_per_s=5, input_tokens=3000, output_tokens=300, cached_tokens=1800),
        "slower": profile(requests_per_s=1, input_tokens=2000, output_tokens=900),
        "apart": profile(prefill_tokens_per_s=2000, decode_tokens_per_s=30, input_tokens=1, output_tokens=2),
    },
}  # fmt: skip
CLASSES: Data = {
    "short": {"share": "20%", "input_tokens": 1000, "output_tokens": 500},
    "long": {"share": "20%", "input_tokens": 8000, "output_tokens": 700},
    "between": {"share": "rest", "input_tokens": 3000, "output_tokens": 900, "cacheable_input_tokens": 2000},
}


def case_of(build: Build, capacity: Any, **keys: Any) -> Case:
    own = {"kind": "self_hosted", "gpu_price": "$2/hour", "capacity": capacity, **keys}
    return build({"workload": {"volume": "100M tokens/day", "classes": CLASSES}, "options": {"own": own}}, CATALOGUE)


def seconds(build: Build, capacity: Any, n: Any = None, notes: Notes | None = None, **keys: Any) -> dict[str, Any]:
    """Replica-seconds of a request of each class."""
    fleet = case_of(build, capacity, **keys).price(n or Exact(), notes)["own"].fleets["own"]
    return dict(fleet.seconds)


def solved(a: tuple[int, int, Fraction], b: tuple[int, int, Fraction]) -> tuple[Fraction, Fraction]:
    """Seconds of an input and of an output token: decode from what is left when input is made equal."""
    (in_a, out_a, w_a), (in_b, out_b, w_b) = a, b
    of_output = (w_a * in_b - w_b * in_a) / (F(out_a) * in_b - F(out_b) * in_a)
    return (w_a - out_a * of_output) / in_a, of_output


PAIRS = [
    (("short", SHORT), ("long", LONG)),
    (("short", SHORT), ("total", TOTAL)),
    (("long", LONG), ("total", TOTAL)),
]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"{p[0][0]}-{p[1][0]}")
def test_both_mixes_take_the_time_they_took(build: Build, pair: Any, named: bool) -> None:
    (a, rates_a), (b, rates_b) = pair
    capacity = [f"frozen/{a}", f"frozen/{b}"] if named else [rates_a, rates_b]
    of_input, of_output = solved(
        *((r["input_tokens"], r["output_tokens"], SECONDS[name]) for name, r in ((a, rates_a), (b, rates_b)))
    )
    found = seconds(build, capacity)
    for name, c in CLASSES.items():
        assert found[name] == c["input_tokens"] * of_input + c["output_tokens"] * of_output
        if name in (a, b):
            assert found[name] == SECONDS[name]
    floats = seconds(build, capacity, Point())
    for name, exact in found.items():
        assert floats[name].item() == pytest.approx(float(exact), rel=1e-12)
    assert seconds(build, capacity[::-1]) == found


def least_squares(mixes: list[tuple[int, int, Fraction]]) -> tuple[Fraction, Fraction]:
    """Seconds of an input and of an output token that make the sum of squared relative errors least: the normal
    equations, their matrix inverted."""
    rows = [(F(given) / w, F(made) / w) for given, made, w in mixes]
    uu, uv, vv = (sum((x * y for x, y in pairs), F(0)) for pairs in (
        [(u, u) for u, _ in rows], [(u, v) for u, v in rows], [(v, v) for _, v in rows],
    ))  # fmt: skip
    u_1, v_1 = sum((u for u, _ in rows), F(0)), sum((v for _, v in rows), F(0))
    det = uu * vv - uv * uv
    return (vv * u_1 - uv * v_1) / det, (uu * v_1 - uv * u_1) / det


NAMED: dict[str, tuple[Data, Fraction]] = {
    "short": (SHORT, SECONDS["short"]),
    "long": (LONG, SECONDS["long"]),
    "total": (TOTAL, SECONDS["total"]),
    "slower": ({"input_tokens": 2000, "output_tokens": 900}, F(1)),
}


@pytest.mark.parametrize(
    "names", [("short", "long", "total"), ("total", "slower", "short"), tuple(NAMED)], ids="-".join
)
def test_three_mixes_or_more_are_fitted_by_least_squares(build: Build, names: tuple[str, ...]) -> None:
    mixes = [(NAMED[x][0]["input_tokens"], NAMED[x][0]["output_tokens"], NAMED[x][1]) for x in names]
    of_input, of_output = least_squares(mixes)
    found = seconds(build, [f"frozen/{x}" for x in names])
    for name, c in CLASSES.items():
        assert found[name] == c["input_tokens"] * of_input + c["output_tokens"] * of_output
    floats = seconds(build, [f"frozen/{x}" for x in names], Point())
    for name, exact in found.items():
        assert floats[name].item() == pytest.approx(float(exact), rel=1e-12)
    assert seconds(build, [f"frozen/{x}" for x in reversed(names)]) == found


def test_the_fit_has_the_least_sum_of_squared_relative_errors(build: Build) -> None:
    """Whichever way the rates are moved, the errors grow."""
    mixes = [(c["input_tokens"], c["output_tokens"], w) for c, w in NAMED.values()]

    def squares(of_input: Fraction, of_output: Fraction) -> Fraction:
        return sum((((i * of_input + o * of_output) / w - 1) ** 2 for i, o, w in mixes), F(0))

    # the seconds of two classes give both rates back
    found = seconds(build, [f"frozen/{x}" for x in NAMED])
    of_input, of_output = solved((1000, 500, found["short"]), (8000, 700, found["long"]))
    least = squares(of_input, of_output)
    for more, less in ((F(101, 100), F(1)), (F(99, 100), F(1)), (F(1), F(101, 100)), (F(1), F(99, 100))):
        assert squares(of_input * more, of_output * less) > least


def test_the_residual_is_shown(build: Build) -> None:
    names = ("short", "long", "total")
    mixes = [(NAMED[x][0]["input_tokens"], NAMED[x][0]["output_tokens"], NAMED[x][1]) for x in names]
    of_input, of_output = least_squares(mixes)
    worst = max(abs((i * of_input + o * of_output) / w - 1) for i, o, w in mixes)
    notes = Notes()
    capacity = [f"frozen/{x}" for x in names]
    fleet = case_of(build, capacity).price(Exact(), notes)["own"].fleets["own"]
    assert f"residual at most {float(worst):.1%}" in fleet.per_replica
    text = {c: next(x.text for x in notes.assumptions if x.text.startswith(f"time for {c} ")) for c in CLASSES}
    assert "is predicted, by the rates fitted to frozen/short (1000 in, 500 out), frozen/long" in text["between"]
    assert f"residual at most {float(worst):.1%}" in text["between"]
    off = (1000 * of_input + 500 * of_output) / SECONDS["short"] - 1
    assert "is measured: frozen/short" in text["short"]
    assert f"take {abs(float(off)):.1%} {'longer' if off > 0 else 'less'}" in text["short"]
    large = [x for x in notes.warnings if "no two rates describe this replica well" in x.text]
    assert bool(large) == (worst > F(10, 100))


def test_a_large_residual_warns(build: Build) -> None:
    """Three mixes of which one took twice the time that the others' rates give."""
    for slower, warns in ((1, False), (D("1.1"), False), (2, True)):
        rates: list[Data] = [
            {"requests_per_s": 10, "input_tokens": 1000, "output_tokens": 0},  # 1/10 ms a token in
            {"requests_per_s": 1, "input_tokens": 0, "output_tokens": 100},  # 10 ms a token out
            {"requests_per_s": D("0.25") / slower, "input_tokens": 10_000, "output_tokens": 300},  # 4 s
        ]
        notes = Notes()
        seconds(build, rates, notes=notes)
        warned = [x.text for x in notes.warnings if "fitted to 3 mixes" in x.text]
        assert bool(warned) == warns, (slower, warned)


PUBLISHED = {
    "gpt-oss-20b": {(1000, 1000): 13_858, (1024, 8192): 12_743, (8192, 1024): 4015, (32_768, 1024): 915},
    "gpt-oss-120b": {(1000, 1000): 6868, (1024, 8192): 3543, (8192, 1024): 1828, (32_768, 1024): 519},
}
"""Output tokens/s of one H200 (TP1, FP8) under maximum load, by tokens in and out: NVIDIA/TensorRT-LLM@03e27c7d,
docs/source/developer-guide/perf-overview.md."""


@pytest.mark.parametrize("model", PUBLISHED)
def test_a_published_table_shows_where_two_rates_end(build: Build, model: str) -> None:
    """Decoding slows as the context grows, which two rates do not know: the residual says so."""
    table = PUBLISHED[model]
    mixes = [(given, made, F(made, rate)) for (given, made), rate in table.items()]
    of_input, of_output = least_squares(mixes)
    errors = {(i, o): (i * of_input + o * of_output) / w - 1 for i, o, w in mixes}
    worst = max(map(abs, errors.values()))
    assert worst > F(1, 5)
    assert errors[1024, 8192] == -worst, "long answers take longer than two rates give them"
    rates: list[Data] = [
        {"output_tokens_per_s": rate, "input_tokens": i, "output_tokens": o} for (i, o), rate in table.items()
    ]
    notes = Notes()
    fleet = case_of(build, rates).price(Exact(), notes)["own"].fleets["own"]
    assert f"residual at most {float(worst):.1%}" in fleet.per_replica
    warned = [x.text for x in notes.warnings]
    assert any(f"fitted to 4 mixes are up to {float(worst):.1%} off what was measured" in x for x in warned)


def test_what_is_longer_than_every_mix_is_said_to_be(build: Build) -> None:
    notes = Notes()
    seconds(build, [SHORT, TOTAL], notes=notes)
    text = {c: next(x.text for x in notes.assumptions if x.text.startswith(f"time for {c} ")) for c in CLASSES}
    assert "longer than any of them, and longer contexts may take more" in text["long"], "8,700 against 4,500 tokens"
    assert "longer than any of them" not in text["between"], "3,900 tokens"


def test_two_mixes_have_no_residual(build: Build) -> None:
    fleet = case_of(build, ["frozen/short", "frozen/long"]).price(Exact())["own"].fleets["own"]
    assert "which leave no residual to check it by" in fleet.per_replica and "residual at most" not in fleet.per_replica


def test_hits_of_a_measured_mix_are_not_prefilled(build: Build) -> None:
    """Of 3,000 input tokens 1,800 were cached: 1,200 are what prefill paid for."""
    of_input, of_output = least_squares([(1000, 500, SECONDS["short"]), (3000 - 1800, 300, F(1, 5))])
    found = seconds(build, ["frozen/short", "frozen/reuse"], cache_hit_rate="90%")
    assert found["between"] == (3000 - F(9, 10) * 2000) * of_input + 900 * of_output
    notes = Notes()
    assert seconds(build, ["frozen/short", "frozen/reuse"], notes=notes)["between"] == 3000 * of_input + 900 * of_output
    assert any("all of its input is prefilled" in x.text for x in notes.warnings)


def test_what_a_cache_answers_is_not_prefilled(build: Build) -> None:
    of_input, of_output = solved((1000, 500, SECONDS["short"]), (8000, 700, SECONDS["long"]))
    found = seconds(build, ["frozen/short", "frozen/long"], cache_hit_rate="40%")
    assert found["between"] == (3000 - F(4, 10) * 2000) * of_input + 900 * of_output


def test_measured_and_predicted_are_told_apart(build: Build) -> None:
    notes = Notes()
    seconds(build, ["frozen/short", "frozen/long"], notes=notes)
    text = {c: next(x.text for x in notes.assumptions if x.text.startswith(f"time for {c} ")) for c in CLASSES}
    assert "is measured: frozen/short" in text["short"]
    assert "is measured: frozen/long" in text["long"]
    mixes = "frozen/short (1000 in, 500 out) and frozen/long (8000 in, 700 out)"
    assert f"is predicted, by the rates fitted to {mixes}, which leave no residual" in text["between"]


def test_the_fit_is_told_with_its_rates(build: Build) -> None:
    of_input, of_output = solved((1000, 500, SECONDS["short"]), (8000, 700, SECONDS["long"]))
    fleet = case_of(build, ["frozen/short", "frozen/long"]).price(Exact())["own"].fleets["own"]
    for rate, unit in ((1 / of_input, "prefill tokens/s"), (1 / of_output, "decode tokens/s")):
        assert f"{round(float(rate), -1):,.0f} {unit}" in fleet.per_replica  # four digits
    assert "frozen/long" in fleet.per_replica


def test_a_replica_has_the_gpus_of_the_profiles(build: Build) -> None:
    lines = case_of(build, ["frozen/short", "frozen/long"]).price(Exact())["own"].lines
    figures = {f.name: f for _, line in lines for f in line.inputs}
    assert figures["gpus_per_replica"].value == 2
    assert {"output_tokens_per_s", "requests_per_s", "input_tokens", "output_tokens"} <= set(figures)


def test_draws_are_fitted_one_by_one(build: Build) -> None:
    ranged = [
        {**SHORT, "output_tokens_per_s": {"low": 1900, "high": 2100}},
        {**LONG, "requests_per_s": {"low": D("1.2"), "high": D("1.3")}},
    ]
    n = Draws(6)
    found = seconds(build, ranged, n)
    assert len(n.drawn) == 2
    by_key = {key: values for (key, _), (_, values) in n.drawn.items()}
    first = by_key["options / own / capacity / 0 / output_tokens_per_s"]
    second = by_key["options / own / capacity / 1 / requests_per_s"]
    for i in range(6):
        alone = seconds(
            build,
            [
                {**SHORT, "output_tokens_per_s": D(repr(float(first[i])))},
                {**LONG, "requests_per_s": D(repr(float(second[i])))},
            ],
            Point(),
        )
        for name, values in found.items():
            assert values[i] == pytest.approx(alone[name].item(), rel=1e-12)


def test_draws_of_three_mixes_are_fitted_one_by_one() -> None:
    rng = np.random.default_rng(5)
    seconds_of = [w * rng.uniform(0.9, 1.1, 7) for w in (0.25, 0.8, 0.5)]
    mixes = [(1000, 500), (8000, 700), (4000, 500)]
    together = fitted([Mix(np.array([float(i)]), o, w) for (i, o), w in zip(mixes, seconds_of, strict=True)])
    assert together is not None
    for k in range(7):
        drawn = [(i, o, F(w[k].item())) for (i, o), w in zip(mixes, seconds_of, strict=True)]
        of_input, of_output = least_squares(drawn)
        assert together.of_input[k] == pytest.approx(float(of_input), rel=1e-12)
        assert together.of_output[k] == pytest.approx(float(of_output), rel=1e-12)


def test_nearly_proportional_mixes_lose_no_digits() -> None:
    """The normal equations lose twice as many as the mixes are close: here all but a few."""
    mixes = [(1_000_000, 500_000, F(1)), (1_000_001, 500_000, F(1_000_001, 1_000_000)), (1_000_000, 500_001, F(1))]
    exact = fitted([Mix(F(i), F(o), w) for i, o, w in mixes])
    floats = fitted([Mix(float(i), float(o), float(w)) for i, o, w in mixes])
    assert exact is not None
    assert floats is not None
    assert (exact.of_input, exact.of_output) == least_squares(mixes)
    assert floats.of_input == pytest.approx(float(exact.of_input), rel=1e-6)


def test_a_draw_without_a_solution_is_refused(build: Build) -> None:
    wide = [SHORT, {**LONG, "requests_per_s": {"low": D("1.2"), "high": 4}}]
    assert seconds(build, wide)["between"] > 0, "the point has one"
    with pytest.raises(Faults, match="would take no time, or less"):
        seconds(build, wide, Draws(64))


@pytest.mark.parametrize(
    ("capacity", "message"),
    [
        (["frozen/short", "frozen/twice"], "same proportion of input to output"),
        (["frozen/short", "frozen/short"], "same proportion of input to output"),
        ([SHORT, {**LONG, "requests_per_s": 10}], "an input token would take no time, or less"),
        ([SHORT, {**LONG, "requests_per_s": D("0.4")}], "an output token would take no time, or less"),
        (["frozen/short", "frozen/other-gpu"], "differ in gpu: X100 and Y200"),
        (["frozen/short", "frozen/two-gpus"], "differ in gpus_per_replica: 2 and 4"),
        (["frozen/short", "frozen/other-engine"], "differ in engine"),
        (["frozen/short", "frozen/other-precision"], "differ in precision"),
        (["frozen/short", "frozen/other-objective"], "differ in objective"),
        (["frozen/short", "frozen/other-model"], "differ in model"),
        (["frozen/short", "frozen/no-mix"], "a rate at a stated mix is needed"),
        (["frozen/short", "frozen/apart"], "a rate at a stated mix is needed"),
        ([LONG, "frozen/short"], "a profile and a rate of one's own"),
        (["frozen/short", "frozen/none"], "frozen/none"),
        (["frozen/short"], "2"),
        (["frozen/short", "frozen/short", "frozen/twice"], "3 mixes with the same proportion of input to output"),
        (
            [SHORT, {**LONG, "requests_per_s": 9}, {**LONG, "requests_per_s": 10}],
            "fitted to all profiles, an input token",
        ),
        (["frozen/short", "frozen/long", "frozen/other-gpu"], "differ in gpu: X100 and Y200"),
        (["frozen/short", "frozen/long", "frozen/no-mix"], "capacity / 2|a rate at a stated mix is needed"),
        ([SHORT, {"input_tokens": 3}], "requests_per_s"),
    ],
)
def test_what_cannot_be_fitted_is_refused(build: Build, capacity: Any, message: str) -> None:
    with pytest.raises(Faults) as caught:
        seconds(build, capacity)
    assert re.search(message, str(caught.value)), str(caught.value)


def test_a_fleet_of_fitted_rates_is_sized_by_them(build: Build) -> None:
    of_input, of_output = solved((1000, 500, SECONDS["short"]), (8000, 700, SECONDS["long"]))
    shares = {"short": F(2, 10), "long": F(2, 10), "between": F(6, 10)}
    mean = sum(shares[c] * (x["input_tokens"] + x["output_tokens"]) for c, x in CLASSES.items())
    a_second = F(100_000_000) / mean / 86_400
    busy = a_second * sum(
        shares[c] * (x["input_tokens"] * of_input + x["output_tokens"] * of_output) for c, x in CLASSES.items()
    )
    case = case_of(build, ["frozen/short", "frozen/long"])
    fleet = case.price(Exact())["own"].fleets["own"]
    (level,) = fleet.levels
    assert np.ravel(level.busy.value(at([F(100_000_000)])))[0] == busy
