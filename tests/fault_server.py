"""Start the fault server: from a shell, or for the length of a `with` block.

    python tests/fault_server.py --port 0 --first-ms 50 --chunk-ms 20 --fault http_500@3 --fault reset_mid%0.1

prints one line, `{"url": "http://127.0.0.1:40123", "port": 40123, "pid": 123}`, and serves until it is killed. Every
option is a field of `faulty.settings.Settings`, told there. Faults are named there too.

    with fault_server(first_ms=50, chunk_ms=20, fault="reset@3") as server:
        ...  # server.url, server.port, server.pid
        server.record()  # each request: when it came, when each chunk was written, what became of it
        server.metrics()  # {"vllm:prompt_tokens_total": 120.0, ...}
        server.set(first_ms=0)  # from now on
        server.stall(2)  # everything stands still for two seconds
        server.kill()  # SIGKILL
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

from faulty.protocol import Connection, Service
from faulty.settings import Settings, changed

BACKLOG = 4096
"""Connections that wait to be accepted: a burst must not be refused."""


class Served(NamedTuple):
    """A request as the server saw it. Times are `time.monotonic_ns`, which all processes of a machine share."""

    number: int
    """In the order of arrival, from 0."""
    digest: str
    """`hashlib.blake2b(payload, digest_size=8).hexdigest()` of the body: tells which request it was."""
    chat: bool
    fault: str | None
    state: str
    """`waiting`, `running`, `done`, `error`, `aborted` (the client left) or `refused` (no stream)."""
    prompt_tokens: int
    first_ids: tuple[int, ...]
    cached_tokens: int
    asked_tokens: int
    output_tokens: int
    """Written so far."""
    arrived_ns: int
    started_ns: int | None
    """Start of service, by the server's clock, which a stall stops."""
    written_ns: tuple[int, ...]
    """Each chunk with tokens."""
    ended_ns: int | None


class Server:
    """A fault server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str, port: int) -> None:
        self.process, self.url, self.port, self.pid = process, url, port, process.pid

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        """One request on a connection of its own; the body of the answer, whatever its status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            return connection.getresponse().read()
        finally:
            connection.close()

    def record(self) -> list[Served]:
        """Every generation request so far, in the order of arrival."""
        rows = json.loads(self.ask("GET", "/control/record"))["requests"]
        lists = ("first_ids", "written_ns")
        served = [Served(**{**row, **{name: tuple(row[name]) for name in lists}}) for row in rows]
        return sorted(served, key=lambda s: s.number)

    def seen(self) -> tuple[int, int]:
        """Generation requests that came, and connections that were opened (these questions' own included)."""
        told = json.loads(self.ask("GET", "/control/record"))
        return told["seen"], told["connections"]

    def clear(self) -> None:
        """Forget the record: the next request is number 0."""
        self.ask("POST", "/control/clear")

    def set(self, **settings: Any) -> None:
        """Change settings for what comes from now on."""
        self.ask("POST", "/control/set", settings)

    def stall(self, seconds: float) -> None:
        """Everything stands still from now on."""
        self.ask("POST", "/control/stall", seconds)

    def metrics(self) -> dict[str, float]:
        """Name to value, summed over labels; no key is asked for by the metrics of a server that has one."""
        found: dict[str, float] = {}
        for line in self.ask("GET", "/metrics").decode().splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name.partition("{")[0]] = found.get(name.partition("{")[0], 0) + float(value)
        return found

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it, however it is."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@contextlib.contextmanager
def fault_server(port: int = 0, cpu: int | None = None, **settings: Any) -> Iterator[Server]:
    """A server for the length of the block. Keywords are the fields of `faulty.settings.Settings`."""
    changed(Settings(), settings)  # a wrong name or fault is an error here, not in the other process
    command = [sys.executable, str(Path(__file__)), "--port", str(port), "--until-stdin-ends"]
    if cpu is not None:
        command += ["--cpu", str(cpu)]
    command += ["--settings", json.dumps(settings)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait()
        raise RuntimeError("the fault server did not start")
    told = json.loads(line)
    server = Server(process, told["url"], told["port"])
    try:
        yield server
    finally:
        server.stop()


async def serve(settings: Settings, port: int, until_stdin_ends: bool) -> None:
    """Serve until killed, or until whoever started this is gone."""
    loop = asyncio.get_running_loop()
    service = Service(settings)
    listening = await loop.create_server(lambda: Connection(service), "127.0.0.1", port, backlog=BACKLOG)
    service.close_port = listening.close
    real = listening.sockets[0].getsockname()[1]
    print(json.dumps({"url": f"http://127.0.0.1:{real}", "port": real, "pid": os.getpid()}), flush=True)
    ended = asyncio.Event()
    if until_stdin_ends:
        loop.add_reader(0, lambda: None if os.read(0, 1) else ended.set())
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cpu", type=int, help="the only core to run on")
    parser.add_argument("--until-stdin-ends", action="store_true")
    parser.add_argument("--settings", type=json.loads, default={}, help="settings as JSON")
    kinds: dict[object, Any] = {bool: json.loads}
    for name, annotation in get_type_hints(Settings).items():
        option = "--" + name.replace("_", "-")
        if name == "fault":
            parser.add_argument(option, action="append")
        else:
            kind = (*get_args(annotation), annotation)[0]  # the `int` of `int | None`
            parser.add_argument(option, type=kinds.get(kind, kind))
    given = vars(parser.parse_args())
    port, cpu, until = given.pop("port"), given.pop("cpu"), given.pop("until_stdin_ends")
    settings = {**given.pop("settings"), **{name: value for name, value in given.items() if value is not None}}
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    gc.disable()  # a server of some minutes: no pauses, and no cycles that matter
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(changed(Settings(), settings), port, until))


if __name__ == "__main__":
    main()
