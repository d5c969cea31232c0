"""Whole sessions of `tco replay` against a server whose truth is known: capacity, waiting time, what a stall does.

The fault server computes its queue in virtual time, so what is known of it is exact; what the client adds is this
machine's. Where that was too busy to send in time, which the client says, a test is tried again, then skipped.
"""

from __future__ import annotations

import csv
import json
import random
import signal
import statistics
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from fault_server import fault_server
from replaying import evenly, trace_file
from typed_replay import JOURNAL, prepared, punctual, recorded, started, tco, wait_for_lines

from tco import compare
from tco.replay.session.preflight import WARM_UP

SERVICE_S = 0.005
CAPACITY = 1 / SERVICE_S
"""Requests a second that a queue with that service time serves, and no more."""
LATE = "the client was late"
END = b'{"kind":"end"'


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return prepared(tmp_path)


def search(here: Path, rows: int = 100) -> list[str]:
    """What finds the capacity of a server that serves requests one after the other, each in `SERVICE_S`.

    Requests come evenly: below the capacity none waits, above it each waits longer than the one before. So the rate at
    which the objective fails is the capacity itself, but for what so many requests take to show it.
    """
    evenly(here / "trace.jsonl", 2 * rows, per_s=50)
    return ["trace.jsonl", "--find-capacity", "--slo", "ttft_p90=20ms", "--requests", str(rows), "--gpu", "CPU"]


def skip_where_late(done: subprocess.CompletedProcess[str]) -> None:
    if LATE in done.stdout + done.stderr:
        pytest.skip("NOT RUN: this machine is too busy for the client to send in time")


def runs_made(here: Path) -> list[tuple[Any, ...]]:
    """What was asked of each run that came to its end."""
    runs = [r for r in recorded(here).runs if r.ended is not None and r.ended["reason"] == "done"]
    return [(r.about["speedup"], r.about["concurrency"], r.about["seed"]) for r in runs]


def test_the_capacity_of_a_server_that_is_known(here: Path) -> None:
    with fault_server(service_ms=1000 * SERVICE_S) as server:
        options = [*search(here), "--url", server.url, "-o", "p.yaml", "--name", "known", "--json"]
        done = punctual(here, *options, "--force", tries=2)
    skip_where_late(done)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["capacity"]
    rate = found["requests_per_s"]
    assert CAPACITY * 0.95 <= rate <= CAPACITY * 1.05, "the bisection ends within 5 %"
    assert SERVICE_S + 0.9 * 100 * SERVICE_S * 0.05 > 0.020, "the p90 of a run 5 % above misses the objective"
    assert found["interval_95"]["low"] <= rate <= found["interval_95"]["high"]
    assert found["seeds"] == [1, 2, 3]
    profile = yaml.safe_load((here / "p.yaml").read_text())["capacity"]["known"]
    mode = profile["requests_per_s"]
    assert float(mode["mode"] if isinstance(mode, dict) else mode) == pytest.approx(rate, rel=0.001)
    (here / "scenario.yaml").write_text(
        "workload: {volume: 50k requests/day, input_tokens: 32, output_tokens: 4}\n"
        "catalogs: [.]\n"
        "options:\n"
        "  own: {kind: self_hosted, gpu_price: $1/hour, capacity: p/known}\n"
        "  twice: {kind: self_hosted, gpu_price: $2/hour, capacity: p/known}\n"
    )
    notes = compare(here / "scenario.yaml").assumptions
    assert any("measured 20" in note and "95 % interval" in note for note in notes), notes


def test_the_seeds_have_parts_of_their_own_at_one_rate(here: Path) -> None:
    """The second half of the trace comes twice as fast; each part is brought to the rate that is asked for."""
    rows = [{"at_s": i / 20} for i in range(60)] + [{"at_s": 3 + i / 40} for i in range(60)]
    trace_file(here / "trace.jsonl", rows)
    with fault_server(first_ms=2) as server:
        options = ["--find-capacity", "--slo", "ttft_p50=5s", "--requests", "60", "--seeds", "2", "--json"]
        tco(here, "trace.jsonl", "--url", server.url, *options)
    by_seed = {r.about["seed"]: r for r in recorded(here).runs if r.about["concurrency"] is None}
    assert {min(o.index for o in r.outcomes) for r in by_seed.values()} == {0, 60}
    first, second = by_seed[1].about, by_seed[2].about
    assert second["factor"] / second["speedup"] == pytest.approx(first["factor"] / first["speedup"] / 2, rel=0.02)


