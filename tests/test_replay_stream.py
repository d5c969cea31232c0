"""Events out of bytes, wherever these are cut, and what they tell of an answer."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tco.replay.http import sse
from tco.replay.http.answer import Answer, short_code
from tco.replay.http.sse import Events, TooLong
from tco.replay.http.target import Key

OWN = Path(__file__).parent / "fixtures" / "replay"
REAL = Path(__file__).parents[2] / "shared" / "vllm-cpu" / "samples"
SECRET = "sk-Stream.Test_0123456789"


def body(path: Path) -> bytes:
    """A transcript without its HTTP head."""
    return path.read_bytes().partition(b"\r\n\r\n")[2]


def fed(pieces: list[bytes]) -> list[bytes]:
    events = Events()
    return [payload for piece in pieces for payload in events.feed(piece)]


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """The data in pieces; an index beyond its end cuts nothing."""
    edges = [0, *sorted(i % (len(data) + 1) for i in at), len(data)]
    return [data[low:high] for low, high in pairwise(edges) if high > low]


payloads = st.lists(st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), min_size=1), max_size=6)


@settings(deadline=None)
@given(payloads, st.lists(st.integers(0, 400), max_size=12), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans())
def test_the_same_events_wherever_they_are_cut(texts: list[str], at: list[int], end: bytes, bom: bool) -> None:
    lines = []
    for i, text in enumerate(texts):
        space = b"" if i % 3 == 2 and not text.startswith(" ") else b" "
        noise = [b": keep-alive", b"event: chunk", b"id: 7"][: i % 4]
        lines += [*noise, b"data:" + space + text.encode(), b""]
    data = (b"\xef\xbb\xbf" if bom else b"") + b"".join(line + end for line in lines)
    expected = [text.encode() for text in texts]
    assert fed([data]) == expected
    assert fed(cut(data, at)) == expected
    assert fed([data[i : i + 1] for i in range(len(data))]) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"\n\n\ndata: a\n\n\n\ndata: b\n\n", [b"a", b"b"]),
        (b": comment\n\n", []),
        (b"event: end\nid: 3\n\n", []),
        (b"id: 1\ndata:  a \n\n", [b" a "]),
        (b"data\n\n", []),
        (b"data: \n\n", []),
        (b"database: a\n\n", []),
        (b" data: a\n\n", []),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"", []),
    ],
)
def test_the_rules_of_event_streams(data: bytes, expected: list[bytes]) -> None:
    assert fed([data]) == expected


def test_a_line_end_that_is_cut_in_two() -> None:
    assert fed([b"data: a\r", b"\ndata: b\r\n\r", b"\n"]) == [b"a\nb"]
    assert fed([b"data: a\r", b"\r", b"data: b\r\r"]) == [b"a", b"b"]


def test_an_event_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "LONGEST", 1000)
    events = Events()
    assert events.feed(b"data: " + b"x" * 900) == []
    with pytest.raises(TooLong):
        events.feed(b"x" * 100)


def read(*events: Any, apart: int = 10, wanted: int | None = None, key: Key | None = None) -> tuple[str, Answer]:
    """The status of an answer, each event in a read of its own, so many microseconds apart, the first at 100."""
    answer = Answer(key)
    for i, event in enumerate(events):
        data = event if isinstance(event, bytes) else b"data: " + (
            event if isinstance(event, str) else json.dumps(event)
        ).encode() + b"\n\n"  # fmt: skip
        if not answer.read(data, 100 + i * apart):
            break
    return answer.judge(wanted), answer


def text(word: str = "w", **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": word, **more}]}


def usage(out: int | None = 2, into: int | None = 5, **more: Any) -> dict[str, Any]:
    return {"choices": [], "usage": {"prompt_tokens": into, "completion_tokens": out, **more}}


class TestTranscripts:
    @pytest.mark.parametrize("size", [1, 7, 100, 100_000])
    def test_a_chat(self, size: int) -> None:
        data = body(OWN / "sse_chat.txt")
        answer = Answer()
        for i in range(0, len(data), size):
            assert answer.read(data[i : i + size], i + size)
        assert answer.judge(5) == "ok"
        assert (answer.input, answer.output, answer.cached) == (9, 5, 0)
        if size == 1:
            chunks = [data.index(part) for part in (b" stra", "漢".encode(), b" end")]
            ends = [data.index(b"\n\n", start) + 2 for start in chunks]
            assert answer.first == ends[0], "the chunk with the role is no token"
            assert answer.gaps == [ends[1] - ends[0], ends[2] - ends[1]]

    def test_a_completion(self) -> None:
        answer = Answer()
        assert answer.read(body(OWN / "sse_completions.txt"), 7)
        assert answer.judge(7) == "ok"
        assert (answer.input, answer.output, answer.cached) == (11, 7, 8)
        assert (answer.first, answer.last, answer.gaps) == (7, 7, []), "all came together: one chunk"

    @pytest.mark.parametrize(
        ("name", "counts"), [("sse_chat.txt", (28, 8, 0)), ("sse_completions.txt", (11, 12, 0))]
    )  # fmt: skip
    def test_of_real_vllm(self, name: str, counts: tuple[int, int, int]) -> None:
        if not REAL.exists():
            pytest.skip("transcripts of real vLLM are not here (../shared/vllm-cpu/samples); our own were read")
        answer = Answer()
        data = body(REAL / name)
        for i in range(len(data)):
            assert answer.read(data[i : i + 1], i)
        assert answer.judge(counts[1]) == "ok"
        assert (answer.input, answer.output, answer.cached) == counts
        assert len(answer.gaps) + 1 == counts[1], "in these each chunk has one token"


class TestTokens:
    @pytest.mark.parametrize(
        "choice",
        [{"text": "a"}, {"text": "", "token_ids": [3]}, {"delta": {"content": "a"}}, {"delta": {"reasoning": "a"}},
         {"delta": {"reasoning_content": "a"}}, {"delta": {"tool_calls": [{"index": 0}]}},
         {"delta": {"refusal": "no"}}],
        ids=str,
    )  # fmt: skip
    def test_what_is_a_token(self, choice: dict[str, Any]) -> None:
        _, answer = read({"choices": [{"delta": {"role": "assistant", "content": ""}}]}, {"choices": [choice]})
        assert (answer.first, answer.last) == (110, 110)

    @pytest.mark.parametrize(
        "choice",
        [{"delta": {"role": "assistant", "content": ""}}, {"delta": {}}, {"delta": {"content": None}},
         {"text": "", "token_ids": []}, {"text": "", "token_ids": [], "finish_reason": "stop"},
         {"delta": {"role": "assistant", "content": ""}, "finish_reason": "stop"}, {}],
        ids=str,
    )  # fmt: skip
    def test_what_is_none(self, choice: dict[str, Any]) -> None:
        status, answer = read({"choices": [choice]}, usage(), "[DONE]")
        assert (status, answer.first, answer.last, answer.gaps) == ("ok", None, None, [])

    def test_gaps_are_between_arrivals(self) -> None:
        events = Events()
        assert len(events.feed(b"data: 1\n\n" * 3)) == 3
        pair = b"".join(b"data: " + json.dumps(text(word)).encode() + b"\n\n" for word in "ab")
        status, answer = read(text(), pair, text(), usage(4), "[DONE]", wanted=4)
        assert status == "ok"
        assert (answer.first, answer.last, answer.gaps) == (100, 120, [10, 10])

    @pytest.mark.parametrize("chat", [False, True], ids=["completion", "chat"])
    def test_tokens_without_text(self, chat: bool) -> None:
        """Half a character, a special token, a text that may become a stop string: an event comes, its text does not.

        The tokens came with it: to leave it out makes the first late, the last early and the time per token short.
        """

        def chunk(word: str, finish: str | None = None) -> dict[str, Any]:
            body = {"delta": {"content": word}} if chat else {"text": word}
            return {"choices": [{"index": 0, **body, "finish_reason": finish}]}

        def seen(*words: str, tokens: int, end: dict[str, Any] | None = None) -> tuple[int | None, int | None]:
            chunks = [chunk(word) for word in words] + ([] if end is None else [end])
            status, answer = read(*chunks, usage(tokens), "[DONE]", wanted=tokens)
            assert status == "ok"
            assert (answer.first or 0) + sum(answer.gaps) == (answer.last or 0)
            return answer.first, answer.last

        assert seen("a", *[""] * 9, tokens=10) == (100, 100 + 9 * 10)
        assert seen("", "é", "b", tokens=3) == (100, 120), "the first token is half a character"
        assert seen("", "", tokens=2) == (100, 110)
        assert seen("a", "", end=chunk("", "length"), tokens=3) == (100, 120), "the last token is a special one"
        assert seen("a", "b", end=chunk("", "stop"), tokens=2) == (100, 110), "the end is told apart from the tokens"
        assert seen("a", "b", end=chunk("c", "stop"), tokens=3) == (100, 120)
        assert seen("a", "", end=chunk("", "length"), tokens=5) == (100, 120), "several tokens in an event"
        assert seen("", "a", "b", tokens=2) == (110, 120), "more chunks than tokens: that without text was none"
        assert seen("", tokens=0) == (None, None), "the server made none"

    def test_the_end_of_a_chat(self) -> None:
        """Its chunk has nothing but the reason: a token where the server counts one more, as of an end of text."""
        role = {"choices": [{"delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
        word, end = {"choices": [{"delta": {"content": "a"}}]}, {"choices": [{"delta": {}, "finish_reason": "stop"}]}
        for tokens, last in ((1, 110), (2, 120)):
            status, answer = read(role, word, end, usage(tokens), "[DONE]")
            assert (status, answer.first, answer.last) == ("ok", 110, last)

    def test_a_token_and_the_end_in_one_read(self) -> None:
        end = {"choices": [{"index": 0, "text": "", "finish_reason": "length"}]}
        pair = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in (text(), end))
        status, answer = read(text(), pair, usage(3), "[DONE]", wanted=3)
        assert (status, answer.first, answer.last, answer.gaps) == ("ok", 100, 110, [10])

    def test_the_last_usage_stands(self) -> None:
        _, answer = read(
            {**text(), "usage": {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": None}},
            usage(2, prompt_tokens_details={"cached_tokens": 4}), "[DONE]",
        )  # fmt: skip
        assert (answer.input, answer.output, answer.cached) == (5, 2, 4)

    def test_cached_tokens_that_are_not_told_are_unknown(self) -> None:
        for details in (None, {}, {"cached_tokens": None}):
            assert read(text(), usage(1, prompt_tokens_details=details), "[DONE]")[1].cached is None
        assert read(text(), usage(1, prompt_tokens_details={"cached_tokens": 0}), "[DONE]")[1].cached == 0


class TestFailures:
    @pytest.mark.parametrize(
        ("events", "status"),
        [
            ([text(), usage(2), "[DONE]"], "ok"),
            ([text(), usage(2)], "no done"),
            ([], "no done"),
            ([text(), "[DONE]"], "no usage"),
            (["[DONE]"], "no usage"),
            ([text(), usage(None), "[DONE]"], "no usage"),
            ([text(), usage(2, None), "[DONE]"], "no usage"),
            ([text(), {"choices": [], "usage": None}, "[DONE]"], "no usage"),
            ([text(), usage(1), "[DONE]"], "wrong length"),
            ([text(), usage(3), "[DONE]"], "wrong length"),
            ([text(), {"error": {"message": "m"}}, usage(2), "[DONE]"], "error event"),
            ([text(), {"error": "m"}, usage(2), "[DONE]"], "error event"),
            ([text(), {"object": "error", "message": "m"}, usage(2), "[DONE]"], "error event"),
            ([{"error": {"code": 500}}], "error event"),
            ([{**text(), "error": None}, usage(2), "[DONE]"], "ok"),
            ([text(), '{"choices":[{"te', usage(2), "[DONE]"], "malformed"),
            ([text(), "nothing", "[DONE]"], "malformed"),
            ([text(), '{"x":' + "[" * 100_000, "[DONE]"], "malformed"),
            ([text(), "5", "[DONE]"], "malformed"),
            ([text(), "[]", "[DONE]"], "malformed"),
            ([{"choices": [{"text": 5}]}], "malformed"),
            ([{"choices": {"text": "a"}}], "malformed"),
            ([text(), usage(-1), "[DONE]"], "malformed"),
            ([text(), {"choices": [], "usage": 7}, "[DONE]"], "malformed"),
            ([b'data: {"choices":[{"text":"\xc3"}]}\n\n'], "malformed"),
            ([b'data: {"id":"\xff","choices":[{"text":"a"}]}\n\n'], "malformed"),
            ([b'data: {"choices":[{"text":"\xed\xa0\xbd"}]}\n\n'], "malformed"),
        ],
        ids=lambda value: str(value)[:80],
    )  # fmt: skip
    def test_status(self, events: list[Any], status: str) -> None:
        assert read(*events, wanted=2)[0] == status

    def test_no_length_was_asked_for(self) -> None:
        assert read(text(), usage(9), "[DONE]", wanted=None)[0] == "ok"

    def test_what_came_before_stays(self) -> None:
        status, answer = read(text(), text(), "broken", wanted=2)
        assert (status, answer.first, answer.last) == ("malformed", 100, 110)

    def test_the_first_failure_is_told(self) -> None:
        status, answer = read({"error": {"type": "A"}}, {"error": {"type": "B"}}, "broken")
        assert (status, answer.detail) == ("error event", "A")


class TestShortCode:
    @pytest.mark.parametrize(
        ("told", "code"),
        [
            ({"error": {"message": "m", "type": "BadRequestError", "param": "x", "code": 400}}, "BadRequestError"),
            ({"error": {"type": None, "code": 404}}, "404"),
            ({"object": "error", "type": "Internal.Server-Error_1", "code": 500}, "Internal.Server-Error_1"),
            ({"type": "your prompt was: hello", "code": "also this"}, None),
            ({"type": "x" * 60}, "x" * 60),
            ({"type": "x" * 61}, None),
            ({"type": SECRET, "code": f"a-{SECRET}"}, None),
            ({"type": SECRET, "code": 400}, "400"),
            ({"type": ["a"], "code": {"a": 1}}, None),
            ({"type": "", "code": ""}, None),
            ({"error": "text"}, None),
            ([1], None),
            ("text", None),
        ],
        ids=str,
    )
    def test_is_an_identifier_and_never_a_text(self, told: Any, code: str | None) -> None:
        assert short_code(json.dumps(told).encode(), Key(SECRET)) == code

    @pytest.mark.parametrize(
        "told", [b"", b"<html>", b"\xff", b'{"type": "a', b"[" * 100_000], ids=lambda told: str(told[:20])
    )
    def test_of_what_is_no_json(self, told: bytes) -> None:
        assert short_code(told, None) is None
