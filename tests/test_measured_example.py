"""The example of the docs: a log, its trace, the journal of a real search, its profile, the verdict that it changes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tco.replay.outcome import FAILURES, OK
from tco.replay.results import Capacity
from tco.replay.session.account import Account
from tco.replay.session.recount import recount
from tco.traffic.trace import open_trace

ROOT = Path(__file__).parent.parent
HERE = ROOT / "docs" / "examples" / "measured"
JOURNAL, TRACE = HERE / "documents.journal.jsonl", HERE / "documents.trace.jsonl"


def account() -> Account:
    return recount(JOURNAL)[1]


def compared(name: str) -> dict[str, Any]:
    run = [sys.executable, "-m", "tco", "compare", str(HERE / name), "--json"]
    found: dict[str, Any] = json.loads(subprocess.run(run, capture_output=True, check=True).stdout)
    return found


def test_the_trace_is_the_log_without_people() -> None:
    log, trace = open_trace(HERE / "documents.jsonl"), open_trace(TRACE)
    kept, made = list(log.requests()), list(trace.requests())
    assert (log.tally.read, log.tally.kept, sum(log.tally.dropped.values())) == (482, 482 - 2, 2)
    assert [(r.input_tokens, r.output_tokens) for r in made] == [(r.input_tokens, r.output_tokens) for r in kept]
    text = TRACE.read_text()
    for secret in ("clerk-", "chatcmpl-", "2026-", "claude"):
        assert secret in (HERE / "documents.jsonl").read_text()
        assert secret not in text


def test_the_journal_is_of_this_trace_and_its_counts_add_up() -> None:
    a = account()
    assert a.digest == hashlib.sha256(TRACE.read_bytes()).hexdigest()
    assert a.rows.read == a.rows.replayed + sum(a.rows.left_out.values()) == 480
    assert a.ended == "done"
    lines = [json.loads(line) for line in JOURNAL.read_text().splitlines()]
    requests = [line for line in lines if line["kind"] == "request"]
    assert isinstance(a.found, Capacity)
    assert len(requests) == sum(p.summary.requests for p in a.found.probes)
    assert {line.get("status", OK) for line in requests} <= {OK, *FAILURES}


def test_the_journal_proves_the_capacity_with_every_seed() -> None:
    found = account().found
    assert isinstance(found, Capacity)
    at = [p for p in found.probes if p.speedup == found.speedup]
    assert {p.seed for p in at} == set(found.seeds) == {1, 2, 3}
    assert all(p.summary.verdict.passed for p in at)
    assert found.low <= found.rate <= found.high
    assert found.rate == min(min(p.rate, p.summary.offered_per_s or p.rate) for p in at), "over the run, or its window"


def test_the_server_counted_what_the_client_did() -> None:
    check = account().check
    assert check is not None
    assert (check.server_input, check.server_output) == (check.client_input, check.client_output)


def test_the_journal_names_no_folder_and_no_prompt() -> None:
    text = JOURNAL.read_text()
    assert "/" not in text.replace("http://127.0.0.1:", "")
    assert 'prompt"' not in text.replace('real_prompts"', "")


def test_the_profile_is_what_the_journal_says() -> None:
    found, profile = account().found, yaml.safe_load((HERE / "prices" / "measured.yaml").read_text())
    assert isinstance(found, Capacity)
    entry = profile["capacity"]["documents"]
    assert entry["gpu"] == "CPU"  # nobody takes it for the figure of a GPU
    assert found.rate * 0.999 <= entry["requests_per_s"]["mode"] <= found.rate


def test_the_two_scenarios_differ_in_their_capacity_alone() -> None:
    before, after = (yaml.safe_load((HERE / name).read_text()) for name in ("before.yaml", "after.yaml"))
    assert after["options"]["own"].pop("capacity") == "measured/documents"
    assert before["options"]["own"].pop("capacity")["requests_per_s"] == 30
    assert after.pop("catalogs") == ["prices"]
    assert before == after


def test_the_measured_capacity_changes_the_verdict() -> None:
    before, after = compared("before.yaml"), compared("after.yaml")
    assert before["recommendation"]["option"] == "own"
    assert after["recommendation"]["option"] == "api"
    assert not before["recommendation"]["too_close_to_call"]
    assert not after["recommendation"]["too_close_to_call"]
    assert any("was measured on a CPU" in text for text in after["warnings"])
