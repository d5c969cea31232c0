"""Replays against real vLLM where `TCO_VLLM_URL` names one (`make test-vllm`), else the fault server (`make test`).

Real vLLM shares two cores with the client: counts are asserted on it, not latencies."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from fault_server import fault_server

CONTEXT = 16_384
"""Tokens that a request may have on either server."""
BLOCK = 512
MOONCAKE = Path(__file__).parents[2] / "shared" / "traces" / "mooncake" / "conversation_trace.jsonl"


class Live(NamedTuple):
    """A server to replay against."""

    url: str
    real: bool


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    url = os.environ.get("TCO_VLLM_URL")
    if url:
        yield Live(url, True)
        return
    with fault_server(first_ms=5, chunk_ms=1, tokens_per_chunk="1-6", max_model_len=CONTEXT) as server:
        yield Live(server.url, False)


def tco(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tco", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


def replay(cwd: Path, trace: Path, live: Live, *options: str) -> dict[str, Any]:
    """The JSON of a replay. It leaves with 4 where it proves nothing: a few requests are no measurement."""
    done = tco("replay", trace, "--url", live.url, "--gpu", "CPU", "--json", *options, cwd=cwd)
    assert done.returncode in (0, 4), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def counters(live: Live) -> dict[str, float]:
    """The server's own counters of tokens, read without the code under test."""
    text = urllib.request.urlopen(f"{live.url}/metrics", timeout=10).read().decode()
    found: dict[str, float] = {}
    for line in text.splitlines():
        for name in ("prompt_tokens", "generation_tokens", "prefix_cache_hits", "prefix_cache_queries"):
            if line.startswith(f"vllm:{name}_total{{"):
                found[name] = found.get(name, 0) + float(line.rpartition(" ")[2])
    return found