def test_a_search_that_is_killed_recalls_its_runs(here: Path) -> None:
    with fault_server(service_ms=1000 * SERVICE_S) as server:
        process = started(here, *search(here, rows=60), "--url", server.url)
        wait_for_lines(here / JOURNAL, 2, END)
        wait_for_lines(here / JOURNAL, 2 * 60 + 20)
        process.kill()
        process.communicate(timeout=60)
        before = runs_made(here)
        said = json.loads(tco(here, "summarize", JOURNAL, "--json").stdout)
        assert said["capacity"] is None and "--resume" in said["no_capacity"]["reason"]
        sent = len(server.record())
        done = tco(here, "--resume", JOURNAL, "--json")
        after = runs_made(here)
        sent_later = len(server.record()) - sent
    assert done.returncode in (0, 4), done.stderr  # 4 where this machine was too busy to prove anything
    assert after[: len(before)] == before
    assert len(after) > len(before) >= 2
    assert after.count(before[0]) == 1, "what was over is not made again"
    assert sent_later == WARM_UP + 60 * (len(after) - len(before)), "what was over is not sent again"
    again = tco(here, "summarize", JOURNAL, "--json")
    assert json.loads(again.stdout)["run"] == json.loads(done.stdout)["run"]
    numbers = Counter(r.run for r in recorded(here).runs)
    assert set(numbers.values()) == {1}


def test_a_search_that_is_interrupted_prints_what_it_has(here: Path) -> None:
    with fault_server(service_ms=1000 * SERVICE_S) as server:
        process = started(here, *search(here, rows=60), "--url", server.url, "--json", "-o", "p.yaml")
        wait_for_lines(here / JOURNAL, 1, END)
        wait_for_lines(here / JOURNAL, 60 + 20)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert f"--resume {JOURNAL}" in stderr and "Traceback" not in stderr
    found = json.loads(stdout)
    assert (found["ended"], found["capacity"]) == ("interrupted", None)
    assert not (here / "p.yaml").exists(), "what is not proven is no profile"


def test_a_resume_after_the_server_died(here: Path) -> None:
    """What found no connection then is sent to the one that is there now, and the run is whole."""
    evenly(here / "trace.jsonl", 100, per_s=50)
    with fault_server(first_ms=10) as server:
        process = started(here, "trace.jsonl", "--url", server.url, "--json")
        wait_for_lines(here / JOURNAL, 30)
        server.kill()
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 4 and "go on by --resume" in stderr, stderr
    assert json.loads(stdout)["ended"] == "gone"
    (before,) = recorded(here).runs
    assert before.ended is not None and before.ended["reason"] == "gone"
    failed = [o.index for o in before.outcomes if o.status != "ok"]
    assert failed and before.done == {o.index for o in before.outcomes if o.status == "ok"}
    with fault_server(port=server.port, first_ms=10) as again:
        done = tco(here, "--resume", JOURNAL, "--json")
        assert len(again.record()) == WARM_UP + len(failed)
        over = tco(here, "--resume", JOURNAL, "--json")
        assert "nothing is left to send" in over.stderr
    assert done.returncode == 0 or LATE in done.stderr, done.stderr
    found = json.loads(done.stdout)
    assert (found["run"]["succeeded"], found["run"]["failures"], found["ended"]) == (100, {}, "done")
    assert any("no longer answered" in warning for warning in found["warnings"])


def test_a_search_does_not_take_a_dead_server_for_a_rate_that_fails(here: Path) -> None:
    """The run that it died in is made anew."""
    options = [*search(here, rows=60), "--seeds", "1"]
    with fault_server(service_ms=1000 * SERVICE_S) as server:
        process = started(here, *options, "--url", server.url)
        wait_for_lines(here / JOURNAL, 2, END)
        wait_for_lines(here / JOURNAL, 2 * 60 + 10)
        server.kill()
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 4, stderr
    gone = recorded(here).runs[-1]
    assert gone.ended is not None and gone.ended["reason"] == "gone" and gone.lost
    before = runs_made(here)
    said = json.loads(tco(here, "summarize", JOURNAL, "--json").stdout)
    assert (said["ended"], said["capacity"]) == ("cut", None)
    with fault_server(port=server.port, service_ms=1000 * SERVICE_S):
        done = tco(here, "--resume", JOURNAL, "--json")
    assert done.returncode in (0, 4), done.stderr  # 4 where this machine was too busy to prove anything
    about = (gone.about["speedup"], gone.about["concurrency"], gone.about["seed"])
    after = runs_made(here)
    assert after[: len(before)] == before and after[len(before)] == about, "the same was asked of it again"
    assert {r.run for r in recorded(here).runs if r.ended and r.ended["reason"] == "gone"} == {gone.run}


