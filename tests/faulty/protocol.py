"""HTTP/1.1 by hand: no framework stands between what is set and what is written."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import time
import zlib
from collections.abc import Callable
from typing import Any

from faulty.answers import Ask, headers
from faulty.engine import Engine, Job, Writer
from faulty.settings import Rule, Settings, changed, read_rule

REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
           405: "Method Not Allowed", 429: "Too Many Requests", 500: "Internal Server Error",
           503: "Service Unavailable"}  # fmt: skip
GENERATE = {"/v1/completions": False, "/v1/chat/completions": True}


class Service:
    """What all connections share."""

    def __init__(self, settings: Settings) -> None:
        self.engine = Engine(settings)
        self.rules: list[Rule] = [read_rule(text) for text in settings.fault]
        self.connections: set[Connection] = set()
        self.opened = 0
        self.close_port: Callable[[], None] = lambda: None

    @property
    def settings(self) -> Settings:
        return self.engine.settings

    def change(self, changes: dict[str, Any]) -> None:
        """New settings from now on."""
        settings = changed(self.settings, changes)
        self.rules = [read_rule(text) for text in settings.fault]
        self.engine.configure(settings)

    def fault(self, number: int, ids: tuple[int, ...]) -> str | None:
        """The first that strikes."""
        first = ids[0] if ids else None
        return next((r.name for r in self.rules if r.strikes(number, first, self.settings.seed)), None)

    def refuse(self) -> None:
        """Close the port and the idle connections."""
        self.close_port()
        for other in list(self.connections):
            if other.job is None:
                other.reset()


class Connection(asyncio.Protocol, Writer):
    """One connection: requests one after the other."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.job: Job | None = None
        self._buffer = b""
        self._busy = False
        self._head = b""  # of an answer that has not begun
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.service.connections.add(self)
        self.service.opened += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.service.connections.discard(self)
        if self.job is not None:
            self.service.engine.abort(self.job)
            self.job = None

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while not self._busy and self._request():
            pass

    def _request(self) -> bool:
        """Take one whole request from what has come."""
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        first, *rows = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
        length = int(fields.get("content-length", "0"))
        if len(rest) < length:
            return False
        self._buffer = rest[length:]
        method, path, _ = first.split(" ", 2)
        self._answer(method, path.partition("?")[0], fields, rest[:length])
        return True

    def _answer(self, method: str, path: str, fields: dict[str, str], body: bytes) -> None:
        service = self.service
        control = path.removeprefix("/control")
        if control != path:
            self._control(method, control, body)
        elif service.settings.key is not None and fields.get("authorization") != f"Bearer {service.settings.key}":
            self.reply(401, {"error": "Unauthorized"})
        elif path in GENERATE:
            self._generate(GENERATE[path], fields, body)
        elif path == "/v1/models":
            name, longest = service.settings.model, service.settings.max_model_len
            model = {"id": name, "object": "model", "owned_by": "fault", "root": name, "max_model_len": longest}
            self.reply(200, {"object": "list", "data": [model]})
        elif path == "/version":
            self.reply(200, {"version": service.settings.version})
        elif path == "/health":
            self.reply(200, {})
        elif path == "/metrics":
            engine = service.engine
            use = len(engine.cache) / max(1, service.settings.cache_blocks)
            text = engine.metrics.text(service.settings.model, service.settings.block_tokens, use)
            self.reply(200, text.encode(), "text/plain; version=1.0.0; charset=utf-8")
        elif path == "/reset_prefix_cache" and service.settings.resettable:
            if method == "POST":
                service.engine.cache.clear()
            self.reply(200 if method == "POST" else 405, {})
        else:
            self.reply(404, {"detail": "Not Found"})

    def _control(self, method: str, path: str, body: bytes) -> None:
        """What tests ask and tell: no part of the protocol."""
        engine = self.service.engine
        if path == "/record":
            offset = 0  # the loop's clock is `time.monotonic`
            jobs = [job.record(offset) for job in engine.jobs]
            self.reply(200, {"requests": jobs, "seen": engine.count, "connections": self.service.opened})
        elif path == "/clear":
            engine.jobs.clear()
            engine.count = 0
            self.reply(200, {})
        elif path == "/set":
            self.service.change(json.loads(body))
            self.reply(200, {})
        elif path == "/stall":
            engine.clock.stall(time.monotonic(), float(json.loads(body)))
            self.reply(200, {})
        else:
            self.reply(404, {})

    def reply(self, status: int, body: object, kind: str = "application/json", extra: str = "") -> None:
        """A whole answer at once."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\nserver: fault\r\n{extra}"
        head += f"content-type: {kind}\r\ncontent-length: {len(data)}\r\n\r\n"
        self._transport.write(head.encode("latin-1") + data)

    def error(self, status: int, message: str, kind: str, code: object = None, extra: str = "") -> None:
        """An error in vLLM's words."""
        code = status if code is None else code
        error = {"message": message, "type": kind, "param": None, "code": code}
        self.reply(status, {"error": error}, extra=extra)

    def _generate(self, chat: bool, fields: dict[str, str], body: bytes) -> None:
        arrived_ns = time.monotonic_ns()
        service, settings = self.service, self.service.settings
        number = service.engine.count
        service.engine.count += 1
        asked = json.loads(body)
        ids = _ids(asked["messages"] if chat else asked["prompt"])
        tokens = asked.get("max_completion_tokens") or asked.get("max_tokens")
        exact = tokens is not None and (asked.get("ignore_eos") or asked.get("min_tokens") == tokens)
        made = tokens if exact else min(settings.free_tokens, tokens or settings.free_tokens)
        key = fields.get("authorization", "").removeprefix("Bearer ")
        options = asked.get("stream_options") or {}
        finish = "length" if exact or made == tokens else "stop"
        with_usage, with_ids = bool(options.get("include_usage")), bool(asked.get("return_token_ids"))
        ask = Ask(number, chat, ids, made, finish, with_usage, with_ids, key, body.decode())
        fault = service.fault(number, ids)
        digest = hashlib.blake2b(body, digest_size=8).hexdigest()
        job = Job(ask, fault, digest, self, arrived_ns, service.engine.clock.work(arrived_ns / 1e9))
        if asked.get("model") != settings.model:
            self.error(404, f"The model `{asked.get('model')}` does not exist.", "NotFoundError")
        elif len(ids) + made > settings.max_model_len:
            message = f"This model's maximum context length is {settings.max_model_len} tokens."
            self.error(400, message, "BadRequestError")
        elif not self._refused(job, fault):
            self._stream(job, fault)
            return
        if settings.recorded:
            job.state, job.ended_ns = "refused", time.monotonic_ns()
            service.engine.jobs.append(job)

    def _refused(self, job: Job, fault: str | None) -> bool:
        """Faults before any stream."""
        service, settings = self.service, self.service.settings
        if fault == "refuse":
            service.refuse()
            self.reset()
        elif fault == "reset":
            self.reset()
        elif fault == "close":
            self._transport.close()
        elif fault == "redirect":
            self.reply(307, b"", extra=f"location: {settings.redirect_to}\r\n")
        elif fault == "garbage":
            self._transport.write(b"220 mail.example ready\r\n\r\n")
        elif fault == "long_header":
            self.reply(200, b"", extra=f"x-long: {'x' * 100_000}\r\n")
        elif fault == "leak":
            self.error(400, f"{job.ask.key} {job.ask.body}", job.ask.key, job.ask.key)
        elif fault is not None and fault.startswith("http_"):
            status = int(fault[5:])
            extra = "retry-after: 1\r\n" if status in {429, 503} else ""
            self.error(status, f"told to answer {status}", "FaultError", extra=extra)
        else:
            return False
        return True

    def _stream(self, job: Job, fault: str | None) -> None:
        engine, settings = self.service.engine, self.service.settings
        self.job, self._busy = job, True
        self._head = b"" if fault == "content_length" else headers(fault)
        loop = asyncio.get_running_loop()
        if fault == "slow_headers":
            loop.call_later(settings.slow_s, self._begin, job)
        elif engine.clock.real(job.arrived) > time.monotonic():  # it stands still: the headers come after that
            engine.submit(job)
        else:
            self._begin(job)

    def _begin(self, job: Job) -> None:
        if self.job is not job:
            return
        if self._head and not self.service.settings.late_headers:
            self._transport.write(self._head)
            self._head = b""
        self.service.engine.submit(job)

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        self._transport.write(data)

    def finish(self, end: str) -> None:
        self.job, self._busy = None, False
        if end == "fin":
            self._transport.close()
        elif end == "rst":
            self.reset()
        elif self._buffer:
            asyncio.get_running_loop().call_soon(self.data_received, b"")

    def reset(self) -> None:
        """End with RST, not with FIN."""
        raw = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


def _ids(prompt: object) -> tuple[int, ...]:
    """Token ids as they are; a text, or what a chat holds, one token for each word."""
    if isinstance(prompt, list) and not (prompt and isinstance(prompt[0], dict)):
        return tuple(prompt)
    if isinstance(prompt, list):
        words = [word for m in prompt for word in ("<turn>", str(m["role"]), *str(m["content"]).split())]
    else:
        words = str(prompt).split()
    return tuple(zlib.crc32(word.encode()) for word in words)
