"""Each format of recorded traffic read from a small sample of our own: counts, times, sessions, what is left out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tco.document import Faults
from tco.traffic.request import Request
from tco.traffic.trace import Trace, open_trace

TRACES = Path(__file__).parent / "fixtures" / "traces"


def read(name: str, **how: Any) -> tuple[Trace, list[Request]]:
    trace = open_trace(TRACES / name, **how)
    rows = list(trace.requests())
    assert trace.tally.read == trace.tally.kept + sum(trace.tally.dropped.values())
    assert trace.tally.kept == len(rows)
    return trace, rows


def test_own() -> None:
    trace, rows = read("own.jsonl")
    assert (trace.format, trace.time_unit, trace.block_tokens, trace.timed) == ("jsonl", "s", 4, True)
    assert trace.header["note"] == "made by hand"
    assert rows == [
        Request(0.0, 10, 3, (1, 2, 3), "a1", "a", None, None, None, 0, "m"),
        Request(1.5, 14, 2, (1, 2, 4, 5), "a2", "a", "a1", 0.5, None, 8, "m"),
        Request(1.5, 8, 1, (1, 6), None, None, None, None, None, 4, "n"),
    ]


def test_own_without_a_header() -> None:
    trace, rows = read("handwritten.jsonl")
    assert (trace.format, trace.block_tokens) == ("jsonl", None)
    assert rows == [
        Request(0.0, 100, 20),
        Request(0.25, None, 7, prompt="What is the capital of France?"),
        Request(2.0, 9, None, prompt=({"role": "user", "content": "Hello"},)),
    ]


def test_azure_of_2023_has_seven_digits() -> None:
    trace, rows = read("azure_2023.csv")
    assert (trace.format, trace.time_unit, trace.clock.evidence) == ("azure", None, "times of day")
    assert rows == [Request(0.0, 4808, 10), Request(0.052, 3180, 8), Request(0.098189, 110, 27)]
    assert round(4.0781490 - 3.9799600, 7) == 0.098189


def test_azure_of_2024_has_a_zone_and_at_times_no_fraction() -> None:
    _, rows = read("azure_2024.csv")
    assert [r.at for r in rows] == [0.0, 0.007405, 0.990070, 1.490070]
    assert [(r.input_tokens, r.output_tokens) for r in rows] == [(2162, 5), (2399, 6), (76, 15), (2376, 6)]


def test_burstgpt_without_sessions() -> None:
    trace, rows = read("burstgpt_1.csv")
    assert (trace.format, trace.time_unit) == ("burstgpt", "s")
    assert rows == [
        Request(0.0, 472, 18, model="ChatGPT"),
        Request(40.0, 1087, 230, model="ChatGPT"),
        Request(113.0, 417, 276, model="GPT-4"),
    ]
    assert trace.tally.dropped == {"failed when recorded": 1}
    assert trace.tally.first[0].line == 4


def test_burstgpt_with_sessions_is_read_by_header() -> None:
    _, rows = read("burstgpt_3.csv")
    assert [(r.at, r.input_tokens, r.output_tokens, r.session) for r in rows] == [
        (0.0, 900, 400, "s-1"), (5.0, 30, 20, "s-2"), (13.0, 1400, 100, "s-1"), (14.0, 1600, 100, "s-1"),
    ]  # fmt: skip
    # the second of s-1 waits for the first, which ended at 110; the third came while the second was under way (to 117)
    assert [(r.id, r.after, r.think) for r in rows] == [
        ("r1", None, None), ("r2", None, None), ("r3", "r1", 113.0 - (100.0 + 10)), ("r4", "r1", 114.0 - (100.0 + 10)),
    ]  # fmt: skip


def test_mooncake_is_in_milliseconds() -> None:
    trace, rows = read("mooncake.jsonl")
    assert (trace.format, trace.time_unit, trace.block_tokens) == ("mooncake", "ms", 512)
    assert [r.at for r in rows] == [0.0, 0.0, 3.0, 5.999]
    assert rows[1] == Request(0.0, 1536, 7, (0, 1, 3))


SPANS = [("one", None, None), ("two", "one", 0.5), ("three", "one", 1.0), ("four", "three", 1.0)]


@pytest.mark.parametrize("name", ["otel_document.json", "otel_otlp.json", "otel_otlp.jsonl", "otel_spans.jsonl"])
def test_otel_spans_in_every_shape(name: str) -> None:
    trace, rows = read(name)
    assert trace.format == "otel"
    assert [(r.id, r.after, r.think) for r in rows] == SPANS
    assert [r.at for r in rows] == [0.0, 2.5, 3.0, 6.0]
    assert [r.input_tokens for r in rows] == [100, 200, 210, 400]
    assert [r.cached_tokens for r in rows] == [40, None, None, None]
    assert {(r.session, r.model) for r in rows} == {("c-1", "m-large")}
    assert rows[0].prompt == ({"role": "user", "content": "Where?"},)
    assert trace.tally.dropped == {
        "no model call: `invoke_agent`": 1,
        "no model call: `execute_tool`": 1,
        "failed when recorded": 1,
    }


def test_a_span_waits_for_the_one_it_was_made_from(tmp_path: Path) -> None:
    """Not for the one that ended last, where the log says which it was."""

    def span(name: str, start: int, end: int, parent: str = "") -> str:
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5}
        times = {"startTimeUnixNano": 10**18 + start * 10**9, "endTimeUnixNano": 10**18 + end * 10**9}
        return json.dumps({"traceId": "t", "spanId": name, "parentSpanId": parent, **times, "attributes": attributes})

    path = tmp_path / "spans.jsonl"
    path.write_text("\n".join([span("a", 0, 2), span("b", 1, 5), span("c", 6, 7, "a"), span("d", 6, 7)]))
    assert [(r.after, r.think) for r in open_trace(path).requests()] == [(None, None)] * 2 + [("a", 4.0), ("b", 1.0)]


@pytest.mark.parametrize("name", ["litellm.json", "litellm.jsonl", "litellm.csv"])
def test_litellm_in_every_export(name: str) -> None:
    trace, rows = read(name)
    assert trace.format == "litellm"
    assert [(r.id, r.at, r.input_tokens, r.output_tokens, r.cached_tokens) for r in rows] == [
        ("q1", 0.0, 500, 20, 384),  # prompt_tokens has cached ones inside
        ("q2", 3.5, 600, 30, 512),
        ("q6", 8.0, 40, 5, None),
    ]
    assert [(r.session, r.after, r.think) for r in rows] == [
        ("chat-1", None, None), ("chat-1", "q1", 3.5 - 1.0), ("chat-2", None, None),
    ]  # fmt: skip
    assert rows[2].prompt == ({"role": "user", "content": "Hi"},)
    assert trace.tally.dropped == {
        "answered by the response cache": 1, "failed when recorded": 1, "no text: `aembedding`": 1,
    }  # fmt: skip


def test_openai_batch_input_has_prompts_and_no_lengths_of_answers() -> None:
    trace, rows = read("batch_input.jsonl")
    assert (trace.format, trace.timed) == ("openai-batch", False)
    assert rows == [
        Request(None, None, None, id="b1", prompt=({"role": "user", "content": "One?"},), model="m"),
        Request(None, 4, None, id="b2", model="m"),
    ]
    assert trace.tally.dropped == {"no text: `/v1/embeddings`": 1}


def test_openai_batch_output_has_lengths() -> None:
    trace, rows = read("batch_output.jsonl")
    assert rows == [
        Request(None, 9, 4, id="b1", cached_tokens=2, model="m"),
        Request(None, 30, 8, id="b3", cached_tokens=16, model="m"),
    ]
    assert trace.tally.dropped == {"failed when recorded": 1}


def test_anthropic_counts_cached_tokens_outside() -> None:
    _, rows = read("anthropic_batch.jsonl")
    assert rows == [Request(None, 21 + 188 + 1000, 39, id="c1", cached_tokens=1000, model="c")]


@pytest.mark.parametrize("name", sorted(path.name for path in TRACES.iterdir()))
def test_gzip_is_read_as_the_file_itself(name: str, tmp_path: Path) -> None:
    packed = tmp_path / "log"
    packed.write_bytes(gzip.compress((TRACES / name).read_bytes()))
    assert list(open_trace(packed).requests()) == list(open_trace(TRACES / name).requests())


@pytest.mark.parametrize("name", sorted(path.name for path in TRACES.iterdir()))
def test_a_second_pass_is_the_same(name: str) -> None:
    trace = open_trace(TRACES / name)
    assert list(trace.requests()) == list(trace.requests())
    assert trace.digest == open_trace(TRACES / name).digest


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    for name in ("azure_2023.csv", "mooncake.jsonl", "litellm.json", "own.jsonl"):
        marked = tmp_path / name
        marked.write_bytes(b"\xef\xbb\xbf" + (TRACES / name).read_bytes())
        assert list(open_trace(marked).requests()) == list(open_trace(TRACES / name).requests())


def test_cached_beyond_the_input_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"input_tokens": 9, "cached_tokens": 9}\n{"input_tokens": 9, "cached_tokens": 10}\n')
    trace = open_trace(path)
    assert [r.cached_tokens for r in trace.requests()] == [9]
    assert trace.tally.dropped == {"more `cached_tokens` than `input_tokens`": 1}


def test_a_format_that_is_asked_for_must_fit() -> None:
    with pytest.raises(Faults, match="not Mooncake JSONL: columns `TIMESTAMP`, `ContextTokens`, `GeneratedTokens`"):
        open_trace(TRACES / "azure_2023.csv", format="mooncake")
    with pytest.raises(Faults, match="did you mean `mooncake`"):
        open_trace(TRACES / "azure_2023.csv", format="moonkake")
