"""The client: what it sends and where, when it says that things happened, and what it never does."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import pickle
import random
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.client_reqrep import ConnectionKey
from fault_server import Served, fault_server

from tco.replay.http import client as client_module
from tco.replay.http import guard
from tco.replay.http.client import Client, ServerError
from tco.replay.http.fate import REASONS, Fate, failed
from tco.replay.http.prompts import Bodies, Body
from tco.replay.outcome import FAILURES, OK, Outcome
from tco.traffic.request import Request

SECRET = "sk-Client.Test_0123456789"
BODIES = Bodies("tiny", "salt", None)


def body(index: int = 0, tokens: int = 4) -> Body:
    return BODIES.of(index, Request(0.0, 32, tokens))


def opened(url: str, *, key: str | None = None, **limits: Any) -> Client:
    return Client(guard.check(url, key=key), **{"timeout_s": 20.0, "first_byte_s": 20.0, **limits})


class Raw:
    """A server that gives fixed answers, one for each request, and keeps what it was sent."""

    def __init__(self, answers: list[bytes], family: socket.AddressFamily = socket.AF_INET) -> None:
        self.answers = answers
        self.requests: list[bytes] = []
        self.connections = 0
        self._listening = socket.socket(family)
        self._listening.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self._listening.listen(16)
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with connection, contextlib.suppress(OSError):
                connection.settimeout(5)
                while self._one(connection):
                    pass

    def _one(self, connection: socket.socket) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            got = connection.recv(65536)
            if not got:
                return False
            data += got
        head, _, rest = data.partition(b"\r\n\r\n")
        length = next(
            (int(r.split(b":")[1]) for r in head.split(b"\r\n") if r.lower().startswith(b"content-length")), 0
        )
        while len(rest) < length:
            rest += connection.recv(65536)
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(head + b"\r\n\r\n" + rest)
        connection.sendall(answer)
        return b"\r\nconnection: close" not in answer and bool(answer)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


@pytest.fixture
def raw() -> Iterator[Raw]:
    server = Raw([answer()])
    yield server
    server.close()


def answer(status: str = "200 OK", extra: str = "", content: bytes | None = None) -> bytes:
    """A whole HTTP answer; without content, a stream of one token."""
    if content is None:
        content = (
            b'data: {"choices":[{"text":"a"}]}\n\n'
            b'data: {"choices":[],"usage":{"prompt_tokens":32,"completion_tokens":4}}\n\ndata: [DONE]\n\n'
        )
    return f"HTTP/1.1 {status}\r\n{extra}content-length: {len(content)}\r\n\r\n".encode() + content


def sent(client_keys: dict[str, Any], raw: Raw, count: int = 1) -> list[Outcome]:
    async def run() -> list[Outcome]:
        async with opened(f"http://127.0.0.1:{raw.port}", **client_keys) as client:
            return [await client.send(i, 0, body(i), time.monotonic_ns()) for i in range(count)]

    return asyncio.run(run())


class TestWhatIsSent:
    def test_the_request(self, raw: Raw) -> None:
        assert [o.status for o in sent({}, raw)] == [OK]
        head, _, content = raw.requests[0].partition(b"\r\n\r\n")
        first, *rows = head.decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
        assert first == "POST /v1/completions HTTP/1.1"
        assert content == body().payload
        accept = fields.pop("accept")
        assert fields == {
            "host": f"127.0.0.1:{raw.port}", "content-type": "application/json", "user-agent": "tco",
            "content-length": str(len(content)), "accept-encoding": "identity",
        }  # fmt: skip
        assert accept == "*/*"

    def test_the_key(self, raw: Raw) -> None:
        sent({"key": SECRET}, raw)
        assert f"\r\nauthorization: bearer {SECRET}\r\n".lower().encode() in raw.requests[0].lower()

    def test_a_path_before_v1(self, raw: Raw) -> None:
        async def run() -> None:
            async with opened(f"http://127.0.0.1:{raw.port}/tiny/v1") as client:
                await client.send(0, 0, body(), time.monotonic_ns())

        asyncio.run(run())
        assert raw.requests[0].startswith(b"POST /tiny/v1/completions HTTP/1.1\r\n")

    def test_no_cookie_comes_back(self, raw: Raw) -> None:
        raw.answers[0] = answer(extra="set-cookie: id=1; path=/\r\n")
        assert [o.status for o in sent({}, raw, 2)] == [OK, OK]
        assert b"cookie" not in raw.requests[1].lower()

    def test_a_large_body(self, raw: Raw) -> None:
        """Above 1 MiB too, with no warning of the library."""
        large = BODIES.of(0, Request(0.0, 300_000, 4))
        assert len(large.payload) > 1024 * 1024

        async def run() -> Outcome:
            async with opened(f"http://127.0.0.1:{raw.port}") as client:
                return await client.send(0, 0, large, time.monotonic_ns())

        assert asyncio.run(run()).status == OK
        assert raw.requests[0].endswith(large.payload)

    def test_ipv6(self) -> None:
        try:
            server = Raw([answer()], socket.AF_INET6)
        except OSError:
            pytest.skip("this machine has no ::1")
        try:

            async def run() -> Outcome:
                async with opened(f"http://[::1]:{server.port}") as client:
                    return await client.send(0, 0, body(), time.monotonic_ns())

            assert asyncio.run(run()).status == OK
            assert f"\r\nhost: [::1]:{server.port}\r\n".encode() in server.requests[0].lower()
        finally:
            server.close()


class TestConnections:
    def test_are_kept(self) -> None:
        with fault_server() as server:

            async def run() -> list[Outcome]:
                async with opened(server.url) as client:
                    return [await client.send(i, 0, body(i), time.monotonic_ns()) for i in range(20)]

            assert {o.status for o in asyncio.run(run())} == {OK}
            requests, connections = server.seen()
            assert requests == 20
            assert connections == 1 + 1, "one for all of them, one for this question"

    @pytest.mark.parametrize(("limit", "most", "first_ms"), [(0, 30, 1000), (5, 5, 100)])
    def test_as_many_as_are_needed_or_allowed(self, limit: int, most: int, first_ms: int) -> None:
        with fault_server(first_ms=first_ms) as server:

            async def run() -> list[Outcome]:
                async with opened(server.url, connections=limit) as client:
                    made = [client.send(i, 0, body(i, 1), time.monotonic_ns()) for i in range(30)]
                    return list(await asyncio.gather(*made))

            assert {o.status for o in asyncio.run(run())} == {OK}
            assert server.seen()[1] == most + 1

    def test_one_that_the_server_closed_in_the_meantime(self, raw: Raw) -> None:
        raw.answers[:] = [answer(extra="connection: close\r\n"), answer()]
        assert [o.status for o in sent({}, raw, 2)] == [OK, OK]
        assert raw.connections == 2

    def test_a_request_is_never_sent_twice(self, raw: Raw) -> None:
        """The server takes the second request of a kept connection, and closes: whether it did anything is unknown."""
        raw.answers[:] = [answer(), b"", answer()]
        outcomes = sent({}, raw, 3)
        assert [o.status for o in outcomes] == [OK, "reset", OK]
        assert len(raw.requests) == 3

    def test_idle_ones_leave_before_the_server_ends_them(self, raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
        assert client_module.KEEP_ALIVE_S < 5, "uvicorn's limit"
        monkeypatch.setattr(client_module, "KEEP_ALIVE_S", 0.1)

        async def run() -> list[Outcome]:
            async with opened(f"http://127.0.0.1:{raw.port}") as client:
                before = await client.send(0, 0, body(), time.monotonic_ns())
                await asyncio.sleep(0.5)
                return [before, await client.send(1, 0, body(), time.monotonic_ns())]

        assert [o.status for o in asyncio.run(run())] == [OK, OK]
        assert raw.connections == 2, "the first was let go after 0.1 s"

    def test_the_end_of_a_stream_that_is_never_said(self, raw: Raw) -> None:
        """All has come with `[DONE]`: a server that keeps the connection open makes nothing fail or wait."""
        raw.answers[0] = answer().replace(b"content-length: ", b"content-length: 9")
        before = time.monotonic()
        (outcome,) = sent({}, raw)
        assert outcome.status == OK
        assert time.monotonic() - before < client_module.TAIL_S + 3
        assert outcome.end is not None and outcome.end < client_module.TAIL_S * 1e6, "it ended with `[DONE]`"

    def test_files_are_allowed_for_them(self) -> None:
        code = """
