"""A measured profile as YAML: it reads back, claims no more than was proven, and says no address, path or secret."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tco.catalog.entries import Catalogue
from tco.catalog.measurement import Interval, Measurement
from tco.catalog.profiles import CapacityProfile
from tco.catalog.store import Store
from tco.document import Faults, load_text, validate
from tco.ranges import Range
from tco.replay.objective import objectives_text, parse_objectives
from tco.replay.profile.profile import About, NotProven, entry_text, profile_text
from tco.replay.profile.profile_file import added, file_text
from tco.replay.profile.yaml_text import flags, placeless
from tco.replay.results import Capacity, Latency, Misses, Summary, Verdict, Window

F = Fraction
SLO = parse_objectives("ttft_p95=500ms,tpot_p95=50ms")
LATE = Latency(900, 0.0005, (0.0004, 0.0007, 0.0009, 0.00412), 0.006)
PASSED = Verdict(True, (), (Misses(SLO[0], 812, 27, 700, 0.43121), Misses(SLO[1], 812, 3, 259, 0.0381)))
SUMMARY = Summary(
    requests=900,
    succeeded=900,
    failures={},
    seconds=120.0,
    offered_per_s=8.47,
    completed_per_s=8.43219,
    goodput_per_s=8.3199,
    input_tokens_per_s=15466.9,
    output_tokens_per_s=1785.77,
    gpus=2,
    input_tokens=1834.2266,
    output_tokens=211.7777,
    cached_tokens=1102.3319,
    latencies={"lateness": LATE},
    tokens_per_chunk=1.3,
    most_in_flight=40,
    window=Window(10, 110, 812, 810, 0.4),
    verdict=PASSED,
)
FOUND = Capacity(8.43219, 8.1277, 8.9199, 1.9, 8.96, (1, 2, 3), (), SUMMARY)
ABOUT = About(
    name="chat",
    at=datetime(2026, 11, 21, 23, 30, 5, tzinfo=timezone(timedelta(hours=-2))),
    tco="0.5.0",
    model="meta-llama/Llama-3.1-8B-Instruct",
    gpu="NVIDIA H200",
    objective=objectives_text(SLO),
    trace="azure.csv",
    trace_sha256="0a" * 32,
    rows=19_366,
    engine="vLLM 0.32.0",
    precision="bf16",
    host="16 cores, 128 GiB of memory, Linux",
    driver="570.86.10",
    flags=("--max-model-len 8192", "--gpu-memory-utilization=0.9"),
    ideal_prefix_hit_rate=0.6331,
    gpu_watts_busy=412.34,
    gpu_watts_idle=75.9,
    cross_check=("prompt tokens: client 1,234, server 1,240: 0.5 % apart",),
    journal="azure.journal.jsonl",
)


def read(text: str, name: str = "chat") -> CapacityProfile:
    document = load_text(text, "mine.yaml")
    return validate(Catalogue, document.data, document).capacity[name]


def test_what_was_found_reads_back() -> None:
    profile = read(profile_text(FOUND, ABOUT))
    rate = profile.requests_per_s
    assert isinstance(rate, Range)
    assert rate.shape == "triangular"
    assert (rate.low, Fraction(rate), rate.high) == (F("8.127"), F("8.432"), F("8.919"))
    assert (profile.input_tokens, profile.output_tokens) == (F("1834.22"), F("211.77"))
    assert profile.cached_tokens == F("1102.34")
    assert (profile.model, profile.gpu, profile.gpus_per_replica) == (ABOUT.model, ABOUT.gpu, 2)
    assert (profile.engine, profile.precision, profile.objective) == (
        "vLLM 0.32.0",
        "bf16",
        "ttft_p95=500ms,tpot_p95=50ms",
    )
    assert profile.kind == "measured"
    assert profile.as_of == profile.checked == date(2026, 11, 22), "the day in UTC"
    assert profile.source == f"tco replay of azure.csv (sha256 {'0a' * 6}…)"
    assert profile.note is not None
    assert "ttft_p95 was 431.2 ms of 500 ms, 27 of 812 requests missed" in profile.note
    taken = profile.measured
    assert taken is not None
    assert (taken.at, taken.tco, taken.method) == ("2026-11-22T01:30:05Z", "0.5.0", "search")
    assert (taken.trace, taken.trace_sha256, taken.rows, taken.requests) == ("azure.csv", "0a" * 32, 19_366, 812)
    assert (taken.speedup, taken.seeds) == (F("1.9"), [1, 2, 3])
    assert taken.interval is not None
    assert (taken.interval.low, taken.interval.high, taken.failed_at_per_s) == (F("8.127"), F("8.919"), F("8.96"))
    assert taken.goodput_per_s == F("8.319")
    assert taken.input_tokens_per_s_per_gpu == 7733, "15466.9 / 2 is 7733.45"
    assert taken.output_tokens_per_s_per_gpu == F("892.8"), "1785.77 / 2 is 892.885"
    assert taken.lateness_p99_ms == F("4.12")
    assert taken.prefix_hit_rate == F("0.601"), "1102.3319 / 1834.2266"
    assert taken.ideal_prefix_hit_rate == F("0.633")
    assert (taken.gpu_watts_busy, taken.gpu_watts_idle) == (F("412.3"), F("75.9"))
    assert (taken.host, taken.driver, taken.journal) == (ABOUT.host, ABOUT.driver, ABOUT.journal)
    assert taken.flags == list(ABOUT.flags or ())
    assert taken.cross_check == list(ABOUT.cross_check or ())
    assert taken.concurrency is None


def test_the_same_result_is_the_same_text() -> None:
    first = profile_text(FOUND, ABOUT)
    assert first == profile_text(FOUND, ABOUT)
    assert first.startswith("# yaml-language-server: $schema=catalog.schema.json\n")
    assert max(map(len, first.splitlines())) <= 120


POSITIVE = st.floats(min_value=1e-3, max_value=1e6)


@given(
    rate=POSITIVE, below=st.floats(0, 0.9), above=st.floats(0, 3), given=POSITIVE, made=POSITIVE, hits=st.floats(0, 1)
)
def test_no_figure_is_better_than_what_was_proven(
    rate: float, below: float, above: float, given: float, made: float, hits: float
) -> None:
    cached = given * hits
    summary = SUMMARY._replace(input_tokens=max(given, 0.01), output_tokens=max(made, 0.01), cached_tokens=cached)
    found = FOUND._replace(rate=rate, low=rate * (1 - below), high=rate * (1 + above), summary=summary)
    profile = read(profile_text(found, ABOUT))
    value = profile.requests_per_s
    assert value is not None
    assert F(rate) * F("0.998") <= Fraction(value) <= F(repr(rate))
    assert getattr(value, "low", value) <= F(repr(found.low))
    assert getattr(value, "high", value) <= F(repr(found.high))
    assert getattr(value, "low", value) <= Fraction(value) <= getattr(value, "high", value)
    # fewer tokens in the mix, and more of them cached, make a request of the same work look longer
    assert profile.input_tokens is not None
    assert profile.output_tokens is not None
    assert profile.cached_tokens is not None
    assert profile.input_tokens <= F(repr(summary.input_tokens))
    assert profile.output_tokens <= F(repr(summary.output_tokens))
    assert profile.cached_tokens <= profile.input_tokens
    assert profile.cached_tokens >= min(F(repr(cached)), profile.input_tokens)


def test_what_is_not_known_is_absent() -> None:
    bare = About("chat", ABOUT.at, "0.5.0", "m", "CPU", "none (maximum load)", "t.csv", "f" * 64, 10)
    text = profile_text(
        FOUND._replace(failed_at=None, lower_bound=True, summary=SUMMARY._replace(cached_tokens=None)), bare
    )
    profile = read(text)
    assert profile.cached_tokens is None
    assert profile.measured is not None
    for key in ("host", "driver", "flags", "prefix_hit_rate", "ideal_prefix_hit_rate", "gpu_watts_busy", "cross_check"):
        assert getattr(profile.measured, key) is None
        assert key not in text
    assert "null" not in text
    assert "None" not in text


def test_the_servers_hit_rate_stands_in_for_cached_tokens_of_requests() -> None:
    profile = read(profile_text(FOUND._replace(summary=SUMMARY._replace(cached_tokens=None)),
                                ABOUT._replace(prefix_hit_rate=0.5)))  # fmt: skip
    assert profile.cached_tokens == F("1834.22") / 2
    assert profile.measured is not None
    assert profile.measured.prefix_hit_rate == F("0.5")


def test_no_interval_is_no_range() -> None:
    profile = read(profile_text(FOUND._replace(low=8.43219, high=8.43219), ABOUT))
    assert profile.requests_per_s == F("8.432")
    assert not isinstance(profile.requests_per_s, Range)
    assert profile.measured is not None
    assert profile.measured.interval is None, "no width would be a rate that is known exactly"


def test_what_the_search_says_beside_its_figure_is_told() -> None:
    differ = "runs differ: seed 1 passed at 8.7 requests/s and seed 3 failed at 8.5"
    profile = read(profile_text(FOUND._replace(notes=(differ, "the server at 10.1.2.3 was late")), ABOUT))
    assert profile.note is not None
    missed = "tpot_p95 was 38.1 ms of 50 ms, 3 of 812 requests missed"
    assert profile.note.endswith(f"{missed}; {differ}; the server at (address) was late")
    plain = SUMMARY._replace(verdict=Verdict(True, (), ()))
    profile = read(profile_text(FOUND._replace(summary=plain, notes=(differ,)), ABOUT))
    assert profile.note == differ
    assert read(profile_text(FOUND._replace(summary=plain), ABOUT)).note is None


def test_a_lower_bound_has_no_interval() -> None:
    """No rate failed: where the upper end of the interval lies, nobody knows."""
    note = "a lower bound: at 8.96 requests/s the client was late: 20 ms"
    profile = read(profile_text(FOUND._replace(failed_at=None, lower_bound=True, notes=(note,)), ABOUT))
    assert profile.requests_per_s == F("8.432")
    assert not isinstance(profile.requests_per_s, Range)
    assert profile.note is not None
    assert note in profile.note
    assert profile.measured is not None
    assert (profile.measured.method, profile.measured.interval) == ("search", None)
    assert profile.measured.failed_at_per_s is None
    assert profile.provenance == "measured 2026-11-22 on vLLM 0.32.0 (NVIDIA H200), without an interval"


def test_one_rate_that_was_proven() -> None:
    """A plain replay has no interval; its rate is what was completed, or offered where that is less."""
    plain = ABOUT._replace(speedup=2.0, seeds=(7,))
    profile = read(profile_text(SUMMARY, plain))
    assert profile.requests_per_s == F("8.432")
    assert profile.measured is not None
    assert (profile.measured.method, profile.measured.speedup) == ("replay", F(2))
    assert profile.measured.lateness_p99_ms == F("4.12")
    assert profile.measured.seeds == [7]
    assert profile.measured.interval is None
    more = SUMMARY._replace(completed_per_s=8.6)
    assert read(profile_text(more, plain)).requests_per_s == F("8.47")
    closed = ABOUT._replace(concurrency=16, objective="none (maximum load)")
    profile = read(profile_text(more, closed))
    assert profile.requests_per_s == F("8.6")
    assert profile.measured is not None
    assert (profile.measured.method, profile.measured.concurrency) == ("closed loop", 16)
    assert profile.measured.lateness_p99_ms is None, "a request is due when it is sent: 0 would be no measurement"


@pytest.mark.parametrize(
    ("model", "key", "words"),
    [
        (Measurement, "rows", "were replayed"),
        (Measurement, "speedup", "where each seed has another part, that of the first"),
        (Measurement, "interval", "absent where nothing says how much more it can do"),
    ],
)
def test_a_key_says_what_is_written_there(model: type[Measurement], key: str, words: str) -> None:
    assert words in (model.model_fields[key].description or "")


def test_an_interval_is_where_an_objective_is_missed() -> None:
    assert "the rate at which the allowed share of requests misses an objective" in (Interval.__doc__ or "")


@pytest.mark.parametrize(
    ("summary", "reason"),
    [
        (SUMMARY._replace(verdict=Verdict(False, ("ttft_p95 is 900 ms, above 500 ms",), ())), "ttft_p95 is 900 ms"),
        (SUMMARY._replace(verdict=Verdict(None, ("too few requests",), ())), "too few requests"),
        (SUMMARY._replace(completed_per_s=None, offered_per_s=None), "no request was completed"),
        (SUMMARY._replace(output_tokens=None), "counted no tokens"),
        (SUMMARY._replace(window=None), "nothing says"),
    ],
)
def test_what_is_not_proven_is_not_written(summary: Summary, reason: str) -> None:
    with pytest.raises(NotProven, match=reason):
        profile_text(summary, ABOUT)


# -- any text ------------------------------------------------------------------------------------------------------

AWKWARD = (
    """no null ~ 1e5 017 10:30 2026-11-21 a:_b a_#b -_x { [ ' " \\ *x &x %x @x x: é…– 50% !!str ? >_x |_x 😀 # a,b"""
)
TEXTS = [*(text.replace("_", " ") for text in AWKWARD.split()), "a\nb", "a\x00b", "x\u2028y", "x\ufeff", "\ue000"]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_any_text_is_text(text: str) -> None:
    about = ABOUT._replace(model=text, gpu=text, engine=text, host=text, trace=f"x{text}", flags=(text,), driver=text)
    profile = read(profile_text(FOUND, about))
    said = " ".join("".join(c if c.isprintable() else "\ufffd" for c in word) for word in text.split())
    assert (profile.gpu, profile.engine) == (said, said)
    assert profile.measured is not None
    assert (profile.measured.flags, profile.measured.host) == ([said], said)


