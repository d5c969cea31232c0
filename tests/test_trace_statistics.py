"""What a trace holds, in figures: against the same figures counted the slow way, and against published ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path
from statistics import fmean, pstdev

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tco.traffic.batch import batch_of
from tco.traffic.distinct import Distinct
from tco.traffic.formats import own
from tco.traffic.prefixes import Prefixes
from tco.traffic.request import Request
from tco.traffic.statistics import Lengths, _Times, statistics
from tco.traffic.trace import open_trace

TRACES = Path(__file__).parent / "fixtures" / "traces"
SHARED = Path(__file__).parents[2] / "shared" / "traces"


def shared(name: str) -> Path:
    """A real trace that lies beside the checkout."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"no real trace to read: ../shared/traces/{name} is not there")
    return path


# -- published figures ------------------------------------------------------------------------------------------------


def test_azure_code() -> None:
    found = statistics(open_trace(shared("azure/AzureLLMInferenceTrace_code.csv")))
    assert (found.tally.read, found.tally.kept, found.tally.dropped) == (8819, 8819, {})
    assert found.arrivals is not None and found.arrivals.gap_cv is not None
    assert round(found.arrivals.gap_cv, 1) == 13.2
    assert found.arrivals.span_s == pytest.approx(3435.948056)
    assert found.hit_rate is None and found.sessions is None


def test_mooncake_conversation() -> None:
    trace = open_trace(shared("mooncake/conversation_trace.jsonl"))
    found = statistics(trace)
    assert (found.tally.read, found.tally.kept) == (12031, 12031)
    assert found.hit_rate is not None and round(found.hit_rate * 100, 1) == 37.4
    assert found.arrivals is not None
    assert found.arrivals.most_on_a_stamp == 28
    assert found.arrivals.span_s == 3536.999, "milliseconds, not seconds"
    assert round(trace.tick / 1e9) == 3


def test_mooncake_hit_rate_is_that_of_a_set() -> None:
    trace = open_trace(shared("mooncake/conversation_trace.jsonl"))
    rows = list(trace.requests())
    assert statistics(trace).prefix_served == served_by_a_set(rows, 512)


@pytest.mark.parametrize(
    ("name", "rows", "span_s"),
    [("burstgpt_1_first3rows_quoted.csv", 3, 118 - 5), ("burstgpt_3_first4rows_quoted.csv", 4, 19440254 - 19440110)],
)
def test_burstgpt(name: str, rows: int, span_s: float) -> None:
    found = statistics(open_trace(shared(f"burstgpt/{name}")))
    assert (found.tally.read, found.tally.kept) == (rows, rows)
    assert found.arrivals is not None and found.arrivals.span_s == span_s


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("code_review_workflow", 15), ("customer_support_escalation", 9), ("fan_in_dependencies", 4),
        ("multi_agent_research", 12), ("parallel_requests", 5), ("prefix_sharing_example", 7), ("simple_chain", 3),
        ("simple_chain_alt", 3), ("software_architecture_review", 15),
    ],
)  # fmt: skip
def test_otel(name: str, rows: int) -> None:
    trace = open_trace(shared(f"otel/{name}.json"))
    found = list(trace.requests())
    assert (trace.tally.read, trace.tally.kept, len(found)) == (rows, rows, rows)
    assert all(r.prompt is not None and r.session is not None for r in found)
    ids = {r.id: r for r in found}
    for r in found:
        if r.after is not None:
            assert ids[r.after].session == r.session
            assert r.at is not None and r.think is not None and 0 <= r.think < r.at


def test_what_starts_before_another_ended_does_not_wait_for_it() -> None:
    rows = list(open_trace(shared("otel/fan_in_dependencies.json")).requests())
    assert [(r.id, r.after, r.think) for r in rows] == [
        ("span_001", None, None), ("span_002", "span_001", 0.5), ("span_003", "span_001", 1.0),
        ("span_004", "span_003", 6.0 - 5.0),
    ]  # fmt: skip


# -- the slow way -----------------------------------------------------------------------------------------------------


def served_by_a_set(rows: list[Request], block: int) -> int:
    """Tokens of blocks whose whole prefix was there before."""
    seen: set[tuple[tuple[int, ...], int]] = set()
    served = 0
    for r in rows:
        assert r.input_tokens is not None
        for i in range(len(r.blocks)):
            length = min(block, r.input_tokens - i * block)
            key = (r.blocks[: i + 1], length)
            served += length if key in seen else 0
            seen.add(key)
    return served


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=4), st.integers(0, 3)), max_size=30), st.integers(1, 9))
def test_prefixes_are_those_of_a_set(prompts: list[tuple[list[int], int]], size: int) -> None:
    """Equal ids in another place, or behind others, are no equal prefix; nor is a last block of another length."""
    rows = [Request(None, max(len(ids) * 4 - short, 1), 1, tuple(ids)) for ids, short in prompts]
    rows = [r for r in rows if len(r.blocks) * 4 < (r.input_tokens or 0) + 4]
    found = Prefixes(4)
    for start in range(0, len(rows), size):
        found.add(batch_of(rows[start : start + size]))
    assert found.served() == served_by_a_set(rows, 4)


@settings(deadline=None)
@given(st.lists(st.text(max_size=2), max_size=300), st.integers(1, 50), st.integers(1, 20))
def test_distinct_is_a_set(names: list[str], held: int, size: int) -> None:
    once, counted = Distinct(held=held), Distinct(counted=True, held=held)
    for start in range(0, len(names), size):
        once.texts(names[start : start + size])
        counted.texts(names[start : start + size])
    assert once.found().distinct == len(set(names))
    assert counted.found().times == dict(Counter(Counter(names).values()))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 99)), max_size=200), st.integers(1, 50))
