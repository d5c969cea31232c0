"""A profile that `tco replay` measured, in a comparison: the rate it varies by, what it is said of, its watts."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from conftest import FROZEN, PAPER, Build, Data
from test_profile_text import ABOUT, FOUND, SUMMARY

from tco.analysis.case import Case, build_case
from tco.analysis.compare import compare
from tco.document import Faults, load_text
from tco.draws import Draws
from tco.lineitem import Exact, LineItem, Point
from tco.options.base import Notes
from tco.quantity import at
from tco.replay.profile.profile import profile_text
from tco.report.schema import schema_text

F = Fraction
D = Decimal

MEASURED: Data = {
    "at": "2026-11-01T10:00:00Z", "tco": "0.5.0", "method": "search", "trace": "t.csv", "trace_sha256": "ab" * 32,
    "rows": 1000, "requests": 800, "speedup": 2, "seeds": [1, 2, 3], "interval": {"low": D("7.5"), "high": 9},
}  # fmt: skip
CHAT: Data = {
    **PAPER, "kind": "measured", "model": "m", "gpu": "X100", "gpus_per_replica": 1, "engine": "E 1",
    "objective": "ttft_p95=500ms,tpot_p95=50ms", "requests_per_s": {"low": D("7.5"), "mode": 8, "high": 9},
    "input_tokens": 1000, "output_tokens": 200, "cached_tokens": 600, "measured": MEASURED,
}  # fmt: skip
WATTS: Data = {"gpu_watts_busy": 400, "gpu_watts_idle": 90}
HARDWARE: Data = {"name": "Box", "gpus": 4, "prices": [{**PAPER, "price": 100_000}]}


def without(data: Data, key: str) -> Data:
    return {k: v for k, v in data.items() if k != key}


def stated(value: int | Decimal) -> Data:
    return {**PAPER, "value": value}


CATALOGUE: Data = {
    **FROZEN,
    "capacity": {
        "chat": CHAT,
        "long": {**CHAT, "requests_per_s": 2, "input_tokens": 8000, "cached_tokens": 1000, "output_tokens": 300},
        "uncached": without(CHAT, "cached_tokens"),
        "cold": {**CHAT, "cached_tokens": 0},
        "warm": {**CHAT, "cached_tokens": 1000},
        "cpu": {**CHAT, "gpu": "CPU"},
        "old": {**CHAT, "checked": "2026-01-01"},
        "one-rate": {**CHAT, "measured": {**without(MEASURED, "interval"), "method": "replay"}},
        "closed": {
            **CHAT, "measured": {**without(MEASURED, "interval"), "method": "closed loop", "concurrency": 16},
        },
        "half": {**CHAT, "objective": "ttft_p50=300ms"},
        "both-shares": {**CHAT, "objective": "ttft_p50=300ms, ttft_p99=2s"},
        "in-words": {**CHAT, "objective": "ttft_p95=quick,ttft_p9x=1s"},
        "hot": {**CHAT, "measured": {**MEASURED, **WATTS}},
        "hotter": {**CHAT, "measured": {**MEASURED, "gpu_watts_busy": 500}},
        "hotter-long": {
            **CHAT, "requests_per_s": 2, "input_tokens": 9000, "measured": {**MEASURED, "gpu_watts_busy": 500},
        },
        "almost": {**CHAT, "gpu": "X100S", "measured": {**MEASURED, **WATTS}},
        "elsewhere": {**CHAT, "gpu": "Y200", "measured": {**MEASURED, **WATTS}},
        "backwards": {**CHAT, "measured": {**MEASURED, "gpu_watts_busy": 90, "gpu_watts_idle": 400}},
    },
    "hardware": {
        "board": {**HARDWARE, "gpu": "NVIDIA X100", "gpu_watts": stated(700), "system_watts_factor": stated(D("1.5"))},
        "bare": {**HARDWARE, "gpu": "X100", "gpu_watts": stated(700)},
        "whole": {**HARDWARE, "gpu": "X100", "system_watts": stated(5000)},
        "both": {**HARDWARE, "gpu": "X100", "gpu_watts": stated(700), "system_watts": stated(5000)},
    },
}  # fmt: skip
SIZES: Data = {"input_tokens": 1000, "output_tokens": 200}


def case_of(build: Build, capacity: Any, classes: Data | None = None, **keys: Any) -> Case:
    own: Data = {"kind": "self_hosted", "gpu_price": "$2/hour", "capacity": capacity, **keys}
    own = {k: v for k, v in own.items() if v is not None}
    workload = {"volume": "100M tokens/day", "classes": {"request": {"share": "100%", **(classes or SIZES)}}}
    return build({"workload": workload, "options": {"own": own}}, CATALOGUE)


def said_of(case: Case) -> tuple[list[str], list[str]]:
    """Assumptions and warnings."""
    notes = Notes()
    case.price(Exact(), notes)
    return [x.text for x in notes.assumptions], [x.text for x in notes.warnings]


def seconds(case: Case, n: Any = None) -> Any:
    return case.price(n or Exact())["own"].fleets["own"].seconds["request"]


# -- how well it is known --------------------------------------------------------------------------------------------


def test_the_interval_and_the_day_are_told(build: Build) -> None:
    case = case_of(build, "frozen/chat")
    words = "measured 2026-11-01 on E 1 (X100), 95 % interval 7.5–9 requests/s"
    assert words in case.price(Exact())["own"].fleets["own"].per_replica
    assumptions, warnings = said_of(case)
    assert any(f"a replica sustains 8 requests/s at ttft_p95=500ms,tpot_p95=50ms: frozen/chat, {words}" in x
               for x in assumptions)  # fmt: skip
    assert not [x for x in warnings if "frozen/chat" in x]


def test_draws_vary_the_rate_over_its_interval(build: Build) -> None:
    n = Draws(256)
    drawn = 1 / seconds(case_of(build, "frozen/chat"), n)
    assert drawn.shape == (256,)
    assert 7.5 < drawn.min() < 7.6
    assert 8.85 < drawn.max() < 9
    # a triangle's mean is that of its corners
    assert drawn.mean() == pytest.approx((7.5 + 8 + 9) / 3, rel=1e-3)
    assert [key for key in n.drawn if "requests_per_s" in key[0]] == [
        ("frozen/chat / capacity / chat / requests_per_s", "requests_per_s")
    ]


def test_an_old_measurement_warns_as_an_old_price_does(build: Build) -> None:
    _, warnings = said_of(case_of(build, "frozen/old"))
    assert any("frozen/old was last checked on 2026-01-01" in x for x in warnings)


def test_what_was_measured_on_a_cpu_says_nothing_of_a_gpu(build: Build) -> None:
    case = case_of(build, "frozen/cpu", gpu="frozen/box", gpu_price=None)
    notes = Notes()
    case.price(Exact(), notes)
    grave = [x.text for x in notes.warnings if x.grave]
    assert grave == ["frozen/cpu was measured on a CPU: it says nothing of a GPU"]


def test_another_gpu_warns(build: Build) -> None:
    _, warnings = said_of(case_of(build, "frozen/elsewhere", gpu="frozen/box", gpu_price=None))
    assert "frozen/elsewhere was found on Y200, and what is paid for is X100" in warnings


def test_one_rate_that_was_tried_is_no_highest(build: Build) -> None:
    assumptions, _ = said_of(case_of(build, "frozen/one-rate"))
    assert any("proves one rate that was tried: a replica may sustain more" in x for x in assumptions)
    assert any("measured 2026-11-01 on E 1 (X100), without an interval" in x for x in assumptions)


@pytest.mark.parametrize(("promised", "predicted"), [("500 ms", False), ("0.7 s", False), ("499 ms", True)])
def test_a_sooner_first_token_than_measured_is_predicted(build: Build, promised: str, predicted: bool) -> None:
    _, warnings = said_of(case_of(build, "frozen/chat", time_to_first_token=promised))
    assert any("is predicted: frozen/chat was measured at ttft_p95=500ms" in x for x in warnings) == predicted


@pytest.mark.parametrize(
    ("profile", "promised", "said"),
    [
        ("half", "500 ms", "was measured at ttft_p50=300ms, which holds it at p50 alone"),
        ("half", "200 ms", "was measured at ttft_p50=300ms"),
        ("both-shares", "500 ms", "was measured at ttft_p50=300ms, ttft_p99=2s, which holds it at p50 alone"),
        ("both-shares", "2 s", None),
        ("in-words", "2 s", "was measured at ttft_p95=quick,ttft_p9x=1s"),
    ],
)
def test_a_first_token_of_half_the_requests_is_no_promise(
    build: Build, profile: str, promised: str, said: str | None
) -> None:
    _, warnings = said_of(case_of(build, f"frozen/{profile}", time_to_first_token=promised))
    found = [x for x in warnings if x.startswith("its first token within")]
    ms = {"500 ms": "500", "200 ms": "200", "2 s": "2000"}[promised]
    assert found == ([] if said is None else [f"its first token within {ms} ms is predicted: frozen/{profile} {said}"])


HEADROOM = "plan headroom, such as `target_utilisation: 70%`"


@pytest.mark.parametrize(("keys", "told"), [({}, True), ({"target_utilisation": "70%"}, False)])
def test_a_closed_loop_needs_headroom(build: Build, keys: Data, told: bool) -> None:
    """It holds its objective at arrivals that wait for one another: real ones come in bursts."""
    _, warnings = said_of(case_of(build, "frozen/closed", **keys))
    assert [x for x in warnings if HEADROOM in x] == [
        f"frozen/closed was measured in a closed loop, which has no bursts: {HEADROOM}"
    ] * told
    _, warnings = said_of(case_of(build, "frozen/chat", **keys))
    assert not [x for x in warnings if HEADROOM in x]


# -- the mix and its hits --------------------------------------------------------------------------------------------


def test_the_measured_mix_takes_the_measured_time(build: Build) -> None:
    case = case_of(build, "frozen/chat")
    assert seconds(case) == F(1, 8)
    assumptions, _ = said_of(case)
    assert not [x for x in assumptions if "time for request" in x]
    mix = "frozen/chat (1000 in (600 cached), 200 out)"
    assert f"its prefix hits are taken to be those of {mix}, 60.0% of the input: no `cache_hit_rate`" in assumptions


@pytest.mark.parametrize(("tokens", "predicted"), [(1020, False), (981, False), (1021, True), (979, True)])
def test_another_mix_is_predicted(build: Build, tokens: int, predicted: bool) -> None:
    case = case_of(build, "frozen/chat", {"input_tokens": tokens, "output_tokens": 200})
    assumptions, _ = said_of(case)
    said = [x for x in assumptions if x.startswith(f"time for request ({tokens} in, 200 out) is predicted: ")]
    assert bool(said) == predicted
    if predicted:
        assert ("an upper bound" in said[0]) == (tokens < 1000), "of a shorter one only"
        assert ("longer contexts may take more" in said[0]) == (tokens > 1000)
    assert seconds(case) == max(F(tokens, 1000), F(1)) / 8


HIT_CASES = [
    # profile, option's hits of 1,000 cacheable tokens, how many times as long as measured, predicted
    ("chat", "60%", F(1), False),
    ("chat", "59%", F(410, 400), False),
    ("chat", "90%", F(1), True),  # hits that the measured time has not: not taken out
    ("chat", "20%", F(800, 400), True),  # 800 to prefill, where 400 were measured
    ("chat", "0%", F(1000, 400), True),
    ("cold", "0%", F(1), False),
    ("cold", "50%", F(1), True),
    ("warm", "100%", F(1), False),
    ("uncached", "50%", F(1), False),  # nobody knows what hits it was found at
]


@pytest.mark.parametrize(("profile", "hits", "times", "predicted"), HIT_CASES)
def test_hits_of_a_measured_mix_are_not_taken_out_again(
    build: Build, profile: str, hits: str, times: Fraction, predicted: bool
) -> None:
    classes = {**SIZES, "cacheable_input_tokens": 1000}
    case = case_of(build, f"frozen/{profile}", classes, cache_hit_rate=hits)
    assert seconds(case) == times / 8
    assert seconds(case, Point()).item() == pytest.approx(float(times / 8), rel=1e-12)
    assumptions, _ = said_of(case)
    assert bool([x for x in assumptions if "is predicted: an upper bound" in x]) == predicted
    assert not [x for x in assumptions if "its prefix hits are taken to be" in x]


def test_a_mix_that_was_all_cached_says_nothing_of_prefill(build: Build) -> None:
    classes = {**SIZES, "cacheable_input_tokens": 1000}
    with pytest.raises(Faults, match="a mix whose input was all cached says nothing of request"):
        seconds(case_of(build, "frozen/warm", classes, cache_hit_rate="90%"))


def test_hits_of_a_rate_of_ones_own(build: Build) -> None:
    own = {"requests_per_s": 8, "input_tokens": 1000, "output_tokens": 200, "cached_tokens": 600}
    classes = {**SIZES, "cacheable_input_tokens": 1000}
    assert seconds(case_of(build, own, classes, cache_hit_rate="20%")) == F(800, 400) / 8


def test_the_line_names_the_hits_where_they_move_it(build: Build) -> None:
    classes = {**SIZES, "cacheable_input_tokens": 1000}
    for keys, there in ({"cache_hit_rate": "20%"}, True), ({}, False):
        lines = case_of(build, "frozen/chat", classes, **keys).price(Exact())["own"].lines
        assert ("cached_tokens" in {f.name for _, line in lines for f in line.inputs}) == there


def test_prefill_pays_for_what_was_not_cached(build: Build) -> None:
    """Two measured mixes: 400 in, 200 out in 1/8 s; 7,000 in, 300 out in 1/2 s."""
    det = F(400) * 300 - 7000 * 200
    of_input, of_output = (F(1, 8) * 300 - F(1, 2) * 200) / det, (400 * F(1, 2) - 7000 * F(1, 8)) / det
    classes = {"input_tokens": 2000, "output_tokens": 250, "cacheable_input_tokens": 1000}
    case = case_of(build, ["frozen/chat", "frozen/long"], classes, cache_hit_rate="50%")
    assert seconds(case) == 1500 * of_input + 250 * of_output
    assumptions, _ = said_of(case)
    mixes = "frozen/chat (1000 in (600 cached), 200 out) and frozen/long (8000 in (1000 cached), 300 out)"
    predicted = "time for request (2000 in (500 cached), 250 out) is predicted, by the rates fitted to"
    assert f"{predicted} {mixes}, which leave no residual to check it by" in assumptions
    assert sum("a replica sustains" in x for x in assumptions) == 2
    near = case_of(
        build, ["frozen/chat", "frozen/long"], {**SIZES, "cacheable_input_tokens": 1000}, cache_hit_rate="60%"
    )
    assert any("(1000 in (600 cached), 200 out) is measured: frozen/chat" in x for x in said_of(near)[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cached_tokens": 1001}, "`cached_tokens` of at most `input_tokens`"),
        ({"cached_tokens": {"low": 900, "high": 1001}}, "`cached_tokens` of at most `input_tokens`"),
        ({"input_tokens": None, "output_tokens": None}, "cached_tokens` only beside a rate at a mix"),
        ({"kind": "quote"}, "`kind: measured`"),
        ({"measured": {**MEASURED, "at": "yesterday"}}, "a time in UTC"),
        ({"measured": {**MEASURED, "at": "2026-13-01T10:00:00Z"}}, "a time in UTC"),
        ({"measured": {**MEASURED, "trace_sha256": "AB"}}, "a SHA-256 of 64 digits"),
        ({"measured": {**MEASURED, "interval": {"low": 2, "high": 1}}}, "`low` at most `high`"),
        ({"measured": {**MEASURED, "gpu_watts_idle": 5}}, "`gpu_watts_busy` beside"),
        ({"measured": {**MEASURED, "method": "guess"}}, "search"),
        ({"measured": {**MEASURED, "trase": "x"}}, "trace"),
    ],
)
def test_what_does_not_fit_is_refused(build: Build, changes: Data, message: str) -> None:
    entry = {k: v for k, v in {**CHAT, **changes}.items() if v is not None}
    own = {"kind": "self_hosted", "gpu_price": "$2/hour", "capacity": "frozen/x"}
    data = {"workload": {"volume": "1M tokens/day", **SIZES}, "options": {"own": own}}
    with pytest.raises(Faults) as caught:
        build(data, {"capacity": {"x": entry}}).price(Exact())
    assert message in " ".join(caught.value.render().split())


# -- watts -----------------------------------------------------------------------------------------------------------

DAYS, HOURS, VOLUME = F(365, 12), 730, F(100_000_000)
POWER: Data = {"price": "$0.1/kWh", "pue": D("1.2")}


def electricity(build: Build, capacity: str, hardware: str | None, power: Data = POWER, **keys: Any) -> LineItem:
    owned: Data = {"hardware": hardware and f"frozen/{hardware}", "life_years": 4, "power": power, "sunk": None, **keys}
    owned = {k: v for k, v in owned.items() if v is not None}
    case = case_of(build, f"frozen/{capacity}", owned=owned, gpu_price=None)
    (line,) = (line for _, line in case.price(Exact())["own"].lines if line.label == "electricity")
    return line


def kwh(line: LineItem) -> Fraction:
    return F(np.ravel(line.quantity.value(at([VOLUME])))[0])


def expected_kwh(busy_watts: Fraction | int, idle_watts: Fraction | int, gpus: int = 4) -> Fraction:
    """One server, on all month; of its GPUs one replica of one GPU is busy with the requests of 1/8 s."""
    requests = VOLUME / 1200 / 86_400
    servers = math.ceil(F(math.ceil(requests / 8), gpus))  # of replicas of one GPU
    busy_replica_hours = requests / 8 * DAYS * 24
    more = F(busy_watts - idle_watts) / gpus
    return (servers * HOURS * idle_watts + busy_replica_hours * more) * F("1.2") / 1000


WATT_CASES = [
    # of each GPU 400 W busy and 90 W idle; the host 4 x 700 x (1.5 - 1) = 1,400 W, whatever the load
    ("hot", "board", {}, 4 * 400 + 1400, 4 * 90 + 1400),
    ("hot", "bare", {}, 4 * 400, 4 * 90),
    ("hot", "both", {}, 4 * 400 + 5000 - 4 * 700, 4 * 90 + 5000 - 4 * 700),
    # nobody says what of the 5,000 W is the host's: the catalogue's figure, always
    ("hot", "whole", {}, 5000, 5000),
    # what the option states comes first
    ("hot", "board", {"busy_watts": 3300}, 3300, 3300),
    ("hot", "board", {"watts": 2000}, 2000, 2000),
    ("hot", "board", {"idle_watts": 800}, 4 * 400 + 1400, 800),
    # nothing measured, or on another GPU: as before
    ("chat", "board", {}, 4 * 700 * F("1.5"), 4 * 700 * F("1.5")),
    ("elsewhere", "board", {}, 4 * 700 * F("1.5"), 4 * 700 * F("1.5")),
    ("almost", "board", {}, 4 * 700 * F("1.5"), 4 * 700 * F("1.5")),  # X100S is no X100
    # busy alone is known
    ("hotter", "board", {}, 4 * 500 + 1400, 4 * 500 + 1400),
    ("backwards", "board", {}, 4 * 90 + 1400, 4 * 90 + 1400),
]


@pytest.mark.parametrize(("capacity", "hardware", "power", "busy", "idle"), WATT_CASES)
def test_measured_watts_feed_the_power_of_owned_hardware(
    build: Build, capacity: str, hardware: str, power: Data, busy: Fraction, idle: Fraction
) -> None:
    line = electricity(build, capacity, hardware, {**POWER, **power})
    assert kwh(line) == expected_kwh(busy, idle)


def test_servers_of_ones_own_draw_what_was_measured(build: Build) -> None:
    line = electricity(build, "hot", None, gpu_price="$20000", gpus_per_server=4)
    assert kwh(line) == expected_kwh(4 * 400, 4 * 90)
    assert {"gpu_watts_busy", "gpu_watts_idle"} <= {base.name for f in line.inputs for base in f.base}


def test_the_watts_are_told(build: Build) -> None:
    owned = {"hardware": "frozen/board", "life_years": 4, "power": POWER}
    assumptions, _ = said_of(case_of(build, "frozen/hot", owned=owned, gpu_price=None))
    drawn = "a server draws the 400 W measured of a busy GPU (frozen/hot) for each of its GPUs"
    assert f"{drawn}; its host 1400 W as the catalogue says" in assumptions
    assumptions, _ = said_of(case_of(build, "frozen/hot", owned={**owned, "hardware": "frozen/whole"}, gpu_price=None))
    assert any("400 W measured of a busy GPU (frozen/hot) are not used" in x for x in assumptions)
    assert any("servers draw 5000 W with and without load" in x for x in assumptions)


def test_of_several_mixes_the_one_that_drew_most(build: Build) -> None:
    owned = {"hardware": "frozen/board", "life_years": 4, "power": POWER}
    capacity = ["frozen/hot", "frozen/hotter-long"]
    assumptions, _ = said_of(case_of(build, capacity, owned=owned, gpu_price=None))
    assert any("500 W measured of a busy GPU (frozen/hotter-long)" in x for x in assumptions)


def test_space_is_reserved_for_what_a_server_may_draw(build: Build) -> None:
    """Not for what it was measured to draw."""
    catalogue = {**CATALOGUE, "colocation": {"kw": {"name": "Space", "includes_power": False,
                 "prices": [{**PAPER, "per_kw_month": 150}]}}}  # fmt: skip
    owned = {"hardware": "frozen/board", "life_years": 4, "power": POWER, "colocation": "frozen/kw"}
    own = {"kind": "self_hosted", "capacity": "frozen/hot", "owned": owned}
    case = build({"workload": {"volume": "100M tokens/day", **SIZES}, "options": {"own": own}}, catalogue)
    (line,) = (line for _, line in case.price(Exact())["own"].lines if line.label == "colocation")
    assert line.rate == 150 * 4 * 700 * F("1.5") / 1000


# -- from a file to a verdict ----------------------------------------------------------------------------------------


def shown(*arguments: str, columns: int = 140) -> str:
    environment = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-m", "tco", *arguments], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stderr == ""
    return done.stdout


def test_the_list_of_prices_shows_its_interval_and_server(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(profile_text(FOUND, ABOUT), encoding="utf-8")
    own = ("--catalog", str(tmp_path), "--as-of", "2026-11-23")
    listed = shown("prices", "search", "mine/chat", *own)
    assert "8.432 (8.127–8.919) requests/s" in listed
    assert "vLLM 0.32.0" in listed
    sheet = [" ".join(line.split()) for line in shown("prices", "show", "mine/chat", *own).splitlines()]
    for line in (
        "requests per s 8.432 (8.127–8.919)", "cached tokens 1,102.34", "measured at 2026-11-22T01:30:05Z",
        "95 % interval 8.127–8.919 requests/s", "prefix hit rate 60.1 %", "seeds 1, 2, 3", "gpu watts busy 412.3",
        "flags --max-model-len 8192", "host 16 cores, 128 GiB of memory, Linux", f"trace sha256 {'0a' * 32}",
    ):  # fmt: skip
        assert line in sheet, line


def test_a_written_profile_passes_the_schema() -> None:
    schema = json.loads(schema_text("catalog"))
    plain = load_text(profile_text(FOUND, ABOUT), "mine.yaml").data
    jsonschema.validate(json.loads(json.dumps(plain, default=float)), schema)
    plain["capacity"]["chat"]["measured"]["trase"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(json.dumps(plain, default=float)), schema)


SCENARIO = """
as_of: 2026-11-23
catalogs: [{folder}]
workload: {{volume: 20M tokens/day, input_tokens: 1834, output_tokens: 211}}
options:
  own: {{kind: self_hosted, gpu_price: $3/hour, capacity: mine/chat}}
  rented: {{kind: self_hosted, all_in: $9000/month}}
"""


def test_a_written_profile_is_compared_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(profile_text(FOUND, ABOUT), encoding="utf-8")
    case = build_case(load_text(SCENARIO.format(folder=tmp_path), "s.yaml"), today=date(2026, 11, 23))
    found = compare(case)
    assert found.uncertainty is not None
    text = "\n".join(map(str, found.assumptions))
    assert "measured 2026-11-22 on vLLM 0.32.0 (NVIDIA H200), 95 % interval 8.127–8.919 requests/s" in text
    (w,) = case.price(Exact())["own"].fleets["own"].seconds.values()
    assert w == max(1834 / F("1834.22"), 211 / F("211.77")) / F("8.432")
    assert SUMMARY.gpus == 2
    fleet = case.price(Exact())["own"].fleets["own"]
    replicas = math.ceil(F(20_000_000) / 2045 / 86_400 * w)
    (level,) = fleet.levels
    assert np.ravel(level.replicas.value(at([F(20_000_000)])))[0] == replicas
