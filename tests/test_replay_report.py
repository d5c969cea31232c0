"""What is said of a replay: the answer, its tables, Markdown, JSON, CSV, and how a run under way is shown."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from math import inf, nan
from pathlib import Path

import pytest
import replayed
from replayed import ALL_FAILED, CHECK, account, judged, run, searched
from rich.console import Console

from tco.replay.load.watch import Watch
from tco.replay.outcome import Outcome, gathered
from tco.replay.results import Capacity, Latency, Misses, NoCapacity, Verdict
from tco.replay.session.account import Account, Rows
from tco.report import replay_progress, replay_sheets, replay_words
from tco.report.replay_csv import requests_csv
from tco.report.replay_json import as_json
from tco.report.replay_markdown import as_markdown
from tco.report.replay_numbers import DOWN, NONE, UP, count, seconds, significant, span
from tco.report.replay_terminal import print_account
from tco.report.sheets import Sheet

NOTHING = NoCapacity("the trace has 60 requests where 90 are needed", True, ())
NONE_PROVEN = NoCapacity("0.3 requests/s already misses ttft_p95=500ms", False, searched((1,), None))
ACCOUNTS = {
    "capacity": account(),
    "replay": account(run(), speedup=4.2),
    "closed": account(run(), concurrency=64),
    "failed": account(run(9.3, judged(9.3, False, 0.71, 41)), speedup=4.65, ended="interrupted"),
    "all failed": account(ALL_FAILED, speedup=4.2),
    "no capacity": account(NONE_PROVEN),
    "nothing": account(NOTHING, check=None, processes=1),
}
EVERY = pytest.mark.parametrize("a", ACCOUNTS.values(), ids=ACCOUNTS.keys())


def printed(a: Account, width: int = 80, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=colour,
        color_system="standard" if colour else None,
    )
    print_account(a, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


def sheet(a: Account, heading: str) -> Sheet:
    return next(s for s in replay_sheets.sheets(a) if s.heading.startswith(heading))


# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [(8.4, "8.4"), (0.041234, "0.0412"), (1204.4, "1,204"), (24124.8, "24,125"), (0.0, "0"), (None, NONE), (nan, NONE)],
)
def test_a_measured_number_has_three_digits_and_no_figure_is_no_zero(value: float | None, said: str) -> None:
    assert significant(value) == said


def test_bounds_are_rounded_outwards_and_a_capacity_down() -> None:
    assert (significant(8.4199, DOWN), significant(8.4101, UP)) == ("8.41", "8.42")
    # 0.1 + 0.2 is a hair above 0.3 in binary, 8.9 is as it is written
    assert (significant(8.9, UP), significant(8.9, DOWN)) == ("8.9", "8.9")


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.00031, "0.31 ms"), (0.412, "412 ms"), (0.9996, "1 s"), (1.234, "1.23 s"), (inf, "never"), (None, NONE)],
)
def test_a_time_has_the_unit_it_is_read_in(value: float | None, said: str) -> None:
    assert seconds(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(4.25, "4.25 s"), (42.4, "42 s"), (750.0, "12 min 30 s"), (7500.0, "2 h 5 min"), (None, NONE)]
)
def test_how_long_something_takes(value: float | None, said: str) -> None:
    assert span(value) == said


def test_a_count_is_whole_where_it_is_one() -> None:
    assert (count(16.0), count(2872.4), count(16.25), count(None)) == ("16", "2,872", "16.2", NONE)


# -- the answer -------------------------------------------------------------------------------------------------------


def test_the_answer_names_rate_objective_interval_and_what_a_gpu_does() -> None:
    per_gpu = f"{8.4 / 4:g} requests/s, {8.4 * 2872 / 4:,.0f} input and {8.4 * 486 / 4:,.0f} output tokens/s per GPU"
    assert replay_words.verdict(account()) == (
        "One replica (4 GPUs) sustains 8.4 requests/s of this mix at ttft_p95=500ms,tpot_p95=50ms "
        f"(95 % interval 8.1–8.9): {per_gpu}."
    )


def test_the_answer_says_why_there_is_none() -> None:
    said = {name: replay_words.verdict(a) for name, a in ACCOUNTS.items()}
    assert said["nothing"] == "Inconclusive: the trace has 60 requests where 90 are needed."
    assert said["no capacity"] == "No capacity is proven: 0.3 requests/s already misses ttft_p95=500ms."
    assert said["all failed"] == "All of 600 requests failed: 588 http 503, 12 reset."
    assert said["failed"].startswith(
        "One replica (4 GPUs) does not sustain 9.3 requests/s of this mix at ttft_p95=500ms"
    )
    assert said["failed"].endswith("ttft_p95 is 710 ms, above 500 ms.")
    assert said["closed"].startswith("With 64 requests at once, one replica sustains 8.4 requests/s of this mix")


def test_an_inconclusive_run_is_neither_sustained_nor_refused() -> None:
    late = Verdict(None, ("the client sent 12 ms late at p99, more than 10 ms",), ())
    said = replay_words.verdict(account(run(8.4, late), speedup=4.2))
    assert said == "Inconclusive at 8.4 requests/s of this mix: the client sent 12 ms late at p99, more than 10 ms."


def test_maximum_load_is_said_where_nothing_is_to_be_kept() -> None:
    assert "of this mix at maximum load (95 %" in replay_words.verdict(account(objectives=()))


def test_one_gpu_is_not_divided() -> None:
    found = account().found
    assert isinstance(found, Capacity)
    one = account(found._replace(summary=found.summary._replace(gpus=1)), gpus=1)
    assert replay_words.verdict(one).endswith(": 24,125 input and 4,082 output tokens/s per GPU.")
    assert replay_words.verdict(one).startswith("One replica sustains")


def test_what_limits_is_the_lowest_rate_above_that_failed() -> None:
    assert replay_words.why(account())[0] == (
        "What fails above it: 8.9 requests/s with seed 1: ttft_p95 is 612 ms, above 500 ms."
    )


def test_what_failed_below_does_not_limit() -> None:
    found = account().found
    assert isinstance(found, Capacity)
    below = found.probes[-1]._replace(rate=7.9, speedup=3.95)  # a run that the client spoilt, say
    assert replay_words.limit(found._replace(probes=(*found.probes, below))) == replay_words.limit(found)


def test_the_interval_is_rounded_outwards_and_the_capacity_down() -> None:
    found = account().found
    assert isinstance(found, Capacity)
    said = replay_words.verdict(account(found._replace(rate=8.4199, low=8.1099, high=8.9011)))
    assert "sustains 8.41 requests/s" in said
    assert "(95 % interval 8.1–8.91)" in said


def test_where_nothing_failed_above_that_is_said() -> None:
    found = account().found
    assert isinstance(found, Capacity)
    passing = tuple(p for p in found.probes if p.summary.verdict.passed)
    said = replay_words.limit(found._replace(probes=passing, failed_at=None))
    assert said == "No rate above it failed: the server may sustain more than the search tried."


def test_what_was_not_proven_above_is_no_failure() -> None:
    found = account().found
    assert isinstance(found, Capacity)
    few = Verdict(None, ("ttft_p95=500ms is not proven: with 9 misses that takes 354 requests",), ())
    probes = tuple(p._replace(summary=run(8.9, few)) if p.rate == 8.9 else p for p in found.probes)
    assert replay_words.limit(found._replace(probes=probes)) == (
        "Not proven above it: 8.9 requests/s with seed 1: ttft_p95=500ms is not proven: with 9 misses that takes 354 "
        "requests."
    )


def test_what_the_search_has_to_add_is_said() -> None:
    found = account().found
    assert isinstance(found, Capacity)
    said = replay_words.why(account(found._replace(notes=("a lower bound: the client was late at 9 requests/s",))))
    assert said[1] == "A lower bound: the client was late at 9 requests/s."


def test_the_mix_is_said_and_that_any_other_is_predicted() -> None:
    assert replay_words.mix(account()) == [
        "Measured at 2,872 input tokens (35 % of them cached) and 486 output tokens a request; any other mix, hit rate "
        "or objective is predicted."
    ]
    assert replay_words.mix(ACCOUNTS["all failed"]) == []


def test_seeds_of_another_mix_are_said() -> None:
    found = account().found
    assert isinstance(found, Capacity)

    def with_input(tokens: float) -> Capacity:
        return found._replace(
            probes=tuple(
                p._replace(summary=p.summary._replace(input_tokens=tokens)) if p.seed == 2 else p for p in found.probes
            )
        )

    assert replay_words.between_seeds(with_input(2872 * 1.10)) == [
        "The mix differs between seeds: 2,872 to 3,159 input tokens a request."
    ]
    assert replay_words.between_seeds(with_input(2872 * 1.01)) == []


def test_what_was_left_out_adds_up() -> None:
    assert replay_words.left_out(account()) == (
        f"12,031 rows read, 600 replayed, {12_031 - 600:,} left out: 31 longer than the model's context, "
        "11,400 not within --requests."
    )
    assert replay_words.left_out(account(rows=Rows(1, 1, {}))) == "1 row read, 1 replayed, none left out."


# -- tables -----------------------------------------------------------------------------------------------------------


def test_too_few_requests_have_no_percentile() -> None:
    # of 19 requests the longest is no 95th percentile; 20 have one, 99 have no 99th
    assert replay_words.quantile_cells((0.1, 0.2, 0.3, 0.4), 19) == ("100 ms", "200 ms", NONE, NONE)
    assert replay_words.quantile_cells((0.1, 0.2, 0.3, 0.4), 20) == ("100 ms", "200 ms", "300 ms", NONE)
    assert replay_words.quantile_cells((0.1, 0.2, 0.3, 0.4), 99)[3] == NONE
    assert replay_words.quantile_cells((0.1, 0.2, 0.3, 0.4), 100)[3] == "400 ms"
    assert replay_words.quantile_cells((None, None, None, None), 0) == (NONE,) * 4


def test_latencies_of_nobody_are_dashes() -> None:
    rows = {row.cells[0]: row.cells[1:] for row in sheet(ACCOUNTS["all failed"], "Latency").rows}
    assert rows["time to first token"] == (NONE,) * 6
    assert rows["client lateness"][-1] == "600"


def test_every_run_of_the_search_has_its_row() -> None:
    rows = sheet(account(), "Runs").rows
    assert len(rows) == len(searched())
    cells = rows[1].cells
    assert cells[1:5] == ("64 at once", "10.2", "1", "failed")
    assert cells[5:8] == ("2.31 s", "310 of 520", "207")
    assert [row.style for row in rows].count("best") == 3  # the seeds at the capacity


def test_a_percentile_that_is_a_failed_request_is_no_time() -> None:
    cells = {row.cells[0]: row.cells for row in sheet(ACCOUNTS["all failed"], "Objectives").rows}
    assert cells["ttft_p95=500ms"][1:3] == ("failed", "520 of 520")


@pytest.mark.parametrize(
    ("misses", "requests", "value", "proven"),
    [(0, 90, 0.3, "yes"), (0, 89, 0.3, "too few requests"), (30, 520, 0.7, "no")],
)
def test_an_objective_is_proven_by_enough_requests(misses: int, requests: int, value: float, proven: str) -> None:
    needed = 90 if misses == 0 else 1_000
    found = Verdict(None, ("",), (Misses(replayed.TTFT, requests, misses, needed, value),))
    assert sheet(account(run(8.4, found)), "Objectives").rows[0].cells[-1] == proven


def test_throughput_is_of_the_replica_and_of_each_gpu() -> None:
    rows = {row.cells[0]: row.cells[1:] for row in sheet(account(), "Throughput").rows}
    assert rows["input tokens/s"] == (f"{8.4 * 2872:,.0f}", f"{8.4 * 2872 / 4:,.0f}")
    one = sheet(account(run(gpus=1)), "Throughput")
    assert len(one.columns) == 2


def test_chunks_of_several_tokens_are_said() -> None:
    notes = [text for text, _ in sheet(account(), "Latency").notes]
    assert any(text.startswith("A chunk carries 1.87 tokens") for text in notes)
    single = account(run(tokens_per_chunk=1.0))
    assert not any("chunk" in text for text, _ in sheet(single, "Latency").notes)


def test_the_cross_check_has_both_sides_and_no_zero_for_what_is_not_known() -> None:
    rows = {row.cells[0]: row.cells[1:] for row in sheet(account(), "Cross").rows}
    assert rows["input tokens"] == ("1,723,200", "1,723,200", "equal")
    assert rows["output tokens"][2] == f"server +{(292_480 / 291_600 - 1) * 100:.2g} %"
    assert rows["prefix hit rate"] == ("35.0 %", "35.0 %", "ideal 37.4 %")
    blind = CHECK._replace(server_input=None, hit_rate=None, preemptions=None, load=None, power=None, absent=("queue",))
    found = sheet(account(check=blind), "Cross")
    rows = {row.cells[0]: row.cells[1:] for row in found.rows}
    assert rows["input tokens"] == (NONE, "1,723,200", "not compared")
    assert rows["preemptions"][0] == NONE
    assert "watts of a GPU, busy" not in rows
    assert found.notes[0][0] == "The server does not say: queue."


def test_a_client_that_was_late_is_said_in_red() -> None:
    late = Latency(600, 0.004, (0.001, 0.006, 0.009, 0.012), 0.03)
    found = run(latencies={**run().latencies, "lateness": late})
    text, style = sheet(account(found), "Client").notes[0]
    assert text == (
        "The client did not keep up: the client was measured, not the server: lateness p99 12 ms in 2 processes."
    )
    assert style == "bad"


# -- terminal and Markdown --------------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("width", [80, 140])
def test_nothing_is_wider_than_the_terminal(a: Account, width: int) -> None:
    assert max(map(len, printed(a, width).splitlines())) <= width


@EVERY
def test_colour_adds_nothing_but_colour(a: Account) -> None:
    plain, coloured = printed(a), printed(a, colour=True)
    assert "\x1b[" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_the_answer_comes_first_and_warnings_last() -> None:
    text = printed(account(warnings=("the server preempted 3 requests",)))
    assert text.index("sustains 8.4") < text.index("Runs of the search") < text.index("Latency at the capacity")
    assert text.rstrip().endswith("• the server preempted 3 requests")


@EVERY
def test_markdown_has_the_same_figures(a: Account) -> None:
    found = as_markdown(a)
    assert found.startswith("## ")
    for s in replay_sheets.sheets(a):
        table = found.partition(f"### {s.heading}\n\n")[2].partition("\n\n")[0]
        lines = table.splitlines() if s.rows else []
        assert len(lines) == (len(s.rows) + 2 if s.rows else 0)  # a head and a rule
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} <= {len(s.columns) + 1}


def test_names_of_a_server_are_text_in_markdown() -> None:
    found = as_markdown(account(model="<b>@team|x</b>", server="[a](b) &amp; `c`"))
    assert "<b>" not in found
    assert not re.search(r"@\w", found)
    assert "&amp;amp;" in found


ODD = "a\x1b]0;title\x07\u202eb"


@pytest.mark.parametrize(
    "a",
    [
        account(trace=ODD, server=ODD, model=ODD, gpu=ODD, journal=ODD, profile=ODD, warnings=(ODD,), version=ODD),
        account(ALL_FAILED._replace(failures={ODD: 600}), rows=Rows(600, 599, {ODD: 1})),
        account(run(verdict=Verdict(False, (ODD,), ()))),
        account(NoCapacity(ODD, False, ())),
    ],
)
def test_nothing_of_a_log_or_a_server_is_obeyed_by_a_terminal(a: Account) -> None:
    for text in (printed(a), as_markdown(a)):
        assert "a" in text
        assert all(c.isprintable() or c == "\n" for c in text)


def test_what_stays_beside_the_display_is_not_obeyed_either(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    shown = replay_progress.Progress(stderr)
    shown.say(f"a server serves {ODD}")
    shown.follow(Watch(), ODD)
    monkeypatch.setattr(shown, "_line_at", 0.0)
    shown._look()
    text = stderr.getvalue()
    assert text.count("\n") == 2
    assert all(c.isprintable() or c == "\n" for c in text)


# -- JSON and CSV -----------------------------------------------------------------------------------------------------


def no_constant(name: str) -> float:
    raise AssertionError(f"{name} in JSON")


@EVERY
def test_json_is_strict_and_versioned(a: Account) -> None:
    found = json.loads(as_json(a), parse_constant=no_constant)
    assert (found["schema"], found["version"]) == ("tco.replay", 1)
    assert found["answer"] == replay_words.verdict(a)
    assert as_json(a) == as_json(a)


def test_json_has_everything_unrounded() -> None:
    rate = 25.0 / 3
    a = account()
    assert isinstance(a.found, Capacity)
    found = json.loads(as_json(a._replace(found=a.found._replace(rate=rate))))
    assert found["capacity"]["requests_per_s"] == rate
    assert found["capacity"]["interval_95"] == {"low": 8.1, "high": 8.9}
    assert len(found["probes"]) == len(searched())
    assert found["run"]["input_tokens_per_s_per_gpu"] == 8.4 * 2872 / 4
    assert found["run"]["window"]["end_s"] == 68.25
    assert found["cross_check"]["prefix_hit_rate"]["ideal"] == 0.374
    assert found["trace"]["left_out"]["longer than the model's context"] == 31


def test_json_says_where_a_percentile_is_a_failed_request() -> None:
    found = json.loads(as_json(ACCOUNTS["all failed"]))
    judged_by = found["run"]["verdict"]["objectives"][0]
    assert (judged_by["value_s"], judged_by["value_is_a_failure"]) == (None, True)
    assert found["run"]["latencies_s"]["ttft"]["p95"] is None


def test_csv_has_a_row_for_each_request_in_the_order_they_were_due() -> None:
    found = gathered(
        [
            Outcome(4, 2_000_000, 2_000_250, 2_400_000, 3_000_000, 3_000_100, (600_000,), 10, 4, 2, "ok"),
            Outcome(3, 1_000_000, None, None, None, 1_000_900, (), None, None, None, "=cmd()"),
        ]
    )
    first, second = csv.DictReader(io.StringIO(requests_csv(found)))
    assert (first["row"], first["status"]) == ("3", "'=cmd()")
    assert first["ttft_s"] == first["sent_s"] == first["input_tokens"] == ""  # not 0
    assert second["ttft_s"] == f"{0.4:.6f}"
    assert second["service_s"] == f"{0.4 - 0.00025:.6f}"
    assert second["tpot_s"] == f"{0.6 / (4 - 1):.6f}"
    assert second["e2e_s"] == f"{1.0:.6f}"
    assert (second["chunks"], second["cached_tokens"]) == ("2", "2")


# -- a run under way --------------------------------------------------------------------------------------------------


def watched() -> Watch:
    """100 of 400 requests ended, 2 of them failed."""
    w = Watch(requests=400)
    w.zero = time.monotonic()
    w.due, w.sent, w.in_flight = 104, 103, 3
    for i in range(100):
        status = "reset" if i < 2 else "ok"
        w.take(Outcome(i, 0, 1000 * i, 10_000 * i, None, None, (), 1, 1, 0, status))
    return w


def test_a_glance_has_rates_of_the_last_seconds_and_percentiles() -> None:
    w = watched()
    now = time.monotonic()
    g = replay_progress.glance(w, "run", [(now - 4, 64, 63)], now)
    assert [g.due_per_s, g.sent_per_s] == pytest.approx([(104 - 64) / 4, (103 - 63) / 4])
    # of 98 that succeeded, 2 to 99, the 94th is number 95; of 100 that were sent the 99th is number 98
    assert [g.ttft_p95, g.lateness_p99] == pytest.approx([0.95, 0.098])
    assert (g.succeeded, g.failed, g.failures, g.share) == (98, 2, "reset", 100 / 400)


def test_a_glance_at_a_run_that_has_not_begun_has_no_figures() -> None:
    now = time.monotonic()
    g = replay_progress.glance(Watch(), "run", [(now, 0, 0)], now)
    assert (g.due_per_s, g.ttft_p50, g.lateness_p99, g.share, g.left_s) == (None,) * 5
    assert replay_progress.line(g) == (
        "run · –/s sent · 0 in flight · 0 done · 0 failed · "
        "first token p50 –, p95 – · lateness p99 – · 1 client process"
    )


def test_what_is_old_does_not_count() -> None:
    w = watched()
    later = time.monotonic() + 60
    g = replay_progress.glance(w, "run", [(later, 0, 0)], later)
    assert g.ttft_p50 is None


def test_the_block_is_cut_to_the_terminal() -> None:
    w = watched()
    w.late = True
    now = time.monotonic()
    g = replay_progress.glance(w, "probe 3 of about 9: " + "x" * 100, [(now - 1, 0, 0)], now)
    console = Console(file=io.StringIO(), width=40, force_terminal=True, color_system=None)
    console.print(replay_progress.block(g, 40))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 3
    assert all(len(one) < 40 and one.rstrip().endswith("…") for one in lines)


SHOWN = """
import sys, time
from tco.replay.load.watch import Watch
from tco.report import replay_progress as p
p.EVERY, p.LINE_EVERY = 0.05, 0.2
watch = Watch(requests=10)
watch.zero, watch.due, watch.sent = time.monotonic(), 4, 4
try:
    with p.progress(sys.stderr) as shown:
        shown.follow(watch, "run 1")
        print("ready", flush=True)
        time.sleep({seconds})
        shown.say("run 1: passed")
