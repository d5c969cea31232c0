"""LiteLLM spend logs: JSON, JSONL and CSV exports. `prompt_tokens` includes cached ones, whichever the provider.

What the proxy's response cache answered (`cache_hit`) reached no model: it is dropped, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tco.traffic.batch import Batch
from tco.traffic.columns import FURTHEST, UNITS, time_of
from tco.traffic.formats.base import Facts, Format, Head, Pass, always, tabled
from tco.traffic.formats.messages import parsed, prompt_of
from tco.traffic.formats.rows import FAILED, BadRowError, Found, One, count, gathered, text, values
from tco.traffic.formats.usage import inside, usage_of

COLUMNS = ("startTime", "endTime", "prompt_tokens", "completion_tokens", "model", "cache_hit", "request_id", "status")
NEEDED = frozenset({"startTime", "prompt_tokens"})
ALL = (*COLUMNS, "session_id", "call_type", "metadata", "messages", "usage")
OTHER_CALLS = ("embedding", "image", "speech", "transcription", "moderation", "rerank", "search", "health")
"""Calls that are no text, by a part of their `call_type`."""
EPOCHS = {unit: (10**9 * UNITS["s"] // scale, 10**10 * UNITS["s"] // scale) for unit, scale in UNITS.items()}
"""Numbers that are times of day between 2001 and 2286, by unit."""


def read(job: Pass) -> Iterator[Batch]:
    """The calls that reached a model, as they stand."""
    for found in _from_csv(job) if _is_csv(job) else values(job):
        rows: list[One] = []
        for value, line in zip(found.values, found.lines, strict=True):
            try:
                rows.append(_one(value, job.prompts))
            except BadRowError as problem:
                job.tally.drop(str(problem), line, 1)
        if rows:
            job.tally.kept += len(rows)
            yield gathered(rows, found.size, timed=True)


def _is_csv(job: Pass) -> bool:
    return job.stream.head().lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"[")


def _from_csv(job: Pass) -> Iterator[Found]:
    for table in tabled(job, ALL):
        names = list(table.columns)
        rows = [dict(zip(names, cells, strict=True)) for cells in zip(*table.columns.values(), strict=True)]
        size = sum(map(len, table.columns.get("messages", ()))) + 200 * table.rows
        yield Found(rows, list(table.lines), size)


def _one(row: Any, prompts: bool) -> One:
    if not isinstance(row, dict):
        raise BadRowError("no row of a spend log")
    call = str(row.get("call_type") or "")
    if any(kind in call for kind in OTHER_CALLS):
        raise BadRowError(f"no text: `{call[:40]}`")
    if str(row.get("cache_hit")).strip().lower() in ("true", "1", "t"):
        raise BadRowError("answered by the response cache")
    metadata = parsed(row.get("metadata"))
    metadata = metadata if isinstance(metadata, dict) else {}
    if "fail" in str(row.get("status") or metadata.get("status") or "").lower():
        raise BadRowError(FAILED)
    start = _moment(row.get("startTime"), "startTime")
    if start is None:
        raise BadRowError("no `startTime`")
    end = _moment(row.get("endTime"), "endTime")
    tokens = count(row.get("prompt_tokens"), "prompt_tokens")
    output = count(row.get("completion_tokens"), "completion_tokens")
    used = inside(tokens, output, _cached(row, metadata))
    # looked at even where the text is not wanted, so that the same rows are kept
    prompt = prompt_of(row.get("messages")) if row.get("messages") else None
    if tokens is None and prompt is None:
        raise BadRowError("neither `prompt_tokens` nor messages")
    return One(
        start,
        used.input_tokens,
        used.output_tokens,
        used.cached_tokens,
        end - start if end is not None and end >= start else None,
        text(row.get("request_id")),
        text(row.get("session_id")),
        None,
        prompt if prompts else None,
        text(row.get("model")),
    )


def _cached(row: dict[str, Any], metadata: dict[str, Any]) -> int | None:
    """Input tokens from a provider's cache, wherever the version of the proxy puts them."""
    for said in (row.get("usage"), metadata.get("usage_object"), metadata.get("additional_usage_values")):
        found = parsed(said)
        if isinstance(found, dict):
            # `prompt_tokens` beside it says that cached tokens are inside
            used = usage_of({"prompt_tokens": None, **found})
            if used.cached_tokens is not None:
                return used.cached_tokens
    return None


def _moment(value: Any, name: str) -> int | None:
    """Nanoseconds since 1970 of a text, or of a number whose size says its unit. Raises `BadRowError`."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        moment = time_of(value)
        if moment is not None:
            return moment
        try:
            value = float(value) if "." in value else int(value)
        except ValueError:
            raise BadRowError(f"`{name}` is no time") from None
    if isinstance(value, int | float) and not isinstance(value, bool):
        for unit, (low, high) in EPOCHS.items():
            if low <= value < high:
                ns = value * UNITS[unit]
                return round(ns) if ns < FURTHEST else None
    raise BadRowError(f"`{name}` is no time")


def _looks(head: Head) -> bool:
    return set(head.columns) >= NEEDED or head.keys >= NEEDED


LITELLM = Format(
    "litellm",
    "LiteLLM spend logs",
    COLUMNS,
    _looks,
    always(Facts(timed=True, clock=True)),
    read,
    cached="inside",
    linked=True,
)