@given(st.text(min_size=1, max_size=300).filter(lambda t: t.strip() != ""))
def test_any_text_reads_back(text: str) -> None:
    profile = read(profile_text(FOUND, ABOUT._replace(gpu=text, cross_check=(text, text))))
    assert profile.gpu == placeless(" ".join("".join(c if c.isprintable() else "\ufffd" for c in word)
                                             for word in text.split()))  # fmt: skip


# -- what must not be in it ----------------------------------------------------------------------------------------


def test_no_address_path_or_secret() -> None:
    about = ABOUT._replace(
        model="/srv/models/tiny",
        trace="/data/customers/azure.csv",
        journal="C:\\runs\\azure.jsonl",
        host="gateway 10.1.2.3, [fe80::1%eth0], http://box.internal:8000/v1, 16 cores",
        flags=("--model", "/home/ada/models/tiny", "--host=box7", "--host", "box7", "--api-key sk-123", "--api-key",
               "sk-456", "--ssl-keyfile=/etc/k.pem", "--max-num-batched-tokens 8192", "--hf-token=hf_9"),
        cross_check=("client and ::1 agree at 14:03:22 within 0.5 %", "192.168.0.7:8000 said 5 tokens"),
    )  # fmt: skip
    text = profile_text(FOUND, about)
    for secret in ("/srv", "/data", "runs", "10.1.2.3", "fe80", "internal", "/home", "ada", "box7", "sk-123", "sk-456",
                   "k.pem", "/etc", "192.168", "8000", "::1", "hf_9"):  # fmt: skip
        assert secret not in text, secret
    profile = read(text)
    assert profile.model == "tiny"
    assert profile.measured is not None
    assert profile.measured.trace == "azure.csv"
    assert profile.measured.flags is not None
    assert "--max-num-batched-tokens 8192" in profile.measured.flags
    assert profile.measured.cross_check == [
        "client and (address) agree at 14:03:22 within 0.5 %",
        "(address) said 5 tokens",
    ]


