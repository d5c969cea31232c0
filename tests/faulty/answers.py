"""What an answer consists of: server-sent events, framed, each with when it is due."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

from faulty.settings import Settings

SPLIT = "é漢🙂"
"""Characters of two, three and four bytes."""
BYTE_GAP_S = 0.0002
"""Between the writes of an event that is split: apart, so that each is received alone."""


class Ask(NamedTuple):
    """A generation request, as far as the answer depends on it."""

    number: int
    chat: bool
    ids: tuple[int, ...]
    """The prompt's tokens: those given, or one for each word of a text."""
    tokens: int
    """To be made."""
    finish: str
    """`length`, or `stop` where the number was free."""
    with_usage: bool
    with_token_ids: bool
    key: str
    """With the body, what a server that leaks repeats."""
    body: str


class Step(NamedTuple):
    """Something to be written."""

    offset: float
    """Seconds from the start of service."""
    data: bytes
    tokens: int = 0
    """Tokens of output in it."""
    end: str = ""
    """`done`: the answer is complete; `fin` or `rst`: the connection ends; `hang`: nothing follows."""


def sizes(ask: Ask, settings: Settings) -> Iterator[int]:
    """Tokens of each chunk, which together are what was asked for."""
    low, _, high = settings.tokens_per_chunk.partition("-")
    drawn = random.Random(f"{settings.seed} chunks {ask.number}")
    left = ask.tokens
    while left > 0:
        size = min(left, drawn.randint(int(low), int(high)) if high else int(low))
        left -= size
        yield size


def offsets(ask: Ask, settings: Settings, chunks: list[int], cached: int) -> tuple[list[float], float]:
    """When each chunk is due, in seconds from the start of service, and for how long the request holds its slot."""
    gap = settings.chunk_ms / 1000
    if settings.prefill_per_s and settings.decode_per_s:
        at, made = (len(ask.ids) - cached) / settings.prefill_per_s, 0
        due = []
        for size in chunks:
            made += size
            due.append(at + made / settings.decode_per_s)
        return due, due[-1] if due else at
    first = (settings.first_ms if settings.service_ms is None else settings.service_ms) / 1000
    due = [first + i * gap for i in range(len(chunks))]
    if settings.service_ms is not None or not due:
        return due, first
    return due, due[-1]


@lru_cache(maxsize=1024)
def framed(data: bytes) -> bytes:
    """A chunk of HTTP's chunked encoding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


END = b"0\r\n\r\n"


def headers(fault: str | None, length: int | None = None) -> bytes:
    """The head of a stream."""
    rows = ["HTTP/1.1 200 OK", "server: fault", "content-type: text/event-stream; charset=utf-8"]
    if fault == "gzip":
        rows.append("content-encoding: gzip")
    if length is not None:
        rows.append(f"content-length: {length}")
    elif fault == "until_close":
        rows.append("connection: close")
    else:
        rows.append("transfer-encoding: chunked")
    return ("\r\n".join(rows) + "\r\n\r\n").encode()


def event(payload: dict[str, Any] | str) -> bytes:
    """One server-sent event."""
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + text.encode() + b"\n\n"


@lru_cache(maxsize=4096)
def token_event(model: str, chat: bool, size: int, finish: str | None, with_ids: bool, text: str) -> bytes:
    """A chunk with tokens, in the shape of vLLM's."""
    choice: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": finish}
    choice |= {"delta": {"content": text}} if chat else {"text": text, "stop_reason": None}
    if with_ids:
        choice["token_ids"] = [7] * size
    kind = "chat.completion.chunk" if chat else "text_completion"
    return event({"id": "cmpl-fault", "object": kind, "created": 0, "model": model, "choices": [choice]})


def usage_event(ask: Ask, settings: Settings, completion: int, cached: int) -> bytes:
    """The last event before `[DONE]`."""
    usage: dict[str, Any] = {
        "prompt_tokens": len(ask.ids), "total_tokens": len(ask.ids) + completion, "completion_tokens": completion,
    }  # fmt: skip
    if settings.cached_in_usage:
        usage["prompt_tokens_details"] = {"cached_tokens": cached}
    kind = "chat.completion.chunk" if ask.chat else "text_completion"
    return event({"id": "cmpl-fault", "object": kind, "created": 0, "model": settings.model, "choices": [],
                  "usage": usage})  # fmt: skip


def error_event(message: str, kind: str = "InternalServerError", code: object = 500) -> bytes:
    """As vLLM says in mid-stream that it failed."""
    return event({"error": {"message": message, "type": kind, "param": None, "code": code}})


