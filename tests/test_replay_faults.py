"""Each way in which a server can fail, brought to one outcome: nothing raises, nothing counts as success."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from fault_server import Server, fault_server

from tco.replay.http import guard
from tco.replay.http.client import Client
from tco.replay.http.prompts import Bodies
from tco.replay.outcome import FAILURES, OK, Outcome
from tco.traffic.request import Request

TOKENS = 6
GAP_MS = 25
SECRET = "sk-Faults.Test_0123456789"
LIMIT_S = 1.0


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    """One server for all, told anew by each test."""
    with fault_server(first_ms=20, chunk_ms=GAP_MS, slow_s=2) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.set(fault=[], key=None, tokens_per_chunk="1")
    running.clear()
    return running


def requests(url: str, count: int = 1, *, key: str | None = None, chat: bool = False, **limits: float) -> list[Outcome]:
    """The outcomes of some requests, one after the other."""

    async def run() -> list[Outcome]:
        made = Bodies("tiny", "salt", None)
        zero = time.monotonic_ns()
        given: dict[str, Any] = {"timeout_s": 10.0, "first_byte_s": 10.0, **limits}
        prompt = ({"role": "user", "content": "one two three"},) if chat else None
        request = Request(0.0, None if chat else 32, TOKENS, prompt=prompt)
        async with Client(guard.check(url, key=key), **given) as client:
            return [await client.send(i, 0, made.of(i, request), zero) for i in range(count)]

    return asyncio.run(run())


class Expected(NamedTuple):
    status: str
    chunks: int
    """Chunks with tokens that were seen before it failed."""
    http: int | None = None
    detail: str | None = None


HALF = TOKENS // 2
FAULTS = {
    "reset": Expected("reset", 0, detail="ECONNRESET"),
    "close": Expected("reset", 0),
    "reset_mid": Expected("reset", HALF),
    "close_mid": Expected("reset", HALF),
    "http_400": Expected("http", 0, 400, "FaultError"),
    "http_401": Expected("http", 0, 401, "FaultError"),
    "http_429": Expected("http", 0, 429, "FaultError"),
    "http_500": Expected("http", 0, 500, "FaultError"),
    "http_503": Expected("http", 0, 503, "FaultError"),
    "http_201": Expected("http", 0, 201, "FaultError"),
    "redirect": Expected("redirect", 0, 307),
    "http_302": Expected("redirect", 0, 302),
    "error_first": Expected("error event", 0, detail="InternalServerError"),
    "error_mid": Expected("error event", HALF, detail="InternalServerError"),
    "malformed": Expected("malformed", HALF, detail="json"),
    "not_object": Expected("malformed", HALF, detail="unexpected"),
    "half_utf8": Expected("malformed", HALF, detail="utf-8"),
    "gzip": Expected("malformed", 0, detail="compressed"),
    "garbage": Expected("malformed", 0, detail="http"),
    "long_header": Expected("malformed", 0, detail="http"),
    "no_done": Expected("no done", TOKENS),
    "no_usage": Expected("no usage", TOKENS),
    "wrong_count": Expected("wrong length", TOKENS),
    "fewer": Expected("wrong length", TOKENS - 1),
}
HARMLESS = [
    "batched",
    "bom",
    "byte_by_byte",
    "comments",
    "content_length",
    "crlf",
    "empty",
    "special",
    "split_utf8",
    "until_close",
]


def chunks(outcome: Outcome) -> int:
    return 0 if outcome.first is None else len(outcome.gaps) + 1


@pytest.mark.parametrize("chat", [False, True], ids=["completion", "chat"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault(server: Server, fault: str, chat: bool) -> None:
    server.set(fault=[f"{fault}@0"])
    failed, after = requests(server.url, 2, chat=chat)
    expected = FAULTS[fault]
    assert (failed.status, failed.http) == (expected.status, expected.http)
    assert failed.status in FAILURES
    # fewer where a busy machine read two at once; none where a reset overtook them
    assert (0 if fault == "reset_mid" else bool(expected.chunks)) <= chunks(failed) <= expected.chunks
    if expected.detail is not None:
        assert failed.detail == expected.detail
    assert failed.sent is not None and failed.end is not None
    assert failed.sent <= failed.end
    assert after.status == OK, "the next request is none the worse"
    assert server.seen()[0] == 2, "no request was sent twice"


@pytest.mark.parametrize("chat", [False, True], ids=["completion", "chat"])
@pytest.mark.parametrize("fault", ["none", *HARMLESS])
def test_what_is_no_fault(server: Server, fault: str, chat: bool) -> None:
    server.set(fault=[] if fault == "none" else [fault])
    (outcome,) = requests(server.url, chat=chat)
    assert outcome.status == OK
    words = ["<turn>", "user", "one", "two", "three"]
    assert (outcome.input_tokens, outcome.output_tokens) == (len(words) if chat else 32, TOKENS)
    assert 1 <= chunks(outcome) <= (1 if fault == "batched" else TOKENS)


@pytest.mark.parametrize("chat", [False, True], ids=["completion", "chat"])
@pytest.mark.parametrize("fault", ["empty", "special"])
def test_tokens_without_text_take_their_time(server: Server, fault: str, chat: bool) -> None:
    """Of the whole answer, half at the least, however busy the machine: without them it were no time at all."""
    server.set(fault=[fault])
    (outcome,) = requests(server.url, chat=chat)
    assert outcome.first is not None and outcome.last is not None
    assert outcome.last - outcome.first > (TOKENS - 1) * GAP_MS * 1000 / 2
    assert outcome.first + sum(outcome.gaps) == outcome.last


class TestTimeLimits:
    @pytest.mark.parametrize(
        ("fault", "seen"), [("slow_headers", False), ("stuck", True), ("endless", True), ("bad_chunk", True)]
    )
    def test_a_request_that_does_not_end(self, server: Server, fault: str, seen: bool) -> None:
        """A chunk whose size is none belongs here: the library closes the connection and tells nobody."""
        server.set(fault=[fault])
        before = time.monotonic()
        (outcome,) = requests(server.url, timeout_s=LIMIT_S)
        assert LIMIT_S <= time.monotonic() - before < LIMIT_S + 5
        assert outcome.status == "timeout"
        assert (outcome.first is not None) is seen
        assert outcome.end is not None and outcome.end >= LIMIT_S * 1e6
        assert (outcome.input_tokens, outcome.output_tokens) == (None, None), "what was not told is not known"

    def test_the_limit_to_the_headers_is_its_own(self, server: Server) -> None:
        server.set(fault=["slow_headers"])
        (outcome,) = requests(server.url, first_byte_s=LIMIT_S)
        assert outcome.status == "timeout"
        assert outcome.end is not None and outcome.end < 2e6, "the headers come after 2 s"

    def test_a_stream_may_take_longer_than_its_headers(self) -> None:
        with fault_server(chunk_ms=300) as server:
            (outcome,) = requests(server.url, first_byte_s=0.5)
        assert outcome.status == OK
        assert outcome.end is not None and outcome.end > (TOKENS - 1) * 300_000 > 0.5e6

    def test_the_server_is_told(self, server: Server) -> None:
        """An endless answer is made no longer once the client has left."""
        server.set(fault=["endless"])
        requests(server.url, timeout_s=LIMIT_S)
        deadline = time.monotonic() + 5
        while (served := server.record()[0]).state == "running" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert served.state == "aborted"


class TestNobodyListens:
    def test_a_port_that_is_closed(self, unused_port: int) -> None:
        (outcome,) = requests(f"http://127.0.0.1:{unused_port}")
        assert (outcome.status, outcome.detail) == ("refused", "ECONNREFUSED")
        assert (outcome.sent, outcome.first) == (None, None), "it was never handed to a connection"

    def test_a_port_that_closes(self) -> None:
        with fault_server(fault="refuse@1") as server:
            outcomes = requests(server.url, 3)
        assert [o.status for o in outcomes] == [OK, "reset", "refused"]

    def test_a_server_that_is_killed_in_mid_stream(self) -> None:
        async def run(server: Server) -> list[Outcome]:
            made = Bodies("tiny", "salt", None)
            async with Client(guard.check(server.url), timeout_s=10, first_byte_s=10) as client:
                zero = time.monotonic_ns()
                under_way = [
                    asyncio.create_task(client.send(i, 0, made.of(i, Request(0.0, 32, 100)), zero)) for i in range(8)
                ]
                await asyncio.sleep(0.6)
                server.kill()
                return list(await asyncio.gather(*under_way))

        with fault_server(first_ms=50, chunk_ms=50) as server:
            outcomes = asyncio.run(run(server))
        assert {o.status for o in outcomes} == {"reset"}
        assert all(o.first is not None and o.gaps for o in outcomes), "what had come is kept"


@pytest.fixture
def unused_port() -> int:
    with fault_server() as server:
        return server.port


class TestLeaks:
    """A server that repeats the key and the prompt in every text and code of its errors."""

    @pytest.mark.parametrize("fault", ["leak", "leak_mid"])
    def test_no_server_text_is_kept(self, server: Server, fault: str) -> None:
        server.set(fault=[fault], key=SECRET)
        (outcome,) = requests(server.url, key=SECRET)
        assert outcome.status in {"http", "error event"}
        assert outcome.detail is None
        assert SECRET not in repr(outcome)

    def test_a_wrong_key(self, server: Server) -> None:
        server.set(key="another")
        (outcome,) = requests(server.url, key=SECRET)
        assert (outcome.status, outcome.http) == ("http", 401)
        assert SECRET not in repr(outcome)
        server.set(key=SECRET)
        assert requests(server.url, key=SECRET)[0].status == OK