@pytest.mark.parametrize(
    "text",
    ["vLLM 0.32.0", "570.86.10", "14:03:22", "meta-llama/Llama-3.1-8B", "1,234 of 1.5 tokens/s", "a/b/c", "0.5 %",
     "torch 2.13.0+cpu", "and/or", "e.g. this: that", "12:5", "x.y.z"],
)  # fmt: skip
def test_what_is_no_address_stays(text: str) -> None:
    assert placeless(text) == text
    assert flags([text]) == [text]


# -- one more entry of a file --------------------------------------------------------------------------------------

OTHER = """\
# kept
provider: Me   # kept too
capacity:
  # the first
  first:
    model: M
    gpu: H200
    gpus_per_replica: 1
    requests_per_s: 3
    objective: none (maximum load)
    as_of: 2026-01-01
    kind: quote
    source: somebody
    checked: 2026-11-21
    note: >-
      some text
      # no comment

# about people
people:
  me: {role: Engineer, per_year: 100000, source: s, checked: 2026-11-21, kind: quote, as_of: 2026-01-01}
"""


def test_a_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    assert file_text(FOUND, ABOUT, path) == profile_text(FOUND, ABOUT)
    path.write_text(file_text(FOUND, ABOUT, path), encoding="utf-8")
    found = Store([tmp_path], date(2026, 11, 23)).find("capacity", "mine/chat")
    assert found.spec == read(profile_text(FOUND, ABOUT))