def own(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A trace in the project's own format."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def steady(count: int, per_s: float, given: int = 128, made: int = 32, seed: int = 1) -> list[dict[str, Any]]:
    """Rows of one size that arrive at random."""
    drawn, at = random.Random(seed), 0.0
    rows = []
    for _ in range(count):
        rows.append({"at_s": round(at, 6), "input_tokens": given, "output_tokens": made})
        at += drawn.expovariate(per_s)
    return rows


def test_token_counts_are_the_servers_exactly(tmp_path: Path, live: Live) -> None:
    drawn = random.Random(7)
    rows = steady(60, per_s=15)
    for row in rows:
        row["input_tokens"], row["output_tokens"] = drawn.randint(1, 900), drawn.randint(1, 80)
    asked_in, asked_out = (sum(row[key] for row in rows) for key in ("input_tokens", "output_tokens"))
    trace = own(tmp_path / "mixed.jsonl", rows)
    before = counters(live)
    found = replay(tmp_path, trace, live)
    after = counters(live)
    delta = {name: after[name] - before[name] for name in after}
    run, check = found["run"], found["cross_check"]
    assert run["succeeded"] == run["requests"] == len(rows)
    # by the client's own sum, by the difference of counters that the run noted, and by what was asked for
    assert check["input_tokens"] == {"server": asked_in, "client": asked_in, "difference": 0}
    assert check["output_tokens"] == {"server": asked_out, "client": asked_out, "difference": 0}
    # counters read around the whole command hold the warm-up too, and nothing else
    assert delta["prompt_tokens"] > asked_in
    assert delta["generation_tokens"] > asked_out


def prefix_trace(path: Path, rows: int = 120) -> Path:
    """Conversations in Mooncake's format: each turn sends what came before it again."""
    drawn, fresh = random.Random(3), iter(range(10_000_000))
    talks: list[list[int]] = [[next(fresh) for _ in range(drawn.randint(1, 4))] for _ in range(12)]
    with path.open("w") as file:
        for i in range(rows):
            talk = drawn.choice(talks)
            talk.extend(next(fresh) for _ in range(drawn.randint(0, 2)))
            rest = drawn.randint(1, BLOCK)
            length = (len(talk) - 1) * BLOCK + rest if rest < BLOCK else len(talk) * BLOCK
            blocks = [*talk[:-1], next(fresh)] if rest < BLOCK else list(talk)
            row = {"timestamp": 250 * i, "input_length": length, "output_length": 4, "hash_ids": blocks}
            file.write(json.dumps(row) + "\n")
            if length > 20 * BLOCK:
                talks[talks.index(talk)] = [next(fresh)]
    return path


def ideal(path: Path) -> float:
    """The share of input tokens in blocks that were seen before, counted here once more."""
    seen: set[int] = set()
    hits = total = 0
    for line in path.read_text().splitlines():
        row = json.loads(line)
        total += row["input_length"]
        left = row["input_length"]
        for block in row["hash_ids"]:
            hits += min(left, BLOCK) if block in seen else 0
            left -= BLOCK
        seen.update(row["hash_ids"])
    return hits / total


def test_prefix_hits_are_the_traces_own(tmp_path: Path, live: Live) -> None:
    trace = prefix_trace(tmp_path / "turns.jsonl")
    found = replay(tmp_path, trace, live, "--concurrency", "1")["cross_check"]["prefix_hit_rate"]
    assert found["ideal"] == pytest.approx(ideal(trace), abs=1e-9)
    assert 0.3 < found["ideal"] < 0.95
    assert found["server"] == pytest.approx(found["ideal"], abs=0.02)
    assert found["client"] == pytest.approx(found["server"], abs=0.001)


def test_prefix_hits_of_a_recorded_sample(tmp_path: Path, live: Live) -> None:
    if not MOONCAKE.exists():
        pytest.skip(f"NOT RUN: {MOONCAKE.name} of the shared traces is absent")
    trace = tmp_path / "sample.jsonl"
    with MOONCAKE.open() as file:
        rows = [row for row in islice(file, 200) if sum(json.loads(row)[k] for k in SIZES) <= CONTEXT]
    short = [{**row, "output_length": min(row["output_length"], 8)} for row in map(json.loads, rows[:40])]
    trace.write_text("".join(json.dumps(row) + "\n" for row in short))
    found = replay(tmp_path, trace, live, "--concurrency", "1")["cross_check"]["prefix_hit_rate"]
    assert found["ideal"] == pytest.approx(ideal(trace), abs=1e-9)
    assert found["server"] == pytest.approx(found["ideal"], abs=0.02)


SIZES = ("input_length", "output_length")


def test_a_second_run_finds_nothing_of_the_first_in_the_cache(tmp_path: Path, live: Live) -> None:
    rows = steady(20, per_s=50, given=640, made=2)
    trace = own(tmp_path / "same.jsonl", rows)
    for run in ("first", "second"):
        found = replay(tmp_path, trace, live, "--concurrency", "2", "--journal", f"{run}.jsonl")
        assert found["cross_check"]["prefix_hit_rate"]["client"] == 0


def test_what_is_too_long_is_left_out_and_counted(tmp_path: Path, live: Live) -> None:
    rows = steady(6, per_s=20)
    rows[3]["input_tokens"] = CONTEXT
    found = replay(tmp_path, own(tmp_path / "long.jsonl", rows), live, "--concurrency", "2")
    trace = found["trace"]
    assert (trace["rows_read"], trace["rows_replayed"]) == (6, 5)
    assert sum(trace["left_out"].values()) == 1
    assert found["run"]["requests"] == found["run"]["succeeded"] == 5


def test_a_model_that_is_not_served_is_told(tmp_path: Path, live: Live) -> None:
    trace = own(tmp_path / "few.jsonl", steady(3, per_s=20))
    done = tco("replay", trace, "--url", live.url, "--model", "no-such-model", cwd=tmp_path)
    assert done.returncode == 4
    assert "no-such-model" in done.stderr and "tiny" in done.stderr
    assert "Traceback" not in done.stderr


def test_sessions_wait_for_their_turn(tmp_path: Path, live: Live) -> None:
    rows: list[dict[str, Any]] = []
    for talk in range(4):
        for turn in range(4):
            row: dict[str, Any] = {"at_s": 0.01 * talk + 0.001 * turn, "input_tokens": 200, "output_tokens": 20}
            row |= {"id": f"{talk}-{turn}", "session": f"s{talk}"}
            rows.append(row | ({"after": f"{talk}-{turn - 1}", "think_s": 0.05} if turn else {}))
    rows.sort(key=lambda row: row["at_s"])
    trace = own(tmp_path / "talks.jsonl", rows)
    replay(tmp_path, trace, live, "--journal", "talks.journal.jsonl")
    from tco.replay.record.journal import read_journal

    outcomes = {o.index: o for o in read_journal(tmp_path / "talks.journal.jsonl").runs[-1].outcomes}
    index = {row["id"]: i for i, row in enumerate(rows)}
    for row in rows:
        if "after" in row:
            before, this = outcomes[index[row["after"]]], outcomes[index[row["id"]]]
            assert before.end is not None and this.sent is not None
            assert this.sent - before.end >= 50_000 - 1_000  # microseconds; a millisecond for the rounding of clocks


def test_real_prompts_and_chats_are_sent_as_they_are(tmp_path: Path, live: Live) -> None:
    rows: list[dict[str, Any]] = [
        {"at_s": 0, "prompt": "once upon a time", "output_tokens": 12},
        {"at_s": 0.1, "messages": [{"role": "user", "content": "say something"}], "output_tokens": 9},
    ]
    found = replay(tmp_path, own(tmp_path / "words.jsonl", rows), live, "--concurrency", "1")
    assert found["run"]["succeeded"] == 2
    assert found["cross_check"]["output_tokens"] == {"server": 21, "client": 21, "difference": 0}
    journal = next(tmp_path.glob("*.journal.jsonl")).read_text()
    assert "once upon" not in journal and "say something" not in journal


def test_from_a_trace_to_a_profile_that_a_comparison_uses(tmp_path: Path, live: Live) -> None:
    trace = own(tmp_path / "steady.jsonl", steady(400, per_s=4, given=128, made=16))
    size = ("--seeds", "1", "--requests", "80") if live.real else ("--seeds", "2", "--requests", "120")
    done = tco(
        "replay", trace, "--url", live.url, "--gpu", "CPU", "--find-capacity", "--slo", "ttft_p90=2s", *size,
        "--name", "tiny-cpu", "-o", "measured.yaml", "--json", cwd=tmp_path,
    )  # fmt: skip
    if done.returncode == 4 and live.real:  # vLLM and the client share two cores: it may not keep up, and then says so
        assert "inconclusive" in done.stderr or "capacity" in done.stderr, done.stderr
        assert not (tmp_path / "measured.yaml").exists()
        return
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["capacity"]
    profile = yaml.safe_load((tmp_path / "measured.yaml").read_text())["capacity"]["tiny-cpu"]
    rate = profile["requests_per_s"]
    if isinstance(rate, dict):
        assert rate["low"] <= rate["mode"] <= rate["high"]
    else:  # nothing but the client, or too little room, bounded it
        assert found["lower_bound"] or found["interval_95"]["high"] <= found["requests_per_s"] * 1.01
    mode = rate["mode"] if isinstance(rate, dict) else rate
    assert mode == pytest.approx(found["requests_per_s"], rel=0.01)
    scenario = tmp_path / "mine.yaml"
    scenario.write_text(
        "workload: {volume: 50k requests/day, input_tokens: 128, output_tokens: 16}\n"
        "catalogs: [.]\n"
        "options:\n"
        "  api: {kind: api, model: anthropic/claude-haiku-4.5}\n"
        "  own: {kind: self_hosted, gpu_price: $1/hour, capacity: measured/tiny-cpu}\n"
    )
    compared = tco("compare", scenario, cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr
    words = " ".join(compared.stdout.split())
    assert "measured 20" in words
    assert ("95 % interval" in words) is isinstance(rate, dict)
