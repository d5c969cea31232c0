"""A server that costs next to nothing: the first of 16 tokens after 50 ms, the others 20 ms apart, whatever is asked.

    python benchmarks/replay_mock.py CORE

prints its port and serves until its standard input ends. `GET /arrivals` gives the monotonic nanoseconds at which
requests came since the last `GET /clear`, and the processor seconds used. Raw sockets, one timer a millisecond, and
every chunk made beforehand.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections import defaultdict

FIRST_MS, CHUNK_MS, TOKENS = 50, 20, 16
HEADERS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n"
    b"Connection: keep-alive\r\n\r\n"
)


def chunk(told: dict[str, object] | None) -> bytes:
    """An event, as a chunk of its own."""
    text = b"data: " + (b"[DONE]" if told is None else json.dumps(told, separators=(",", ":")).encode()) + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(text), text)


def event(**told: object) -> dict[str, object]:
    return {"id": "cmpl-1", "object": "text_completion", "created": 1763760000, "model": "tiny", **told}


TOKEN = chunk(event(choices=[{"index": 0, "text": " a", "logprobs": None, "finish_reason": None}], usage=None))
LAST = (
    chunk(event(choices=[{"index": 0, "text": " a", "logprobs": None, "finish_reason": "length"}], usage=None))
    + chunk(event(choices=[], usage={"prompt_tokens": 32, "total_tokens": 32 + TOKENS, "completion_tokens": TOKENS}))
    + chunk(None)
    + b"0\r\n\r\n"
)


class Wheel:
    """What is to be written in which millisecond."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.zero = self.loop.time()
        self.now = 0
        self.slots: dict[int, list[Connection]] = defaultdict(list)
        self.arrivals: list[int] = []
        self.loop.call_later(0.001, self.turn)

    def after(self, ms: int, connection: Connection) -> None:
        self.slots[int((self.loop.time() - self.zero) * 1000) + ms].append(connection)

    def turn(self) -> None:
        until = int((self.loop.time() - self.zero) * 1000)
        for ms in range(self.now, until + 1):
            for connection in self.slots.pop(ms, ()):
                connection.write(ms)
        self.now = until + 1
        self.loop.call_at(self.zero + self.now / 1000, self.turn)


class Connection(asyncio.Protocol):
    """One client's connection, one request at a time."""

    def __init__(self, wheel: Wheel) -> None:
        self.wheel = wheel
        self.got = b""
        self.made = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        got = self.got = self.got + data
        end = got.find(b"\r\n\r\n")
        if end < 0:
            return
        if got.startswith(b"GET"):
            self.got = b""
            self.tell(got[4 : got.index(b" ", 4)])
            return
        head = got[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(got) >= end + 4 + length:
            self.got = b""
            self.wheel.arrivals.append(time.monotonic_ns())
            self.made = 0
            self.wheel.after(FIRST_MS, self)

    def write(self, ms: int) -> None:
        self.made += 1
        if self.transport.is_closing():
            return
        if self.made == TOKENS:
            self.transport.write(LAST)
            return
        self.transport.write(HEADERS + TOKEN if self.made == 1 else TOKEN)
        self.wheel.slots[ms + CHUNK_MS].append(self)

    def tell(self, path: bytes) -> None:
        told: object = {"object": "list", "data": [{"id": "tiny", "object": "model", "max_model_len": 100_000}]}
        if path == b"/arrivals":
            used = os.times()
            told = {"arrivals": self.wheel.arrivals, "seconds": used.user + used.system}
        elif path == b"/clear":
            self.wheel.arrivals = []
        elif path not in {b"/v1/models", b"/health"}:
            self.transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        text = json.dumps(told).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text)
        self.transport.write(head + text)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    wheel = Wheel()
    server = await loop.create_server(lambda: Connection(wheel), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = loop.create_future()

    def look() -> None:
        if not os.read(0, 1) and not ended.done():
            ended.set_result(None)

    loop.add_reader(0, look)
    await ended


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    gc.disable()
    asyncio.run(serve())
