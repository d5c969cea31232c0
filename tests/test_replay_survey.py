"""What a session settles before it sends: which rows each seed replays, what a cache could save, how much is needed."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from queueing import Server
from test_capacity_search import Lab

from tco.document import Faults
from tco.replay.measure.bound import fewest
from tco.replay.measure.search import find_capacity
from tco.replay.measure.sizing import CROPPED, MISSES, WITHOUT_OBJECTIVE, in_words, rows_of_a_run, ties
from tco.replay.objective import parse_objectives
from tco.replay.outcome import Outcome, gathered
from tco.replay.record.header import Asked, Header, Part, ServerFacts, TraceFacts, read_header
from tco.replay.record.journal import RecordedRun
from tco.replay.results import Capacity, NoCapacity
from tco.replay.session.counted import counted, rate_of
from tco.replay.session.finding import NotMade, Recall, with_the_trace
from tco.replay.session.provenance import default_name, gpu_of
from tco.replay.session.survey import Survey, survey
from tco.traffic.request import Request

BLOCK = 16


def looked(requests: list[Request], limit: int | None = None, seeds: int = 1) -> Survey:
    def read() -> Iterator[tuple[int, Request]]:
        return ((10 * i, request) for i, request in enumerate(requests))  # rows in between were left out

    return survey(read, BLOCK, limit, seeds)


def evenly(count: int) -> list[Request]:
    return [Request(at=0.5 * i, input_tokens=20, output_tokens=2) for i in range(count)]


def test_all_of_a_trace() -> None:
    found = looked(evenly(30))
    assert (found.rows, found.used, found.beyond) == (30, 30, 0)
    assert found.parts == (Part(first=0, span_s=0.5 * 29, ideal_hit_rate=None, recorded_input_tokens=20.0),)
    assert len(found.first) == 8


def test_each_seed_has_a_part_from_the_beginning_to_the_end() -> None:
    found = looked(evenly(100), limit=20, seeds=3)
    assert [p.first for p in found.parts] == [0, 10 * (100 - 20) // 2, 10 * (100 - 20)]
    assert (found.rows, found.used, found.beyond) == (20, 3 * 20, 100 - 3 * 20)
    assert {p.span_s for p in found.parts} == {0.5 * 19}


def test_parts_overlap_where_they_must_and_rows_count_once() -> None:
    found = looked(evenly(30), limit=20, seeds=3)
    assert [p.first for p in found.parts] == [0, 50, 100]
    assert (found.used, found.beyond) == (30, 0)


@pytest.mark.parametrize(("limit", "seeds"), [(30, 3), (31, 3), (20, 1)])
def test_one_part_for_all_seeds(limit: int, seeds: int) -> None:
    found = looked(evenly(30), limit=limit, seeds=seeds)
    assert [p.first for p in found.parts] == [0]
    assert (found.rows, found.used + found.beyond) == (min(limit, 30), 30)


def test_nothing_to_send() -> None:
    found = looked([])
    assert (found.rows, found.used, found.first) == (0, 0, ())


def slow_ideal(requests: list[Request]) -> Fraction:
    """The same, request by request against all before it."""
    hits = tokens = 0
    for i, request in enumerate(requests):
        tokens += request.input_tokens or 0
        best = 0
        for earlier in requests[:i]:
            same = 0
            for mine, theirs in zip(request.blocks, earlier.blocks, strict=False):
                if mine != theirs:
                    break
                same += 1
            best = max(best, same)
        hits += min(best * BLOCK, request.input_tokens or 0)
    return Fraction(hits, tokens)


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), min_size=1, max_size=12), st.integers(0, BLOCK - 1)
)
def test_ideal_hit_rate(blocks: list[list[int]], short: int) -> None:
    requests = [
        Request(at=float(i), input_tokens=len(b) * BLOCK - short, output_tokens=1, blocks=tuple(b))
        for i, b in enumerate(blocks)
    ]
    rate = looked(requests).parts[0].ideal_hit_rate
    assert rate == pytest.approx(float(slow_ideal(requests)))


def test_sessions_and_prompts_are_noticed() -> None:
    rows = evenly(3)
    assert (looked(rows).sessions, looked(rows).real_prompts) == (False, False)
    rows[1] = rows[1]._replace(after="a", prompt="text")
    assert (looked(rows).sessions, looked(rows).real_prompts) == (True, True)
    unused = looked(rows, limit=1)
    assert (unused.sessions, unused.real_prompts) == (False, False)


def test_ties_are_counted_in_the_part_with_the_most() -> None:
    at = [0, 1, 1, 1, 2, 3, 3, 4, 5, 6]
    rows = [Request(at=float(t), input_tokens=20, output_tokens=2) for t in at]
    assert looked(rows).tied == 3
    assert looked(rows, limit=5, seeds=2).tied == 2, "of 0 1 1 1 2, and of 3 3 4 5 6"
    assert looked(evenly(30)).tied == 0


# -- how much a run sends ---------------------------------------------------------------------------------------------


def test_a_run_proves_its_objectives_with_a_few_misses_after_cropping() -> None:
    rows = rows_of_a_run(parse_objectives("ttft_p99=1s,tpot_p90=1s"))
    assert fewest(Fraction(99, 100), MISSES) == 1307
    assert rows * (1 - CROPPED) >= 1307 > (rows - 2) * (1 - CROPPED)
    assert rows == ceil(1307 / 0.6), "four in ten may be cropped"


def test_a_run_is_never_too_short_for_a_steady_part() -> None:
    assert rows_of_a_run(()) == rows_of_a_run(parse_objectives("ttft_p50=1s")) == WITHOUT_OBJECTIVE


def facts(rows: int, tied: int, spread: int | None = None, seeds: int = 3, parts: int = 1) -> Header:
    made = header([Part(0, 10.0, None)] * parts)
    trace = structs.replace(made.trace, rows=rows, tied=tied, spread=spread)
    return structs.replace(made, trace=trace, asked=structs.replace(made.asked, seeds=seeds))


def test_ties_are_named_with_what_parts_them() -> None:
    assert ties(facts(100, 10).trace) == "", "a few do no harm"
    said = "388 of 432 requests are due at the moment of the one before, which no speed-up parts"
    assert ties(facts(432, 388).trace) == f"{said}: `--spread` parts those within one tick of its clock"
    assert ties(facts(432, 388, spread=1).trace) == said, "it was asked for already"
    assert in_words((), facts(432, 388).trace).endswith("one tick of its clock")


def test_what_the_trace_has_to_do_with_what_was_found() -> None:
    missed = NoCapacity("not even 0.03 requests/s passed: missed", False, ())
    named = with_the_trace(missed, facts(432, 388))
    assert isinstance(named, NoCapacity) and named.reason.startswith(f"{missed.reason}; 388 of 432 requests are due")
    assert with_the_trace(missed, facts(432, 3)) == missed
    late = missed._replace(inconclusive=True)
    assert with_the_trace(late, facts(432, 388)) == late

    lab = Lab(Server(0.1), 600)
    found = find_capacity(lab, (), own_rate=1.0)
    assert isinstance(found, Capacity)
    same = "all seeds replay the same 600 requests: what differs is chance alone"
    for header_, notes in ((facts(600, 0), (same,)), (facts(600, 0, parts=3), ())):
        with_notes = with_the_trace(found, header_)
        assert isinstance(with_notes, Capacity) and with_notes.notes == (*found.notes, *notes)
    one_seed = with_the_trace(found._replace(seeds=(1,)), facts(600, 0))
    assert isinstance(one_seed, Capacity) and one_seed.notes == found.notes


# -- the journal's first line -----------------------------------------------------------------------------------------


def header(parts: list[Part], model: str = "org/Tiny-Model 1.0", gpu: str | None = None) -> Header:
    return Header(
        version="0",
        started="2026-11-21T20:14:03Z",
        salt="s",
        asked=Asked(slo="", gpus=1, seed=5, drain_s=1, timeout_s=1, processes=1, seeds=len(parts), gpu=gpu),
        trace=TraceFacts(
            path="t.jsonl", name="t.x.jsonl", digest="0" * 64, format=None, time_unit=None, spread=None,
            block_tokens=None, read=10, left_out={}, rows=10, used=10, parts=parts, sessions=False, real_prompts=False,
        ),
        server=ServerFacts("http://127.0.0.1:1", "vLLM", "1", model, None, metrics=False, resets=False),
    )  # fmt: skip


def test_a_header_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = header([Part(0, 2.0, 0.25)])
    assert read_header("j", made.as_dict()) == made


def test_a_header_of_another_version_is_a_fault() -> None:
    about = header([Part(0, 2.0, None)]).as_dict()
    del about["trace"]["rows"]
    with pytest.raises(Faults, match="another version"):
        read_header("j", about)


def test_parts_are_brought_to_one_rate() -> None:
    found = header([Part(0, 10.0, None), Part(100, 5.0, None), Part(200, 20.0, None)])
    assert found.rate == (10 - 1) / 10.0
    assert [found.part(seed).first for seed in (5, 6, 7)] == [0, 100, 200]
    for seed in (5, 6, 7):
        own = found.trace.rate(found.part(seed))
        assert own is not None
        assert own * found.factor(3.0, seed) == pytest.approx(3.0 * (10 - 1) / 10.0)


def test_one_part_serves_every_seed() -> None:
    found = header([Part(0, 10.0, None)])
    assert found.factor(3.0, 9) == 3.0 and found.part(9) == found.part(5)


def test_names_of_entries_and_gpus() -> None:
    found = header([Part(0, 1.0, None)], gpu="NVIDIA H200")
    assert default_name(found, "NVIDIA H200") == "tiny-model-1.0-nvidia-h200-t"
    assert gpu_of(found) == "NVIDIA H200" and gpu_of(found, "L4") == "L4"
    assert gpu_of(header([Part(0, 1.0, None)])) is None


# -- runs that a search recalls ---------------------------------------------------------------------------------------


def recorded(run: int, speedup: float | None, seed: int, reason: str | None = "done") -> RecordedRun:
    outcomes = [
        Outcome(i, 1000 * i, 1000 * i, 1000 * i + 9, 1000 * i + 9, 1000 * i + 9, (), 5, 1, 0, "ok") for i in range(50)
    ]
    about = {"speedup": speedup, "concurrency": None if speedup else 4, "seed": seed}
    return RecordedRun(run, about, outcomes, [], None if reason is None else {"reason": reason})


def test_the_second_time_a_run_is_asked_for_the_second_one_answers() -> None:
    made = [recorded(1, None, 1), recorded(2, 2.0, 1), recorded(3, 2.0, 1), recorded(4, 2.0, 2)]
    recall = Recall([counted(r, (), 1) for r in made])
    assert [recall(2.0, None, 1)[0], recall(2.0, None, 1)[0], recall(2.0, None, 2)[0], recall(None, 4, 1)[0]] == [
        2,
        3,
        4,
        1,
    ]
    with pytest.raises(NotMade):
        recall(2.0, None, 1)


@pytest.mark.parametrize("reason", ["interrupted", "failed", None])
def test_a_run_that_was_cut_is_not_recalled(reason: str | None) -> None:
    recall = Recall([counted(recorded(1, 2.0, 1, reason), (), 1)])
    with pytest.raises(NotMade):
        recall(2.0, None, 1)


def test_the_rate_of_a_run() -> None:
    outcomes = gathered(recorded(1, 2.0, 1).outcomes)
    assert rate_of(outcomes, None) == pytest.approx((50 - 1) / 0.049), "so many gaps"
    assert rate_of(outcomes, 4) == pytest.approx(50 / (0.049 + 0.000_009))
    assert rate_of(gathered([]), None) == rate_of(gathered([]), 4) == 0