def test_weights_are_added_once(pairs: list[tuple[int, int]], held: int) -> None:
    weights = dict(pairs)
    found = Distinct(weighed=True, held=held)
    for key, _ in pairs:
        found.add(np.array([key << 55], np.uint64), np.array([weights[key]], np.int64))
    assert found.found()[:2] == (len(weights), sum(weights.values()))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.sampled_from([Fraction(1, 2), Fraction(9, 10), 1]))
def test_quantiles_are_of_nearest_rank(values: list[int], share: Fraction) -> None:
    counts = tuple(sorted(Counter(values).items()))
    found = Lengths(len(values), sum(values), counts).quantile(float(share))
    assert found == sorted(values)[ceil(share * len(values)) - 1]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 90_000), min_size=2, max_size=60), st.data())
def test_arrivals(tmp_path_factory: pytest.TempPathFactory, gaps: list[int], data: st.DataObject) -> None:
    at = [float(t) / 1000 for t in np.cumsum([0, *gaps])]
    rows = [Request(t, data.draw(st.integers(0, 9)), data.draw(st.integers(0, 9))) for t in at]
    path = tmp_path_factory.getbasetemp() / "arrivals.jsonl"
    path.write_bytes(own.header(None) + b"".join(own.lines([batch_of(rows)])))
    found = statistics(open_trace(path))
    arrivals = found.arrivals
    assert arrivals is not None
    assert arrivals.span_s == at[-1]
    between = [b - a for a, b in pairwise(at)]
    if at[-1]:
        assert arrivals.per_s == pytest.approx(len(between) / at[-1])
        assert arrivals.gap_cv == pytest.approx(pstdev(between) / fmean(between), abs=1e-6)
        assert found.tokens_per_day == pytest.approx(
            len(between) / at[-1] * 86_400 * sum((r.input_tokens or 0) + (r.output_tokens or 0) for r in rows) / len(at)
        )
    else:
        assert (arrivals.per_s, arrivals.gap_cv, found.tokens_per_day) == (None, None, None)
    by_minute = Counter(int(t // 60) for t in at)
    assert {m.minute: m.requests for m in arrivals.minutes} == by_minute
    assert sum(m.input_tokens for m in arrivals.minutes) == sum(r.input_tokens or 0 for r in rows)
    assert arrivals.peak.requests == max(by_minute.values())
    whole = [by_minute[m] for m in range(int(at[-1] // 60))]
    expected = None if len(whole) < 2 else pstdev(whole) ** 2 / fmean(whole)
    assert arrivals.dispersion == (None if expected is None else pytest.approx(expected))
    stamps = Counter(at)
    assert arrivals.tied == sum(n for n in stamps.values() if n > 1)
    assert arrivals.most_on_a_stamp == max(stamps.values())


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.integers(1, 5))
def test_ties_across_batches(gaps: list[int], size: int) -> None:
    at = np.cumsum([0, *gaps]).tolist()
    times = _Times()
    for start in range(0, len(at), size):
        times.add(batch_of([Request(float(t), 1, 1) for t in at[start : start + size]]))
    found, stamps = times.found(), Counter(at)
    assert found.tied == sum(n for n in stamps.values() if n > 1)
    assert found.most_on_a_stamp == max(stamps.values())
    assert found.gap_cv is None or found.gap_cv == pytest.approx(pstdev(gaps) / fmean(gaps))


def test_figures_of_a_small_trace() -> None:
    found = statistics(open_trace(TRACES / "own.jsonl"))
    assert found.input_tokens.total == 10 + 14 + 8
    assert found.output_tokens.mean == (3 + 2 + 1) / 3
    assert found.sessions is not None
    assert found.sessions[:1] + found.sessions[2:] == (1, 1, 1)
    assert found.sessions.turns.counts == ((2, 1),)
    assert found.models == {"m": 2, "n": 1}
    assert found.cached_tokens is not None and found.cached_tokens.total == 0 + 8 + 4
    # blocks of 4: the second shares two with the first, the third one
    assert found.prefix_served == 2 * 4 + 4
    assert found.hit_rate == (2 * 4 + 4) / 32


def test_unordered_rows_give_the_same_figures(tmp_path: Path) -> None:
    lines = (TRACES / "mooncake.jsonl").read_text().splitlines()
    path = tmp_path / "back.jsonl"
    path.write_text("\n".join([lines[3], lines[2], lines[0], lines[1]]))
    found, ordered = statistics(open_trace(path)), statistics(open_trace(TRACES / "mooncake.jsonl"))
    assert found.tally.unordered == 3 and ordered.tally.unordered == 0
    assert found[1:] == ordered[1:]


# -- memory -----------------------------------------------------------------------------------------------------------

MEASURE = """
import gc, resource, sys
gc.disable()
from tco.traffic.statistics import statistics
from tco.traffic.trace import open_trace
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = statistics(open_trace(sys.argv[1]))
print(found.tally.kept, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Sessions, blocks and rows: three times as many take no more than a few megabytes more."""

    def peak(rows: int) -> float:
        path = tmp_path / f"{rows}.jsonl"
        with path.open("wb") as out:
            out.write(own.header(512))
            for i in range(rows):
                blocks = list(range(i * 19, i * 19 + 19))
                line = f'{{"at_s": {i}.5, "input_tokens": 9728, "blocks": {blocks}, "session": "its own {i}"}}\n'
                out.write(line.encode())
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        kept, mib = done.stdout.split()
        assert int(kept) == rows
        return float(mib)

    small, large = peak(60_000), peak(180_000)
    assert large < small + 12, f"{small:.0f} MiB, {large:.0f} MiB"
