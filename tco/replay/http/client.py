"""The HTTP client: requests to one checked target, each timed and brought to one outcome."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, AbstractStreamWriter, ResolveResult
from yarl import URL

from tco.replay.http.answer import Answer, short_code
from tco.replay.http.fate import REASONS, Fate, failed
from tco.replay.http.target import Target
from tco.replay.outcome import Outcome

if TYPE_CHECKING:
    from tco.replay.http.prompts import Body

KEEP_ALIVE_S = 4.0
"""Idle connections are let go before the server does so, which is after 5 s with uvicorn: a request that is sent as its
connection is being closed is lost, and must not be sent twice."""
TAIL_S = 1.0
"""For the end of the stream after `[DONE]`: until then the connection cannot be used again."""
LONGEST = 16 * 1024 * 1024
"""Bytes of a whole answer that is no stream."""
LONGEST_ERROR = 64 * 1024
_OPEN_FILES = 65_536


class ServerError(Exception):
    """A question was not answered as expected, and why."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        """The HTTP status, where there was one."""


class _Pinned(AbstractResolver):
    """Knows the target's checked addresses alone."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def resolve(self, host: str, port: int = 0, family: Any = None) -> list[ResolveResult]:  # noqa: ARG002
        if host != self._target.host:
            raise OSError(errno.EACCES, "not the target's host")
        return [
            ResolveResult(
                hostname=host, host=address, port=port, proto=0, flags=socket.AI_NUMERICHOST,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            )
            for address in self._target.addresses
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is held."""


class _Upload(aiohttp.Payload):
    """The body of a request, which knows when it was handed to the connection."""

    sent_ns: int | None = None

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload, content_type="application/json")
        self._size = len(payload)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return str(self._value, encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        self.sent_ns = time.monotonic_ns()
        await writer.write(self._value)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:  # noqa: ARG002
        await self.write(writer)


class Client:
    """Connections to one target, kept open between requests; a context manager of one event loop.

    `connections` is how many there may be at once, 0 for as many as are needed. `first_byte_s` is the limit to the
    headers of an answer, `timeout_s` that of the whole. No proxy, no redirect, no cookie, no compression, nothing of
    the environment, and no request twice.
    """

    def __init__(self, target: Target, *, connections: int = 0, timeout_s: float, first_byte_s: float) -> None:
        self._target = target
        self._connections = connections
        self._timeout_s = timeout_s
        self._first_byte_s = min(first_byte_s, timeout_s)
        self._session: aiohttp.ClientSession
        self._urls: dict[str, URL] = {}

    async def __aenter__(self) -> Self:
        _allow_open_files()
        self._loop = asyncio.get_running_loop()
        headers = {"Accept-Encoding": "identity", "User-Agent": "tco"}
        if self._target.key is not None:
            headers["Authorization"] = self._target.key.header()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections, resolver=_Pinned(self._target), ttl_dns_cache=None,
                keepalive_timeout=KEEP_ALIVE_S,
            ),
            headers=headers, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        )  # fmt: skip
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        await asyncio.sleep(0)  # transports close in the loop's next round

    def _url(self, path: str) -> URL:
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = URL(self._target.url + path, encoded=True)
        return url

    async def send(self, index: int, scheduled_us: int, body: Body, zero_ns: int) -> Outcome:
        """Send a request and read its stream to the end. What a server does never raises.

        `sent` is when the request was written to a connection that stood: all that the client takes lies before it.
        Cancellation gives the outcome `cancelled`, with what had come.
        """
        upload, answer = _Upload(body.payload), Answer(self._target.key)
        done_ns = 0
        try:
            fate, done_ns = await self._exchange(body, upload, answer, zero_ns)
        except asyncio.CancelledError:
            fate = Fate("cancelled")
        end_ns = done_ns or time.monotonic_ns()
        return Outcome(
            index, scheduled_us,
            None if upload.sent_ns is None else (upload.sent_ns - zero_ns) // 1000,
            answer.first, answer.last, (end_ns - zero_ns) // 1000, tuple(answer.gaps),
            answer.input, answer.output, answer.cached,
            fate.status, fate.http, fate.detail,
        )  # fmt: skip

    async def _exchange(self, body: Body, upload: _Upload, answer: Answer, zero_ns: int) -> tuple[Fate, int]:
        """What became of it, and when `[DONE]` came (0: it did not)."""
        start = self._loop.time()
        done_ns = 0
        other: Fate | None = None
        response: aiohttp.ClientResponse | None = None
        try:
            async with asyncio.timeout_at(start + self._first_byte_s) as limit:
                response = await self._session.post(self._url(body.path), data=upload, allow_redirects=False)
                limit.reschedule(start + self._timeout_s)
                if response.status != 200:
                    other = Fate("redirect" if 300 <= response.status < 400 else "http", response.status)
                    told = await _whole(response, LONGEST_ERROR)
                    return other._replace(detail=short_code(told or b"", self._target.key)), 0
                coding = response.headers.get("Content-Encoding", "identity")
                if coding != "identity":
                    return Fate("malformed", None, "compressed"), 0
                readany, clock = response.content.readany, time.monotonic_ns
                while data := await readany():
                    now = clock()
                    if done_ns:
                        continue
                    if not answer.read(data, (now - zero_ns) // 1000):
                        break
                    if answer.done:
                        done_ns = now
                        limit.reschedule(self._loop.time() + TAIL_S)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if other is not None:
                return other, 0  # the status came, and says enough
            if not done_ns:
                return failed(error, answer, began=response is not None), 0
        finally:
            if response is not None:
                response.close()
        return Fate(answer.judge(body.output_tokens), None, answer.detail), done_ns

    async def get_text(self, path: str) -> str:
        """The text at a path. Raises `ServerError`."""
        status, told = await self._ask("GET", path)
        if status != 200:
            raise ServerError(f"`{path}` answered with status {status}", status)
        try:
            text = told.decode()
        except UnicodeDecodeError:
            raise ServerError(f"`{path}` answered with what is no UTF-8 text", status) from None
        return text if self._target.key is None else self._target.key.hide(text)

    async def get_json(self, path: str) -> Any:
        """The JSON at a path, as plain values. Raises `ServerError`."""
        text = await self.get_text(path)
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            raise ServerError(f"`{path}` answered with what is no JSON", 200) from None

    async def post(self, path: str) -> int:
        """Ask for something to be done; the status, whatever it is. Raises `ServerError` where there is none."""
        status, _ = await self._ask("POST", path)
        return status

    async def _ask(self, method: str, path: str) -> tuple[int, bytes]:
        """Status and body of a request without one, within `first_byte_s`."""
        response: aiohttp.ClientResponse | None = None
        try:
            async with asyncio.timeout(self._first_byte_s):
                response = await self._session.request(method, self._url(path), allow_redirects=False)
                told = await _whole(response, LONGEST)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            fate = failed(error, None, began=response is not None)
            raise ServerError(f"`{path}` at {self._target.url}: {REASONS[fate.status]}") from None
        finally:
            if response is not None:
                response.close()
        if told is None:
            raise ServerError(f"`{path}` answered with more than {LONGEST // 1024 // 1024} MiB", response.status)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise ServerError(f"`{path}` answered compressed, which was not asked for", response.status)
        return response.status, told


async def _whole(response: aiohttp.ClientResponse, longest: int) -> bytes | None:
    """All of a body; None where it is longer than that."""
    parts: list[bytes] = []
    size = 0
    while data := await response.content.readany():
        parts.append(data)
        size += len(data)
        if size > longest:
            return None
    return b"".join(parts)


def _allow_open_files() -> None:
    """Each request under way holds a connection: take as many files as the system allows this process.

    Where it allows no more, requests beyond that fail as `client limit`, with the detail `EMFILE`.
    """
    try:
        import resource
    except ImportError:  # a system without such limits
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):  # some systems allow less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