def test_a_closed_loop_at_maximum_load(here: Path) -> None:
    evenly(here / "trace.jsonl", 400, per_s=50)
    with fault_server(service_ms=1000 * SERVICE_S) as server:
        done = tco(here, "trace.jsonl", "--url", server.url, "--concurrency", "16", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"]["completed_per_s"] == pytest.approx(CAPACITY, rel=0.02)


def latencies(here: Path, name: str) -> list[float]:
    with (here / "out.csv").open() as file:
        return [float(row[name]) for row in csv.DictReader(file) if row[name]]


def test_latencies_are_those_of_the_server(here: Path) -> None:
    """First token after 100 ms, 9 more 20 ms apart."""
    evenly(here / "trace.jsonl", 100, per_s=30, output_tokens=10)
    with fault_server(first_ms=100, chunk_ms=20) as server:
        done = punctual(here, "trace.jsonl", "--url", server.url, "--json", "--csv", "out.csv")
    skip_where_late(done)
    assert json.loads(done.stdout)["run"]["succeeded"] == 100
    assert statistics.median(latencies(here, "service_s")) == pytest.approx(0.100, rel=0.02)
    assert statistics.median(latencies(here, "tpot_s")) == pytest.approx(0.020, rel=0.02)
    assert statistics.median(latencies(here, "e2e_s")) == pytest.approx(0.100 + 9 * 0.020, rel=0.02)


def test_waiting_time_of_a_queue(here: Path) -> None:
    """An M/D/1 queue at ρ = 0.6: the mean wait is ρS / 2(1 − ρ) (Pollaczek and Khinchine), within its 99 % interval.

    The interval is by batch means: waits of neighbours are alike, those of batches hardly.
    """
    service, load, count, batches = 0.020, 0.6, 300, 10
    drawn, at, rows = random.Random(11), 0.0, []
    for _ in range(count):
        rows.append({"at_s": round(at, 6)})
        at += drawn.expovariate(load / service)
    trace_file(here / "trace.jsonl", rows)
    with fault_server(service_ms=1000 * service) as server:
        done = tco(here, "trace.jsonl", "--url", server.url, "--json", "--csv", "out.csv")
    skip_where_late(done)
    assert json.loads(done.stdout)["run"]["succeeded"] == count
    waits = [ttft - service for ttft in latencies(here, "ttft_s")]
    size = count // batches
    means = [statistics.fmean(waits[i * size : (i + 1) * size]) for i in range(batches)]
    half = 3.250 * statistics.stdev(means) / batches**0.5  # Student's t with 9 degrees of freedom, two-sided 99 %
    expected = load * service / (2 * (1 - load))
    assert abs(statistics.fmean(waits) - expected) <= half
    assert half < 2 * expected, "an interval that says something"


def test_a_stall_of_the_server_is_in_the_p99_and_not_omitted(here: Path) -> None:
    """It stands still for 2 s of a run of 5 s: requests go on to be due meanwhile, and each waits for its rest."""
    evenly(here / "trace.jsonl", 250, per_s=50)
    stall = 2.0
    with fault_server(first_ms=5) as server:
        server.clear()
        server.set(stall_at_s=1.5, stall_s=stall)
        done = tco(here, "trace.jsonl", "--url", server.url, "--json", "--csv", "out.csv")
    run = json.loads(done.stdout)["run"]
    assert run["succeeded"] == 250
    assert run["latencies_s"]["ttft"]["p99"] == pytest.approx(stall, rel=0.1)
    # as many waited at least half of it as were due in its first half
    waited = sum(ttft >= stall / 2 for ttft in latencies(here, "ttft_s"))
    assert waited == pytest.approx(50 * stall / 2, abs=5)