except KeyboardInterrupt:
    pass
print("result")
"""


def in_terminal(interrupt: bool, **environment: str) -> str:
    """What a terminal gets on stderr."""
    ours, theirs = pty.openpty()
    code = SHOWN.format(seconds=30 if interrupt else 0.5)
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
    try:
        child = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**kept, "TERM": "xterm", **environment},
            cwd=Path(__file__).parent.parent,
            text=True,
        )
        with child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            if interrupt:
                time.sleep(0.5)
                child.send_signal(signal.SIGINT)
            assert child.stdout.read() == "result\n"
        assert child.returncode == 0
        os.close(theirs)
        theirs = -1
        found = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            found += part
        return found.decode()
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)


@pytest.mark.parametrize("interrupt", [False, True])
def test_a_terminal_has_a_block_that_is_gone_at_the_end(interrupt: bool) -> None:
    found = in_terminal(interrupt)
    assert "4/s sent" in found or "0/s sent" in found
    assert found.count("\x1b[?25l") == found.count("\x1b[?25h") == 1  # the cursor is back
    assert found.rindex("\x1b[?25h") > found.rindex("in flight")
    assert found.endswith("\x1b[2K")  # and the block's first line is wiped


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_without_colour_or_a_clever_terminal_there_are_plain_lines(environment: dict[str, str]) -> None:
    found = in_terminal(False, **environment)
    assert "\x1b" not in found
    lines = found.splitlines()
    assert len([one for one in lines if one.startswith("run 1 · ")]) in (1, 2)
    assert lines[-1] == "run 1: passed"


def test_a_display_that_has_no_stderr_left_stops_and_the_run_goes_on() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", SHOWN.format(seconds=0.5) + "print(shown._thread.is_alive())"],
            stdout=subprocess.PIPE,
            stderr=writing,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.stdout == "ready\nresult\nFalse\n"


def test_a_fault_in_the_display_is_not_taken_for_a_lost_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = io.StringIO()
    monkeypatch.setattr(lost, "write", _no_space)
    shown = replay_progress.Progress(lost)
    shown.say("a line")  # nobody reads it, and nobody is stopped by it
    shown.follow(Watch(), "run")
    monkeypatch.setattr(shown, "_line_at", 0.0)
    with pytest.raises(OSError, match="space"):
        shown._look()


def _no_space(text: str) -> int:
    raise OSError(28, "no space left")


# -- the runs of a search ---------------------------------------------------------------------------------------------


def test_every_run_that_did_not_pass_has_its_reason_below_the_table() -> None:
    a = account()
    assert isinstance(a.found, Capacity)
    notes = [text for text, _ in sheet(a, "Runs of the search").notes]
    missed = [p for p in a.found.probes if not p.summary.verdict.passed]
    assert notes == [f"Run {p.run} failed: {'; '.join(p.summary.verdict.reasons)}." for p in missed]
    said = Verdict(None, ("it was cut before its end",), ())
    probe = a.found.probes[-1]._replace(summary=run(verdict=said))
    assert replay_words.run_text(probe) == f"Run {probe.run} is inconclusive: it was cut before its end."


def test_a_run_in_which_the_client_was_late_is_named() -> None:
    a = account()
    assert isinstance(a.found, Capacity) and replay_words.late_runs(a) == []
    late = a.found.probes[-1]
    slow = late.summary._replace(latencies={**late.summary.latencies, "lateness": Latency(600, 0.1, (0.1,) * 4, 0.1)})
    found = a.found._replace(probes=(*a.found.probes[:-1], late._replace(summary=slow)))
    assert replay_words.late_runs(account(found)) == [f"The client was late in run {late.run} (100 ms), at p99."]
    notes = [text for text, _ in sheet(account(found), "Client").notes]
    assert notes[0].startswith("The client kept up in the run shown") and notes[1].startswith("The client was late")


def test_the_worst_seed_at_the_capacity_is_shown_and_named() -> None:
    found = account().found
    assert isinstance(found, Capacity) and found.shown is not None
    at = [p for p in found.probes if p.speedup == found.speedup]
    values = {p.seed: p.summary.verdict.objectives[0].value for p in at}
    assert values[found.shown.seed] == max(v for v in values.values() if v is not None)
    # another seed, by an objective that has less room
    tight = at[0].summary.verdict.objectives[1]
    limit = float(tight.objective.limit)
    verdict = at[0].summary.verdict._replace(objectives=(tight._replace(value=0.99 * limit),))
    probes = tuple(p._replace(summary=p.summary._replace(verdict=verdict)) if p is at[0] else p for p in found.probes)
    a = account(found._replace(probes=probes))
    assert isinstance(a.found, Capacity) and a.found.shown is not None and a.found.shown.seed == at[0].seed
    assert a.summary is a.found.shown.summary
    where = f"run {at[0].run}, seed {at[0].seed}: the worst of 3 seeds"
    assert sheet(a, "Latency").heading == f"Latency at the capacity, {where}"