import asyncio, resource
from tco.replay.http import guard
from tco.replay.http.client import Client
async def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 256))
    async with Client(guard.check("http://127.0.0.1:9"), timeout_s=2, first_byte_s=2):
        print(resource.getrlimit(resource.RLIMIT_NOFILE))
asyncio.run(main())
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "(256, 256)"
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 256

    def test_no_file_is_left_for_one(self) -> None:
        """This machine's limit is no failure of the server: of two requests, the kept connection takes one."""
        code = """
import asyncio, resource, sys, time
from tco.replay.http import guard
from tco.replay.http.client import Client, ServerError
from tco.replay.http.prompts import Bodies
from tco.traffic.request import Request
async def main():
    body = Bodies("tiny", "s", None).of(0, Request(0, 4, 2))
    async with Client(guard.check(sys.argv[1]), timeout_s=10, first_byte_s=10) as client:
        send = lambda index: client.send(index, 0, body, time.monotonic_ns())
        show = lambda outcomes: print(*sorted(f"{o.status} {o.detail}, sent: {o.sent is not None}" for o in outcomes))
        show([await send(0)])
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        files = []
        try:
            while True:
                files.append(open("/dev/null"))
        except OSError:
            pass
        show(await asyncio.gather(send(1), send(2)))
        for told in await asyncio.gather(client.get_json("/version"), client.get_text("/version"),
                                         return_exceptions=True):
            if isinstance(told, ServerError):
                print(told)
        for file in files:
            file.close()
        show(await asyncio.gather(send(3), send(4)))
asyncio.run(main())
"""
        with fault_server(first_ms=200) as server:
            done = subprocess.run([sys.executable, "-c", code, server.url], capture_output=True, text=True, check=False)
            assert server.seen()[0] == 1 + 1 + 2
        fine, limited = "ok None, sent: True", "client limit EMFILE, sent: False"
        first, second, asked, third = done.stdout.splitlines()
        assert (first, second, third) == (fine, f"{limited} {fine}", f"{fine} {fine}"), done.stderr
        assert "this machine has no file, port or memory left for a connection (see `ulimit -n`)" in asked


