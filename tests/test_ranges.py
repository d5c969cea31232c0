"""Ranges and distributions: how they are written, what they are to who does not ask, and what is refused where."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tco import units
from tco.analysis.case import Case, build_case
from tco.analysis.compare import Comparison, compare
from tco.document import Faults, load_text
from tco.lineitem import KEY_JOINT, Exact, Point
from tco.ranges import Distribution, Range, is_distribution, is_range, parse_distribution, parse_range
from tco.units import UnitError

F = Fraction
MANY = settings(derandomize=True, database=None, deadline=None, max_examples=200)
NUMBERS = st.fractions(min_value=F(1, 1000), max_value=1000, max_denominator=1000)

HEAD = "as_of: 2026-11-21\n"
PLAIN = HEAD + (
    "workload: {volume: 1M tokens/day, input_tokens: 900, output_tokens: 100}\n"
    "options: {a: {kind: api, price: {blended: $2/1M tokens}}}\n"
)


def case_of(text: str, path: str = "s.yaml") -> Case:
    return build_case(load_text(text, path), today=date(2026, 11, 21))


def faults(text: str) -> list[str]:
    with pytest.raises(Faults) as caught:
        compare(case_of(text))
    return [" ".join(str(part) for part in (f.line, f.col, f.message, f.expected, f.hint)) for f in caught.value.faults]


# -- the three ways to write one --------------------------------------------------------------------------------------


@MANY
@given(st.tuples(NUMBERS, NUMBERS, NUMBERS).map(sorted))
def test_points_and_bounds(three: list[Fraction]) -> None:
    low, mode, high = three
    uniform = parse_range({"low": low, "high": high}, units.parse_count)
    triangular = parse_range({"high": high, "low": low, "mode": mode}, units.parse_count)
    normal = parse_range({"p10": low, "p90": high}, units.parse_count)
    if low == high:
        for plain in (uniform, triangular, normal):
            assert type(plain) is Fraction and plain == low
        return
    assert uniform == (low + high) / 2
    assert triangular == mode
    assert abs(F(normal) ** 2 / (low * high) - 1) < F(1, 2**50), "the median of a lognormal is sqrt(p10 x p90)"
    for found, shape in ((uniform, "uniform"), (triangular, "triangular"), (normal, "lognormal")):
        assert isinstance(found, Range)
        assert (found.shape, found.low, found.high) == (shape, low, high)


@MANY
@given(NUMBERS)
def test_a_range_of_one_number_is_that_number(x: Fraction) -> None:
    for keys in (("low", "high"), ("low", "mode", "high"), ("p10", "p90")):
        found = parse_range(dict.fromkeys(keys, x), units.parse_count)
        assert type(found) is Fraction, "a plain number, not a range that happens to be narrow"
        assert found == x


def test_bounds_are_read_as_anything_else_is() -> None:
    assert vars_of(parse_range({"low": "10%", "high": 0.5}, units.parse_share)) == ("uniform", F(1, 10), F(1, 2))
    assert vars_of(parse_range({"low": "1.5k", "high": "33.3M"}, units.parse_count)) == ("uniform", 1500, 33_300_000)
    assert vars_of(parse_range({"p10": "500 ms", "p90": "2 min"}, units.parse_seconds)) == ("lognormal", F(1, 2), 120)


def vars_of(value: Fraction) -> tuple[Any, ...]:
    assert isinstance(value, Range)
    return value.shape, value.low, value.high


def test_zero_is_a_bound_like_any_other() -> None:
    nothing = parse_range({"low": 0, "high": 0}, units.parse_count)
    assert type(nothing) is Fraction and not nothing
    at_mode_zero = parse_range({"low": 0, "mode": 0, "high": 2}, units.parse_count)
    assert at_mode_zero == 0
    assert at_mode_zero, "its point is 0, and it is not nothing"


def test_ranges_survive_being_copied() -> None:
    for value in (Range("triangular", F(1), F(2), F(5)), Distribution([(F(0), F(1)), (F(1), F(5))])):
        assert copy.copy(value) is value and copy.deepcopy({"a": value})["a"] is value
        again = pickle.loads(pickle.dumps(value))
        assert type(again) is type(value) and again == value
        assert all(getattr(again, k) == getattr(value, k) for k in type(value).__slots__)


def test_arithmetic_with_a_range_is_arithmetic_with_its_point() -> None:
    value = Range("triangular", F(1), F(2), F(5))
    assert type(value + 1) is Fraction and value + 1 == 3
    assert type(value * value) is Fraction and value * value == 4
    assert vars_of(value.scaled(F(3))) == ("triangular", 3, 15) and value.scaled(F(3)) == 6


@pytest.mark.parametrize("value", [{}, {"low": 1}, {"low": 1, "mode": 2}, {"p10": 1}, {"p10": 1, "high": 2}, 5, "x"])
def test_what_is_no_range(value: Any) -> None:
    assert not is_range(value)


# -- in every kind of field -------------------------------------------------------------------------------------------

FIELDS = [
    ("volume", "1M tokens/day", "2M tokens/day", lambda s: s.workload.volume.amount, 1_500_000),
    ("volume", "1k requests/month", "3k requests/month", lambda s: s.workload.volume.amount, 2_000),
    ("input_tokens", "100", "1.1k", lambda s: s.workload.input_tokens, 600),
    ("output_tokens", "100", "200", lambda s: s.workload.output_tokens, 150),
    ("cacheable_input_tokens", "10", "20", lambda s: s.workload.cacheable_input_tokens, 15),
    ("calls_per_task", "5", "12", lambda s: s.workload.calls_per_task, F(17, 2)),
    ("burst", "2", "300%", lambda s: s.workload.burst, F(5, 2)),
    ("overhead: {retries: @}", "1%", "0.05", lambda s: s.workload.overhead["retries"], F(3, 100)),
]


def with_key(line: str, value: str) -> str:
    """The plain scenario with a key of the workload stated."""
    key = line if "@" in line else f"{line}: @"
    name = line.partition(":")[0]
    own = {
        "volume": "volume: 1M tokens/day",
        "input_tokens": "input_tokens: 900",
        "output_tokens": "output_tokens: 100",
    }
    whole = PLAIN.replace(own[name] + ",", "").replace(own[name], "") if name in own else PLAIN
    return whole.replace("workload: {", "workload: {" + key.replace("@", value) + ", ")


@pytest.mark.parametrize(("key", "low", "high", "read", "middle"), FIELDS)
def test_fields_of_the_workload(key: str, low: str, high: str, read: Any, middle: Fraction) -> None:
    found = read(case_of(with_key(key, f"{{low: {low}, high: {high}}}")).scenario)
    assert isinstance(found, Range) and found.shape == "uniform" and found == middle
    mode = read(case_of(with_key(key, f"{{low: {low}, mode: {low}, high: {high}}}")).scenario)
    assert isinstance(mode, Range) and mode.shape == "triangular" and mode == found.low
    normal = read(case_of(with_key(key, f"{{p10: {low}, p90: {high}}}")).scenario)
    assert isinstance(normal, Range) and normal.shape == "lognormal"
    assert (normal.low, normal.high) == (found.low, found.high)
    plain = read(case_of(with_key(key, f"{{low: {low}, high: {low}}}")).scenario)
    assert type(plain) is Fraction and plain == found.low
    assert compare(case_of(with_key(key, f"{{low: {low}, high: {low}}}"))).uncertainty is None


OPTION = HEAD + (
    "workload: {volume: 1M tokens/day, input_tokens: 900, output_tokens: 100, cacheable_input_tokens: 500}\n"
    "options: {a: {kind: api, price: {blended: $2/1M tokens}}, o: {@}, h: {kind: hybrid, routes: {a: 50%, o: rest}}}\n"
)
FLEET = "kind: self_hosted, gpu_price: $1/hour, capacity: {requests_per_s: 2}"
OF_OPTIONS = [
    ("kind: self_hosted, replicas: 1, gpu_price: @", "$1/hour", "$3/hour", lambda o: o.gpu_price.amount, 2),
    ("kind: self_hosted, replicas: 1, all_in: @", "3k USD/month", "€1k/month", None, 0),
    ("kind: self_hosted, replicas: 1, all_in: @", "$1000/month", "2k USD/month", lambda o: o.all_in.amount, 1500),
    ("kind: dedicated, replicas: 1, unit_price: @", "$1/hour", "$3/hour", lambda o: o.unit_price.amount, 2),
    (FLEET + ", target_utilisation: @", "50%", "70%", lambda o: o.target_utilisation, F(6, 10)),
    (FLEET + ", cluster_overhead: @", "20%", "40%", lambda o: o.cluster_overhead, F(3, 10)),
    (FLEET + ", billed_hours_per_month: @", "700", "744", lambda o: o.billed_hours_per_month, 722),
    ("kind: self_hosted, gpu_price: $1/hour, capacity: {requests_per_s: @}", "1", "2",
     lambda o: o.capacity.requests_per_s, F(3, 2)),
    (FLEET + ", people: {fte: @, cost: $1000/month}", "0.25", "0.5", lambda o: o.people.fte, F(3, 8)),
    (FLEET + ", people: {fte: 1, cost: @}", "100k USD/year", "$200k/year", lambda o: o.people.cost.amount, 150_000),
    (FLEET + ", fixed_costs: {logs: @}", "$100/month", "$300/month", lambda o: o.fixed_costs["logs"].amount, 200),
    ("kind: api, price: {input: @, output: $1/1M tokens}", "$1/1M tokens", "$3/Mtok",
     lambda o: o.price.input.amount, 2),
    ("kind: api, price: {blended: $1/1M tokens}, discount: @", "0", "10%", lambda o: o.discount, F(1, 20)),
    ("kind: api, price: {blended: $1/1M tokens}, markup: @", "0", "10%", lambda o: o.markup, F(1, 20)),
    ("kind: api, price: {blended: $1/1M tokens}, input_ratio: @", "0.9", "1.3", lambda o: o.input_ratio, F(11, 10)),
    ("kind: api, price: {blended: $1/1M tokens}, reasoning_tokens: @", "0", "50", lambda o: o.reasoning_tokens, 25),
    ("kind: api, price: {blended: $1/1M tokens}, cache_hit_rate: @", "0", "50%", lambda o: o.cache_hit_rate, F(1, 4)),
    ("kind: hybrid, routes: {a: 100%}, response_cache: @", "10%", "30%", lambda o: o.response_cache, F(2, 10)),
    ("kind: hybrid, routes: {a: 100%}, response_cache: {request: @}", "10%", "30%",
     lambda o: o.response_cache["request"], F(2, 10)),
    ("kind: hybrid, cascade: [a, a], escalate: {request: @}", "10%", "30%", lambda o: o.escalate["request"], F(2, 10)),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "low", "high", "read", "middle"), OF_OPTIONS)
def test_fields_of_options(spec: str, low: str, high: str, read: Any, middle: Fraction) -> None:
    uniform = OPTION.replace("@", spec).replace("@", f"{{low: {low}, high: {high}}}")
    if read is None:
        (said,) = faults(uniform)
        assert "a range in one currency and unit" in said
        return
    case = case_of(uniform)
    found = read(case.options["o"][1].spec)
    assert isinstance(found, Range) and found.shape == "uniform" and found == middle
    result = compare(case)
    assert result.uncertainty is not None, "what is stated as a range is drawn"
    assert len(result.uncertainty.ranges) == 1
    same = compare(case_of(OPTION.replace("@", spec).replace("@", f"{{low: {high}, mode: {high}, high: {high}}}")))
    plain = compare(case_of(OPTION.replace("@", spec).replace("@", high)))
    assert same.uncertainty is None and bits(same) == bits(plain)


def bits(result: Comparison) -> list[Any]:
    return [
        [(s.name, s.ledger.exact, s.upto, s.per_request) for s in result.standings],
        [(p.outcome, [(x.volume, x.kind, x.above) for x in p.crossings]) for p in result.pairs],
        result.bands,
        result.recommendation,
    ]


def test_fields_of_a_catalogue_and_the_conventions(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "currency: USD\nmodels:\n  m:\n    name: M\n    prices:\n"
        "      - {as_of: 2026-01-01, kind: list price, source: a page, checked: 2026-11-01,\n"
        "         input_per_mtok: {low: 1, high: 3}, output_per_mtok: {low: 4, mode: 4, high: 9}}\n"
    )
    text = HEAD + (
        f"catalogs: [{tmp_path}]\n"
        "traffic_days_per_month: {low: 20, high: 30}\nbilled_hours_per_month: {low: 700, high: 740}\n"
        "workload: {volume: 1M tokens/day, classes: {x: {share: {low: 10%, high: 30%}, input_tokens: 900},"
        " y: {share: rest, output_tokens: 100}}}\n"
        "options: {a: {kind: api, model: own/m}, g: {kind: self_hosted, gpu_price: $1/hour, replicas: 1}}\n"
    )
    result = compare(case_of(text))
    assert result.uncertainty is not None
    drawn = {f.home.key.replace(KEY_JOINT, ".") for f in result.uncertainty.ranges}
    assert drawn == {
        "own/m.models.m.prices.0.input_per_mtok", "own/m.models.m.prices.0.output_per_mtok",
        "traffic_days_per_month", "billed_hours_per_month", "workload.classes.x.share",
    }  # fmt: skip
    # at the points: $2 and $4 per 1M, 25 days, 20 % of x
    mean = F(2, 10) * 900 + F(8, 10) * 100
    a_day = 1_000_000 / mean * (F(2, 10) * 900 * 2 + F(8, 10) * 100 * 4) / 10**6
    assert result.standing("a").ledger.exact == a_day * 25
    assert result.standing("g").ledger.exact == 720


# -- what is refused, and where ---------------------------------------------------------------------------------------

W = "workload: {volume: 1M tokens/day, input_tokens: 900, output_tokens: 100}"
BAD = [
    (W.replace("900", "{low: 900, high: 100}"), (2, "input_tokens"), "`low` at most `high`"),
    (W.replace("900", "{low: 9, mode: 3, high: 12}"), (2, "input_tokens"), "`low` at most `mode` at most `high`"),
    (W.replace("900", "{low: 9, mode: 13, high: 12}"), (2, "input_tokens"), "`low` at most `mode` at most `high`"),
    (W.replace("900", "{p10: 900, p90: 100}"), (2, "input_tokens"), "`p10` at most `p90`"),
    (W.replace("900", "{p10: 0, p90: 100}"), (2, "input_tokens"), "`p10` above 0"),
    (W.replace("900", "{low: -1, high: 100}"), (2, "input_tokens"), "negative"),
    (W.replace("1M tokens/day", "{low: 1M tokens/day, high: 2M requests/day}"), (2, "volume"), "a range in one unit"),
    (W.replace("1M tokens/day", "{low: 1M tokens/day, high: 2M tokens/month}"), (2, "volume"), "a range in one unit"),
    (W.replace("900,", "900, burst: {low: 0.9, high: 2},"), (2, "workload"), "`burst` of 1 or more"),
    (W.replace("900,", "900, burst: {p10: 1, p90: 2},"), (2, "workload"), "`burst` of 1 or more"),
    (W.replace("900,", "900, load: {peak_hour_share: {low: 5%, high: 9%}},"), (2, " load"), "not drawn"),
    (W.replace("900,", "900, calls_per_task: {low: 0, high: 3},"), (2, "calls_per_task"), "from 1 to 1000"),
    (W.replace("900,", "900, calls_per_task: {low: 1, high: 1001},"), (2, "calls_per_task"), "from 1 to 1000"),
    (W.replace("900,", "900, calls_per_task: {p10: 100, p90: 900},"), (2, "calls_per_task"), "from 1 to 1000"),
    (W + "\nrequirements: {accuracy: {low: 90%, high: 95%}}", (3, "requirements"), "one number for `accuracy`"),
    (W + "\nrequirements: {accuracy_within: {low: 1%, high: 3%}}", (3, "requirements"), "one number for"),
    (W + "\nrequirements: {context_tokens: {low: 1k, high: 3k}}", (3, "requirements"), "one number for"),
    (W + "\nrequirements: {time_to_first_token: {p10: 1 s, p90: 3 s}}", (3, "requirements"), "one number for"),
    (W + "\nteam: {engineers: {low: 1, high: 3}}", (3, "engineers"), "a number of 0 or more"),
]


@pytest.mark.parametrize(("text", "place", "said"), BAD)
def test_bad_ranges_are_said_where_they_stand(text: str, place: tuple[int, str], said: str) -> None:
    whole = HEAD + text + "\noptions: {a: {kind: api, price: {blended: $2/1M tokens}}}\n"
    found = faults(whole)
    assert len(found) == 1, found
    line, key = place
    row = whole.splitlines()[line - 1]
    at, col = map(int, found[0].split()[:2])
    assert at == line
    assert col in (row.index(key) + 1, row.index(key) + len(key) + 3), (found, "at the key or its value")
    assert said in found[0]


BAD_OPTIONS = [
    (FLEET + ", gpus_per_replica: {low: 1, high: 2}", "number"),
    (FLEET + ", replicas: {min: {low: 1, high: 2}}", "number"),
    (FLEET + ", people: {fte: 1, cost: $1/month, per_gpus: {low: 1, high: 2}}", "number"),
    (FLEET + ", burst: {low: 0.5, high: 3}", "`burst` of 1 or more"),
    (FLEET + ", target_utilisation: {low: 0, high: 50%}", "above 0"),
    (FLEET + ", people: {fte: {low: 0, high: 50%}, cost: $1/month}", "number"),
    (FLEET + ", context_tokens: {low: 1k, high: 2k}", "one number"),
    (FLEET + ", time_to_first_token: {low: 1 s, high: 2 s}", "one number"),
    ("kind: self_hosted, replicas: 1, gpu_price: {low: $1/hour, high: €2/hour}", "one currency and unit"),
    ("kind: self_hosted, replicas: 1, gpu_price: {low: $1/hour, high: $2/month}", "one currency and unit"),
    ("kind: self_hosted, replicas: 1, gpu_price: {low: $2/hour, high: $1/hour}", "`low` at most `high`"),
    ("kind: api, price: {blended: $1/1M tokens}, discount: {low: 50%, high: 120%}", "share"),
    ("kind: hybrid, routes: {a: {low: 60%, high: 120%}, o: rest}", "share"),
    ("kind: api, price: {blended: $1/1M tokens}, quality: {accuracy: {low: 50%, high: 90%}}", "one number"),
]


@pytest.mark.parametrize(("spec", "said"), BAD_OPTIONS)
def test_bad_ranges_of_options(spec: str, said: str) -> None:
    text = OPTION.replace(", h: {kind: hybrid, routes: {a: 50%, o: rest}}", "").replace("@", spec)
    found = faults(text)
    assert all(f.startswith("3 ") for f in found), found
    assert any(said in f for f in found), found


def test_a_bad_range_ends_with_2_and_says_file_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        HEAD + W.replace("900", "{low: 9, high: 1}") + "\noptions: {a: {kind: api, price: {blended: $2/1M tokens}}}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "tco", "compare", "s.yaml"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    column = W.index("{low") if "{low" in W else W.index("900") + 1
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"s.yaml:2:{column}:" in done.stderr
    assert "`low` at most `high`" in done.stderr and "Traceback" not in done.stderr


def test_no_draw_of_a_share_exceeds_the_whole() -> None:
    """A lognormal number has no upper end: with a 90th percentile of 95 % some draws would be above 100 %."""
    u = np.linspace(1e-6, 1 - 1e-6, 1001)
    for spec, read in (
        ("kind: api, price: {blended: $1/1M tokens}, cache_hit_rate: {p10: 80%, p90: 95%}", "cache_hit_rate"),
        (FLEET + ", target_utilisation: {p10: 80%, p90: 95%}", "target_utilisation"),
        ("kind: hybrid, cascade: [a, a], escalate: {p10: 80%, p90: 95%}", "escalate"),
    ):
        found = getattr(case_of(OPTION.replace("@", spec)).options["o"][1].spec, read)
        assert isinstance(found, Range)
        drawn = found.quantiles(u)
        assert found.most == 1 == max(drawn)
        assert drawn[np.searchsorted(u, 0.9)] == pytest.approx(0.95, rel=1e-3)
        assert 0 < found.least <= min(drawn) * (1 + 1e-9)
        half = found.scaled(F(1, 2))
        assert half.quantiles(u) == pytest.approx(drawn / 2, rel=1e-12) and half.most == F(1, 2)
    spec = "kind: hybrid, routes: {a: {p10: 80%, p90: 95%}, n: {p10: 1%, p90: 20%}, o: rest}"
    others = "n: {kind: api, price: {blended: $1/1M tokens}}, o: {kind: self_hosted, gpu_price: $1/hour, replicas: 1}"
    text = OPTION.replace("o: {@}", others).replace("kind: hybrid, routes: {a: 50%, o: rest}", spec)
    assert any("at most 100 %" in said for said in faults(text)), "what is left would be less than nothing"


def test_a_part_fits_its_container_in_every_draw() -> None:
    """A prefix of 1000 tokens does not fit an input of 100 to 1900 whose midpoint it fits."""
    for text in (
        W.replace("900", "{low: 100, high: 1900}, cacheable_input_tokens: 1000"),
        W.replace("900", "1000, cacheable_input_tokens: {low: 500, high: 1500}"),
        W.replace("900", "{low: 100, high: 1900}, audio_input_tokens: 1000"),
    ):
        said = faults(HEAD + text + "\noptions: {a: {kind: api, price: {blended: $2/1M tokens}}}\n")
        assert len(said) == 1 and "within" in said[0], text


# -- distributions ----------------------------------------------------------------------------------------------------


@st.composite
def quantiles(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(["p5", "p25", "p50", "p75", "p90", "p99", "p99.9"]), unique=True))
    sizes = sorted(draw(st.lists(st.integers(0, 60), min_size=len(names) + 2, max_size=len(names) + 2)))
    names.sort(key=lambda name: F(name[1:]))
    keys = [*(["min"] if draw(st.booleans()) else []), *names, "max"]
    return dict(zip(keys, sizes[-len(keys) :], strict=True))


@st.composite
def histograms(draw: st.DrawFn) -> dict[str, Any]:
    edges = sorted(draw(st.lists(st.integers(1, 60), min_size=1, max_size=5, unique=True)))
    weights = [draw(st.integers(1, 20)) for _ in edges]
    total = sum(weights)
    return {"histogram": {e: F(w, total) for e, w in zip(edges, weights, strict=True)}}


def pieces(value: dict[str, Any]) -> list[tuple[Fraction, Fraction, Fraction]]:
    """What was written, read again: (share of requests, from, to), sizes even in between."""
    if "histogram" in value:
        below, found = F(0), []
        for edge, share in value["histogram"].items():
            found.append((F(share), below, F(edge)))
            below = F(edge)
        return found
    marks = [(F(0), F(value.get("min", 0)))]
    marks += sorted((F(k[1:]) / 100, F(v)) for k, v in value.items() if k[0] == "p")
    marks += [(F(1), F(value["max"]))]
    return [(marks[i + 1][0] - marks[i][0], marks[i][1], marks[i + 1][1]) for i in range(len(marks) - 1)]


@MANY
@given(st.one_of(quantiles(), histograms()), st.fractions(0, 70, max_denominator=7))
def test_what_lies_above_a_threshold(value: dict[str, Any], threshold: Fraction) -> None:
    found = parse_distribution(value, F, F)
    written = pieces(value)
    mean = sum((s * (a + b) / 2 for s, a, b in written), F(0))
    assert found == mean
    if not isinstance(found, Distribution):
        return
    assert found.most == max(b for _, _, b in written)
    share = tokens = F(0)
    for s, a, b in written:  # each piece cut at the threshold: what is above has the mean of its own ends
        low = min(max(a, threshold), b)
        above = (F(a > threshold) if a == b else (b - low) / (b - a)) * s
        share += above
        tokens += above * (low + b) / 2
    assert found.above(threshold) == (share, tokens)
    floats = found.above(np.array([float(threshold), float(threshold) + 3.25]))
    for i, t in enumerate((threshold, threshold + F(13, 4))):
        if any(a == b == t for _, a, b in written):
            continue
        exact = found.above(t)
        for near, true in zip(floats, exact, strict=True):
            assert float(near[i]) == pytest.approx(float(true), rel=1e-12, abs=1e-12)


@MANY
@given(st.one_of(quantiles(), histograms()), st.integers(0, 70))
def test_above_by_brute_force(value: dict[str, Any], threshold: int) -> None:
    """A thousand requests of every piece, counted one by one."""
    found = parse_distribution(value, F, F)
    if not isinstance(found, Distribution):
        return
    share = tokens = 0.0
    for s, a, b in pieces(value):
        sizes = [float(a) + float(b - a) * (i + 0.5) / 1000 for i in range(1000)]
        long = [x for x in sizes if x > threshold]
        share += float(s) * len(long) / 1000
        tokens += float(s) * sum(long) / 1000
    got = found.above(F(threshold))
    assert float(got[0]) == pytest.approx(share, abs=1e-3)
    assert float(got[1]) == pytest.approx(tokens, abs=1e-3 * 61)


def test_at_a_threshold_exactly_a_request_is_not_above_it() -> None:
    atom = parse_distribution({"min": 10, "p50": 10, "max": 20}, F, F)
    assert isinstance(atom, Distribution)
    assert atom.above(F(10)) == (F(1, 2), F(1, 2) * 15)
    assert atom.above(F(10) - F(1, 10**9))[0] == 1
    assert atom.above(F(20)) == (0, 0)
    share, tokens = atom.above(np.array([10.0, 9.5, 20.0]))
    assert share.tolist() == [0.5, 1.0, 0.0]
    assert tokens.tolist() == [7.5, 12.5, 0.0]


def test_sizes_that_are_all_the_same_are_a_number() -> None:
    for value in ({"min": 5, "max": 5}, {"min": 5, "p50": 5, "max": 5}):
        found = parse_distribution(value, F, F)
        assert type(found) is Fraction and found == 5


BAD_SIZES = [
    ("{p50: 900, p90: 400, max: 20k}", "grow with their quantiles"),
    ("{p50: 900, max: 800}", "grow with their quantiles"),
    ("{min: 5, p50: 3, max: 800}", "grow with their quantiles"),
    ("{p0: 3, max: 800}", "quantiles such as"),
    ("{p100: 3, max: 800}", "quantiles such as"),
    ("{q50: 3, max: 800}", "quantiles such as"),
    ("{p5x: 3, max: 800}", "quantiles such as"),
    ("{p..: 3, max: 800}", "quantiles such as"),
    ("{histogram: {1k: 60%, 8k: 30%}}", "add up to 100 %"),
    ("{histogram: {8k: 60%, 1k: 40%}}", "grow with their quantiles"),
    ("{histogram: {1k: 100%}, max: 3}", "quantiles such as"),
    ("{histogram: {}}", "quantiles such as"),
    ("{histogram: 5}", "quantiles such as"),
    ("{p50: 900, p90: 4k}", ""),
    ("{p50: {low: 1, high: 2}, max: 3}", "number"),
    ("{max: -3}", "negative"),
    ("{low: 1, max: 3}", "quantiles such as"),
]


@pytest.mark.parametrize(("value", "said"), BAD_SIZES)
def test_bad_sizes_are_said_where_they_stand(value: str, said: str) -> None:
    text = HEAD + W.replace("900", value) + "\noptions: {a: {kind: api, price: {blended: $2/1M tokens}}}\n"
    (found,) = faults(text)
    assert found.startswith("2 ") and said in found, found


def test_a_distribution_is_known_by_its_keys() -> None:
    assert is_distribution({"p50": 1, "max": 2}) and is_distribution({"histogram": {}})
    assert not is_distribution({"low": 1, "high": 2}) and not is_distribution(5)
    with pytest.raises(UnitError, match="p50x"):
        parse_distribution({"p50x": 1, "max": 5}, F, F)


def test_a_histogram_may_begin_at_zero() -> None:
    text = HEAD + W.replace("900", "{histogram: {1k: 60%, 8k: 40%}}")
    case = case_of(text + "\noptions: {a: {kind: api, price: {blended: $2/1M tokens}}}\n")
    mean = F(6, 10) * 500 + F(4, 10) * 4500
    assert case.traffic.mean_tokens == mean + 100
    bill = case.price(Exact())["a"].parts[0].bill.lines
    assert len(bill) == 2
    assert not case.price(Point())["a"].own
    assert Decimal(1) == 1