def _parts(
    ask: Ask, settings: Settings, fault: str | None, due: list[float], chunks: list[int], cached: int
) -> Iterator[Step]:
    """The stream's events, not framed yet."""
    model, half = settings.model, len(chunks) // 2
    first = due[0] if due else 0.0
    if fault == "bom":
        yield Step(0.0, b"\xef\xbb\xbf")
    if ask.chat:
        role = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
        yield Step(0.0, event({"id": "cmpl-fault", "object": "chat.completion.chunk", "model": model,
                               "choices": [role]}))  # fmt: skip
    if fault == "comments":
        yield Step(0.0, b": hello\n\n\n\n:\nevent: note\nid: 7\nretry: 10\n")
    if fault == "error_first":
        yield Step(first, error_event("it broke") + event("[DONE]"), end="done")
        return
    last = len(chunks) - 1
    fewer = 1 if fault == "fewer" and last > 0 else 0
    at = 0.0
    made = 0
    rounds = repeat(0) if fault == "endless" else range(1)
    for _ in rounds:
        begun = at
        for i, (offset, size) in enumerate(zip(due, chunks, strict=True)):
            if fault == "endless" and begun:
                at += max(settings.chunk_ms / 1000, 0.001)
            else:
                at = offset
            if i == half:
                yield from _trouble(ask, settings, fault, at)
                if fault in {"reset_mid", "close_mid", "stuck", "error_mid", "leak_mid"}:
                    return
            final = i == last and fault != "endless"
            if fewer and final:
                continue
            text = SPLIT if fault == "split_utf8" else " tok" * size
            if fault == "empty" or (fault == "special" and i):
                text = ""
            yield Step(at, token_event(model, ask.chat, size, ask.finish if final else None, ask.with_token_ids, text),
                       size)  # fmt: skip
            made += size
    if fault == "wrong_count":
        made -= 1
    tail = b""
    if ask.with_usage and fault != "no_usage":
        tail += usage_event(ask, settings, made, cached)
    if fault != "no_done":
        tail += event("[DONE]")
    yield Step(at, tail, end="done")


def _trouble(ask: Ask, settings: Settings, fault: str | None, at: float) -> Iterator[Step]:
    """What comes in the middle."""
    if fault in {"reset_mid", "close_mid"}:
        yield Step(at, b"", end="rst" if fault == "reset_mid" else "fin")
    elif fault == "stuck":
        yield Step(at, b"", end="hang")
    elif fault == "error_mid":
        yield Step(at, error_event("EngineCore encountered an issue") + event("[DONE]"), end="done")
    elif fault == "leak_mid":
        yield Step(at, error_event(f"{ask.key} {ask.body}", ask.key, ask.key) + event("[DONE]"), end="done")
    elif fault == "malformed":
        yield Step(at, event('{"id":"cmpl-fault","choices":[{"index":0,"te'))
    elif fault == "not_object":
        yield Step(at, event("5"))
    elif fault == "half_utf8":
        broken = token_event(settings.model, ask.chat, 1, None, False, "é").replace("é".encode(), "é".encode()[:1])
        yield Step(at, broken)
    elif fault == "comments":
        yield Step(at, b": keep-alive\n\n" * 3)


def steps(ask: Ask, settings: Settings, fault: str | None, cached: int) -> tuple[Iterator[Step], float]:
    """All that is written after the headers, framed, and for how long the request holds its slot."""
    chunks = list(sizes(ask, settings))
    due, hold = offsets(ask, settings, chunks, cached)
    parts = _parts(ask, settings, fault, due, chunks, cached)
    if fault == "crlf":
        parts = (part._replace(data=part.data.replace(b"\n", b"\r\n")) for part in parts)
    if fault == "gzip":
        parts = _at_once(parts, compress=True)
    elif fault == "batched":
        parts = _at_once(parts)
    elif fault in {"byte_by_byte", "split_utf8"}:
        parts = _in_bytes(parts)
    if fault == "content_length":
        whole = list(parts)
        return iter([Step(0.0, headers(fault, sum(len(p.data) for p in whole))), *whole]), hold
    if fault == "until_close":
        return (part._replace(end="fin") if part.end == "done" else part for part in parts), hold
    if fault == "bad_chunk":
        return _one_bad(parts, len(chunks) // 2), hold
    return map(_chunked, parts), hold


def _one_bad(parts: Iterator[Step], at: int) -> Iterator[Step]:
    """The size of one chunk is none."""
    for i, part in enumerate(parts):
        yield _chunked(part) if i != at else part._replace(data=b"zz\r\n" + part.data + b"\r\n")


def _chunked(part: Step) -> Step:
    data = framed(part.data) if part.data else b""
    return Step(part.offset, data + END if part.end == "done" else data, part.tokens, part.end)


def _at_once(parts: Iterator[Step], compress: bool = False) -> Iterator[Step]:
    """All in one write, when the last is due."""
    whole = list(parts)
    data = b"".join(part.data for part in whole)
    yield Step(whole[-1].offset, gzip.compress(data) if compress else data, sum(p.tokens for p in whole), whole[-1].end)


def _in_bytes(parts: Iterator[Step]) -> Iterator[Step]:
    """Each byte in a write of its own; an event's tokens count with its last byte."""
    at = 0.0
    for part in parts:
        at = max(at, part.offset)
        for i in range(len(part.data)):
            is_last = i == len(part.data) - 1
            yield Step(at, part.data[i : i + 1], part.tokens if is_last else 0, part.end if is_last else "")
            at += BYTE_GAP_S