class TestNowhereElse:
    def test_a_redirect_is_not_followed(self) -> None:
        with fault_server() as elsewhere, fault_server(fault="redirect", redirect_to=elsewhere.url) as server:

            async def run() -> Outcome:
                async with opened(server.url) as client:
                    return await client.send(0, 0, body(), time.monotonic_ns())

            outcome = asyncio.run(run())
            assert (outcome.status, outcome.http) == ("redirect", 307)
            assert elsewhere.seen() == (0, 1), "this question alone"

    def test_a_redirect_of_a_question(self, raw: Raw) -> None:
        other = Raw([answer(content=b"{}")])
        try:
            raw.answers[0] = answer("302 Found", f"location: http://127.0.0.1:{other.port}/\r\n", b"{}")
            with pytest.raises(ServerError, match="`/v1/models` answered with status 302") as error:
                asked(raw, "get_json")
            assert error.value.status == 302
            assert asked(raw, "post") == 302
            assert not other.requests
        finally:
            other.close()

    def test_proxies_of_the_environment(self, raw: Raw, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        proxy = Raw([answer()])
        try:
            for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy"):
                for spelled in (name, name.upper()):
                    monkeypatch.setenv(spelled, f"http://user:pass@127.0.0.1:{proxy.port}")
            for name in ("no_proxy", "NO_PROXY"):
                monkeypatch.delenv(name, raising=False)
            netrc = tmp_path / ".netrc"
            netrc.write_text("machine 127.0.0.1 login me password hunter2\ndefault login me password hunter2\n")
            netrc.chmod(0o600)
            monkeypatch.setenv("HOME", str(tmp_path))
            monkeypatch.setenv("NETRC", str(netrc))
            assert [o.status for o in sent({}, raw)] == [OK]
            assert not proxy.requests and not proxy.connections
            assert b"authorization" not in raw.requests[0].lower()
        finally:
            proxy.close()

    def test_a_name_that_changes_its_answer(self, raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
        """Checked as 127.0.0.1, it leads elsewhere from then on: nobody asks."""
        answers = iter([["127.0.0.1"]])
        target = guard.check(f"http://rebind.test:{raw.port}", resolve=lambda host, port: next(answers))

        def refuse(*args: object, **keys: object) -> NoReturn:
            raise AssertionError(f"the system was asked for {args}")

        monkeypatch.setattr(socket, "getaddrinfo", refuse)

        async def run() -> list[Outcome]:
            outcomes = []
            for _ in range(2):
                async with Client(target, timeout_s=5, first_byte_s=5) as client:
                    outcomes.append(await client.send(0, 0, body(), time.monotonic_ns()))
            return outcomes

        assert [o.status for o in asyncio.run(run())] == [OK, OK]
        assert f"\r\nhost: rebind.test:{raw.port}\r\n".encode() in raw.requests[0].lower()

    def test_every_checked_address_is_tried(self, raw: Raw) -> None:
        """`localhost` is ::1 and 127.0.0.1; the server listens on one of them."""
        target = guard.check(f"http://localhost:{raw.port}", resolve=lambda host, port: ["::1", "127.0.0.1"])

        async def run() -> Outcome:
            async with Client(target, timeout_s=5, first_byte_s=5) as client:
                return await client.send(0, 0, body(), time.monotonic_ns())

        assert asyncio.run(run()).status == OK

    def test_another_host_has_no_address(self) -> None:
        pinned = client_module._Pinned(guard.check("http://127.0.0.1:8000"))
        with pytest.raises(OSError, match="not the target's host"):
            asyncio.run(pinned.resolve("evil.test"))


def asked(raw: Raw, what: str, path: str = "/v1/models", **keys: Any) -> Any:
    async def run() -> Any:
        async with opened(f"http://127.0.0.1:{raw.port}", **keys) as client:
            return await getattr(client, what)(path)

    return asyncio.run(run())


class TestQuestions:
    def test_json_and_text(self, raw: Raw) -> None:
        raw.answers[0] = answer(content='{"data": [{"id": "ü"}]}'.encode())
        assert asked(raw, "get_json") == {"data": [{"id": "ü"}]}
        assert asked(raw, "get_text") == '{"data": [{"id": "ü"}]}'
        assert asked(raw, "post", "/reset_prefix_cache") == 200
        assert raw.requests[-1].startswith(b"POST /reset_prefix_cache HTTP/1.1\r\n")

    @pytest.mark.parametrize(
        ("told", "why"),
        [
            (answer("404 Not Found", content=b"{}"), "`/v1/models` answered with status 404"),
            (answer("503 Busy", content=b"{}"), "`/v1/models` answered with status 503"),
            (answer(content=b"<html>"), "`/v1/models` answered with what is no JSON"),
            (answer(content=b""), "`/v1/models` answered with what is no JSON"),
            (answer(content=b"[" * 100_000), "`/v1/models` answered with what is no JSON"),
            (answer(content=b"\xff"), "`/v1/models` answered with what is no UTF-8 text"),
            (answer(extra="content-encoding: br\r\n", content=b"xx"), "`/v1/models` answered compressed"),
            (b"220 mail ready\r\n\r\n", "what came is no HTTP"),
            (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 99\r\n\r\n{}", "the connection broke"),
        ],
        ids=lambda value: str(value)[:100],
    )  # fmt: skip
    def test_what_is_no_answer(self, raw: Raw, told: bytes, why: str) -> None:
        raw.answers[0] = told
        with pytest.raises(ServerError) as error:
            asked(raw, "get_json")
        assert why in str(error.value)

    def test_an_answer_without_end(self, raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "LONGEST", 1024 * 1024)
        raw.answers[0] = answer(content=b"x" * (1024 * 1024 + 1))
        with pytest.raises(ServerError, match="more than 1 MiB"):
            asked(raw, "get_text")

    def test_no_answer(self, raw: Raw) -> None:
        raw.answers[0] = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{}"
        with pytest.raises(ServerError, match="no answer within the limit"):
            asked(raw, "get_text", first_byte_s=0.2)

    def test_nobody_there(self, raw: Raw) -> None:
        raw.close()
        with pytest.raises(
            ServerError, match=rf"`/v1/models` at http://127.0.0.1:{raw.port}: the connection was refused"
        ):
            asked(raw, "get_json")

    def test_a_key_that_the_server_repeats(self, raw: Raw) -> None:
        raw.answers[0] = answer(content=f'{{"told": "you are {SECRET}"}}'.encode())
        assert asked(raw, "get_json", key=SECRET) == {"told": "you are ***"}
        assert asked(raw, "get_text", key=SECRET) == '{"told": "you are ***"}'


class TestKeyIsNowhere:
    def test_in_no_outcome_error_or_pickle(self, raw: Raw) -> None:
        raw.answers[0] = answer(
            f"418 {SECRET}", content=f'{{"error": {{"type": "{SECRET}", "code": "{SECRET}"}}}}'.encode()
        )
        (outcome,) = sent({"key": SECRET}, raw)
        assert (outcome.status, outcome.http, outcome.detail) == ("http", 418, None)
        assert SECRET not in repr(outcome)
        assert SECRET.encode() not in pickle.dumps(outcome)
        with pytest.raises(ServerError) as error:
            asked(raw, "get_json", key=SECRET)
        told = "".join(traceback.format_exception(error.value))
        assert SECRET not in told and SECRET not in repr(error.value)
        assert SECRET.encode() not in pickle.dumps(error.value)

    def test_in_no_log(self, raw: Raw, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(0)
        raw.answers[:] = [answer(), b"garbage\r\n\r\n", b"", answer("500 x", content=SECRET.encode())]
        sent({"key": SECRET}, raw, 4)
        assert SECRET not in caplog.text
        assert SECRET not in repr(opened("http://127.0.0.1:1", key=SECRET))

    def test_in_no_debug_output(self) -> None:
        """asyncio's debug mode writes what it runs."""
        code = f"""
import asyncio, time
from tco.replay.http import guard
from tco.replay.http.client import Client, ServerError
from tco.replay.http.prompts import Bodies
from tco.traffic.request import Request
async def main():
    async with Client(guard.check("http://127.0.0.1:9", key="{SECRET}"), timeout_s=2, first_byte_s=2) as client:
        print(await client.send(0, 0, Bodies("m", "s", None).of(0, Request(0, 4, 4)), time.monotonic_ns()))
        await client.get_json("/v1/models")
asyncio.run(main())
"""
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONASYNCIODEBUG": "1"},
        )  # fmt: skip
        assert "refused" in done.stdout
        assert "ServerError" in done.stderr
        assert SECRET not in done.stdout + done.stderr


class TestWhateverComes:
    def test_an_answer_that_is_no_stream(self, raw: Raw) -> None:
        raw.answers[0] = answer(content=b'{"choices": [{"text": "a"}], "usage": {"prompt_tokens": 1}}')
        assert [o.status for o in sent({}, raw)] == ["no done"]

    def test_tls_where_there_is_none(self) -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

        async def run() -> Outcome:
            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            async with server, opened(f"https://127.0.0.1:{port}") as client:
                return await client.send(0, 0, body(), time.monotonic_ns())

        outcome = asyncio.run(run())
        assert (outcome.status, outcome.sent, outcome.detail) == ("refused", None, "tls")

    def test_is_an_outcome(self) -> None:
        """Good answers with bytes changed, left out, doubled or cut off: nothing raises, and what is broken is no `ok`
        with another number of tokens than was asked for."""
        good = fixture_answer()
        drawn = random.Random(5)
        told = [good, *(mutated(good, drawn) for _ in range(300))]

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split()[0])
                number = json.loads(await reader.readexactly(length))["prompt"]
                writer.write(told[int(number)])
                await writer.drain()
                writer.close()
                await writer.wait_closed()

        async def run() -> list[Outcome]:
            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            async with server, opened(f"http://127.0.0.1:{port}", timeout_s=3.0) as client:
                zero = time.monotonic_ns()
                made = [BODIES.of(i, Request(0.0, None, 5, prompt=str(i))) for i in range(len(told))]
                outcomes: list[Outcome] = []
                for start in range(0, len(made), 50):
                    batch = [client.send(i, 0, made[i], zero) for i in range(start, min(start + 50, len(made)))]
                    outcomes += await asyncio.gather(*batch)
                return outcomes

        outcomes = asyncio.run(run())
        assert [o.index for o in outcomes] == list(range(len(told)))
        assert outcomes[0].status == OK
        assert {o.status for o in outcomes} <= {OK, *FAILURES}
        assert all(o.output_tokens == 5 for o in outcomes if o.status == OK)
        assert len({o.status for o in outcomes}) > 3, "or the changes were too small to break anything"


class TestFates:
    """What an exception of the transport is, where no server can be made to cause it."""

    @pytest.mark.parametrize("name", ["EMFILE", "ENFILE", "EADDRNOTAVAIL", "ENOBUFS", "ENOMEM"])
    def test_limits_of_this_machine(self, name: str) -> None:
        error = OSError(getattr(errno, name), "at http://127.0.0.1")
        for found in (error, aiohttp.ClientOSError(*error.args), connecting(error)):
            assert failed(found, None, began=False) == Fate("client limit", None, name)
        assert "client limit" in FAILURES
        assert "client limit" in REASONS

    @pytest.mark.parametrize("name", ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EACCES"])
    def test_failures_to_connect(self, name: str) -> None:
        assert failed(connecting(OSError(getattr(errno, name), "")), None, began=False) == Fate("refused", None, name)

    @pytest.mark.parametrize("number", range(1, 140))
    def test_a_number_of_tls_is_none_of_the_system(self, number: int) -> None:
        assert failed(connecting(ssl.SSLError(number, "x")), None, began=False) == Fate("refused", None, "tls")

    def test_a_connection_that_was_lost_between_two_reads(self) -> None:
        """It is known by the library's own word alone."""

        async def read() -> None:
            loop = asyncio.get_running_loop()
            await aiohttp.StreamReader(BaseProtocol(loop), 1024, loop=loop).readany()

        with pytest.raises(RuntimeError) as lost:
            asyncio.run(read())
        assert failed(lost.value, None, began=True) == Fate("reset")

    @pytest.mark.parametrize("error", [RuntimeError("dictionary changed size"), RecursionError("deep"), KeyError("x")])
    def test_a_fault_of_our_own_is_no_failure_of_a_server(self, error: Exception) -> None:
        with pytest.raises(type(error)):
            failed(error, None, began=True)


def connecting(error: OSError) -> aiohttp.ClientConnectorError:
    """As the library says that it could not connect."""
    key = ConnectionKey("127.0.0.1", 80, False, True, None, None, None)
    return (aiohttp.ClientConnectorSSLError if isinstance(error, ssl.SSLError) else aiohttp.ClientConnectorError)(
        key, error
    )


def fixture_answer() -> bytes:
    """A chat's transcript as one chunked answer."""
    head, _, content = (
        (Path(__file__).parent / "fixtures" / "replay" / "sse_chat.txt").read_bytes().partition(b"\r\n\r\n")
    )
    parts = [part + b"\n\n" for part in content.split(b"\n\n") if part]
    return head + b"\r\n\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def mutated(data: bytes, drawn: random.Random) -> bytes:
    at = drawn.randrange(len(data))
    length = drawn.choice([1, 1, 2, 30])
    return drawn.choice([
        data[:at],
        data[:at] + drawn.randbytes(length) + data[at + length :],
        data[:at] + data[at + length :],
        data[:at] + data[at : at + length] * 2 + data[at + length :],
    ])  # fmt: skip


class TestCancellation:
    def test_gives_an_outcome_with_what_had_come(self) -> None:
        with fault_server(first_ms=20, chunk_ms=50) as server:

            async def run() -> list[Outcome]:
                async with opened(server.url) as client:
                    zero = time.monotonic_ns()
                    tasks = [asyncio.create_task(client.send(i, 0, body(i, 100), zero)) for i in range(3)]
                    await asyncio.sleep(0.4)
                    for task in tasks:
                        task.cancel()
                    return list(await asyncio.gather(*tasks))

            outcomes = asyncio.run(run())
            assert [o.status for o in outcomes] == ["cancelled"] * 3
            assert all(o.first is not None and o.end is not None and o.output_tokens is None for o in outcomes)
            deadline = time.monotonic() + 5
            while any(s.state == "running" for s in server.record()) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert [s.state for s in server.record()] == ["aborted"] * 3

    def test_before_anything_was_answered(self, raw: Raw) -> None:
        raw.answers[0] = b"HTTP/1.1 200 OK\r\n"

        async def run() -> Outcome:
            async with opened(f"http://127.0.0.1:{raw.port}") as client:
                task = asyncio.create_task(client.send(0, 0, body(), time.monotonic_ns()))
                await asyncio.sleep(0.2)
                task.cancel()
                return await task

        outcome = asyncio.run(run())
        assert (outcome.status, outcome.first) == ("cancelled", None)
        assert outcome.sent is not None


FIRST_MS, GAP_MS, TOKENS, COUNT = 200, 50, 11, 12
Both = tuple[list[Outcome], list[Served], int]


def undisturbed(outcomes: list[Outcome]) -> list[tuple[float, int]]:
    """Time to the first token from when it was sent, and from there to the last: as measured and as set, microseconds.

    A busy machine adds to each, for some requests; the second smallest of twelve says what it is without that. A bias
    of the client's is in all of them.
    """
    first = sorted((o.first or 0) - (o.sent or 0) for o in outcomes)[1]
    last = sorted((o.last or 0) - (o.sent or 0) for o in outcomes)[1]
    return [(first, FIRST_MS * 1000), (last - first, (TOKENS - 1) * GAP_MS * 1000)]


@pytest.fixture(scope="module")
def both() -> Both:
    """Outcomes and records of requests 40 ms apart, and the run's zero.

    On a busy machine up to three times: noise passes, a bias of the client's stays.
    """

    async def run(url: str) -> tuple[list[Outcome], int]:
        async with opened(url) as client:
            zero = time.monotonic_ns()
            tasks = []
            for i in range(COUNT):
                await asyncio.sleep(max(0, (zero - time.monotonic_ns()) / 1e9 + i * 0.04))
                tasks.append(asyncio.create_task(client.send(i, i * 40_000, body(i, TOKENS), zero)))
            return list(await asyncio.gather(*tasks)), zero

    with fault_server(first_ms=FIRST_MS, chunk_ms=GAP_MS) as server:
        for _ in range(3):
            server.clear()
            outcomes, zero = asyncio.run(run(server.url))
            if all(abs(found / wanted - 1) < 0.02 for found, wanted in undisturbed(outcomes)):
                break
        return outcomes, server.record(), zero


class TestTimes:
    """Held against the server's own record: one clock for both, `time.monotonic_ns`."""

    def test_agree_with_what_the_server_saw(self, both: Both) -> None:
        outcomes, records, zero = both
        assert [o.status for o in outcomes] == [OK] * COUNT
        early, late = [], []
        for outcome, record in zip(outcomes, records, strict=True):
            assert outcome.sent is not None and outcome.first is not None and outcome.last is not None
            arrived, *written = ((ns - zero) / 1000 for ns in (record.arrived_ns, *record.written_ns))
            early.append(arrived - outcome.sent)
            late += [outcome.first - written[0], outcome.last - written[-1]]
        assert min(early) > -1 and min(late) > -1, "nothing comes before it was sent"
        assert statistics.quantiles(early, n=10)[0] < 5000 and statistics.quantiles(late, n=10)[0] < 5000

    def test_are_what_was_set(self, both: Both) -> None:
        for found, wanted in undisturbed(both[0]):
            assert found == pytest.approx(wanted, rel=0.02)

    def test_gaps_add_up(self, both: Both) -> None:
        for o in both[0]:
            assert o.first is not None and o.last is not None and o.end is not None
            assert o.first + sum(o.gaps) == o.last <= o.end

    def test_tokens_are_the_servers(self) -> None:
        with fault_server(chunk_ms=5, tokens_per_chunk="1-6") as server:

            async def run() -> list[Outcome]:
                async with opened(server.url) as client:
                    made = [client.send(i, 0, body(i, 60), time.monotonic_ns()) for i in range(10)]
                    return list(await asyncio.gather(*made))

            outcomes = asyncio.run(run())
            metrics = server.metrics()
        assert {(o.status, o.output_tokens) for o in outcomes} == {(OK, 60)}
        assert all(len(o.gaps) + 1 < 60 for o in outcomes), "chunks are fewer: they are no count of tokens"
        assert metrics["vllm:generation_tokens_total"] == 10 * 60
        assert metrics["vllm:prompt_tokens_total"] == sum(o.input_tokens or 0 for o in outcomes) == 10 * 32


def test_a_worker_imports_nothing_heavy() -> None:
    code = "import sys, tco.replay.http.client, tco.replay.http.prompts, tco.replay.http.guard; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pydantic", "rich", "yaml", "typer", "matplotlib"} & set(done.stdout.split())