def test_a_second_mix_is_added_at_the_end_of_its_section(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(OTHER, encoding="utf-8")
    text = file_text(FOUND, ABOUT, path)
    entry = entry_text(FOUND, ABOUT)
    before, after = OTHER.split("\n# about people")
    assert text == f"{before}\n{entry}\n# about people{after}"
    document = load_text(text, "mine.yaml")
    assert list(validate(Catalogue, document.data, document).capacity) == ["first", "chat"]


def test_what_stands_in_a_file_is_never_lost() -> None:
    text = OTHER
    for name in ("b", "c", "d"):
        text = added(text.encode(), "mine.yaml", name, entry_text(FOUND, ABOUT._replace(name=name), ""))
    assert [line for line in text.splitlines() if line in OTHER.splitlines() and line][:3] == OTHER.splitlines()[:3]
    data = load_text(text, "mine.yaml").data
    assert list(data["capacity"]) == ["first", "b", "c", "d"]
    assert data["capacity"]["first"] == load_text(OTHER, "mine.yaml").data["capacity"]["first"]
    assert data["people"] == load_text(OTHER, "mine.yaml").data["people"]
    for line in OTHER.splitlines():
        assert line in text.splitlines()


def test_an_entry_of_the_same_name_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(OTHER, encoding="utf-8")
    with pytest.raises(Faults) as caught:
        file_text(FOUND, ABOUT._replace(name="first"), path)
    (fault,) = caught.value.faults
    assert (fault.line, fault.col) == (5, 3)
    assert "there is a profile `first` already" in fault.message
    assert "--force" in fault.expected


@pytest.mark.parametrize("name", ["b", "c", "d"])
def test_forced_it_takes_the_place_of_the_other(name: str) -> None:
    text = OTHER
    for one in ("b", "c", "d"):
        text = added(text.encode(), "mine.yaml", one, entry_text(FOUND, ABOUT._replace(name=one), ""))
    other = entry_text(FOUND._replace(rate=7.0, low=7.0, high=7.0), ABOUT._replace(name=name), "")
    forced = added(text.encode(), "mine.yaml", name, other, force=True)
    document = load_text(forced, "mine.yaml")
    found = validate(Catalogue, document.data, document).capacity
    assert list(found) == ["first", "b", "c", "d"]
    assert {k: v.requests_per_s for k, v in found.items() if k != "first"} == {
        k: F(7) if k == name else F("8.432") for k in ("b", "c", "d")
    }
    assert (
        added(forced.encode(), "mine.yaml", name, entry_text(FOUND, ABOUT._replace(name=name), ""), force=True) == text
    )


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", None),
        ("provider: Me\n", "provider: Me\n\ncapacity:\n"),
        ("provider: Me", "provider: Me\n\ncapacity:\n"),
        ("capacity:\n    a: &x\n        model: m\n", None),
        ("capacity: {}\n", None),
        ("capacity:\n  - 1\n", None),
        ("- 1\n", None),
        ("models: [no, not: this\n", None),
    ],
)
def test_a_file_without_profiles_or_no_catalogue(before: str, expected: str | None) -> None:
    entry = entry_text(FOUND, ABOUT, "")
    if expected is None:
        with pytest.raises(Faults):
            added(before.encode(), "mine.yaml", "chat", entry)
    else:
        text = added(before.encode(), "mine.yaml", "chat", entry)
        assert text == expected + entry_text(FOUND, ABOUT)


def test_entries_in_braces_are_left_alone() -> None:
    braces = OTHER.replace("capacity:", "capacity: {}\n\nx:").split("\nx:")[0] + "\n"
    with pytest.raises(Faults, match="braces"):
        added(braces.encode(), "mine.yaml", "chat", entry_text(FOUND, ABOUT, ""))


def test_line_ends_and_indents_of_the_file_are_kept() -> None:
    deeper = re.sub(r"(?m)^  (?=.)", "    ", OTHER).replace("people:\n    me", "people:\n  me")
    text = added(deeper.replace("\n", "\r\n").encode(), "mine.yaml", "chat", entry_text(FOUND, ABOUT, ""))
    assert "\n" not in text.replace("\r\n", "")
    assert "\r\n    chat:\r\n      model: " in text
    assert list(load_text(text, "mine.yaml").data["capacity"]) == ["first", "chat"]


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Faults, match="short name"):
        file_text(FOUND, ABOUT._replace(name="not a name"), tmp_path / "mine.yaml")
