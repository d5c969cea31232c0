"""Clients that are measured beside `tco replay`: a bare aiohttp loop, a bare socket loop, and the replay itself.

    python benchmarks/replay_peers.py NAME CORE PORT RATE COUNT

sends so many requests evenly at that rate, open loop, and prints the processor seconds that the sending took. The bare
loops do the least that a client must: send on time, read to the end, note when each piece came. They check nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

TOKENS_IN, TOKENS_OUT = 32, 16
LEAD_S = 0.3
BODY = json.dumps({
    "model": "tiny", "prompt": list(range(1000, 1000 + TOKENS_IN)), "max_tokens": TOKENS_OUT, "min_tokens": TOKENS_OUT,
    "ignore_eos": True, "stream": True, "stream_options": {"include_usage": True},
}).encode()  # fmt: skip

Send = Callable[[list[int]], Awaitable[None]]


async def on_schedule(send: Send, rate: float, count: int) -> None:
    """Start each at its time, as asyncio sleeps."""
    times: list[list[int]] = []
    tasks = []
    zero = time.monotonic() + LEAD_S
    for i in range(count):
        wait = zero + i / rate - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        times.append([])
        tasks.append(asyncio.ensure_future(send(times[-1])))
    await asyncio.gather(*tasks)
    assert all(times), "not all were answered"


async def bare_aiohttp(port: int, rate: float, count: int) -> None:
    import aiohttp

    url = f"http://127.0.0.1:{port}/v1/completions"
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send(times: list[int]) -> None:
            async with session.post(url, data=BODY, headers=headers) as response:
                async for _ in response.content.iter_any():
                    times.append(time.monotonic_ns())

        await on_schedule(send, rate, count)


class Stream(asyncio.Protocol):
    """A connection, one request at a time, read until the last chunk."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.done: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.times.append(time.monotonic_ns())
        if data.endswith(b"0\r\n\r\n") and self.done is not None:
            self.done.set_result(None)


async def bare_sockets(port: int, rate: float, count: int) -> None:
    loop = asyncio.get_running_loop()
    request = b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
    idle: list[Stream] = []

    async def send(times: list[int]) -> None:
        stream = idle.pop() if idle else (await loop.create_connection(Stream, "127.0.0.1", port))[1]
        stream.times, stream.done = times, loop.create_future()
        stream.transport.write(request)
        await stream.done
        idle.append(stream)

    await on_schedule(send, rate, count)
    for stream in idle:
        stream.transport.close()


def replay(port: int, rate: float, count: int) -> float:
    """A whole run with its journal. Its processor seconds, imports left out."""
    from tco.replay.http.guard import check
    from tco.replay.load.pace import Pace
    from tco.replay.load.run import Order
    from tco.replay.load.run import replay as run
    from tco.replay.load.source import Source
    from tco.replay.load.watch import Watch
    from tco.replay.record.journal import Journal

    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.jsonl"
        row = f'"input_tokens": {TOKENS_IN}, "output_tokens": {TOKENS_OUT}'
        trace.write_text("".join(f'{{"at_s": {i / rate:.7f}, {row}}}\n' for i in range(count)))
        with Journal.create(Path(folder) / "journal", {}) as journal:
            order = Order(
                run=1, source=Source(str(trace)), pace=Pace.of(1), target=check(f"http://127.0.0.1:{port}"),
                model="tiny", salt="benchmark", block_tokens=None,
            )  # fmt: skip
            began = used()
            ended = run(order, journal, Watch())
            took = used() - began
    assert all(o.status == "ok" for o in ended.outcomes), {o.status for o in ended.outcomes}
    late = sorted((o.sent or 0) - o.scheduled for o in ended.outcomes)
    told = {"own_late_p99_ms": late[int(len(late) * 0.99)] / 1000, "processes": ended.processes}
    print(json.dumps({"cpu_s": took, **told}))
    return took


def used() -> float:
    """Processor seconds of this process and of those it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    name = sys.argv[1]
    core, port, rate, count = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
    os.sched_setaffinity(0, {core})
    if name == "replay":
        replay(port, rate, count)
        return
    if name == "aiohttp":
        import aiohttp  # noqa: F401  (its import is no part of what is measured)
    began = used()
    asyncio.run({"aiohttp": bare_aiohttp, "sockets": bare_sockets}[name](port, rate, count))
    print(json.dumps({"cpu_s": used() - began}))


if __name__ == "__main__":
    main()
